//! Assignments: a secret's key, and the value that some grammar gives it.
//!
//! From a candidate (`passw`, `token`, …) walk to the whole identifier, judge its words ([`key`]),
//! find where its value stands ([`place`]: quoted at any depth, bare, JSON, XML, SQL, flags,
//! prose), and judge the value ([`judge`]). HTTP headers whose value has a grammar of its own are
//! in [`header`], command lines without a key in [`command`]. No regex, no parser of JSON: a
//! closing quote has as many backslashes before it as the opening one.

mod code;
mod command;
mod extent;
mod header;
pub(crate) mod multiline_value;
mod name;
mod value_location;
mod verdict;

use self::{
    command::Commands,
    name::{Kind, Table},
};
use super::{
    Candidate, Context, Detector, Located, Rejection, byte_class, edge, search_memo::Seek, url,
};
use crate::{
    finding::{Finding, Shape},
    redact::placeholder::Placeholders,
    rules::{Recogniser, RuleId, RuleSet},
    text::{ansi, line, span::Span},
};

/// The detector.
pub(crate) struct KeyValueDetector {
    table: Table,
    commands: Commands,
}

/// How far the block has been examined, so that no walk begins again inside one that was made: a
/// record that repeats a key a hundred thousand times costs what it is long.
#[derive(Default)]
pub(crate) struct Memory {
    /// Every key before this was judged.
    done: usize,
    /// The last value without quotes, and how it was written.
    bare: Option<value_location::Place>,
    /// The same behind a key in text that is percent-encoded.
    encoded: Option<value_location::Place>,
    /// The same behind strong keys, where values end otherwise.
    wide: Option<value_location::Place>,
    /// What is open before the last strong key whose value needed to know.
    around: extent::Around,
    /// The last one that went. What ends where it ends and begins inside it goes with it.
    gone: Span,
    /// Where the next double quote stands behind the beginning of that one.
    quote: Seek,
    /// Where the last values ended that stayed, and how many of them ended there.
    refused: (usize, u32),
    /// How little the values look like secrets that begin inside another.
    calm: verdict::Calm,
    /// Where the next element's tag begins.
    tag: Seek,
    /// Where the next `<` stands.
    mark: Seek,
    /// Where the next fragment of a URL begins.
    url: Seek,
    /// The parts of URLs in which values begin.
    parts: url::Parts,
    /// The end of the last array or object whose leaves were taken.
    leaves: usize,
    /// The same behind a weak key, where not every leaf was taken.
    weak_leaves: usize,
    headers: header::Memo,
    commands: command::Memo,
    /// The end of the last array or object whose brackets were counted.
    counted_brackets: usize,
    /// What the last key opens in the lines below it.
    below: Option<multiline_value::Open>,
    /// The end of the lines below a key that were read.
    pub(super) below_end: usize,
    /// The lines below keys that were read, with those of the keys, in order.
    pub(super) reads: Vec<multiline_value::Read>,
    /// How often a key was one, so that its value was looked for.
    judged: u64,
}

impl Memory {
    /// The last values without quotes, one for each way in which they end.
    fn bare_values(&self) -> [Option<value_location::Place>; 3] {
        [self.bare, self.wide, self.encoded]
    }

    /// A new block begins: nothing of it was examined. The memory is kept.
    pub(super) fn clear(&mut self) {
        let mut commands = std::mem::take(&mut self.commands);
        let mut reads = std::mem::take(&mut self.reads);
        commands.clear();
        reads.clear();
        *self = Memory { commands, reads, ..Memory::default() };
    }

    /// Whether a double quote stands between the beginning of the last value that went and `end`.
    fn has_quote(&mut self, hay: &[u8], end: usize) -> bool {
        let search =
            |from, to| memchr::memchr(b'"', &hay[from..to]).map(|length: usize| from + length);
        self.quote.find(self.gone.start, end, search).is_some()
    }

