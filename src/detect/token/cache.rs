//! What one worker keeps for each token rule: its matcher, and how far it searched the text.
//!
//! A cache is made at the first candidate of its rule, because most rules never have one: a regex
//! and its buffers are compiled for the few rules that need them. The matcher outlives the text;
//! everything that is about the text is cleared at the rule's first candidate in the next one, so
//! a text costs nothing for rules that have no candidate in it.

use regex_automata::meta;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::{
    MAX_LEAD,
    regex_visits::RegexVisits,
    simple_matcher::{QuickReject, RunMemo, SimpleMatcher},
    tail_memo::TailMemo,
};
use crate::rules::{
    Anchor, Rule, RuleId,
    pattern::{Compiled, Pattern},
};

/// The caches of all rules that had a candidate.
#[derive(Default)]
pub(in crate::detect) struct Caches {
    rules: Vec<Option<Box<Cache>>>,
    /// The number of the current text.
    text: u64,
    /// How often a pattern was tried.
    pub(in crate::detect) n_tried: u64,
}

impl Caches {
    /// A new text begins: nothing of it was searched.
    pub(in crate::detect) fn begin(&mut self, n_rules: usize) {
        self.text += 1;
        if self.rules.len() < n_rules {
            self.rules.resize_with(n_rules, || None);
        }
    }

    #[inline]
    pub(super) fn of(&mut self, id: RuleId, rule: &Rule, pattern: &Pattern) -> &mut Cache {
        let text = self.text;
        let cache = self.rules[id.index()]
            .get_or_insert_with(|| Box::new(Cache::new(rule, pattern.compiled())));
        if cache.text != text {
            cache.clear(text);
        }
        cache
    }
}

/// What is kept for one rule.
pub(super) struct Cache {
    pub(super) exact: Engine,
    /// The pattern without regard to case, made when it is first needed.
    lowered: Lowered,
    pub(super) cut: Option<Box<meta::Cache>>,
    /// What is known of the run that the last match ended with.
    pub(super) tail: TailMemo,
    /// Refuses most candidates, if every match begins with its anchor and a token in lower case is
    /// still matched.
    pub(super) quick_reject: Option<QuickReject>,
    /// Whether every match begins with an anchor.
    pub(super) leads: bool,
    /// How many bytes of a match precede the anchor: at least and at most.
    pub(super) reach: (usize, usize),
    /// The text that `done` is about.
    text: u64,
    /// The text was searched up to here.
    pub(super) done: usize,
}

/// What matches a pattern.
pub(super) enum Engine {
    Simple(SimpleMatcher, RunMemo),
    Regex(Box<meta::Cache>, RegexVisits),
}

/// The engine for lower-cased tokens.
enum Lowered {
    /// It would find no more than the pattern as written.
    Useless,
    Unmade,
    Made(Engine),
}

impl Engine {
    fn new(hir: &Hir, regex: impl FnOnce() -> meta::Cache) -> Engine {
        match SimpleMatcher::new(hir) {
            Some(matcher) => {
                let memo = matcher.memo();
                Engine::Simple(matcher, memo)
            }
            None => Engine::Regex(Box::new(regex()), RegexVisits::new(hir)),
        }
    }

    fn clear(&mut self) {
        if let Engine::Simple(_, memo) = self {
            memo.clear();
        }
    }
}

impl Cache {
    fn new(rule: &Rule, compiled: &Compiled) -> Cache {
        let hir = compiled.hir(false);
        let leads = compiled.leads_with(&rule.anchors);
        let is_lowered = rule.anchors.iter().any(|anchor| anchor.fold) && loses_by_lowering(&hir);
        let exact = Engine::new(&hir, || compiled.regex().create_cache());
        let quick_reject = match &exact {
            Engine::Simple(matcher, _) if leads && !is_lowered => matcher.quick_reject(),
            _ => None,
        };
        Cache {
            exact,
            lowered: if is_lowered { Lowered::Unmade } else { Lowered::Useless },
            cut: None,
            tail: TailMemo::default(),
            quick_reject,
            leads,
            reach: if leads { (0, 0) } else { reach(&hir, &rule.anchors).unwrap_or((0, MAX_LEAD)) },
            text: 0,
            done: 0,
        }
    }

    /// Forgets what was known of another text.
    fn clear(&mut self, text: u64) {
        (self.text, self.done) = (text, 0);
        self.exact.clear();
        self.tail.clear();
        if let Lowered::Made(engine) = &mut self.lowered {
            engine.clear();
        }
    }

    /// Whether a match may begin with `byte`, as far as that is known.
    pub(super) fn may_begin(&self, byte: u8) -> bool {
        match (&self.exact, &self.lowered) {
            (Engine::Simple(matcher, _), Lowered::Useless) => matcher.may_begin(byte),
            _ => true,
        }
    }

    /// The engine that finds lower-cased tokens, where it finds more than the exact one.
    pub(super) fn lowered(&mut self, compiled: &Compiled) -> Option<&mut Engine> {
        if let Lowered::Unmade = self.lowered {
            let engine = Engine::new(&compiled.hir(true), || compiled.folded().create_cache());
            self.lowered = Lowered::Made(engine);
        }
        match &mut self.lowered {
            Lowered::Made(engine) => Some(engine),
            Lowered::Useless | Lowered::Unmade => None,
        }
    }
}

/// Whether some token is no longer matched once its letters are lower case: the pattern asks for a
/// capital letter and does not accept the small one.
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

/// How many bytes precede the first anchor in the pattern that every match contains, at least and
/// at most. The match that a candidate is about begins that far before it; every other match has
/// its own candidate.
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
        HirKind::Concat(parts) => reach_in_sequence(parts, anchors),
        _ => None,
    }
}

/// [`reach`] for parts that follow each other: the length of the parts before the anchor counts,
/// too.
fn reach_in_sequence(parts: &[Hir], anchors: &[Anchor]) -> Option<(usize, usize)> {
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

/// The offset of an anchor in a literal.
fn position(literal: &[u8], anchor: &Anchor) -> Option<usize> {
    literal.windows(anchor.text.len()).position(|window| {
        if anchor.fold {
            window.eq_ignore_ascii_case(&anchor.text)
        } else {
            window == &*anchor.text
        }
    })
}
