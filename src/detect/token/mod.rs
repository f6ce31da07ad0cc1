//! Tokens: a rule's pattern, matched at its anchor.
//!
//! A match is defined from left to right: the pattern is tried, anchored, at each byte of a record.
//! If it matches, begins on the edge that its rule asks for and nothing refuses it, the secret with
//! the whole run of its last class is a finding, and the search goes on after it. A candidate only
//! says where a try can succeed. Since each rule remembers where its search ended, the result is
//! the same as that of the naive search.
//!
//! Nearly every pattern is matched by a [`simple_matcher`]. For the others a regex is compiled at
//! their first candidate.
//!
//! Two forms of damage are handled: a token that a logger lower-cased, and one that was cut off by
//! the end of its record.

mod cache;
mod regex_visits;
mod simple_matcher;
mod tail_memo;

use regex_automata::{Anchored, Input, meta, util::primitives::NonMaxUsize};

pub(super) use self::cache::Caches;
use self::{
    cache::{Cache, Engine},
    regex_visits::RegexVisits,
    simple_matcher::Matched,
    tail_memo::TailMemo,
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
        Edges, Recogniser, Rule, RuleId, RuleSet,
        pattern::{Compiled, MAX_GROUPS},
    },
    text::{span::Span, visits},
};

/// How far before its anchor a match may begin. `rules lint` refuses rules that need more.
pub(crate) const MAX_LEAD: usize = 128;

/// How far before the match a context word of the rule (`near`) may be.
const NEAR: usize = 64;

/// A run of this many base64 letters before a match, ended by `+` or `/`, is base64. Shorter runs
/// may be segments of a path.
const BASE64_RUN: usize = 16;

/// Where a pattern matched, and the secret inside.
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
        if cache.quick_reject.is_some_and(|quick| quick.refuses(hay, anchor.start)) {
            return Err(Rejection::PatternMismatch);
        }
        let located = &memory.records.locate(hay, anchor);
        let (least, most) = cache.reach;
        let Some(last) = anchor.start.checked_sub(least) else {
            return Err(Rejection::PatternMismatch);
        };
        let first = anchor.start.saturating_sub(most).max(located.record.start).max(cache.done);
        let search = Search { rule, compiled: pattern.compiled(), located, placeholders };
        let tries = search.all(first, last, cache, |secret| {
            findings.push(Finding::text(secret, self.id));
        });
        // The pattern fails at a byte for every candidate alike, so no byte is tried twice.
        cache.done = cache.done.max(tries.end);
        memory.token.n_tried += tries.n_tried;
        tries.verdict
    }
}

/// The outcome of trying a pattern at several bytes.
struct Tries {
    /// The search goes on here.
    end: usize,
    n_tried: u64,
    verdict: Result<(), Rejection>,
}

/// A secret, and the offset where the search goes on.
struct Found {
    secret: Span,
    end: usize,
}

/// A rule's pattern and the candidate that it is tried around.
struct Search<'s, 'h> {
    rule: &'s Rule,
    compiled: &'s Compiled,
    located: &'s Located<'h>,
    placeholders: &'s Placeholders,
}

impl Search<'_, '_> {
    /// Tries the pattern at each byte of `first..=last`, and reports each secret to `found`.
    fn all(
        &self,
        first: usize,
        last: usize,
        cache: &mut Cache,
        mut found: impl FnMut(Span),
    ) -> Tries {
        let nothing =
            if first <= last { Rejection::InsideWord } else { Rejection::AlreadyExamined };
        let mut tries = Tries { end: first, n_tried: 0, verdict: Err(nothing) };
        while tries.end <= last {
            let start = tries.end;
            tries.end += 1;
            if !cache.may_begin(self.located.hay[start]) || !self.is_on_edge(start) {
                continue;
            }
            tries.n_tried += 1;
            match self.at(start, cache) {
                Ok(Found { secret, end }) => {
                    found(secret);
                    tries.verdict = Ok(());
                    tries.end = end;
                }
                Err(rejection) => {
                    tries.verdict = tries.verdict.or(Err(rejection));
                }
            }
        }
        tries
    }

    /// The secret of the match that begins at `start`, which is on the edge that the rule asks for.
    fn at(&self, start: usize, cache: &mut Cache) -> Result<Found, Rejection> {
        let (exact, may_be_cut) = self.find(&mut cache.exact, start, Compiled::regex);
        let Some(found) = exact.or_else(|| self.lowered(start, cache)) else {
            let cut = if may_be_cut { self.cut(start, cache) } else { None };
            return cut.ok_or(Rejection::PatternMismatch);
        };
        let record = &self.located.hay[..self.located.record.end];
        let secret = found.secret;
        let secret =
            Span::new(secret.start, cache.tail.run_end(record, secret.end, &self.compiled.tail));
        self.accept(start, secret, &mut cache.tail)?;
        Ok(Found { secret, end: secret.end.max(found.whole.end) })
    }

    /// The match at `start`; without one, whether the end of the record may have cut it.
    fn find(
        &self,
        engine: &mut Engine,
        start: usize,
        regex: fn(&Compiled) -> &meta::Regex,
    ) -> (Option<Match>, bool) {
        match engine {
            Engine::Simple(matcher, memo) => {
                match matcher.at(&self.located.hay[..self.located.record.end], start, memo) {
                    Matched::Whole { whole, secret } => (Some(Match { whole, secret }), false),
                    Matched::Cut => (None, true),
                    Matched::Nothing => (None, false),
                }
            }
            Engine::Regex(cache, visits) => {
                (self.search(regex(self.compiled), cache, visits, start), true)
            }
        }
    }

