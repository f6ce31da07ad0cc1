//! Bytes of a block that the text shows in another form: a length as `=`, numbers as a string, the
//! quote of a cell as the quote of a JSON string.
//!
//! Formats add rewrites in the order of the block. Rewrites never overlap.

use crate::text::{source_map::SourceMap, span::Span};

/// Rewritten stretches that lie no further apart are read as one segment. Each segment costs a scan
/// of its own, about 3 us however short. With 512 bytes, a log with every fifth line cut in two
/// took 6.1 ns a byte; with 4 KiB, 3.8.
const SEGMENT_GAP: usize = 4 << 10;

/// A field with its length before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// The eight bytes of its length.
    pub(crate) length: Span,
    pub(crate) value: Span,
}

/// Bytes of the block and their replacement.
#[derive(Clone, Copy)]
struct Rewrite {
    raw: Span,
    /// In [`Rewrites::bytes`].
    text: Span,
}

/// All rewrites of a block.
#[derive(Default)]
pub(crate) struct Rewrites {
    list: Vec<Rewrite>,
    bytes: Vec<u8>,
    fields: Vec<Field>,
    numbers: Vec<Span>,
    segments: Vec<Span>,
}

impl Rewrites {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.bytes.clear();
        self.fields.clear();
        self.numbers.clear();
        self.segments.clear();
    }

    /// Shows `text` in place of `raw`.
    pub(super) fn replace(&mut self, raw: Span, text: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.list.push(Rewrite { raw, text: Span::new(start, self.bytes.len()) });
    }

    /// Shows the byte at `raw`, which may be written with several, as the inside of a JSON string.
    pub(super) fn replace_in_string(&mut self, raw: Span, byte: u8) {
        match crate::text::json::short_escape(byte) {
            Some(escape) => self.replace(raw, escape),
            None if byte < b' ' => self.replace(raw, b" "),
            None => self.replace(raw, &[byte]),
        }
    }

    /// Notes that bytes are written as numbers in `raw`.
    pub(super) fn push_numbers(&mut self, raw: Span) {
        self.numbers.push(raw);
    }

    pub(super) fn push_field(&mut self, field: Field) {
        self.fields.push(field);
    }

    /// Notes that the records `from..to` are read as another text.
    pub(super) fn touch(&mut self, from: usize, to: usize) {
        match self.segments.last_mut() {
            Some(last) if from - last.end < SEGMENT_GAP => last.end = to,
            _ => self.segments.push(Span::new(from, to)),
        }
    }

    /// Drops everything that reaches beyond `end`.
    pub(super) fn truncate(&mut self, end: usize) {
        self.segments.retain(|segment| segment.start < end);
        if let Some(last) = self.segments.last_mut() {
            last.end = last.end.min(end);
        }
        self.list.retain(|rewrite| rewrite.raw.end <= end);
        self.fields.retain(|field| field.value.end <= end);
        self.numbers.retain(|numbers| numbers.end <= end);
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The stretches of the block with rewrites or joined parts, in order. Each begins and ends at
    /// the edge of a record.
    pub(super) fn segments(&self) -> &[Span] {
        &self.segments
    }

    /// The fields with a length in `segment`, in order.
    pub(super) fn fields(&self, segment: Span) -> &[Field] {
        let before = |at: usize| self.fields.partition_point(|field| field.length.start < at);
        &self.fields[before(segment.start)..before(segment.end)]
    }

    /// Where bytes are written as numbers in `segment`, in order and without the brackets.
    pub(super) fn numbers(&self, segment: Span) -> &[Span] {
        let before = |at: usize| self.numbers.partition_point(|numbers| numbers.start < at);
        &self.numbers[before(segment.start)..before(segment.end)]
    }

    /// Whether a rewrite touches `span`.
    pub(super) fn touches(&self, span: Span) -> bool {
        self.list
            .iter()
            .any(|rewrite| rewrite.raw.start <= span.end && span.start <= rewrite.raw.end)
    }

    /// Appends `span` of the block to a text, rewritten.
    pub(super) fn copy(&self, hay: &[u8], span: Span, text: &mut SourceMap) {
        let mut done = span.start;
        let first = self.list.partition_point(|rewrite| rewrite.raw.start < span.start);
        for rewrite in self.list[first..].iter().take_while(|rewrite| rewrite.raw.end <= span.end) {
            text.copy(hay, Span::new(done, rewrite.raw.start));
            text.replace(rewrite.text.of(&self.bytes), rewrite.raw);
            done = rewrite.raw.end;
        }
        text.copy(hay, Span::new(done, span.end));
    }
}
