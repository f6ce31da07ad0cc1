//! What is open between the chunks of one sender, for each of its tags: chunks of several
//! containers come by turns.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

#[cfg(feature = "forward")]
use crate::rules::RuleSet;
use crate::scrub::seam::Seam;

/// Tags of one sender whose last chunk ended within a line. Beyond, one of them is forgotten: the
/// rest of its line is judged by itself.
const MAX_OPEN: usize = 128;

/// So many bytes of lines are kept for one sender; more are forgotten, those of other tags first.
const MAX_BYTES: usize = 1 << 20;

/// Remembers, by tag, lines that a container runtime has cut between two chunks, and private keys
/// that go on in the next one.
///
/// It holds nothing when nothing is open, and otherwise the last 68 KiB of each line that was cut
/// at most, 1 MiB in all.
#[derive(Debug, Default)]
pub struct Seams {
    open: HashMap<u64, Seam>,
    n_bytes: usize,
    /// The rules by whose numbers the open seams were left.
    #[cfg(feature = "forward")]
    rules: Option<RuleSet>,
}

impl Seams {
    /// From now on a scrubber with these rules goes on behind what is open.
    #[cfg(feature = "forward")]
    pub(crate) fn under(&mut self, rules: &RuleSet) {
        if let Some(before) = self.rules.as_ref().filter(|before| !before.is_same(rules)) {
            self.open.values_mut().for_each(|seam| seam.renumber(before, rules));
        }
        self.rules = Some(rules.clone());
    }

    /// Hands the seam of `tag` to `scrub`, which goes on behind it.
    pub(super) fn go_on<T>(&mut self, tag: &[u8], scrub: impl FnOnce(&mut Seam) -> T) -> T {
        let tag = number(tag);
        let mut seam = self.open.remove(&tag).unwrap_or_default();
        self.n_bytes -= seam.n_bytes();
        let result = scrub(&mut seam);
        if seam.n_bytes() > MAX_BYTES {
            seam.forget();
        }
        self.forget_down_to(MAX_BYTES - seam.n_bytes());
        if seam.is_open() {
            if self.open.len() >= MAX_OPEN
                && let Some(any) = self.open.keys().next().copied()
                && let Some(forgotten) = self.open.remove(&any)
            {
                self.n_bytes -= forgotten.n_bytes();
            }
            self.n_bytes += seam.n_bytes();
            self.open.insert(tag, seam);
        }
        result
    }

    /// The bytes of lines that are kept.
    #[cfg(any(test, feature = "forward"))]
    pub(crate) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Forgets lines until at most `limit` bytes of them are kept. Their rests are judged by
    /// themselves; private keys stay open.
    pub(crate) fn forget_down_to(&mut self, limit: usize) {
        if self.n_bytes <= limit {
            return;
        }
        for seam in self.open.values_mut() {
            self.n_bytes -= seam.n_bytes();
            seam.forget();
            if self.n_bytes <= limit {
                break;
            }
        }
        self.open.retain(|_, seam| seam.is_open());
    }
}

fn number(tag: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    tag.hash(&mut hasher);
    hasher.finish()
}
