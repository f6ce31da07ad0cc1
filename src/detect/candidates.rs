//! What the prefilter's one pass found in a text.
//!
//! [`Scanner::prefilter`](super::Scanner::prefilter) returns [`Candidates`], which hold on to the
//! text that was read; [`Scanner::confirm`](super::Scanner::confirm) takes them, so detectors can
//! only run on the bytes that the prefilter saw. The buffers behind them, [`Prefiltered`], are
//! reused from text to text.

use crate::{
    prefilter::{Candidate, marks::Marks},
    text::span::Span,
};

/// The prefilter's answer about a text. Pass it to [`Scanner::confirm`](super::Scanner::confirm),
/// whole or part by part.
pub(crate) struct Candidates<'t> {
    pub(super) hay: &'t [u8],
    pub(super) found: Prefiltered,
}

impl Candidates<'_> {
    /// The signs in the text, in order: the number of each and its offset.
    pub(crate) fn signs(&self) -> &[(usize, usize)] {
        &self.found.signs
    }
}

/// The same without the text: buffers that a worker reuses.
#[derive(Default)]
pub(crate) struct Prefiltered {
    pub(super) candidates: Vec<Candidate>,
    /// Which bytes may begin an escape or are of the base64 alphabet.
    pub(super) marks: Marks,
    /// The signs that were seen: their number and offset, in order.
    pub(super) signs: Vec<(usize, usize)>,
    /// Where a record says that it is quoted-printable, in order.
    pub(super) printable: Vec<usize>,
}

impl Prefiltered {
    /// Keeps the candidates that begin before `end`.
    pub(super) fn truncate(&mut self, end: usize) {
        while self.candidates.last().is_some_and(|candidate| candidate.span().start >= end) {
            self.candidates.pop();
        }
    }

    /// Becomes the answer about `part` of the text that `all` is about.
    pub(super) fn take_part(&mut self, all: &Prefiltered, part: Span) {
        let first = all.candidates.partition_point(|one| one.span().start < part.start);
        let inside = all.candidates[first..].iter().take_while(|one| one.span().start < part.end);
        self.candidates.clear();
        self.candidates.extend(inside.map(|candidate| candidate.from(part.start)));
        self.marks.take_part(&all.marks, part);
        self.printable.clear();
        let inside = all.printable.iter().filter(|at| part.contains(**at));
        self.printable.extend(inside.map(|at| at - part.start));
    }
}
