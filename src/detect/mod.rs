//! From bytes to findings.
//!
//! One pass of the prefilter finds where an anchor of any rule stands; the record around such a
//! candidate is located, the anchor's recogniser looks around it and claims a span or does not;
//! overlapping claims settle to their union. Scanning cannot fail on any bytes, does no I/O, takes
//! no lock, and allocates nothing once its scratch has grown.
//!
//! What crosses records is small and explicit: [`State`] holds an open private-key block, one for
//! each stream of a container, and a key whose value stands in the lines below it.

pub(crate) mod edge;

pub(crate) mod cost;
pub(crate) mod decode;
pub(crate) mod email;
pub(crate) mod key_value;
pub(crate) mod private_key;
pub(crate) mod rejection;
pub(crate) mod strip_ansi;
pub(crate) mod token;
pub(crate) mod url;

mod byte_class;
mod field_name;
mod merge;
#[cfg(test)]
pub(crate) mod oracle;
mod search_memo;
pub(crate) mod validators;
mod value;
mod words;

use self::{
    key_value::multiline_value,
    rejection::{Answer, Doubted},
};
use crate::{
    finding::Finding,
    prefilter::{Candidate, Cpu, Prefilter, Sign, marks::Marks},
    redact::placeholder::Placeholders,
    rules::{Allowances, Recogniser, RuleId, RuleSet},
    text::{encoding, span::Span},
};

/// The longest secret, in bytes, that is found whole wherever it lies. A value whose end is found
/// by one walk over its record may be longer: whoever would have to walk a text again looks no
/// further than this.
pub(crate) const MAX_SECRET: usize = 64 << 10;

/// A candidate in its record.
#[derive(Clone, Copy)]
pub(crate) struct Hit<'h> {
    /// The block.
    pub(crate) hay: &'h [u8],
    /// The record around the candidate, without its terminator. A recogniser looks nowhere else.
    pub(crate) record: Span,
    /// Where the anchor stands.
    pub(crate) anchor: Span,
}

/// A candidate whose record is not located yet. Most candidates are told to be nothing by the bytes
/// right beside them, and for those nobody searches the edges of a record.
#[derive(Clone, Copy)]
pub(crate) struct Sight<'h> {
    /// The block.
    pub(crate) hay: &'h [u8],
    /// Where the anchor stands.
    pub(crate) anchor: Span,
}

/// Answers the record around an offset, without its terminator. A record ends where a line ends or
/// the block does, so what no line end can be part of lies in one record.
pub(crate) type Locate = fn(&[u8], usize) -> Span;

/// Who is asked about a candidate of an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Token(RuleId),
    Assign,
    Url,
    Email,
    KeyBlock,
}

/// Finds secrets in blocks. Immutable once built; what changes lies in [`Scratch`] and [`State`].
pub(crate) struct Scanner {
    rules: RuleSet,
    prefilter: Prefilter,
    targets: Vec<Vec<Target>>,
    /// How many of the prefilter's anchors are rules'; behind them are signs.
    n_anchors: usize,
    /// The first of the signs that are markers of encodings.
    printable: usize,
    placeholders: Placeholders,
    allowances: Allowances,
    assign: key_value::Assign,
    url: url::Url,
    email: email::Email,
    key_block: private_key::KeyBlock,
}

/// What the one pass over a block tells of it.
#[derive(Default)]
pub(crate) struct Looked {
    candidates: Vec<Candidate>,
    marks: Marks,
    /// Where it is said that a record is quoted-printable, in order.
    printable: Vec<usize>,
}

impl Looked {
    /// Becomes what `all` tells of `part` of its block.
    fn take_part(&mut self, all: &Looked, part: Span) {
        let first =
            |at: usize| all.candidates.partition_point(|candidate| candidate.span().start < at);
        self.candidates.clear();
        let inside = &all.candidates[first(part.start)..first(part.end)];
        self.candidates.extend(inside.iter().map(|candidate| candidate.from(part.start)));
        self.marks.take_part(&all.marks, part);
        self.printable.clear();
        let inside = all.printable.iter().filter(|at| part.contains(**at));
        self.printable.extend(inside.map(|at| at - part.start));
    }
}

/// Memory of one worker, reused from block to block.
#[derive(Default)]
pub(crate) struct Scratch {
    looked: Looked,
    signs: Vec<(usize, usize)>,
    findings: Vec<Finding>,
    /// What the user says is no secret.
    allowed: Vec<Finding>,
    token: token::Caches,
    progress: Progress,
    records: merge::Records,
    /// The lines that were read as values below their keys, in order.
    reads: Vec<multiline_value::Read>,
    /// Counts and times what is asked; only where somebody measures.
    meter: Option<Box<cost::Meter>>,
    /// What refuted the candidates of the last scan; only where somebody asks.
    doubted: Option<Vec<Doubted>>,
}

