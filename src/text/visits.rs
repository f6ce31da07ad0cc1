//! A counter of the bytes that a scrub examines, behind the test that its cost is linear.
//!
//! Test builds have one counter per thread. In other builds [`add`] is empty and costs nothing.
//! Every walk over bytes reports how many it read, and again each time it reads them again.
//!
//! Counted: runs of a byte class, searches for a byte or a text, pattern walks, regex searches, the
//! grammars of keys, values, URLs and addresses, escapes, text that is copied or compared byte by
//! byte, JSON that is parsed.
//!
//! Not counted: the pass of the prefilter, which reads each byte a fixed number of times, and work
//! of a fixed size for each candidate, such as its anchor, tables, and the bytes beside it. The
//! fuzz tests compare the counter with CPU instructions (`fuzz/linear`), which reveals a walk that
//! does not report.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static VISITS: Cell<u64> = const { Cell::new(0) };
}

/// Reports that `n_bytes` bytes were read.
#[inline(always)]
pub(crate) fn add(n_bytes: usize) {
    #[cfg(test)]
    VISITS.with(|visits| visits.set(visits.get() + n_bytes as u64));
    #[cfg(not(test))]
    let _ = n_bytes;
}

/// Reports `n_bytes` and returns it.
#[inline(always)]
pub(crate) fn counted(n_bytes: usize) -> usize {
    add(n_bytes);
    n_bytes
}

/// Reports a comparison of two texts. Texts of different lengths are not read.
#[inline(always)]
pub(crate) fn add_common(one: &[u8], other: &[u8]) {
    if cfg!(test) && one.len() == other.len() {
        add(one.iter().zip(other).take_while(|(one, other)| one == other).count());
    }
}

/// How many bytes this thread has read since the last call.
#[cfg(test)]
pub(crate) fn take() -> u64 {
    VISITS.with(Cell::take)
}
