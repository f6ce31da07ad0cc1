//! What the prefilter's one pass found in a text.
//!
//! [`Scanner::prefilter`](super::Scanner::prefilter) returns [`Candidates`], which hold on to the
//! text that was read; [`Scanner::confirm`](super::Scanner::confirm) takes them, so detectors can
//! only run on the bytes that the prefilter saw. The buffers behind them, [`Prefiltered`], are
//! reused from text to text.

use super::Scratch;
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

impl<'t> Candidates<'t> {
    /// The text that was read.
    pub(crate) fn text(&self) -> &'t [u8] {
        self.hay
    }

    /// Those of the text up to `end`, the end of a record.
    pub(crate) fn before(mut self, end: usize) -> Candidates<'t> {
        self.hay = &self.hay[..end];
        self.found.truncate(end);
        self
    }

    /// Those of `part`, which is confirmed as a text of its own, in the buffers of `scratch`.
    pub(crate) fn part(&self, part: Span, scratch: &mut Scratch) -> Candidates<'t> {
        let mut found = std::mem::take(&mut scratch.prefiltered);
        found.take_part(&self.found, part);
        Candidates { hay: part.of(self.hay), found }
    }

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
    /// The offsets of the markers of encodings (of quoted-printable), in order.
    pub(super) encoding_markers: Vec<usize>,
}

impl Prefiltered {
    /// Keeps what begins before `end`.
    fn truncate(&mut self, end: usize) {
        self.signs.truncate(self.signs.partition_point(|sign| sign.1 < end));
        self.encoding_markers.truncate(self.encoding_markers.partition_point(|at| *at < end));
        while self.candidates.last().is_some_and(|candidate| candidate.span().start >= end) {
            self.candidates.pop();
        }
    }

    /// Becomes the answer about `part` of the text that `all` is about.
    fn take_part(&mut self, all: &Prefiltered, part: Span) {
        let first = all.candidates.partition_point(|one| one.span().start < part.start);
        let inside = all.candidates[first..].iter().take_while(|one| one.span().start < part.end);
        self.candidates.clear();
        self.candidates.extend(inside.map(|candidate| candidate.from(part.start)));
        self.marks.take_part(&all.marks, part);
        self.signs.clear();
        self.encoding_markers.clear();
        let inside = all.encoding_markers.iter().filter(|at| part.contains(**at));
        self.encoding_markers.extend(inside.map(|at| at - part.start));
    }
}