    fn search(
        &self,
        regex: &meta::Regex,
        cache: &mut meta::Cache,
        visits: &mut RegexVisits,
        start: usize,
    ) -> Option<Match> {
        let mut slots = [None; 2 * MAX_GROUPS];
        let input = Input::new(self.located.hay)
            .range(start..self.located.record.end)
            .anchored(Anchored::Yes);
        visits.count(&input);
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

    /// The match without regard to case, for a token that a logger lower-cased.
    fn lowered(&self, start: usize, cache: &mut Cache) -> Option<Match> {
        let engine = cache.lowered(self.compiled)?;
        let found = self.find(engine, start, Compiled::folded).0?;
        (!cache.tail.has_capital(self.located.hay, found.whole)).then_some(found)
    }

    /// A match that the end of the record cut off, if at least half of the shortest match is left.
    /// The token must follow other text: whatever cuts records leaves more than a token's
    /// beginning.
    fn cut(&self, start: usize, cache: &mut Cache) -> Option<Found> {
        let record = self.located.record;
        let there = record.end - start;
        // The secret's offset is only known if everything before it has a fixed length.
        let lead = self.compiled.lead.filter(|lead| *lead < there)?;
        let is_alone = self.located.hay[record.start..start].trim_ascii_start().is_empty();
        if is_alone
            || !cache.leads
            || start != self.located.anchor.start
            || there * 2 < self.compiled.shortest
        {
            return None;
        }
        // A record that ends with a placeholder was cut earlier, before it was scrubbed.
        let near = &self.located.hay[start.max(record.end.saturating_sub(MAX_LABEL))..record.end];
        if self.placeholders.ends(near) {
            return None;
        }
        if let Engine::Regex(..) = cache.exact {
            // No prefix of a match is so long.
            if self.compiled.cut_longest().is_some_and(|longest| there > longest) {
                return None;
            }
            // The expression for prefixes ends at the end of the haystack, so the haystack must end
            // with the record.
            let input =
                Input::new(&self.located.hay[..record.end]).range(start..).anchored(Anchored::Yes);
            visits::add(there);
            let cut = cache.cut.get_or_insert_with(|| Box::new(self.compiled.cut().create_cache()));
            self.compiled.cut().search_with(cut, &input)?;
        }
        let secret = Span::new(start + lead, record.end);
        // A prefix of digits alone is a number, and `sk_live_short` a name.
        let has_letters = secret.of(self.located.hay).iter().any(u8::is_ascii_alphabetic);
        let is_word = is_word(&self.located.hay[self.located.anchor.end..record.end]);
        let is_secret =
            has_letters && !is_word && self.accept(start, secret, &mut cache.tail).is_ok();
        is_secret.then_some(Found { secret, end: record.end })
    }

    /// Whether a token may begin at `start`, by the edges that its rule asks for.
    fn is_on_edge(&self, start: usize) -> bool {
        match self.rule.edges {
            Edges::Free => true,
            Edges::Word => edge::is_word_start(self.located.hay, self.located.record.start, start),
        }
    }

    /// Refuses what matches and is no secret. The cheapest and most frequent tests come first.
    fn accept(&self, start: usize, secret: Span, tail: &mut TailMemo) -> Result<(), Rejection> {
        let hay = self.located.hay;
        let bytes = secret.of(hay);
        if tail.is_filler(hay, secret) || self.placeholders.is_whole(bytes) {
            return Err(Rejection::Placeholder);
        }
        if self.is_inside_base64(start, secret.end) {
            return Err(Rejection::InsideBase64);
        }
        if tail.asks_to_fill_in(hay, secret) || tail.is_allowed(hay, secret, &self.rule.allow) {
            return Err(Rejection::Placeholder);
        }
        let Some(validator) = &self.rule.validator else { return self.near(start) };
        if self.rule.near.is_empty() {
            let is_refuted = tail.refutes(validator, hay, secret);
            return if is_refuted { Err(Rejection::ValidatorRefuted) } else { Ok(()) };
        }
        match tail.judge(validator, hay, secret) {
            Verdict::Confirmed => Ok(()),
            Verdict::Unknown => self.near(start),
            Verdict::Refuted => Err(Rejection::ValidatorRefuted),
        }
    }

    /// Whether base64 goes on at both sides, joined by `+` or `/`. Every short pattern occurs by
    /// chance in a long run of base64.
    fn is_inside_base64(&self, start: usize, end: usize) -> bool {
        let before = &self.located.hay[self.located.record.start..start];
        let after = self.located.hay[..self.located.record.end].get(end);
        if !matches!((before.last(), after), (Some(b'+' | b'/'), Some(b'+' | b'/'))) {
            return false;
        }
        let run = &before[before.len().saturating_sub(BASE64_RUN)..];
        run.len() == BASE64_RUN
            && byte_class::run(run, byte_class::MIX) == run.len()
            && value::is_random(run)
    }

    /// Whether a context word precedes the match at `start`, if the rule requires one.
    fn near(&self, start: usize) -> Result<(), Rejection> {
        let from = start.saturating_sub(NEAR).max(self.located.record.start);
        let before = &self.located.hay[from..start];
        visits::add(before.len() * self.rule.near.len());
        let is_near =
            self.rule.near.is_empty() || self.rule.near.iter().any(|word| is_in(before, word));
        if is_near { Ok(()) } else { Err(Rejection::NoContextWord) }
    }
}

/// Whether `text` holds `word`, ignoring case.
fn is_in(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

/// The maximum length of a placeholder.
const MAX_LABEL: usize = 64;

/// The maximum length of a name that [`is_word`] recognises.
const MAX_NAME: usize = 256;

/// Whether `text` is letters of one case, joined by marks, that no generator made.
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