    /// Something that changes whenever there was more to do than to name a key.
    pub(super) fn effort(&self) -> u64 {
        self.judged + self.headers.effort()
    }
}

/// How much a key says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// The value must look like a secret.
    Weak,
    /// The value must not look like anything else.
    Strong,
}

impl Detector for KeyValueDetector {
    fn detect(&self, candidate: Candidate, context: &mut Context<'_>) -> Result<(), Rejection> {
        let n_before = context.findings.len();
        if self.commands.may_be(candidate.span().of(context.hay)) {
            let hit = context.locate(candidate);
            let (memo, mut report) = split(context);
            self.commands.confirm(&hit, &mut memo.commands, &mut report);
        }
        let verdict = self.key(candidate, context);
        if context.memory.key_value.below.is_some() {
            read_below(candidate, context);
        }
        if context.findings.len() > n_before { Ok(()) } else { verdict }
    }
}

impl KeyValueDetector {
    pub(super) fn new(rules: &RuleSet) -> KeyValueDetector {
        let keys = || {
            rules.iter().filter_map(|(id, rule)| match &rule.recogniser {
                Recogniser::Assign(keys) => Some((id, keys)),
                _ => None,
            })
        };
        KeyValueDetector { table: Table::new(keys()), commands: Commands::new(keys()) }
    }

    /// Goes on with the value below its key that the context's state holds open, from the first
    /// byte of the text.
    pub(super) fn resume(&self, context: &mut Context<'_>) {
        if context.state.below.is_some() {
            context.memory.key_value.below_end = lines_below(context, 0);
        }
    }

    /// Looks for the value of the key around the anchor.
    fn key(&self, candidate: Candidate, context: &mut Context<'_>) -> Result<(), Rejection> {
        let (hay, anchor) = (context.hay, candidate.span());
        let memo = &mut context.memory.key_value;
        if anchor.start < memo.done {
            return Err(Rejection::AlreadyExamined);
        }
        // No line end is part of a name or follows one that has a value, so as yet it does not
        // matter where the record ends.
        let name = name::identifier(hay, anchor).ok_or(Rejection::UnknownKey)?;
        memo.done = name.end;
        // Nothing but white space, a separator, a quote or a bracket leads from a key to a value:
        // `invalid token, client`.
        let follower = hay.get(name.end).ok_or(Rejection::NoValue)?;
        if !byte_class::is(*follower, byte_class::FOLLOWER) {
            return Err(Rejection::NoValue);
        }
        // `REDACTED-db-password` names a rule and no key.
        let text = name.of(hay);
        if is_label(context.placeholders, text) {
            return Err(Rejection::Placeholder);
        }
        let key = self.table.classify(hay, name).ok_or(Rejection::UnknownKey)?;
        if verdict::is_nothing_plain(hay, &key) {
            return Err(Rejection::PlainText);
        }
        if name::may_be_label(text) && context.placeholders.ends(text) {
            return Err(Rejection::Placeholder);
        }
        let hit = &context.locate(candidate);
        let (memo, report) = split(context);
        let report = &mut { report };
        match key.kind {
            Kind::Header => header::credential(hit, &key, &mut memo.headers, report),
            Kind::Cookie => header::cookies(hit, &key, &mut memo.headers, report),
            Kind::Plain(strength) => return self.plain(hit, &key, strength, memo, report),
            Kind::Service { .. } => return self.plain(hit, &key, Strength::Weak, memo, report),
        }
        Err(Rejection::NoCredential)
    }

