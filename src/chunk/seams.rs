//! What is open between the chunks of one sender, for each of its tags: chunks of several containers come by turns.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use crate::scrub::Seam;

/// Tags of one sender whose last chunk ended within a line. Beyond, one of them is forgotten: the rest of its line is judged by itself.
const MAX_OPEN: usize = 128;

/// Remembers, by tag, lines that a container runtime has cut between two chunks, and private keys that go on in the next one.
///
/// It holds nothing when nothing is open, and otherwise the last 68 KiB of each line that was cut at most.
#[derive(Debug, Default)]
pub struct Seams {
    open: HashMap<u64, Seam>,
}

impl Seams {
    /// Hands the seam of `tag` to `scrub`, which goes on behind it.
    pub(super) fn go_on<T>(&mut self, tag: &[u8], scrub: impl FnOnce(&mut Seam) -> T) -> T {
        let tag = number(tag);
        let mut seam = self.open.remove(&tag).unwrap_or_default();
        let result = scrub(&mut seam);
        if seam.is_open() {
            if self.open.len() >= MAX_OPEN
                && let Some(any) = self.open.keys().next().copied()
            {
                self.open.remove(&any);
            }
            self.open.insert(tag, seam);
        }
        result
    }
}

fn number(tag: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    tag.hash(&mut hasher);
    hasher.finish()
}
