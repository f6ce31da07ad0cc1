//! State carried from one chunk of a sender to the next, separately for each tag: the chunks of
//! several containers interleave.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use crate::{rules::RuleSet, scrub::seam::Seam};

/// The most tags with open state. Beyond that, one of them is forgotten, and the rest of its line
/// is scanned without its beginning.
const MAX_TAGS: usize = 128;

/// The most bytes of unfinished lines. Beyond that they are forgotten, those of other tags first.
const MAX_BYTES: usize = 1 << 20;

/// State between the chunks of one sender, by tag: lines that a container runtime split between two
/// chunks, and private keys that continue in the next chunk.
///
/// It is empty when nothing is open. Otherwise it holds at most the last 68 KiB of each split line,
/// and at most 1 MiB in all.
#[derive(Debug, Default)]
pub struct TagStates {
    by_tag: HashMap<u64, Seam>,
    n_bytes: usize,
    /// The rules whose ids the states refer to.
    rules: Option<RuleSet>,
}

impl TagStates {
    /// Translates the states to `rules`, with which later chunks are scrubbed.
    pub(crate) fn switch_rules(&mut self, rules: &RuleSet) {
        if let Some(before) = self.rules.as_ref().filter(|before| !before.is_same(rules)) {
            self.by_tag.values_mut().for_each(|state| state.renumber(before, rules));
        }
        self.rules = Some(rules.clone());
    }

    /// Calls `scrub` with the state of `tag` and keeps what it leaves open.
    pub(super) fn with_state<T>(&mut self, tag: &[u8], scrub: impl FnOnce(&mut Seam) -> T) -> T {
        let tag = hash(tag);
        let mut state = self.by_tag.remove(&tag).unwrap_or_default();
        self.n_bytes -= state.n_bytes();
        let result = scrub(&mut state);
        if state.n_bytes() > MAX_BYTES {
            state.forget();
        }
        self.forget_down_to(MAX_BYTES - state.n_bytes());
        if state.is_open() {
            if self.by_tag.len() >= MAX_TAGS {
                self.forget_any_tag();
            }
            self.n_bytes += state.n_bytes();
            self.by_tag.insert(tag, state);
        }
        result
    }

    fn forget_any_tag(&mut self) {
        if let Some(tag) = self.by_tag.keys().next().copied()
            && let Some(forgotten) = self.by_tag.remove(&tag)
        {
            self.n_bytes -= forgotten.n_bytes();
        }
    }

    /// The number of bytes of unfinished lines.
    pub(crate) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Forgets unfinished lines until at most `limit` bytes are left. Open private keys are kept:
    /// they take no memory worth mentioning.
    pub(crate) fn forget_down_to(&mut self, limit: usize) {
        if self.n_bytes <= limit {
            return;
        }
        for state in self.by_tag.values_mut() {
            self.n_bytes -= state.n_bytes();
            state.forget();
            if self.n_bytes <= limit {
                break;
            }
        }
        self.by_tag.retain(|_, state| state.is_open());
    }
}

fn hash(tag: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    tag.hash(&mut hasher);
    hasher.finish()
}
