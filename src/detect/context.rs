//! What a detector works with: the text, the record around a candidate, and memory.
//!
//! Most candidates are refused by the bytes beside their anchor. So a detector gets the bare
//! [`Candidate`] and asks [`Context::locate`] for the record only when it has to look further. The
//! records that were located are remembered: a second candidate of a record, and the merge of
//! overlapping findings, do not search its line ends again.
//!
//! The context serves one text. Whatever a detector remembers in [`Memory`] is about that text and
//! is cleared before the next one; only [`State`] outlives it.

use super::{Memory, State};
use crate::{
    finding::Finding,
    prefilter::Candidate,
    redact::placeholder::Placeholders,
    text::{line, span::Span},
};

/// Everything that a detector may read or change while it examines candidates of one text.
pub(crate) struct Context<'c> {
    /// The text that is searched.
    pub(super) hay: &'c [u8],
    /// Recognises what was redacted before.
    pub(super) placeholders: &'c Placeholders,
    /// Where detectors put what they find.
    pub(super) findings: &'c mut Vec<Finding>,
    /// What reaches from one text into the next.
    pub(super) state: &'c mut State,
    /// What detectors remember of this text.
    pub(super) memory: &'c mut Memory,
}

impl<'c> Context<'c> {
    /// The candidate with the record around it.
    #[inline]
    pub(super) fn locate(&mut self, candidate: Candidate) -> Located<'c> {
        self.memory.records.locate(self.hay, candidate.span())
    }
}

/// An anchor in its record.
#[derive(Clone, Copy)]
pub(crate) struct Located<'t> {
    /// The text.
    pub(crate) hay: &'t [u8],
    /// The record around the anchor, without its terminator. A detector looks nowhere else.
    pub(crate) record: Span,
    /// Where the anchor is.
    pub(crate) anchor: Span,
}

/// The records that were located in a text.
#[derive(Default)]
pub(super) struct Records {
    /// In order, and disjoint.
    located: Vec<Span>,
    /// The index of the one that was asked for last.
    at: usize,
}

impl Records {
    pub(super) fn clear(&mut self) {
        self.located.clear();
        self.at = 0;
    }

    /// The anchor in its record. Anchors come in order, so this is the last record that was located
    /// or a later one.
    #[inline]
    pub(super) fn locate<'t>(&mut self, hay: &'t [u8], anchor: Span) -> Located<'t> {
        let record = match self.located.last() {
            Some(record) if anchor.start < record.end => *record,
            _ => {
                let record = line::around(hay, anchor.start);
                self.located.push(record);
                record
            }
        };
        Located { hay, record, anchor }
    }

    /// The record around `at`, whether it was located before or not. Cheap when asked in order.
    pub(super) fn around(&mut self, hay: &[u8], at: usize) -> Span {
        if self.located.get(self.at).is_none_or(|record| at < record.start) {
            self.at = 0;
        }
        self.at += self.located[self.at..].iter().take_while(|record| record.end <= at).count();
        match self.located.get(self.at) {
            Some(record) if record.contains(at) => *record,
            _ => line::around(hay, at),
        }
    }
}
