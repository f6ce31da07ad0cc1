//! The engine for every CPU: an aho-corasick DFA that reports every occurrence of every anchor.
//!
//! Leftmost search would hide overlapping anchors: of `accountkey=` and `key=` it reports one. So
//! the automaton has standard match semantics. It ignores case for all anchors. Anchors that depend
//! on case are compared again, and contexts are checked, when they are reported.
//!
//! A DFA needs one table look-up for each byte, and the next look-up has to wait for it. So a block
//! is searched in [`LANES`] parts at the same time, whose look-ups do not depend on each other.
//! Each part begins early enough to see anchors that cross its start.

use aho_corasick::{
    Anchored, MatchKind,
    automaton::{Automaton, StateID},
    dfa::DFA,
};

use super::Candidate;
use crate::rules::probe::{Probe, ProbeEntry};

/// Parts of a block that are searched at the same time.
const LANES: usize = 4;

/// Blocks shorter than this are searched in one part.
const MIN_LANES: usize = 4 << 10;

pub(crate) struct Engine {
    automaton: DFA,
    start: StateID,
    probes: Vec<Probe>,
    longest: usize,
}

/// A part of a block. Candidates that end before `floor` belong to the part before it.
#[derive(Clone, Copy)]
struct Lane {
    state: StateID,
    at: usize,
    end: usize,
    floor: usize,
}

impl Engine {
    pub(super) fn new(entries: &[ProbeEntry]) -> Engine {
        let automaton = DFA::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(entries.iter().map(|one| &one.probe.anchor.text))
            .expect("the anchors of 65,535 rules stay far below the automaton's limit of states");
        let start = automaton
            .start_state(Anchored::No)
            .expect("the automaton is built for searches without an anchor");
        let longest = entries.iter().map(|one| one.probe.anchor.text.len()).max().unwrap_or(0);
        Engine {
            automaton,
            start,
            probes: entries.iter().map(|one| one.probe.clone()).collect(),
            longest,
        }
    }

    pub(super) fn candidates(&self, hay: &[u8], found: &mut Vec<Candidate>) {
        let first = found.len();
        if hay.len() < MIN_LANES.max(LANES * 2 * self.longest) {
            self.walk(hay, Lane { state: self.start, at: 0, end: hay.len(), floor: 0 }, found);
        } else {
            self.walk_lanes(hay, found);
        }
        // The automaton reports matches by their last byte, and part by part.
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
        let parts: [&[u8]; LANES] =
            std::array::from_fn(|index| &hay[lanes[index].at..lanes[index].end]);
        let together = parts.iter().map(|part| part.len()).min().unwrap_or(0);
        let mut states = [self.start; LANES];
        for offset in 0..together {
            for lane in 0..LANES {
                states[lane] =
                    self.automaton.next_state(Anchored::No, states[lane], parts[lane][offset]);
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

    /// Reports every anchor that ends at `end`.
    fn report(&self, hay: &[u8], lane: &Lane, end: usize, found: &mut Vec<Candidate>) {
        if !self.automaton.is_match(lane.state) || end <= lane.floor {
            return;
        }
        for index in 0..self.automaton.match_len(lane.state) {
            let pattern = self.automaton.match_pattern(lane.state, index);
            let start = end - self.automaton.pattern_len(pattern);
            let probe = &self.probes[pattern.as_usize()];
            let is_here = probe.anchor.fold || *probe.anchor.text == hay[start..end];
            if is_here && probe.context.is_around(hay, start, end) {
                found.push(Candidate::new(start, end, pattern.as_u32()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        prefilter::naive,
        rules::{Anchor, ByteSet, context::Context},
    };

    /// Anchors with contexts, some of which contain each other.
    fn entries() -> Vec<ProbeEntry> {
        let digits = ByteSet::of(|byte| byte.is_ascii_digit());
        let any = [ByteSet::ALL; 3];
        let anchors = [
            ("key=", true, ByteSet::ALL, any),
            ("accountkey=", true, ByteSet::ALL, any),
            ("AKIA", false, ByteSet::ALL, any),
            ("aa", true, digits, any),
            ("a", false, ByteSet::ALL, [ByteSet::ALL, digits, ByteSet::ALL]),
        ];
        let entries =
            |(text, fold, before, after): (&str, bool, ByteSet, [ByteSet; 3])| ProbeEntry {
                probe: Probe {
                    anchor: Anchor { text: text.as_bytes().into(), fold },
                    context: Context { before, after },
                },
                users: Vec::new(),
                slot: None,
            };
        anchors.map(entries).into()
    }

    #[test]
    fn every_anchor_in_its_context_is_a_candidate_wherever_the_parts_meet() {
        let entries = entries();
        let engine = Engine::new(&entries);
        let piece = b"x AccountKey=1 AKIA akia 7aaa key= ak9 a";
        for length in [0, 1, 10, 4095, 4096, 4097, 5000, 9001] {
            let hay: Vec<u8> = piece.iter().cycle().take(length).copied().collect();
            let mut found = Vec::new();
            engine.candidates(&hay, &mut found);
            assert_eq!(found, naive(&entries, &hay), "{length}");
        }
    }
}