impl Scratch {
    /// What the last scan found: sorted, disjoint, never touching.
    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What the last scan found and the user says is no secret.
    pub(crate) fn allowed(&self) -> &[Finding] {
        &self.allowed
    }

    pub(crate) fn findings_mut(&mut self) -> &mut Vec<Finding> {
        &mut self.findings
    }

    /// What refutes candidates is written down from now on.
    #[cfg(feature = "cli")]
    pub(crate) fn ask_why(&mut self) {
        self.doubted = Some(Vec::new());
    }

    /// What refuted candidates of the last scan, in order.
    #[cfg(feature = "cli")]
    pub(crate) fn doubted(&self) -> &[Doubted] {
        self.doubted.as_deref().unwrap_or_default()
    }

    /// Forgets what a scan left half done.
    pub(crate) fn reset(&mut self) {
        let doubted = self.doubted.take().map(|_| Vec::new());
        *self = Scratch { doubted, ..Scratch::default() };
    }

    /// The signs that the last look met, in order: which, and where.
    pub(crate) fn signs(&self) -> &[(usize, usize)] {
        &self.signs
    }

    /// What the last look told, to be judged part by part.
    pub(crate) fn take_looked(&mut self) -> Looked {
        std::mem::take(&mut self.looked)
    }

    /// `part` alone is to be judged next, as a block of its own; `looked` tells of the whole.
    pub(crate) fn give_looked(&mut self, looked: &Looked, part: Span) {
        self.looked.take_part(looked, part);
    }

    /// What the last look told, and what was found of it.
    pub(crate) fn looked(&mut self) -> (&Looked, &mut Vec<Finding>) {
        (&self.looked, &mut self.findings)
    }

    /// The record around `at` in the block that was scanned last. Cheap when asked in order.
    pub(crate) fn record(&mut self, hay: &[u8], locate: Locate, at: usize) -> Span {
        self.records.around(hay, locate, at)
    }

    /// The lines that the last scan read as values below their keys, and those of the keys, in
    /// order.
    pub(crate) fn reads(&self) -> &[multiline_value::Read] {
        &self.reads
    }

    /// Whether the last scan met something that reaches into the records behind it: the beginning
    /// of a private key, or a key whose value stands below it.
    pub(crate) fn met_open(&self) -> bool {
        self.progress.key_block > 0 || self.progress.below > 0
    }
}

/// How far each recogniser has examined the block, so that a second anchor of the same thing costs
/// nothing.
#[derive(Default)]
struct Progress {
    assign: key_value::Memo,
    url: url::Progress,
    email: email::Progress,
    key_block: usize,
    below: usize,
}

impl Progress {
    /// A new block begins: nothing of it was examined. The memory is kept.
    fn clear(&mut self) {
        let mut assign = std::mem::take(&mut self.assign);
        assign.clear();
        *self = Progress { assign, ..Progress::default() };
    }
}

/// What crosses the edge of a record.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// A private-key block whose end has not come yet.
    key_block: Option<private_key::Open>,
    /// One more, of a container's other stream; only while the first is open.
    other_block: Option<private_key::Open>,
    /// A secret key whose value stands in the lines below it.
    below: Option<multiline_value::Open>,
}

impl State {
    /// What is open here, but for the key whose value stands in the lines below it.
    pub(crate) fn with_below(self, below: Option<multiline_value::Open>) -> State {
        State { below, ..self }
    }

    /// The key whose value stands in the lines below it.
    pub(crate) fn open_below(&self) -> Option<multiline_value::Open> {
        self.below
    }

    /// Whether something is open.
    pub(crate) fn is_open(&self) -> bool {
        self.key_block.is_some() || self.below.is_some()
    }

    /// The same for a scanner with other rules, of which `number` tells those that were there
    /// before. An open private key needs no number. A value below its key stays open only if its
    /// rule is still there.
    #[cfg(feature = "cli")]
    pub(crate) fn renumbered(self, number: impl Fn(RuleId) -> Option<RuleId>) -> State {
        State { below: self.below.and_then(|open| open.renumbered(number)), ..self }
    }
}

impl Scanner {
    pub(crate) fn new(rules: RuleSet, placeholders: Placeholders, cpu: Cpu) -> Scanner {
        Scanner::with_signs(rules, placeholders, cpu, &[])
    }

