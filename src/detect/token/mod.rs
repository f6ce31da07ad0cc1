//! Tokens: a rule's pattern, matched where its anchor stands.
//!
//! What counts as a match is defined from left to right: at each byte of a record the pattern is
//! tried anchored; when it matches, stands on the edges that its rule asks for and is refuted by
//! nothing, the secret and the whole run of its last class are a finding, and the search goes on
//! behind it. A candidate only says where that is worth trying, and since each rule remembers where
//! its last match ended, the answer is the same as that of the naive search.
//!
//! Nearly every pattern is walked by hand ([`walk`]); a regex is compiled for the others, at their
//! first candidate.
//!
//! Two forms of damage are looked through: a token that a logger lower-cased, and one that the end
//! of its record cut.

mod judged;
mod reader;
mod simple_matcher;

use regex_automata::{Anchored, Input, meta, util::primitives::NonMaxUsize};

use regex_syntax::hir::{Class, Hir, HirKind};

use self::{
    judged::Judged,
    reader::Reader,
    simple_matcher::{Glance, Memo, Walk, Walked},
};
use super::{
    Candidate, Context, Detector, Located, Rejection,
    byte_class::{self, Traits},
    edge,
    validators::Verdict,
    value,
};
use crate::{
    finding::Finding,
    redact::placeholder::Placeholders,
    rules::{
        Anchor, Edges, Recogniser, Rule, RuleId, RuleSet,
        pattern::{Compiled, MAX_GROUPS, Pattern},
    },
    text::{span::Span, visits},
};

/// A match that does not begin with its anchor is looked for so many bytes before it. `rules lint`
/// holds every rule to it.
pub(crate) const MAX_LEAD: usize = 128;

/// A word of `near` stands at most so many bytes before the match.
const NEAR: usize = 64;

/// So many letters of base64 before a match, ended by `+` or `/`, are told from the segments of a
/// path.
const BASE64_RUN: usize = 16;

/// What one worker keeps for each rule that has had a candidate.
#[derive(Default)]
pub(crate) struct Caches {
    rules: Vec<Option<Box<Cache>>>,
    block: u64,
    /// How often a candidate stood where its pattern had to be tried.
    pub(super) tried: u64,
}

struct Cache {
    exact: Engine,
    /// The pattern without regard to case, made when it is first wanted.
    folded: Folded,
    cut: Option<Box<meta::Cache>>,
    /// What is known of the text that the last match ended with.
    judged: Judged,
    /// What tells most candidates at once, where the pattern begins with its anchor and lowering
    /// changes nothing.
    glance: Option<Glance>,
    /// Whether every match begins with an anchor.
    leads: bool,
    /// How many bytes a match has before the anchor that says where it is: at least and at most.
    reach: (usize, usize),
    /// The block that `done` speaks of.
    block: u64,
    /// Up to here the block was searched with this rule.
    done: usize,
}

/// What matches a pattern.
enum Engine {
    Walk(Walk, Memo),
    Regex(Box<meta::Cache>, Reader),
}

enum Folded {
    /// It finds no more than the pattern as written.
    Useless,
    Unmade,
    Made(Engine),
}

impl Engine {
    fn new(hir: &Hir, regex: impl FnOnce() -> meta::Cache) -> Engine {
        match Walk::new(hir) {
            Some(walk) => {
                let memo = walk.memo();
                Engine::Walk(walk, memo)
            }
            None => Engine::Regex(Box::new(regex()), Reader::new(hir)),
        }
    }

    fn clear(&mut self) {
        if let Engine::Walk(_, memo) = self {
            memo.clear();
        }
    }
}

impl Cache {
    /// Whether a match may begin with `byte`, as far as that is known.
    fn may_begin(&self, byte: u8) -> bool {
        match (&self.exact, &self.folded) {
            (Engine::Walk(walk, _), Folded::Useless) => walk.may_begin(byte),
            _ => true,
        }
    }

    fn new(rule: &Rule, compiled: &Compiled) -> Cache {
        let hir = compiled.hir(false);
        let leads = compiled.leads_with(&rule.anchors);
        let is_lowered = rule.anchors.iter().any(|anchor| anchor.fold) && loses_by_lowering(&hir);
        let exact = Engine::new(&hir, || compiled.regex().create_cache());
        let glance = match &exact {
            Engine::Walk(walk, _) if leads && !is_lowered => walk.glance(),
            _ => None,
        };
        Cache {
            exact,
            folded: if is_lowered { Folded::Unmade } else { Folded::Useless },
            cut: None,
            judged: Judged::default(),
            glance,
            leads,
            reach: if leads { (0, 0) } else { reach(&hir, &rule.anchors).unwrap_or((0, MAX_LEAD)) },
            block: 0,
            done: 0,
        }
    }

