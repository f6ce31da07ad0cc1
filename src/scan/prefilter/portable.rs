//! The engine for every CPU: aho-corasick over all anchors, every occurrence reported.
//!
//! Leftmost search would hide overlaps (of `accountkey=` and `key=` it reports one), so the automaton has standard
//! semantics. All anchors are searched without regard to case; those that are exact are compared where they stand.
//!
//! A DFA waits for one table look-up a byte, and the next one cannot begin before it. So a block is walked in [`LANES`] parts at
//! once, whose look-ups do not wait for each other; a part begins as many bytes early as an anchor may lie across its edge.

use aho_corasick::{
    Anchored, MatchKind,
    automaton::{Automaton, StateID},
    dfa::DFA,
};

use super::Candidate;
use crate::rules::Anchor;

/// Parts of a block that are walked at once.
const LANES: usize = 4;

/// A shorter block is walked in one part.
const LEAST: usize = 4 << 10;

pub(crate) struct Engine {
    automaton: DFA,
    start: StateID,
    exact: Vec<Option<Box<[u8]>>>,
    longest: usize,
}

/// A part of a block: candidates that end before `floor` are another part's.
#[derive(Clone, Copy)]
struct Lane {
    state: StateID,
    at: usize,
    end: usize,
    floor: usize,
}

impl Engine {
    pub(super) fn new<'r>(anchors: impl Iterator<Item = &'r Anchor> + Clone) -> Engine {
        let automaton = DFA::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(anchors.clone().map(|anchor| &anchor.text))
            .expect("the anchors of 65,535 rules stay far below the automaton's limit of states");
        let start = automaton.start_state(Anchored::No).expect("the automaton is built for searches without an anchor");
        Engine {
            automaton,
            start,
            exact: anchors.clone().map(|anchor| (!anchor.fold).then(|| anchor.text.clone())).collect(),
            longest: anchors.map(|anchor| anchor.text.len()).max().unwrap_or(0),
        }
    }

    pub(super) fn candidates(&self, hay: &[u8], found: &mut Vec<Candidate>) {
        let first = found.len();
        if hay.len() < LEAST.max(LANES * 2 * self.longest) {
            self.walk(hay, Lane { state: self.start, at: 0, end: hay.len(), floor: 0 }, found);
        } else {
            self.walk_lanes(hay, found);
        }
        // The automaton reports by last byte, part by part.
        found[first..].sort_unstable();
    }

    #[expect(clippy::needless_range_loop, reason = "one offset walks four parts")]
    fn walk_lanes(&self, hay: &[u8], found: &mut Vec<Candidate>) {
        let part = hay.len() / LANES;
        let mut lanes: [Lane; LANES] = std::array::from_fn(|index| {
            let floor = index * part;
            let end = if index + 1 == LANES { hay.len() } else { floor + part };
            Lane { state: self.start, at: floor.saturating_sub(self.longest), end, floor }
        });
        let parts: [&[u8]; LANES] = std::array::from_fn(|index| &hay[lanes[index].at..lanes[index].end]);
        let together = parts.iter().map(|part| part.len()).min().unwrap_or(0);
        let mut states = [self.start; LANES];
        for offset in 0..together {
            for lane in 0..LANES {
                states[lane] = self.automaton.next_state(Anchored::No, states[lane], parts[lane][offset]);
                if self.automaton.is_special(states[lane]) {
                    lanes[lane].state = states[lane];
                    self.report(hay, &lanes[lane], lanes[lane].at + offset + 1, found);
                }
            }
        }
        for (lane, state) in lanes.into_iter().zip(states) {
            self.walk(hay, Lane { state, at: lane.at + together, ..lane }, found);
        }
    }

    fn walk(&self, hay: &[u8], mut lane: Lane, found: &mut Vec<Candidate>) {
        for at in lane.at..lane.end {
            lane.state = self.automaton.next_state(Anchored::No, lane.state, hay[at]);
            if self.automaton.is_special(lane.state) {
                self.report(hay, &lane, at + 1, found);
            }
        }
    }

    /// Every anchor that ends at `end`.
    fn report(&self, hay: &[u8], lane: &Lane, end: usize, found: &mut Vec<Candidate>) {
        if !self.automaton.is_match(lane.state) || end <= lane.floor {
            return;
        }
        for index in 0..self.automaton.match_len(lane.state) {
            let pattern = self.automaton.match_pattern(lane.state, index);
            let start = end - self.automaton.pattern_len(pattern);
            let exact = self.exact[pattern.as_usize()].as_deref();
            if exact.is_none_or(|text| text == &hay[start..end]) {
                let offset = |at| u32::try_from(at).expect("a block is at most 4 GiB");
                found.push(Candidate { start: offset(start), end: offset(end), anchor: pattern.as_u32() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(anchors: &[(&str, bool)]) -> Engine {
        let anchors: Vec<Anchor> =
            anchors.iter().map(|(text, fold)| Anchor { text: text.as_bytes().into(), fold: *fold }).collect();
        Engine::new(anchors.iter())
    }

    /// Every anchor at every place, compared byte by byte.
    fn naive(anchors: &[(&str, bool)], hay: &[u8]) -> Vec<Candidate> {
        let mut found = Vec::new();
        for start in 0..hay.len() {
            for (index, (text, fold)) in anchors.iter().enumerate() {
                let Some(there) = hay.get(start..start + text.len()) else { continue };
                if there == text.as_bytes() || *fold && there.eq_ignore_ascii_case(text.as_bytes()) {
                    let (start, end) = (start as u32, (start + text.len()) as u32);
                    found.push(Candidate { start, end, anchor: index as u32 });
                }
            }
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn every_occurrence_of_every_anchor_is_a_candidate_wherever_the_parts_meet() {
        let anchors = [("key=", true), ("accountkey=", true), ("AKIA", false), ("aa", true), ("a", false)];
        let engine = engine(&anchors);
        let piece = b"x AccountKey=1 AKIA akia aaa key=";
        for length in [0, 1, 10, 4095, 4096, 4097, 5000, 9001] {
            let hay: Vec<u8> = piece.iter().cycle().take(length).copied().collect();
            let mut found = Vec::new();
            engine.candidates(&hay, &mut found);
            assert_eq!(found, naive(&anchors, &hay), "{length}");
        }
    }
}