    /// A scanner that tells as well where `signs` stand: texts that say something to whoever reads
    /// records.
    pub(crate) fn with_signs(
        rules: RuleSet,
        placeholders: Placeholders,
        cpu: Cpu,
        signs: &[Sign<'_>],
    ) -> Scanner {
        let n_signs = signs.len();
        let markers = encoding::markers().map(|marker| Sign::Anywhere(marker.as_bytes()));
        let signs: Vec<Sign<'_>> = signs.iter().copied().chain(markers).collect();
        let (prefilter, anchors) = Prefilter::new(&rules, cpu, &signs);
        Scanner {
            prefilter,
            n_anchors: anchors.len() - signs.len(),
            printable: n_signs,
            targets: anchors.iter().map(|users| targets(&rules, users)).collect(),
            assign: key_value::Assign::new(&rules),
            url: url::Url::new(&rules),
            email: email::Email::new(&rules),
            key_block: private_key::KeyBlock::new(&rules),
            placeholders,
            allowances: Allowances::default(),
            rules,
        }
    }

    /// What the user says is no secret stays.
    pub(crate) fn allowing(self, allowances: Allowances) -> Scanner {
        Scanner { allowances, ..self }
    }

    pub(crate) fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// The findings of a block that begins and ends on record edges: sorted, disjoint, never
    /// touching.
    ///
    /// `locate` answers the record around an offset: framing is not this room's.
    pub(crate) fn scan<'s>(
        &self,
        hay: &[u8],
        locate: Locate,
        state: &mut State,
        scratch: &'s mut Scratch,
    ) -> &'s [Finding] {
        self.look(hay, scratch);
        self.judge(hay, locate, state, scratch)
    }

    /// Finds the candidates of a block, and the signs in it.
    pub(crate) fn look(&self, hay: &[u8], scratch: &mut Scratch) {
        let Scratch { looked: Looked { candidates, marks, printable }, signs, .. } = scratch;
        candidates.clear();
        signs.clear();
        printable.clear();
        self.prefilter.candidates(hay, candidates, marks);
        candidates.retain(|candidate| {
            let start = candidate.span().start;
            match candidate.anchor().checked_sub(self.n_anchors) {
                None => return true,
                Some(sign) if sign >= self.printable => printable.push(start),
                Some(sign) => signs.push((sign, start)),
            }
            false
        });
    }

    /// The findings of a block that was looked at, or of the part of it that is to be judged.
    pub(crate) fn judge<'s>(
        &self,
        hay: &[u8],
        locate: Locate,
        state: &mut State,
        scratch: &'s mut Scratch,
    ) -> &'s [Finding] {
        scratch.findings.clear();
        scratch.allowed.clear();
        scratch.records.clear();
        scratch.reads.clear();
        scratch.progress.clear();
        if let Some(doubted) = &mut scratch.doubted {
            doubted.clear();
        }
        while scratch
            .looked
            .candidates
            .last()
            .is_some_and(|candidate| candidate.span().start >= hay.len())
        {
            scratch.looked.candidates.pop();
        }
        if scratch.looked.candidates.is_empty() && !state.is_open() {
            return &[];
        }
        scratch.token.begin(self.rules.rules().len());
        if state.key_block.is_some() {
            scratch.progress.key_block = self.key_block.resume(hay, state, &mut scratch.findings);
        }
        if state.below.is_some() {
            let Scratch { findings, progress, reads, .. } = &mut *scratch;
            progress.below = multiline_value::lines(
                hay,
                0,
                &mut state.below,
                &self.placeholders,
                (findings, reads),
            );
        }
        for index in 0..scratch.looked.candidates.len() {
            let candidate = scratch.looked.candidates[index];
            let sight = Sight { hay, anchor: candidate.span() };
            for target in &self.targets[candidate.anchor()] {
                let answer = self.ask(*target, &sight, locate, state, scratch);
                if let (Some(doubted), Err(doubt)) = (&mut scratch.doubted, answer) {
                    let text = sight.anchor.of(hay).into();
                    doubted.push(Doubted { anchor: sight.anchor, text, target: *target, doubt });
                }
            }
        }
        if !self.allowances.is_empty() {
            self.let_stand(hay, locate, scratch);
        }
        let Scratch { findings, records, progress, .. } = &mut *scratch;
        merge::settle(hay, &self.rules, locate, records, &mut progress.url.parts, findings);
        &scratch.findings
    }

    /// Takes away what the user says is no secret, finding by finding: what another rule claims of
    /// the same bytes still goes.
    fn let_stand(&self, hay: &[u8], locate: Locate, scratch: &mut Scratch) {
        let Scratch { findings, allowed, records, .. } = scratch;
        let is_allowed = |finding: &mut Finding| {
            let Span { start, .. } = finding.span;
            let mut record = || records.around(hay, locate, start);
            self.allowances
                .take(finding.rule, finding.span.of(hay), || field_name::name(hay, record(), start))
        };
        allowed.extend(findings.extract_if(.., is_allowed));
    }

    fn ask(
        &self,
        target: Target,
        sight: &Sight<'_>,
        locate: Locate,
        state: &mut State,
        scratch: &mut Scratch,
    ) -> Answer {
        if scratch.meter.is_some() {
            return self.ask_measured(target, sight, locate, state, scratch);
        }
        let Scratch { findings, token, progress, records, reads, .. } = scratch;
        let placeholders = &self.placeholders;
        let hit = || records.hit(sight, locate);
        match target {
            Target::Token(id) => {
                token::confirm(&self.rules, id, sight, hit, placeholders, token, findings)
            }
            Target::Assign => {
                let answer =
                    self.assign.confirm(sight, hit, placeholders, &mut progress.assign, findings);
                if let Some(opened) =
                    progress.assign.below.take().filter(|_| sight.anchor.start >= progress.below)
                {
                    state.below = Some(opened);
                    let record = records.hit(sight, locate).record;
                    reads.push(multiline_value::Read {
                        start: record.start,
                        before: None,
                        after: state.below,
                    });
                    let next = memchr::memchr(b'\n', &sight.hay[record.end..]);
                    let next = next.map_or(sight.hay.len(), |newline| record.end + newline + 1);
                    let found = (findings, reads);
                    progress.below = multiline_value::lines(
                        sight.hay,
                        next,
                        &mut state.below,
                        placeholders,
                        found,
                    )
                    .max(1);
                }
                answer
            }
            Target::Url => self.url.confirm(sight, hit, placeholders, &mut progress.url, findings),
            Target::Email => self.email.confirm(
                sight,
                hit,
                placeholders,
                &mut progress.email,
                &mut progress.url,
                findings,
            ),
            Target::KeyBlock => self.key_block.confirm(
                &records.hit(sight, locate),
                placeholders,
                &mut progress.key_block,
                state,
                findings,
            ),
        }
    }
}