    fn folded(&mut self, compiled: &Compiled) -> Option<&mut Engine> {
        if let Folded::Unmade = self.folded {
            self.folded =
                Folded::Made(Engine::new(&compiled.hir(true), || compiled.folded().create_cache()));
        }
        match &mut self.folded {
            Folded::Made(engine) => Some(engine),
            Folded::Useless | Folded::Unmade => None,
        }
    }
}

/// Whether there are tokens that the pattern no longer matches once their letters are small: where
/// it asks for a capital letter and does not take the small one in its place.
fn loses_by_lowering(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.iter().any(u8::is_ascii_uppercase),
        HirKind::Class(Class::Bytes(class)) => {
            let holds =
                |byte: u8| class.iter().any(|range| range.start() <= byte && byte <= range.end());
            (b'A'..=b'Z').any(|letter| holds(letter) && !holds(letter.to_ascii_lowercase()))
        }
        HirKind::Class(Class::Unicode(_)) => true,
        HirKind::Repetition(repetition) => loses_by_lowering(&repetition.sub),
        HirKind::Capture(group) => loses_by_lowering(&group.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(loses_by_lowering),
    }
}

/// How many bytes stand before some anchor that every match holds in the same place, at least and
/// at most. The match that this anchor is about begins there and nowhere else, and every other one
/// has its own candidate.
fn reach(hir: &Hir, anchors: &[Anchor]) -> Option<(usize, usize)> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let at = anchors.iter().filter_map(|anchor| position(&literal.0, anchor)).min()?;
            Some((at, at))
        }
        HirKind::Capture(group) => reach(&group.sub, anchors),
        HirKind::Repetition(repetition) if repetition.min > 0 => reach(&repetition.sub, anchors),
        HirKind::Alternation(parts) => {
            let all: Option<Vec<_>> = parts.iter().map(|part| reach(part, anchors)).collect();
            all?.into_iter().reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
        }
        HirKind::Concat(parts) => {
            let mut before = (0, 0);
            for part in parts {
                if let Some(inside) = reach(part, anchors) {
                    let most = before.1 + inside.1;
                    return (most <= MAX_LEAD).then_some((before.0 + inside.0, most));
                }
                before.0 += part.properties().minimum_len()?;
                before.1 += part.properties().maximum_len()?;
            }
            None
        }
        _ => None,
    }
}

fn position(literal: &[u8], anchor: &Anchor) -> Option<usize> {
    literal.windows(anchor.text.len()).position(|window| {
        if anchor.fold {
            window.eq_ignore_ascii_case(&anchor.text)
        } else {
            window == &*anchor.text
        }
    })
}

impl Caches {
    /// A new block begins: nothing of it was searched.
    pub(super) fn begin(&mut self, n_rules: usize) {
        self.block += 1;
        if self.rules.len() < n_rules {
            self.rules.resize_with(n_rules, || None);
        }
    }

    fn of(&mut self, id: RuleId, rule: &Rule, pattern: &Pattern) -> &mut Cache {
        let block = self.block;
        let cache = self.rules[id.index()]
            .get_or_insert_with(|| Box::new(Cache::new(rule, pattern.compiled())));
        if cache.block != block {
            (cache.block, cache.done) = (block, 0);
            cache.exact.clear();
            cache.judged.clear();
            if let Folded::Made(engine) = &mut cache.folded {
                engine.clear();
            }
        }
        cache
    }
}

/// Where a pattern matched: all of it, and the secret inside.
#[derive(Clone, Copy)]
struct Match {
    whole: Span,
    secret: Span,
}

/// The detector of one token rule.
pub(super) struct TokenDetector<'r> {
    pub(super) rules: &'r RuleSet,
    pub(super) id: RuleId,
}

impl Detector for TokenDetector<'_> {
    fn detect(&self, candidate: Candidate, context: &mut Context<'_>) -> Result<(), Rejection> {
        let rule = self.rules.get(self.id);
        let Recogniser::Token(pattern) = &rule.recogniser else { return Err(Rejection::RuleOff) };
        let Context { hay, placeholders, findings, memory, .. } = context;
        let anchor = candidate.span();
        let cache = memory.token.of(self.id, rule, pattern);
        if cache.glance.is_some_and(|glance| glance.refutes(hay, anchor.start)) {
            return Err(Rejection::PatternMismatch);
        }
        let hit = &memory.records.locate(hay, anchor);
        let (least, most) = cache.reach;
        let Some(last) = anchor.start.checked_sub(least) else {
            return Err(Rejection::PatternMismatch);
        };
        let first = anchor.start.saturating_sub(most).max(hit.record.start).max(cache.done);
        let search = Search { rule, compiled: pattern.compiled(), hit, placeholders };
        let mut tries = Tries { n_tried: 0, verdict: Err(Rejection::AlreadyExamined) };
        // What fails at a byte fails there for every candidate, so no byte is tried twice.
        cache.done = cache.done.max(search.from(first, last, cache, &mut tries, |secret| {
            findings.push(Finding::text(secret, self.id));
        }));
        memory.token.tried += tries.n_tried;
        tries.verdict
    }
}

