//! The anchors of all rules in one pass: every occurrence of every anchor is a candidate.
//!
//! Which engine runs is a variant, not a trait object, so that the loop over a block is one call.

mod portable;

use std::collections::BTreeMap;

use crate::{
    rules::{Anchor, RuleSet},
    span::{RuleId, Span},
};

/// An anchor was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    start: u32,
    end: u32,
    anchor: u32,
}

impl Candidate {
    /// Where the anchor stands in the block.
    pub(crate) fn span(self) -> Span {
        Span::new(self.start as usize, self.end as usize)
    }

    /// Which anchor it is, as an index into what [`Prefilter::new`] answered.
    pub(crate) fn anchor(self) -> usize {
        self.anchor as usize
    }
}

/// The engine in use.
pub(crate) enum Prefilter {
    /// aho-corasick, on every CPU.
    Portable(portable::Engine),
}

impl Prefilter {
    /// The engine over all anchors of `rules`, and for each anchor the rules that have it.
    pub(crate) fn new(rules: &RuleSet) -> (Prefilter, Vec<Vec<RuleId>>) {
        let mut users: BTreeMap<&Anchor, Vec<RuleId>> = BTreeMap::new();
        for (id, rule) in rules.iter() {
            for anchor in &rule.anchors {
                users.entry(anchor).or_default().push(id);
            }
        }
        let engine = portable::Engine::new(users.keys().copied());
        (Prefilter::Portable(engine), users.into_values().collect())
    }

    /// Appends the candidates of `hay`, in the order of their first bytes. A block is at most 4 GiB.
    pub(crate) fn candidates(&self, hay: &[u8], found: &mut Vec<Candidate>) {
        match self {
            Prefilter::Portable(engine) => engine.candidates(hay, found),
        }
    }
}
