//! A search that many candidates make over the same bytes, made once.

use crate::text::visits;

/// Where something stands next, for whoever asks from further and further right: the bytes between
/// two questions are searched once, so a record that asks at every key costs what it is long.
#[derive(Clone, Copy, Default)]
pub(super) struct Seek {
    /// Nothing stands in `from..to`.
    from: usize,
    to: usize,
    /// Whether it stands at `to`.
    is_there: bool,
}

impl Seek {
    /// The first place at `at` or behind it, and before `limit`. `search` answers the first place
    /// at an offset or behind it and before `limit`.
    pub(super) fn find(
        &mut self,
        at: usize,
        limit: usize,
        search: impl FnOnce(usize, usize) -> Option<usize>,
    ) -> Option<usize> {
        if at < self.from || at > self.to {
            *self = Seek { from: at, to: at, is_there: false };
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
    fn every_question_gets_the_answer_of_a_search_of_its_own() {
        let hay = b"..x....x.x..............x..xx...";
        let naive = |at: usize, limit: usize| (at..limit).find(|at| hay[*at] == b'x');
        for length in 1..20 {
            for step in 1..5 {
                let mut seek = Seek::default();
                // Forwards, and once back to the beginning.
                for at in (0..hay.len()).step_by(step).chain((0..hay.len()).step_by(step + 1)) {
                    let limit = hay.len().min(at + length);
                    assert_eq!(seek.find(at, limit, naive), naive(at, limit), "{at} {length}");
                }
            }
        }
    }
}
