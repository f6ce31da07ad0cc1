//! Builds without batch count no findings by day.

use crate::{tally::Tally, text::span::Span};

#[derive(Clone, Copy, Default)]
pub(super) struct Days {}

impl Days {
    pub(super) fn fork(self) -> Days {
        self
    }

    pub(super) fn count(self, _: (&[u8], Span), _: u64, _: &mut Tally) {}

    pub(super) fn begin_window(&mut self, _: &[u8], _: usize) {}

    pub(super) fn count_window(self, _: u64, _: &mut Tally) {}
}
