//! Counts the bytes that a regex reads, for tests that hold detection to linear time.
//!
//! The engines that match do not report how far they read. So test builds run a lazy DFA beside
//! them, which reads on until no match is possible any more. Other builds do not count, and
//! [`RegexVisits`] is empty.

use regex_automata::Input;
use regex_syntax::hir::Hir;

#[cfg(test)]
use regex_automata::{hybrid::dfa, nfa::thompson};

#[cfg(test)]
use crate::text::visits;

#[cfg(test)]
pub(super) struct RegexVisits {
    dfa: Box<dfa::DFA>,
    cache: Box<dfa::Cache>,
}

#[cfg(not(test))]
pub(super) struct RegexVisits;

#[cfg(not(test))]
impl RegexVisits {
    pub(super) fn new(_: &Hir) -> RegexVisits {
        RegexVisits
    }

    #[inline(always)]
    pub(super) fn count(&mut self, _: &Input<'_>) {}
}

#[cfg(test)]
impl RegexVisits {
    pub(super) fn new(hir: &Hir) -> RegexVisits {
        let nfa =
            thompson::Compiler::new().build_from_hir(hir).expect("the pattern was compiled before");
        let config = dfa::Config::new().cache_capacity(16 << 20);
        let dfa =
            dfa::Builder::new().configure(config).build_from_nfa(nfa).expect("its cache is large");
        let cache = dfa.create_cache();
        RegexVisits { dfa: Box::new(dfa), cache: Box::new(cache) }
    }

    /// Counts the bytes that an anchored search of `input` reads.
    pub(super) fn count(&mut self, input: &Input<'_>) {
        let mut state =
            self.dfa.start_state_forward(&mut self.cache, input).expect("no byte makes it quit");
        for byte in &input.haystack()[input.get_range()] {
            visits::add(1);
            state = self.dfa.next_state(&mut self.cache, state, *byte).expect("its cache is large");
            if state.is_dead() {
                break;
            }
        }
    }
}
