//! A text that was read out of a block, and the place in the block of each of its bytes.
//!
//! A text is made of runs. A run is either copied, so that each byte has its own place, or a
//! replacement, which stands as a whole for the bytes that it replaces: an escape, a colour code, a
//! length. Detectors search the text, and [`SourceMap::in_block`] maps their findings back.
//!
//! Runs are in the order of the text. Joined records put later bytes of the block first, so in the
//! block they may be in any order.

use super::span::Span;

/// Up to this many bytes are copied at once, with one instruction in place of a call: there are few
/// bytes between two colour codes.
const SHORT: usize = 16;

/// A text that was read out of a block, with the place of each byte.
#[derive(Default)]
pub(crate) struct SourceMap {
    text: Vec<u8>,
    runs: Vec<Run>,
}

/// Bytes of the text that came from one place.
#[derive(Clone, Copy, Debug)]
struct Run {
    text: Span,
    raw: Span,
}

impl Run {
    /// Whether the run was copied. A replacement of the same length counts as copied, too.
    fn is_copy(self) -> bool {
        self.text.len() == self.raw.len()
    }
}

impl SourceMap {
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.runs.clear();
    }

    /// The text, for detectors to search.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Appends `hay[raw]` as it is.
    pub(crate) fn copy(&mut self, hay: &[u8], raw: Span) {
        if raw.is_empty() {
            return;
        }
        let text = Span::new(self.text.len(), self.text.len() + raw.len());
        append(hay, raw, &mut self.text);
        match self.runs.last_mut() {
            Some(last) if last.is_copy() && last.raw.end == raw.start => {
                (last.text.end, last.raw.end) = (text.end, raw.end);
            }
            _ => self.runs.push(Run { text, raw }),
        }
    }

    /// Appends `text` in place of the bytes at `raw`. They are edited as one.
    pub(crate) fn replace(&mut self, text: &[u8], raw: Span) {
        let start = self.text.len();
        self.text.extend_from_slice(text);
        self.runs.push(Run { text: Span::new(start, self.text.len()), raw });
    }

    /// Appends a line end that is not in the block.
    pub(crate) fn end_line(&mut self) {
        self.text.push(b'\n');
    }

    /// The spans of the block that `span` of the text was read from, in the order of the text.
    /// Adjacent ones are joined.
    pub(crate) fn in_block(&self, span: Span) -> impl Iterator<Item = Span> + '_ {
        let first = self.runs.partition_point(|run| run.text.end <= span.start);
        let mut runs =
            self.runs[first..].iter().take_while(move |run| run.text.start < span.end).peekable();
        std::iter::from_fn(move || {
            let mut raw = part(*runs.next()?, span);
            while let Some(next) = runs.next_if(|next| next.raw.start == raw.end) {
                raw.end = part(*next, span).end;
            }
            Some(raw)
        })
    }
}

/// Appends `hay[raw]` to `text`.
#[inline(always)]
pub(crate) fn append(hay: &[u8], raw: Span, text: &mut Vec<u8>) {
    match hay.get(raw.start..raw.start + SHORT).filter(|_| raw.len() <= SHORT) {
        Some(more) => {
            text.extend_from_slice(more);
            text.truncate(text.len() - (SHORT - raw.len()));
        }
        None => text.extend_from_slice(raw.of(hay)),
    }
}

/// The bytes in the block of the part of a run that `span` of the text covers.
fn part(run: Run, span: Span) -> Span {
    if !run.is_copy() {
        return run.raw;
    }
    let at = |offset: usize| {
        run.raw.start + (offset.clamp(run.text.start, run.text.end) - run.text.start)
    };
    Span::new(at(span.start), at(span.end))
}

impl std::fmt::Debug for SourceMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SourceMap({} bytes, {} runs)", self.text.len(), self.runs.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_the_text_finds_its_bytes() {
        let hay = br"ab\u0041cd|ef";
        let mut source_map = SourceMap::default();
        source_map.copy(hay, Span::new(0, 2));
        source_map.replace(b"A", Span::new(2, 8));
        source_map.copy(hay, Span::new(8, 10));
        source_map.copy(hay, Span::new(11, 13));
        assert_eq!(source_map.text(), b"abAcdef");
        let raw = |start, end| source_map.in_block(Span::new(start, end)).collect::<Vec<_>>();
        assert_eq!(raw(1, 4), [Span::new(1, 9)]);
        assert_eq!(raw(2, 3), [Span::new(2, 8)]);
        assert_eq!(raw(4, 6), [Span::new(9, 10), Span::new(11, 12)]);
        assert_eq!(raw(0, 7), [Span::new(0, 10), Span::new(11, 13)]);
        assert_eq!(raw(3, 3), []);
    }
}
