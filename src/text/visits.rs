//! How many bytes a scrub looks at: the measure behind the promise that its cost is linear.
//!
//! Tests build with a counter for each thread; elsewhere [`add`] is empty and costs nothing. Every
//! walk over bytes reports how many it looked at, once more each time it looks again.
//!
//! Counted: runs of a class, searches for a byte or a text, pattern walks, regex searches, the
//! grammars of keys, values, URLs and addresses, escapes that are read, text that is copied or
//! compared byte by byte, JSON that is parsed.
//!
//! Not counted: the one pass of the prefilter, which reads each byte a fixed number of times, and
//! work of a fixed size for a candidate: its anchor, tables, the bytes right beside it. The tests
//! compare the counter with instructions of the CPU (`fuzz/linear`), so that a walk which forgets
//! to report is noticed.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static VISITS: Cell<u64> = const { Cell::new(0) };
}

/// Reports that `n_bytes` bytes were looked at.
#[inline(always)]
pub(crate) fn add(n_bytes: usize) {
    #[cfg(test)]
    VISITS.with(|visits| visits.set(visits.get() + n_bytes as u64));
    #[cfg(not(test))]
    let _ = n_bytes;
}

/// The same, for a length that is needed as well.
#[inline(always)]
pub(crate) fn counted(n_bytes: usize) -> usize {
    add(n_bytes);
    n_bytes
}

/// Reports that two texts were compared, of which texts of the same length alone are read.
#[inline(always)]
pub(crate) fn add_common(one: &[u8], other: &[u8]) {
    if cfg!(test) && one.len() == other.len() {
        add(one.iter().zip(other).take_while(|(one, other)| one == other).count());
    }
}

/// How many bytes this thread looked at since it was asked last.
#[cfg(test)]
pub(crate) fn take() -> u64 {
    VISITS.with(Cell::take)
}
