//! Proves that anchors are necessary: no string matches a rule without containing one of its
//! anchors. Otherwise the prefilter would miss that string.
//!
//! If the structure of the pattern shows an anchor in each alternative, that is the proof.
//! Otherwise we walk the product of two DFAs: the pattern of the rule, and "an anchor has
//! occurred". The walk finds a string that matches without an anchor, or shows that there is none.
//! Long repetitions are shortened first and left open-ended. That only adds strings to the
//! language, so a proof for the larger language also holds for the pattern.

use std::collections::{HashMap, VecDeque};

use regex_automata::{
    Anchored, MatchKind,
    dfa::{Automaton, StartKind, dense},
    nfa::thompson,
    util::{primitives::StateID, start},
};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind};

use super::{Anchor, choice};

/// A repetition keeps at most this many of its required rounds.
const MAX_TIMES: u32 = 24;

/// Size limit of each automaton, in bytes.
const SIZE_LIMIT: usize = 64 << 20;

/// Why a proof failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unproved {
    /// The pattern, with shortened repetitions, matches this text, which contains no anchor.
    Without(Vec<u8>),
    /// The automata exceed the size limit.
    TooLarge,
}

type Pair = (StateID, StateID);

/// Proves that every match of the pattern contains one of the anchors.
pub(crate) fn prove(hir: &Hir, anchors: &[Anchor]) -> Result<(), Unproved> {
    // Patterns such as `acme.{0,32}?key.{0,32}?[a-z]{64}` exceed any size limit, but their
    // structure shows the anchor.
    if is_plain(hir, anchors) { Ok(()) } else { walk(hir, anchors) }
}

/// Whether the structure of the pattern shows an anchor in every match.
fn is_plain(hir: &Hir, anchors: &[Anchor]) -> bool {
    let folded = anchors.iter().filter(|anchor| anchor.fold);
    let folded: Vec<String> =
        folded.filter_map(|anchor| String::from_utf8(anchor.text.to_vec()).ok()).collect();
    lead(hir, anchors).is_some() || choice::is_necessary(hir, &folded)
}

fn walk(hir: &Hir, anchors: &[Anchor]) -> Result<(), Unproved> {
    let pattern = automaton(&shorten(hir), Anchored::Yes)?;
    let seen = automaton(&any_of(anchors), Anchored::No)?;
    let start = (begin(&pattern, Anchored::Yes), begin(&seen, Anchored::No));
    // How each pair of states was first reached. Pairs in which an anchor has occurred are left
    // out.
    let mut reached: HashMap<Pair, (Pair, u8)> = HashMap::from([(start, (start, 0))]);
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        if pattern.is_match_state(pattern.next_eoi_state(at.0)) {
            return Err(Unproved::Without(spell(&reached, start, at)));
        }
        for byte in 0..=u8::MAX {
            let next = (pattern.next_state(at.0, byte), seen.next_state(at.1, byte));
            // The automaton reports a match one byte late, so we ask as if the text ended here.
            let has_anchor =
                seen.is_match_state(next.1) || seen.is_match_state(seen.next_eoi_state(next.1));
            if pattern.is_dead_state(next.0) || has_anchor || reached.contains_key(&next) {
                continue;
            }
            reached.insert(next, (at, byte));
            queue.push_back(next);
        }
    }
    Ok(())
}

/// The largest number of bytes before an anchor in any match, if the structure of the pattern
/// bounds it.
pub(crate) fn lead(hir: &Hir, anchors: &[Anchor]) -> Option<usize> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            anchors.iter().filter_map(|anchor| find(&literal.0, anchor)).min()
        }
        HirKind::Capture(group) => lead(&group.sub, anchors),
        HirKind::Repetition(repetition) if repetition.min > 0 => lead(&repetition.sub, anchors),
        HirKind::Alternation(parts) => {
            let leads: Option<Vec<usize>> = parts.iter().map(|part| lead(part, anchors)).collect();
            leads?.into_iter().max()
        }
        HirKind::Concat(parts) => {
            let mut before = 0;
            for part in parts {
                if let Some(inside) = lead(part, anchors) {
                    return Some(before + inside);
                }
                before += part.properties().maximum_len()?;
            }
            None
        }
        _ => None,
    }
}

fn find(literal: &[u8], anchor: &Anchor) -> Option<usize> {
    literal.windows(anchor.text.len()).position(|window| anchor.is_at(window))
}

/// The text that leads from the start to the pair `at`.
fn spell(reached: &HashMap<Pair, (Pair, u8)>, start: Pair, mut at: Pair) -> Vec<u8> {
    let mut text = Vec::new();
    while at != start {
        let (from, byte) = reached[&at];
        text.push(byte);
        at = from;
    }
    text.reverse();
    text
}

fn automaton(hir: &Hir, anchored: Anchored) -> Result<dense::DFA<Vec<u32>>, Unproved> {
    let nfa = thompson::Compiler::new()
        .configure(thompson::Config::new().utf8(false).nfa_size_limit(Some(SIZE_LIMIT)))
        .build_from_hir(hir)
        .map_err(|_| Unproved::TooLarge)?;
    let start = if anchored == Anchored::Yes { StartKind::Anchored } else { StartKind::Unanchored };
    let config = dense::Config::new()
        .start_kind(start)
        .match_kind(MatchKind::All)
        .dfa_size_limit(Some(SIZE_LIMIT))
        .determinize_size_limit(Some(SIZE_LIMIT));
    dense::Builder::new().configure(config).build_from_nfa(&nfa).map_err(|_| Unproved::TooLarge)
}

