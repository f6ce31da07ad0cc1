//! For `explain`: the pieces of a stream, looked at and not replaced, with what was rejected.

use super::{Scrubber, text::Text, windows::Carry};
use crate::{
    detect::rejection::Rejected,
    finding::Finding,
    frame::{
        buffer::{Block, Window},
        flush::{FlushPolicy, InputState},
    },
    text::{encoding::Encoding, line, span::Span},
};

/// What is found in a piece.
pub(crate) struct Found<'s> {
    /// The bytes that were examined. Nothing outside may be shown: it belongs to another piece.
    pub(crate) done: Span,
    /// Whether the piece could be examined; if not, nothing of it may be shown.
    pub(crate) is_examined: bool,
    pub(crate) findings: &'s [Finding],
    /// Candidates that led to no finding, in order, where they were asked for.
    pub(crate) rejected: Vec<Rejected>,
}

impl Scrubber {
    /// The findings of a piece: what [`Scrubber::scrub_piece`] replaces at its first look. State is
    /// carried on as there.
    pub(crate) fn find_piece(&mut self, piece: Block<'_>, flush: FlushPolicy) -> Found<'_> {
        match piece {
            Block::Records(hay) => self.find_records(hay, flush),
            Block::Window(window) => self.find_window(window),
        }
    }

    /// The encodings that a finding lies behind, the outermost first. It was found last.
    pub(crate) fn encodings(&self, finding: &Finding) -> impl Iterator<Item = Encoding> {
        let edits = &self.first.edits;
        let found = edits.at(finding.span).and_then(|edit| edits.findings(edit).first().copied());
        found.into_iter().flat_map(|found| found.path.encodings().collect::<Vec<_>>())
    }

    /// Rejected candidates are kept from now on.
    pub(crate) fn ask_why(&mut self) {
        self.first.scratch.ask_why();
    }

    /// The rule or the detector that rejected a candidate.
    pub(crate) fn rejected_by(&self, rejected: &Rejected) -> &str {
        self.examiner.scanner.name_of(rejected)
    }

    /// The records of a block that can be examined now: up to the first one that is not text, or up
    /// to those that wait for their rest.
    fn find_records(&mut self, hay: &[u8], flush: FlushPolicy) -> Found<'_> {
        let n_text = self.text_length(hay, flush.input);
        if n_text == 0 && !hay.is_empty() {
            // The first record is not text.
            return self.not_examined(Span::new(0, line::next(hay, 0)));
        }
        let hay = &hay[..n_text];
        let mut reassembly = std::mem::take(&mut self.reassembly);
        let state = self.state.clone();
        let candidates = self.prefilter(hay);
        let is_examined = self.find_in(candidates, flush, &mut reassembly);
        if !is_examined {
            self.state = state;
        }
        let done = Span::new(0, reassembly.end());
        let mut rejected = self.first.scratch.rejected().to_vec();
        if !reassembly.segments().is_empty() {
            let text = Text::Mapped(reassembly.source_map());
            for one in &mut rejected {
                one.anchor = text.in_block(one.anchor).next().unwrap_or_default();
            }
            rejected.sort_by_key(|one| one.anchor.start);
        }
        self.reassembly = reassembly;
        Found { done, is_examined, findings: &self.found, rejected }
    }

    /// How many bytes of a block, from its start, are text; 0 where its first record is not.
    fn text_length(&mut self, hay: &[u8], input: InputState) -> usize {
        let candidates = self.prefilter(hay);
        let survey = self.survey(&candidates, input);
        self.first.scratch.recycle(candidates);
        let end = survey.runs.first().map_or(survey.end, |run| run.start);
        // Records that are not text are asked for one by one.
        if end > 0 || line::next(hay, 0) == hay.len() {
            let done = if end > 0 { end } else { hay.len() };
            self.content = self.content_after(&hay[..done], InputState::Ended);
        }
        end
    }

    /// The part of a long record that a window settles.
    fn find_window(&mut self, window: Window<'_>) -> Found<'_> {
        let from = self.window_start(window);
        let is_examined = self.carry != Carry::Withheld && self.examine_window(window);
        let found = is_examined.then(|| {
            let done = self.settled_part(window, from);
            (done, self.collect(Text::Block(window.hay), &[]))
        });
        if found.is_none() {
            self.carry = Carry::Withheld;
        }
        if window.is_last {
            self.carry = Carry::Nothing;
        }
        let Some((done, is_examined)) = found else {
            return self.not_examined(Span::new(from.min(window.hay.len()), window.hay.len()));
        };
        let within = |one: &&Rejected| done.contains(one.anchor.start);
        let rejected = self.first.scratch.rejected().iter().filter(within).cloned().collect();
        Found { done, is_examined, findings: &self.found, rejected }
    }

    /// Nothing of `done` may be shown.
    fn not_examined(&mut self, done: Span) -> Found<'_> {
        self.found.clear();
        Found { done, is_examined: false, findings: &self.found, rejected: Vec::new() }
    }
}