    fn plain(
        &self,
        hit: &Located<'_>,
        key: &name::Key,
        strength: Strength,
        memo: &mut Memory,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Rejection> {
        plain(&Within { hit, table: &self.table }, key, strength, memo, report)
    }
}

/// So many values are judged that end at the same place: `password:password:password:…`. If all of
/// them stay, the next one goes. No line of daily life has so many keys in one value, and judging a
/// value costs up to half a kilobyte.
const MAX_REFUSED: u32 = 16;

/// The detector's own memory, and where it reports findings.
fn split<'s, 'c>(context: &'s mut Context<'c>) -> (&'s mut Memory, Report<'s, 'c>) {
    let Context { hay, placeholders, findings, memory, .. } = context;
    (&mut memory.key_value, Report { hay, placeholders, findings })
}

/// Reads the lines below the key around `candidate`, which opened a value there.
fn read_below(candidate: Candidate, context: &mut Context<'_>) {
    let memory = &mut context.memory.key_value;
    let Some(opened) = memory.below.take() else { return };
    // Inside lines that were read already nothing opens anew.
    if candidate.span().start < memory.below_end {
        return;
    }
    context.state.below = Some(opened);
    let record = context.locate(candidate).record;
    let read = multiline_value::Read { start: record.start, before: None, after: Some(opened) };
    context.memory.key_value.reads.push(read);
    context.memory.key_value.below_end =
        lines_below(context, line::next(context.hay, record.end)).max(1);
}

/// Reads lines from `start` on for as long as a value is open; returns where it stopped.
fn lines_below(context: &mut Context<'_>, start: usize) -> usize {
    let Context { hay, placeholders, findings, state, memory } = context;
    let found = (&mut **findings, &mut memory.key_value.reads);
    multiline_value::lines(hay, start, &mut state.below, placeholders, found)
}

/// Whether `text` is a label, as most records hold that are scanned for the second time. Other
/// placeholders are recognised later, when everything else is known.
fn is_label(placeholders: &Placeholders, text: &[u8]) -> bool {
    text.starts_with(b"REDACTED-") && placeholders.is_whole(text)
}

/// Where findings go, and what is known to be none.
pub(super) struct Report<'r, 'h> {
    hay: &'h [u8],
    placeholders: &'r Placeholders,
    findings: &'r mut Vec<Finding>,
}

impl Report<'_, '_> {
    /// See [`is_label`].
    fn is_label(&self, text: &[u8]) -> bool {
        is_label(self.placeholders, text)
    }

