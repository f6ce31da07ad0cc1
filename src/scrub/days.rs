//! Findings by the day of their record, for the batch report.

use super::Scrubber;
use crate::{
    frame::timestamp,
    tally::{Day, Tally},
    text::span::Span,
};

/// Whether days are counted, and the day of the long record that is being worked through: only its
/// first window has the timestamp.
#[derive(Clone, Copy, Default)]
pub(super) struct Days {
    is_counting: bool,
    of_window: Option<Day>,
}

impl Scrubber {
    /// The same, counting findings by the day of their record.
    pub(crate) fn counting_days(mut self) -> Scrubber {
        self.days.is_counting = true;
        self
    }
}

impl Days {
    /// For another input.
    pub(super) fn fork(self) -> Days {
        Days { of_window: None, ..self }
    }

    /// Counts the findings of a record.
    pub(super) fn count(self, (hay, record): (&[u8], Span), n_findings: u64, tally: &mut Tally) {
        if self.is_counting {
            add(timestamp::day(hay, record), n_findings, tally);
        }
    }

    /// Reads the day of a long record from its first window.
    pub(super) fn begin_window(&mut self, hay: &[u8], context: usize) {
        if context > 0 {
            return;
        }
        self.of_window = match self.is_counting {
            true => timestamp::day(hay, Span::new(0, hay.len())),
            false => None,
        };
    }

    /// Counts the findings of a window.
    pub(super) fn count_window(self, n_findings: u64, tally: &mut Tally) {
        add(self.of_window, n_findings, tally);
    }
}

fn add(day: Option<Day>, n_findings: u64, tally: &mut Tally) {
    if let Some(day) = day {
        *tally.by_day.entry(day).or_default() += n_findings;
    }
}
