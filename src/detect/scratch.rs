//! The buffers of one worker, reused from text to text, and what the last scan left in them.

use super::{
    Candidates, Memory, candidates::Prefiltered, key_value::multiline_value, meter::Meter,
    rejection::Rejected,
};
use crate::{finding::Finding, text::span::Span};

/// See the module.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(super) prefiltered: Prefiltered,
    pub(super) findings: Vec<Finding>,
    /// Findings that the user's `allow` entries took away.
    pub(super) allowed: Vec<Finding>,
    pub(super) memory: Memory,
    /// Counts and times each detector; set by `rules cost` only.
    pub(super) meter: Option<Box<Meter>>,
    /// Why candidates were refused; set by `explain --why` only.
    pub(super) rejected: Option<Vec<Rejected>>,
}

impl Scratch {
    /// What the last scan found: sorted, disjoint, never touching.
    pub(crate) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What the last scan found and the user's `allow` entries took away.
    pub(crate) fn allowed(&self) -> &[Finding] {
        &self.allowed
    }

    pub(crate) fn findings_mut(&mut self) -> &mut Vec<Finding> {
        &mut self.findings
    }

    /// From now on, scans write down why candidates were refused.
    pub(crate) fn ask_why(&mut self) {
        self.rejected = Some(Vec::new());
    }

    /// The candidates that the last scan refused, in order.
    pub(crate) fn rejected(&self) -> &[Rejected] {
        self.rejected.as_deref().unwrap_or_default()
    }

    /// Forgets everything that an interrupted scan left half done.
    pub(crate) fn reset(&mut self) {
        let rejected = self.rejected.take().map(|_| Vec::new());
        *self = Scratch { rejected, ..Scratch::default() };
    }

    /// What the prefilter saw in the text that was scanned last, and the findings in it.
    pub(crate) fn prefiltered(&mut self) -> (&Prefiltered, &mut Vec<Finding>) {
        (&self.prefiltered, &mut self.findings)
    }

    /// Takes back the buffers of candidates that nobody will confirm.
    pub(crate) fn recycle(&mut self, candidates: Candidates<'_>) {
        self.prefiltered = candidates.found;
    }

    /// The record around `at` in the text that was scanned last. Cheap when asked in order.
    pub(crate) fn record(&mut self, hay: &[u8], at: usize) -> Span {
        self.memory.records.around(hay, at)
    }

    /// The lines that the last scan read as values below their keys, with the lines of the keys, in
    /// order.
    pub(crate) fn reads(&self) -> &[multiline_value::Read] {
        &self.memory.key_value.reads
    }

    /// Whether the last scan met something that reaches into later records: the first line of a
    /// private key, or a key with its value below it.
    pub(crate) fn met_open(&self) -> bool {
        self.memory.private_key > 0 || self.memory.key_value.below_end > 0
    }
}
