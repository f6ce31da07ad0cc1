//! A text without control sequences, mapped back to its bytes.
//!
//! Loggers colour their output, and JSON escapes `/`. A key is recognised in the plain text, and
//! its body is replaced in the bytes that it was read from.

use crate::text::{
    ansi,
    encoding::{self, Escape},
    source_map::SourceMap,
    span::Span,
};

/// A text without control sequences, mapped back to its bytes. Escapes of the base64 alphabet's
/// marks (`\/`, `\u002b`) are decoded. A text without either is not copied.
pub(super) struct Plain<'t> {
    raw: &'t [u8],
    source_map: Option<SourceMap>,
}

impl<'t> Plain<'t> {
    /// Reads `raw` without control sequences.
    pub(super) fn new(raw: &'t [u8]) -> Plain<'t> {
        let mut source_map: Option<SourceMap> = None;
        let (mut done, mut at) = (0, 0);
        while let Some(start) =
            raw[at..].iter().position(|byte| encoding::may_begin(*byte)).map(|length| at + length)
        {
            let rest = &raw[start..];
            let Some((length, text)) = hidden(rest) else {
                at = start + 1;
                continue;
            };
            let source_map = source_map.get_or_insert_default();
            source_map.copy(raw, Span::new(done, start));
            at = start + length;
            if let Some(byte) = text {
                source_map.replace(&[byte], Span::new(start, at));
            }
            done = at;
        }
        if let Some(source_map) = &mut source_map {
            source_map.copy(raw, Span::new(done, raw.len()));
        }
        Plain { raw, source_map }
    }

    pub(super) fn text(&self) -> &[u8] {
        self.source_map.as_ref().map_or(self.raw, SourceMap::text)
    }

    /// The bytes that `span` of the text was read from, including the sequences inside it.
    pub(super) fn raw(&self, span: Span) -> Span {
        let Some(source_map) = &self.source_map else { return span };
        let mut parts = source_map.in_block(span);
        let first = parts.next().unwrap_or_default();
        // A backslash at the end of a sequence would escape the placeholder, so the sequence is
        // included.
        let is_escaped = first.start > 0 && self.raw[first.start - 1] == b'\\';
        let start = match span.start.checked_sub(1) {
            _ if !is_escaped => first.start,
            Some(before) => source_map
                .in_block(Span::new(before, span.start))
                .last()
                .map_or(first.start, |part| part.end),
            None => 0,
        };
        Span::new(start, parts.last().unwrap_or(first).end)
    }

    /// The offset of the byte at `at` of the text.
    pub(super) fn raw_at(&self, at: usize) -> usize {
        if at >= self.text().len() { self.raw.len() } else { self.raw(Span::new(at, at + 1)).start }
    }
}

/// The length of the control sequence or the escape that `rest` begins with, and the mark that an
/// escape encodes.
fn hidden(rest: &[u8]) -> Option<(usize, Option<u8>)> {
    if let Some(length) = ansi::control(rest) {
        return Some((length, None));
    }
    let escape = encoding::escape(rest).filter(is_mark)?;
    Some((escape.length(), escape.text().first().copied()))
}

/// Whether an escape encodes a mark of the base64 alphabet.
fn is_mark(escape: &Escape) -> bool {
    matches!(escape.text(), [b'+' | b'/' | b'='])
}

/// The offset after the control sequences at `at`.
pub(super) fn behind_codes(text: &[u8], mut at: usize) -> usize {
    while let Some(length) = ansi::control(&text[at..]) {
        at += length;
    }
    at
}