#[cfg(feature = "cli")]
impl Scanner {
    /// Who doubted: a token rule by its id, or the recogniser that rules share.
    pub(crate) fn name_of(&self, doubted: &Doubted) -> &str {
        match doubted.target {
            Target::Token(id) => self.rules.get(id).id(),
            Target::Assign => "assign",
            Target::Url => "url",
            Target::Email => "email",
            Target::KeyBlock => "key_block",
        }
    }
}

/// Who is asked about a candidate of an anchor that `users` have: each recogniser once.
fn targets(rules: &RuleSet, users: &[RuleId]) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::with_capacity(users.len());
    for target in users.iter().map(|id| target(rules, *id)) {
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    targets
}

fn target(rules: &RuleSet, id: RuleId) -> Target {
    match rules.get(id).recogniser {
        Recogniser::Token(_) => Target::Token(id),
        Recogniser::Assign(_) => Target::Assign,
        Recogniser::Url(_) => Target::Url,
        Recogniser::Email => Target::Email,
        Recogniser::KeyBlock => Target::KeyBlock,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::expand;

    /// The line around an offset: framing is another room's.
    pub(super) fn line(hay: &[u8], at: usize) -> Span {
        let start = memchr::memrchr(b'\n', &hay[..at]).map_or(0, |newline| newline + 1);
        let end = memchr::memchr(b'\n', &hay[at..]).map_or(hay.len(), |length| at + length);
        Span::new(start, end)
    }

    #[test]
    fn a_context_costs_no_finding() {
        let rules = RuleSet::embedded();
        let scanner = || Scanner::new(rules.clone(), Placeholders::new(&rules, []), Cpu::Portable);
        let (plain, mut bare) = (scanner(), scanner());
        let (prefilter, users) = Prefilter::without_contexts(&rules);
        bare.prefilter = prefilter;
        bare.targets = users.iter().map(|users| targets(&rules, users)).collect();
        let examples =
            rules.rules().iter().flat_map(|rule| rule.hits().iter().chain(rule.misses()));
        for example in examples {
            let text = expand(example).text;
            // As it is, cut at every place, and with each byte of it something else.
            let mut hays: Vec<Vec<u8>> = (0..=text.len()).map(|end| text[..end].to_vec()).collect();
            for (at, byte) in
                (0..text.len()).flat_map(|at| b"a\"\xc3 =@".iter().map(move |byte| (at, *byte)))
            {
                hays.push([&text[..at], &[byte], &text[at + 1..]].concat());
            }
            for hay in hays {
                let found = |scanner: &Scanner| {
                    let mut scratch = Scratch::default();
                    scanner.scan(&hay, line, &mut State::default(), &mut scratch).to_vec()
                };
                assert_eq!(found(&plain), found(&bare), "{}", hay.escape_ascii());
            }
        }
    }
}
