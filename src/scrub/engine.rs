//! The innermost step: one text, one scan, and the only function that catches a panic.
//!
//! A detector that panics leaves its scan half done. The scratch is thrown away, and the caller
//! withholds or masks the text, of which nothing is known. Decoded runs come through here too, so a
//! fault in one of them masks that run alone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{
    detect::{Candidates, Scanner, Scratch, State},
    redact::Redactor,
};

/// Does `work`; none if it panicked. What it changed is half done then and must be thrown away.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

/// A text to examine.
pub(super) enum Input<'t> {
    Text(&'t [u8]),
    /// A text that went through the prefilter.
    Prefiltered(Candidates<'t>),
}

impl<'t> Input<'t> {
    pub(super) fn text(&self) -> &'t [u8] {
        match self {
            Input::Text(text) => text,
            Input::Prefiltered(candidates) => candidates.text(),
        }
    }
}

/// What scans a text and writes placeholders.
#[derive(Clone, Copy)]
pub(super) struct Engine<'s> {
    pub(super) scanner: &'s Scanner,
    pub(super) redactor: &'s Redactor,
    pub(super) fault: Option<&'s [u8]>,
}

impl Engine<'_> {
    /// Scans a text; answers whether that was possible. The findings are the scratch's.
    pub(super) fn scan(self, input: Input<'_>, state: &mut State, scratch: &mut Scratch) -> bool {
        let scan = || {
            assert!(!self.fails_on(input.text()), "a fault was asked for");
            let candidates = match input {
                Input::Text(text) => self.scanner.prefilter(text, scratch),
                Input::Prefiltered(candidates) => candidates,
            };
            self.scanner.confirm(candidates, state, scratch);
        };
        let is_examined = caught(scan).is_some();
        if !is_examined {
            // The scan was left half done.
            scratch.reset();
        }
        is_examined
    }

    /// For tests: whether a text holds the bytes that make its scan fail.
    fn fails_on(self, text: &[u8]) -> bool {
        self.fault.is_some_and(|marker| memchr::memmem::find(text, marker).is_some())
    }
}
