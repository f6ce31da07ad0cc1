//! Random numbers from a fixed seed, for tests that make their own secrets.

use std::env;

/// SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Numbers {
        Numbers(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// One of `all`.
    pub(crate) fn one<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }

    /// A text of `length` characters from `alphabet`, which is ASCII.
    pub(crate) fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(*self.one(alphabet))).collect()
    }
}

/// The number of cases of a test: `LOGSCRUB_TEST_CASES`, or `default`.
pub(crate) fn cases(default: usize) -> usize {
    env::var("LOGSCRUB_TEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