fn begin(automaton: &dense::DFA<Vec<u32>>, anchored: Anchored) -> StateID {
    automaton
        .start_state(&start::Config::new().anchored(anchored))
        .expect("the automaton was built with this kind of start and has no quit bytes")
}

/// An expression for any of the anchors, in both cases if they ignore case.
fn any_of(anchors: &[Anchor]) -> Hir {
    Hir::alternation(anchors.iter().map(expression_of).collect())
}

fn expression_of(anchor: &Anchor) -> Hir {
    let letters = anchor.text.iter().map(|byte| {
        let mut class = ClassBytes::new([ClassBytesRange::new(*byte, *byte)]);
        if anchor.fold {
            class.case_fold_simple();
        }
        Hir::class(Class::Bytes(class))
    });
    Hir::concat(letters.collect())
}

/// The pattern with long repetitions shortened and open-ended. Every match of the pattern matches
/// this, too.
fn shorten(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => hir.clone(),
        HirKind::Capture(group) => shorten(&group.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(shorten).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(shorten).collect()),
        HirKind::Repetition(repetition) => {
            let mut shorter = repetition.clone();
            shorter.sub = Box::new(shorten(&repetition.sub));
            if repetition.min > MAX_TIMES || repetition.max.is_some_and(|max| max > MAX_TIMES) {
                (shorter.min, shorter.max) = (repetition.min.min(MAX_TIMES), None);
            }
            Hir::repetition(shorter)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::pattern::Pattern;

    fn hir(pattern: &str) -> Hir {
        Pattern::new(pattern).hir().expect("the pattern parses")
    }

    fn anchors(texts: &[&str], fold: bool) -> Vec<Anchor> {
        texts.iter().map(|text| Anchor { text: text.as_bytes().into(), fold }).collect()
    }

    #[test]
    fn necessary_anchors_are_proved() {
        for (pattern, texts, fold) in [
            ("(?<secret> gh[po]_ [A-Za-z0-9]{36,255} )", &["ghp_", "gho_"][..], false),
            ("(?i) acme [0-9]{4}", &["acme"], true),
            ("[a-z]{3} \\.mid\\. [a-z]{3}", &[".mid."], false),
            ("(?: a{3,9} | b ) x", &["ax", "bx"], false),
        ] {
            assert_eq!(prove(&hir(pattern), &anchors(texts, fold)), Ok(()), "{pattern}");
            assert_eq!(walk(&hir(pattern), &anchors(texts, fold)), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn what_is_plain_to_see_the_automata_show_too() {
        let rules = crate::RuleSet::embedded();
        let patterns = rules.rules().iter().filter_map(|rule| match &rule.recogniser {
            crate::rules::Recogniser::Token(pattern) => {
                Some((rule, pattern.hir().expect("the pattern parses")))
            }
            _ => None,
        });
        let mut n_plain = 0;
        for (rule, hir) in patterns {
            // With some anchors missing, some match contains none, and the structure must not claim
            // otherwise.
            for anchors in (0..=rule.anchors.len()).map(|length| &rule.anchors[..length]) {
                let is_plain = is_plain(&hir, anchors);
                n_plain += usize::from(is_plain);
                assert!(
                    !is_plain || !matches!(walk(&hir, anchors), Err(Unproved::Without(_))),
                    "{}",
                    rule.id
                );
            }
        }
        assert!(n_plain > 100, "most patterns are plain: {n_plain}");
    }

    #[test]
    fn a_pattern_beyond_the_automata_is_proved_by_its_shape() {
        let hir = hir("(?i) acme [^x]{0,32}? (?: key | token ) [^x]{0,32}? ([a-z0-9]{64})");
        assert_eq!(prove(&hir, &anchors(&["acme"], true)), Ok(()));
    }

    #[test]
    fn what_an_anchor_misses_is_shown() {
        for (pattern, texts, fold, missed) in [
            ("gh[pos]_ [0-9]", &["ghp_", "gho_"][..], false, "ghs_0"),
            ("(?i) acme", &["acme"], false, "ACME"),
            ("(?: key_ )? [0-9]", &["key_"], false, "0"),
        ] {
            assert_eq!(
                prove(&hir(pattern), &anchors(texts, fold)),
                Err(Unproved::Without(missed.into())),
                "{pattern}"
            );
        }
    }

    #[test]
    fn the_lead_is_what_stands_before_an_anchor_at_most() {
        assert_eq!(lead(&hir("ghp_ [a-z]{4}"), &anchors(&["ghp_"], false)), Some(0));
        assert_eq!(
            lead(&hir("[a-z]{3,14} (?: \\.mid\\. | x\\.mid\\. )"), &anchors(&[".mid."], false)),
            Some(15)
        );
        assert_eq!(lead(&hir("[a-z]+ \\.mid\\."), &anchors(&[".mid."], false)), None);
    }
}
