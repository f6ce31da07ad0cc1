//! Blocks with records that were cut into parts, fields with a length before them, bytes written
//! as numbers: examined as the text that a [`Reassembly`] makes of them, edited in the block.
//!
//! A secret that lies in several parts is replaced where it begins and removed from the parts that
//! follow; each part keeps its head, and the number and order of lines stay. A field that has its
//! length before it gets the new one, bytes that are written as numbers stay numbers.

use super::{
    Outcome, Scrubber,
    engine::{Input, caught},
    examine::Examined,
    rescan::{Before, Reread},
    text::{self, Text},
    verify::Lines,
};
use crate::{
    detect::{Scratch, State},
    frame::{
        flush::FlushPolicy, reassembly::Reassembly, rewrites::Field, stream_state::StreamState,
    },
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
        let Segment { reassembly, .. } = segment;
        let text = Text::Mapped(reassembly.source_map());
        if !self.examine(Input::Text(text.bytes())) {
            return self.withhold_segment(segment, out);
        }
        let mark = out.mark();
        caught(|| self.edit_segment(segment, out)).unwrap_or_else(|| {
            self.forget_fault(out, mark);
            self.withhold_segment(segment, out)
        })
    }

    /// Makes the edits of the segment that was examined last.
    fn edit_segment(&mut self, segment: Segment<'_>, out: &mut OutputRuns) -> Outcome {
        let Segment { hay, reassembly, span, before } = segment;
        let text = Text::Mapped(reassembly.source_map());
        self.count_allowed(Span::new(0, text.bytes().len()));
        let mut buffer = std::mem::take(&mut self.buffer);
        self.gather(text.bytes(), &mut buffer);
        let is_settled = self.is_settled(&mut buffer);
        let mut edits = text.edits_in_block(&self.first.edits, reassembly.numbers(span));
        mask_tails(segment, &mut edits);
        if edits.is_empty() {
            self.buffer = buffer;
            return Outcome::Clean;
        }
        let fields = reassembly.fields(span);
        if is_settled {
            buffer.gather(hay, &edits, |at| record_at(hay, fields, at));
            self.verify_records(hay, &mut buffer);
            buffer.add_lengths(fields);
            buffer.write(hay, span, out);
        } else {
            keep_lengths(reassembly, span, &mut edits);
            buffer.take_one(hay, &edits, span);
            self.rescan(&mut buffer, Reread::Segment(before));
            let now = buffer.records[0].text.of(&buffer.text);
            let scratch = &mut buffer.examined.scratch;
            let read = self.read_segment(now, &before.stream_state, scratch);
            let was = Lines { text: span.of(hay), start: span.start, fields };
            let is = Lines { text: now, start: 0, fields: read.fields(Span::new(0, now.len())) };
            out.write(|text| self.verify_lines(was, is, text));
        }
        self.buffer = buffer;
        Outcome::Changed
    }

    /// Reads a segment that was changed, by the format of the block.
    fn read_segment(&self, hay: &[u8], memory: &StreamState, scratch: &mut Scratch) -> Reassembly {
        let mut reassembly = Reassembly::default();
        let candidates = self.examiner.scanner.prefilter(hay, scratch);
        let signs = candidates.signs();
        reassembly.read(hay, signs, self.format, FlushPolicy::AT_END, &mut memory.clone());
        scratch.recycle(candidates);
        reassembly
    }

    /// Finds the edits of a segment that was changed, by the format of the block; answers whether
    /// that was possible. It begins in `state` and behind the records that `memory` knows.
    pub(super) fn examine_segment(
        &mut self,
        hay: &[u8],
        memory: &StreamState,
        (state, examined): (&mut State, &mut Examined),
    ) -> bool {
        let mut reassembly = self.read_segment(hay, memory, &mut examined.scratch);
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
            let fields = reassembly.fields(span);
            if let Some(field) = fields.iter().find(|field| field.length.start == end) {
                // The name of a field is no secret; its value is withheld with a new length.
                out.keep(hay, Span::new(start, end));
                out.write(|text| {
                    text.extend_from_slice(&(redact::RECORD.len() as u64).to_le_bytes());
                    text.extend_from_slice(redact::RECORD);
                    text.push(b'\n');
                });
                self.tally.withheld += 1;
                start = field.value.end + 1;
                continue;
            }
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

/// The record around an edit: a line, which begins and ends with the value of a field if it is in
/// one. The bytes of a length may look like a line end.
fn record_at(hay: &[u8], fields: &[Field], at: usize) -> Span {
    let line = line::around(hay, at);
    let next = fields.partition_point(|field| field.value.end <= at);
    match fields.get(next).map(|field| field.value).filter(|value| value.contains(at)) {
        Some(value) => Span::new(line.start.max(value.start), line.end.min(value.end).max(at)),
        None => line,
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
        edits.unite_overlaps();
    }
}

/// Edits the lengths of fields whose values change.
fn keep_lengths(reassembly: &Reassembly, span: Span, edits: &mut Edits) {
    let mut changed = Vec::new();
    for field in reassembly.fields(span) {
        let growth = edits.growth(field.value);
        // An edit that takes the length takes the field.
        if growth != 0 && !edits.overlap(field.length) {
            changed.push((field.length, (field.value.len().cast_signed() + growth) as u64));
        }
    }
    for (length, n_bytes) in changed {
        edits.push(length, |bytes| bytes.extend_from_slice(&n_bytes.to_le_bytes()));
    }
    edits.sort();
}
