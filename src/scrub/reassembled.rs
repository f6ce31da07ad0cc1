//! Blocks with records that were cut into parts, fields with a length before them, bytes written
//! as numbers: examined as the text that a [`Reassembly`] makes of them, edited in the block.
//!
//! A secret that lies in several parts is replaced where it begins and removed from the parts that
//! follow; each part keeps its head, and the number and order of lines stay. A field that has its
//! length before it gets the new one, bytes that are written as numbers stay numbers.

use super::{
    Outcome, Scrubber,
    engine::Input,
    examine::Examined,
    rescan::{Before, Reread},
    text::{self, Text},
};
use crate::{
    detect::State,
    frame::reassembly::{FlushPolicy, Reassembly, StreamState},
    policy::OnError,
    redact::{self, OutputRuns, edits::Edits},
    text::{line, span::Span},
};

/// Part of a block that is not read as it is.
#[derive(Clone, Copy)]
pub(super) struct Segment<'s> {
    /// The block.
    pub(super) hay: &'s [u8],
    /// How the part is read.
    pub(super) reassembly: &'s Reassembly,
    pub(super) span: Span,
    pub(super) before: &'s Before,
}

impl Scrubber {
    /// Scrubs a segment. `out` gets nothing where the segment is clean.
    pub(super) fn scrub_segment(&mut self, segment: Segment<'_>, out: &mut OutputRuns) -> Outcome {
        let Segment { hay, reassembly, span, before } = segment;
        let text = Text::Mapped(reassembly.source_map());
        if !self.examine(Input::Text(text.bytes())) {
            return self.withhold_segment(segment, out);
        }
        self.count_allowed(Span::new(0, text.bytes().len()));
        let mut buffer = std::mem::take(&mut self.buffer);
        self.gather(text.bytes(), &mut buffer);
        let is_settled = self.is_settled(&mut buffer);
        let mut edits = text.edits_in_block(&self.first.edits, reassembly.numbers(span));
        mask_tails(segment, &mut edits);
        keep_lengths(reassembly, span, &mut edits);
        if edits.is_empty() {
            self.buffer = buffer;
            return Outcome::Clean;
        }
        if is_settled {
            buffer.gather(hay, &edits, |at| line::around(hay, at));
            self.verify_records(hay, &mut buffer);
            buffer.write(hay, span, out);
        } else {
            buffer.take_one(hay, &edits, span);
            self.rescan(&mut buffer, Reread::Segment(before));
            let now = buffer.records[0].text.of(&buffer.text);
            out.write(|text| self.verify_lines(span.of(hay), now, text));
        }
        self.buffer = buffer;
        Outcome::Changed
    }

    /// Finds the edits of a segment that was changed, by the format of the block; answers whether
    /// that was possible. It begins in `state` and behind the records that `memory` knows.
    pub(super) fn examine_segment(
        &mut self,
        hay: &[u8],
        memory: &StreamState,
        (state, examined): (&mut State, &mut Examined),
    ) -> bool {
        let mut reassembly = Reassembly::default();
        let candidates = self.examiner.scanner.prefilter(hay, &mut examined.scratch);
        let signs = candidates.signs();
        reassembly.read(hay, signs, self.format, FlushPolicy::AT_END, &mut memory.clone());
        examined.scratch.recycle(candidates);
        let span = Span::new(0, hay.len());
        reassembly.render(hay, span);
        let text = Text::Mapped(reassembly.source_map());
        let is_examined = self.examiner.examine(Input::Text(text.bytes()), state, examined);
        if is_examined {
            let mut edits = text.edits_in_block(&examined.edits, reassembly.numbers(span));
            keep_lengths(&reassembly, span, &mut edits);
            examined.edits = edits;
        }
        is_examined
    }

    /// A segment that could not be examined: records that were cut into parts are withheld, every
    /// other one is examined alone.
    fn withhold_segment(&mut self, segment: Segment<'_>, out: &mut OutputRuns) -> Outcome {
        let Segment { hay, reassembly, span, before } = segment;
        self.state = before.state.clone();
        if self.on_error == OnError::Stop {
            return Outcome::Stopped;
        }
        let mut start = span.start;
        while start < span.end {
            let end = line::next(&hay[..span.end], start);
            if reassembly.touches(Span::new(start, end)) {
                out.write(|text| self.withhold(&hay[start..end], text));
            } else {
                self.scrub_one(hay, Span::new(start, end), out);
            }
            start = end;
        }
        Outcome::Changed
    }
}

/// Masks what could be the beginning of a secret whose rest did not come in time.
fn mask_tails(segment: Segment<'_>, edits: &mut Edits) {
    let Segment { hay, reassembly, span, .. } = segment;
    for tail in reassembly.tails(hay, span) {
        if tail.iter().any(|part| edits.overlap(*part)) {
            continue;
        }
        let mut replacement = redact::RECORD;
        for part in tail.into_iter().filter(|part| !part.is_empty()) {
            text::push(edits, part, replacement, reassembly.numbers(span));
            replacement = b"";
        }
        edits.sort();
    }
}

/// Edits the lengths of fields whose values change.
fn keep_lengths(reassembly: &Reassembly, span: Span, edits: &mut Edits) {
    let mut changed = Vec::new();
    for field in reassembly.fields(span) {
        let growth = edits.growth(field.value);
        if growth != 0 {
            changed.push((field.length, (field.value.len().cast_signed() + growth) as u64));
        }
    }
    for (length, n_bytes) in changed {
        edits.push(length, |bytes| bytes.extend_from_slice(&n_bytes.to_le_bytes()));
    }
    edits.sort();
}
