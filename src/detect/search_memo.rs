//! A search that many candidates would repeat over the same bytes, made once.
//!
//! Detectors must stay linear in the length of a record. A detector that asks "where is the next
//! quote?" at each of `n` keys would read the rest of the record `n` times. With a memo, the bytes
//! between two questions are read once as long as the questions move to the right.

use crate::text::visits;

/// The last answer of a search. One memo serves one search in one text.
#[derive(Clone, Copy, Default)]
pub(super) struct SearchMemo {
    /// There is no match in `from..to`.
    from: usize,
    to: usize,
    /// Whether there is a match at `to`.
    is_there: bool,
}

impl SearchMemo {
    /// The first match in `at..limit`. `search` must return the first match in the range that it is
    /// given. A question further left than the last one starts anew.
    pub(super) fn find(
        &mut self,
        at: usize,
        limit: usize,
        search: impl FnOnce(usize, usize) -> Option<usize>,
    ) -> Option<usize> {
        if at < self.from || at > self.to {
            *self = SearchMemo { from: at, to: at, is_there: false };
        }
        if !self.is_there && self.to < limit {
            let found = search(self.to, limit);
            visits::add(found.unwrap_or(limit) - self.to);
            self.to = found.unwrap_or(limit);
            self.is_there = found.is_some();
        }
        (self.is_there && self.to < limit).then_some(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memo_answers_as_a_fresh_search() {
        let hay = b"..x....x.x..............x..xx...";
        let naive = |at: usize, limit: usize| (at..limit).find(|at| hay[*at] == b'x');
        for length in 1..20 {
            for step in 1..5 {
                let mut memo = SearchMemo::default();
                // Forwards, and once back to the beginning.
                for at in (0..hay.len()).step_by(step).chain((0..hay.len()).step_by(step + 1)) {
                    let limit = hay.len().min(at + length);
                    assert_eq!(memo.find(at, limit, naive), naive(at, limit), "{at} {length}");
                }
            }
        }
    }
}
