//! The engine for every CPU: aho-corasick over all anchors, overlapping, every occurrence reported.
//!
//! Leftmost search would hide overlaps (of `accountkey=` and `key=` it reports one), so the automaton has standard
//! semantics. All anchors are searched without regard to case; those that are exact are compared where they stand.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::Candidate;
use crate::rules::Anchor;

pub(crate) struct Engine {
    automaton: AhoCorasick,
    exact: Vec<Option<Box<[u8]>>>,
}

impl Engine {
    pub(super) fn new<'r>(anchors: impl Iterator<Item = &'r Anchor> + Clone) -> Engine {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(anchors.clone().map(|anchor| &anchor.text))
            .expect("the anchors of 65,535 rules stay far below the automaton's limit of states");
        Engine { automaton, exact: anchors.map(|anchor| (!anchor.fold).then(|| anchor.text.clone())).collect() }
    }

    pub(super) fn candidates(&self, hay: &[u8], found: &mut Vec<Candidate>) {
        let first = found.len();
        for occurrence in self.automaton.find_overlapping_iter(hay) {
            let anchor = occurrence.pattern().as_u32();
            let exact = self.exact[occurrence.pattern().as_usize()].as_deref();
            if exact.is_none_or(|text| text == &hay[occurrence.range()]) {
                let offset = |at| u32::try_from(at).expect("a block is at most 4 GiB");
                found.push(Candidate { start: offset(occurrence.start()), end: offset(occurrence.end()), anchor });
            }
        }
        // The automaton reports by last byte; nearly sorted, so this is one pass.
        found[first..].sort();
    }
}