/// What came of the places where a pattern was tried.
struct Tries {
    n_tried: u64,
    verdict: Result<(), Rejection>,
}

/// A secret, and where the search goes on.
struct Found {
    secret: Span,
    end: usize,
}

struct Search<'s, 'h> {
    rule: &'s Rule,
    compiled: &'s Compiled,
    hit: &'s Located<'h>,
    placeholders: &'s Placeholders,
}

impl Search<'_, '_> {
    /// Tries the pattern at each byte of `start..=last`; returns where the next candidate goes on.
    fn from(
        &self,
        mut start: usize,
        last: usize,
        cache: &mut Cache,
        tries: &mut Tries,
        mut found: impl FnMut(Span),
    ) -> usize {
        if start <= last {
            tries.verdict = Err(Rejection::InsideWord);
        }
        while start <= last {
            if !cache.may_begin(self.hit.hay[start]) || !self.is_on_edge(start) {
                start += 1;
                continue;
            }
            tries.n_tried += 1;
            match self.at(start, cache) {
                Ok(Found { secret, end }) => {
                    found(secret);
                    tries.verdict = Ok(());
                    start = end;
                }
                Err(rejection) => {
                    if tries.verdict.is_err() {
                        tries.verdict = Err(rejection);
                    }
                    start += 1;
                }
            }
        }
        start
    }

    /// What begins at `start`, which is on the edge that the rule asks for.
    fn at(&self, start: usize, cache: &mut Cache) -> Result<Found, Rejection> {
        let (exact, may_be_cut) = self.find(&mut cache.exact, start, Compiled::regex);
        let Some(found) = exact.or_else(|| self.lowered(start, cache)) else {
            let cut = if may_be_cut { self.cut(start, cache) } else { None };
            return cut.ok_or(Rejection::PatternMismatch);
        };
        let record = &self.hit.hay[..self.hit.record.end];
        let secret = found.secret;
        let secret =
            Span::new(secret.start, cache.judged.run_end(record, secret.end, &self.compiled.tail));
        self.accept(start, secret, &mut cache.judged)?;
        Ok(Found { secret, end: secret.end.max(found.whole.end) })
    }

    /// What matches at `start`, and when nothing does whether the record may have cut it.
    fn find(
        &self,
        engine: &mut Engine,
        start: usize,
        regex: fn(&Compiled) -> &meta::Regex,
    ) -> (Option<Match>, bool) {
        match engine {
            Engine::Walk(walk, memo) => {
                match walk.at(&self.hit.hay[..self.hit.record.end], start, memo) {
                    Walked::Match { whole, secret } => (Some(Match { whole, secret }), false),
                    Walked::Cut => (None, true),
                    Walked::Nothing => (None, false),
                }
            }
            Engine::Regex(cache, reader) => {
                (self.search(regex(self.compiled), cache, reader, start), true)
            }
        }
    }

    fn search(
        &self,
        regex: &meta::Regex,
        cache: &mut meta::Cache,
        reader: &mut Reader,
        start: usize,
    ) -> Option<Match> {
        let mut slots = [None; 2 * MAX_GROUPS];
        let input =
            Input::new(self.hit.hay).range(start..self.hit.record.end).anchored(Anchored::Yes);
        reader.count(&input);
        regex.search_slots_with(cache, &input, &mut slots)?;
        let span = |group: usize| -> Option<Span> {
            Some(Span::new(
                slots[2 * group].map(NonMaxUsize::get)?,
                slots[2 * group + 1].map(NonMaxUsize::get)?,
            ))
        };
        let whole = span(0)?;
        Some(Match { whole, secret: span(self.compiled.secret).unwrap_or(whole) })
    }

    /// The pattern without regard to case, for a token of which a logger left no capital letter.
    fn lowered(&self, start: usize, cache: &mut Cache) -> Option<Match> {
        let engine = cache.folded(self.compiled)?;
        let found = self.find(engine, start, Compiled::folded).0?;
        (!cache.judged.has_capital(self.hit.hay, found.whole)).then_some(found)
    }