    /// Answers whether it is one, and no placeholder.
    fn push(&mut self, span: Span, rule: RuleId, shape: Shape) -> bool {
        let is_nothing = span.is_empty() || ansi::is_colours(span.of(self.hay));
        let is_finding = !is_nothing && !self.placeholders.is_whole(span.of(self.hay));
        if is_finding {
            self.findings.push(Finding { span, rule, shape });
        }
        is_finding
    }
}

/// A candidate in its record, and what is known of keys.
struct Within<'w, 'h> {
    hit: &'w Located<'h>,
    table: &'w Table,
}

fn plain(
    within: &Within<'_, '_>,
    key: &name::Key,
    strength: Strength,
    memo: &mut Memory,
    report: &mut Report<'_, '_>,
) -> Result<(), Rejection> {
    let hit = within.hit;
    memo.judged += 1;
    memo.below = multiline_value::open(
        hit,
        key.name,
        key.quote,
        key.rule,
        strength == Strength::Weak,
        &mut memo.counted_brackets,
    );
    let known = memo.bare_values();
    let mut place = value_location::find(hit, key, memo).ok_or(Rejection::NoValue)?;
    if let value_location::Form::Structure = place.form {
        return structure(within, key, strength, place.value.start, memo, report);
    }
    if strength == Strength::Weak {
        place.value = narrow(hit.hay, place.value);
    }
    let value = place.value;
    // Without quotes, so that no quote inside ends it earlier when findings are settled.
    let is_around = |bare: &value_location::Place| {
        bare.value.start <= value.start && value.end <= bare.value.end
    };
    let is_bare = memo.bare_values().iter().flatten().any(is_around);
    let is_gone = value.end == memo.gone.end && value.start >= memo.gone.start;
    if is_gone
        && (is_bare
            || place.form == value_location::Form::Element && !memo.has_quote(hit.hay, value.start))
    {
        return Err(Rejection::AlreadyExamined);
    }
    let core = verdict::core(value.of(hit.hay));
    if report.is_label(core) || core.len() < value.len() && report.placeholders.is_whole(core) {
        return Err(Rejection::Placeholder);
    }
    let is_inside = known.iter().flatten().any(|known| known.value.contains(value.start));
    if is_inside && strength == Strength::Weak && memo.calm.stays(hit.hay, key, &place) {
        return Err(Rejection::NotRandom);
    }
    let shape = value_location::scalar(hit.hay, key, &place);
    let n_refused = memo.refused.1 * u32::from(memo.refused.0 == value.end);
    if n_refused < MAX_REFUSED {
        verdict::judge(hit, key, strength, &place, shape)
            .inspect_err(|_| memo.refused = (value.end, n_refused + 1))?;
    }
    if !report.push(value, key.rule, shape) {
        return Err(Rejection::Placeholder);
    }
    if is_bare || place.form == value_location::Form::Element {
        memo.gone = value;
    }
    Ok(())
}

/// What of a weak key's value may be a secret: without the characters at its ends that are no part
/// of one, and without a scheme before it. A strong key's value may begin and end with any
/// character.
fn narrow(hay: &[u8], value: Span) -> Span {
    let value = edge::trim(hay, value);
    Span::new(value.start + header::scheme_length(value.of(hay)), value.end)
}

/// The leaves of the array or object of JSON at `at`: all of them behind a strong key; behind a
/// weak one those that look like secrets and are the value of the key itself or of another key.
fn structure(
    within: &Within<'_, '_>,
    key: &name::Key,
    strength: Strength,
    at: usize,
    memo: &mut Memory,
    report: &mut Report<'_, '_>,
) -> Result<(), Rejection> {
    let hit = within.hit;
    let n_before = report.findings.len();
    match strength {
        Strength::Strong if at >= memo.leaves => {
            memo.leaves = value_location::leaves(hit, key, at, |leaf| {
                if leaf.shape != Shape::Text || !super::value::is_template(leaf.span.of(hit.hay)) {
                    report.push(leaf.span, key.rule, leaf.shape);
                }
            });
        }
        Strength::Weak if at >= memo.leaves.max(memo.weak_leaves) => {
            memo.weak_leaves = value_location::leaves(hit, key, at, |leaf| {
                let is_value = |name: Span| {
                    name::names_value(name.of(hit.hay)) || within.table.knows(hit.hay, name)
                };
                let place = value_location::Place {
                    value: narrow(hit.hay, leaf.span),
                    form: value_location::Form::Quoted,
                };
                if leaf.shape == Shape::Text
                    && leaf.name.is_none_or(is_value)
                    && verdict::judge(hit, key, strength, &place, Shape::Text).is_ok()
                {
                    report.push(place.value, key.rule, Shape::Text);
                }
            });
        }
        _ => {}
    }
    if report.findings.len() > n_before { Ok(()) } else { Err(Rejection::NoSecretInside) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{detect::oracle::Numbers, rules::RuleSet};

    #[test]
    fn what_is_told_by_what_follows_the_name_has_no_value() {
        const NAMES: &[&str] =
            &["password", "token", "max_tokens", "key", "api_key", "client-secret", "pass", "Auth"];
        const BEFORE: &[&str] =
            &["", " ", "?", "-", "--", "{\"", "x=", "login bob ", "\"a\":\"", "<", "token=(a,b"];
        const BEHIND: &[&str] = &[
            " ",
            " ",
            "=",
            "=",
            ":",
            "\"",
            "\":\"",
            "\": \"",
            "***",
            "***\"",
            ",",
            ";",
            "\t",
            "(\"",
            "('",
            "[",
            "{",
            "}",
            "\\\"",
            "is ",
            "reset ",
            "expired",
            "to ",
            "new String",
            "order:12:summary",
            "4096",
            "k",
            ".",
            "-",
            "hunter2",
            "\n",
            "x7Kp2mQ9vT4nB8dL1sR6",
            "\u{e9}",
        ];
        let rules = RuleSet::embedded();
        let (assign, placeholders) = (KeyValueDetector::new(&rules), Placeholders::new(&rules, []));
        let mut numbers = Numbers(11);
        let mut n_nothing = 0;
        for _ in 0..200_000 {
            let mut text = BEFORE[numbers.below(BEFORE.len())].to_owned();
            let start = text.len();
            text.push_str(NAMES[numbers.below(NAMES.len())]);
            let name = Span::new(start, text.len());
            (0..=numbers.below(6)).for_each(|_| text.push_str(BEHIND[numbers.below(BEHIND.len())]));
            let hay = text.as_bytes();
            let Some(key) = assign.table.classify(hay, name) else { continue };
            let Kind::Plain(strength) = key.kind else { continue };
            if verdict::is_nothing_plain(hay, &key) {
                n_nothing += 1;
                let end = memchr::memchr(b'\n', hay).unwrap_or(hay.len());
                let hit = Located { hay, record: Span::new(0, end), anchor: name };
                let mut findings = Vec::new();
                let mut report =
                    Report { hay, placeholders: &placeholders, findings: &mut findings };
                let mut memo = Memory::default();
                let answer = assign.plain(&hit, &key, strength, &mut memo, &mut report);
                assert!(answer.is_err() && findings.is_empty() && memo.below.is_none(), "{text:?}");
            }
        }
        assert!(n_nothing > 5000, "{n_nothing} were told so");
    }

    #[test]
    fn so_many_keys_in_one_value_are_none_of_daily_life() {
        let rules = RuleSet::embedded();
        let mut scrubber =
            crate::Scrubber::new(&rules, &crate::Policy::new()).expect("the policy is plain");
        for key in ["password:", "dbpass:", "pwd:"] {
            for n_keys in [2, 8, MAX_REFUSED as usize] {
                let text = key.repeat(n_keys);
                assert_eq!(
                    scrubber.scrub_block(text.as_bytes(), &mut Vec::new()),
                    crate::Outcome::Clean,
                    "{text}"
                );
            }
            let text = key.repeat(3 * MAX_REFUSED as usize);
            assert_eq!(
                scrubber.scrub_block(text.as_bytes(), &mut Vec::new()),
                crate::Outcome::Changed,
                "{text}"
            );
        }
    }

    #[test]
    fn a_value_that_stays_for_what_it_lies_in_would_stay_by_itself() {
        const NAMES: &[&str] = &["token", "key", "api_key", "pass", "my_pass", "auth"];
        const PIECES: &str = "= : ? & . / - _ + ! @ token= key= pass= hello 1 42 a q deadbeef Zx9 0123456789abcdef x7Kp2mQ9vT4nB8dL1sR6";
        let pieces: Vec<&str> = PIECES.split(' ').collect();
        let rules = RuleSet::embedded();
        let assign = KeyValueDetector::new(&rules);
        let mut numbers = Numbers(12);
        let mut n_stay = 0;
        for _ in 0..100_000 {
            let name = NAMES[numbers.below(NAMES.len())];
            let mut text = format!("{name}=");
            (0..1 + numbers.below(8))
                .for_each(|_| text.push_str(pieces[numbers.below(pieces.len())]));
            let hay = text.as_bytes();
            let hit =
                Located { hay, record: Span::new(0, hay.len()), anchor: Span::new(0, name.len()) };
            let Some(key) = assign.table.classify(hay, hit.anchor) else { continue };
            let Kind::Plain(strength @ Strength::Weak) = key.kind else { continue };
            let place = value_location::Place {
                value: Span::new(name.len() + 1, hay.len()),
                form: value_location::Form::Tight,
            };
            if verdict::Calm::default().stays(hay, &key, &place) {
                n_stay += 1;
                assert!(
                    verdict::judge(&hit, &key, strength, &place, Shape::Text).is_err(),
                    "{text}"
                );
            }
        }
        assert!(n_stay > 10_000, "{n_stay} stayed");
    }
}