    /// A match that the end of the record cut off, when at least half of the shortest is there.
    /// What cuts records leaves more of one than the beginning of a token.
    fn cut(&self, start: usize, cache: &mut Cache) -> Option<Found> {
        let record = self.hit.record;
        let there = record.end - start;
        // Where the secret begins is known only when what stands before it has one length.
        let lead = self.compiled.lead.filter(|lead| *lead < there)?;
        let is_alone = self.hit.hay[record.start..start].trim_ascii_start().is_empty();
        if is_alone
            || !cache.leads
            || start != self.hit.anchor.start
            || there * 2 < self.compiled.shortest
        {
            return None;
        }
        // What ends with a placeholder was cut before that was put there.
        let near = &self.hit.hay[start.max(record.end.saturating_sub(MAX_LABEL))..record.end];
        if self.placeholders.ends(near) {
            return None;
        }
        if let Engine::Regex(..) = cache.exact {
            // Nothing that begins as the pattern does reaches so far.
            if self.compiled.cut_longest().is_some_and(|longest| there > longest) {
                return None;
            }
            // The end of the haystack is what the pattern's own end stands for, so the haystack
            // must end with the record.
            let input =
                Input::new(&self.hit.hay[..record.end]).range(start..).anchored(Anchored::Yes);
            visits::add(there);
            let cut = cache.cut.get_or_insert_with(|| Box::new(self.compiled.cut().create_cache()));
            self.compiled.cut().search_with(cut, &input)?;
        }
        let secret = Span::new(start + lead, record.end);
        // The beginning of a token that is digits alone is a number, and `sk_live_short` a name.
        let has_letters = secret.of(self.hit.hay).iter().any(u8::is_ascii_alphabetic);
        let is_word = is_word(&self.hit.hay[self.hit.anchor.end..record.end]);
        let is_secret =
            has_letters && !is_word && self.accept(start, secret, &mut cache.judged).is_ok();
        is_secret.then_some(Found { secret, end: record.end })
    }

    fn is_on_edge(&self, start: usize) -> bool {
        match self.rule.edges {
            Edges::Free => true,
            Edges::Word => edge::is_word_start(self.hit.hay, self.hit.record.start, start),
        }
    }

    fn accept(&self, start: usize, secret: Span, judged: &mut Judged) -> Result<(), Rejection> {
        let hay = self.hit.hay;
        let bytes = secret.of(hay);
        if judged.is_filler(hay, secret) || self.placeholders.is_whole(bytes) {
            return Err(Rejection::Placeholder);
        }
        if self.is_inside_base64(start, secret.end) {
            return Err(Rejection::InsideBase64);
        }
        if judged.asks_to_fill_in(hay, secret) || judged.is_allowed(hay, secret, &self.rule.allow) {
            return Err(Rejection::Placeholder);
        }
        let near = || {
            if self.is_near(start) { Ok(()) } else { Err(Rejection::NoContextWord) }
        };
        let Some(validator) = &self.rule.validator else { return near() };
        if self.rule.near.is_empty() {
            return if judged.refutes(validator, hay, secret) {
                Err(Rejection::ValidatorRefuted)
            } else {
                Ok(())
            };
        }
        match judged.judge(validator, hay, secret) {
            Verdict::Confirmed => Ok(()),
            Verdict::Unknown => near(),
            Verdict::Refuted => Err(Rejection::ValidatorRefuted),
        }
    }

    /// Whether a longer run of base64 goes on to both sides, over `+` or `/`: among many such
    /// letters every short shape occurs.
    fn is_inside_base64(&self, start: usize, end: usize) -> bool {
        let joins = |byte: Option<&u8>| matches!(byte, Some(b'+' | b'/'));
        let before = &self.hit.hay[self.hit.record.start..start];
        if !joins(before.last()) || !joins(self.hit.hay[..self.hit.record.end].get(end)) {
            return false;
        }
        let run = &before[before.len().saturating_sub(BASE64_RUN)..];
        run.len() == BASE64_RUN
            && byte_class::run(run, byte_class::MIX) == run.len()
            && value::is_random(run)
    }

    fn is_near(&self, start: usize) -> bool {
        let from = start.saturating_sub(NEAR).max(self.hit.record.start);
        let before = &self.hit.hay[from..start];
        visits::add(before.len() * self.rule.near.len());
        let stands = |word: &[u8]| {
            before.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
        };
        self.rule.near.is_empty() || self.rule.near.iter().any(|word| stands(word))
    }
}

/// No placeholder is longer.
const MAX_LABEL: usize = 64;

/// No name of daily life is longer.
const MAX_NAME: usize = 256;

/// Letters of one case and what joins words, which no generator made.
fn is_word(text: &[u8]) -> bool {
    if text.len() > MAX_NAME {
        return false;
    }
    let letters = Traits::of(text);
    let is_one_case = letters.none(byte_class::UPPER) || letters.none(byte_class::LOWER);
    is_one_case
        && text.iter().all(|byte| byte_class::is(*byte, byte_class::ALPHA | byte_class::JOINT))
        && !value::is_random(text)
}
