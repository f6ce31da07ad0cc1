//! The buffer between a source and the scrubber: bytes go in as they come, pieces come out that end on record edges.
//!
//! A piece is a run of whole records, as many as are there. Only when one record alone exceeds the limit does it come out in
//! windows: each begins with some bytes that were handed on before (the context) and is as long as the limit, so that where
//! windows lie depends on the bytes alone and never on how they were read. Memory is bounded by the limit and one read.

use super::line;

/// So many bytes that were handed on already stand at the head of a window, for recognisers that look to the left.
pub(crate) const CONTEXT: usize = 4 << 10;

/// What can be examined now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'b> {
    /// Whole records; the last one may lack its terminator at the end of the input.
    Records(&'b [u8]),
    /// Part of a record that is longer than the limit.
    Window(Window<'b>),
}

impl<'b> Piece<'b> {
    /// The bytes to examine.
    pub(crate) fn bytes(self) -> &'b [u8] {
        match self {
            Piece::Records(hay) => hay,
            Piece::Window(window) => window.hay,
        }
    }
}

/// Part of a record that is longer than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window<'b> {
    /// The bytes, context first.
    pub(crate) hay: &'b [u8],
    /// How many of them were handed on with the window before.
    pub(crate) context: usize,
    /// Whether the record ends with this window.
    pub(crate) is_last: bool,
}

/// Bytes that were read and not yet handed on.
pub(crate) struct BlockBuffer {
    bytes: Vec<u8>,
    /// What is pending (and the context of a window before it) is `bytes[start..end]`.
    start: usize,
    end: usize,
    /// No line ends in `bytes[start..searched]`, while no piece is due.
    searched: usize,
    /// Bytes of `bytes[start..]` that were handed on already.
    context: usize,
    max_record: usize,
    /// Whether what is pending is the rest of a record that is being handed on in windows.
    in_window: bool,
}

impl BlockBuffer {
    /// A buffer of `size` bytes that grows, when a record asks for it, up to `max_record` bytes.
    pub(crate) fn new(size: usize, max_record: usize) -> BlockBuffer {
        let bytes = vec![0; size.max(1)];
        BlockBuffer { bytes, start: 0, end: 0, searched: 0, context: 0, max_record, in_window: false }
    }

    /// Room for the next read. It is empty only while a piece is due.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.end == self.bytes.len() && self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.searched -= self.start;
            self.start = 0;
        }
        if self.end == self.bytes.len() && self.bytes.len() < self.max_record {
            let size = (self.bytes.len() * 2).min(self.max_record);
            self.bytes.resize(size, 0);
        }
        &mut self.bytes[self.end..]
    }

    /// `n_bytes` were read into [`BlockBuffer::space`]; answers whether the next read would have to wait for a piece to be handed
    /// on, or for more memory.
    pub(crate) fn advance(&mut self, n_bytes: usize) -> bool {
        self.end += n_bytes;
        debug_assert!(self.end <= self.bytes.len(), "more was read than there was room for");
        self.end == self.bytes.len()
    }

    /// What can be examined now; `at_end`: nothing more will be read.
    pub(crate) fn piece(&mut self, at_end: bool) -> Option<Piece<'_>> {
        if self.in_window {
            return self.window(at_end);
        }
        let n_pending = self.end - self.start;
        if at_end && n_pending <= self.max_record {
            return (n_pending > 0).then(|| Piece::Records(&self.bytes[self.start..self.end]));
        }
        if let Some(newline) = memchr::memrchr(b'\n', &self.bytes[self.searched..self.end]) {
            return Some(Piece::Records(&self.bytes[self.start..=self.searched + newline]));
        }
        self.searched = self.end;
        if n_pending < self.max_record {
            return None;
        }
        self.in_window = true;
        self.window(at_end)
    }

    fn window(&self, at_end: bool) -> Option<Piece<'_>> {
        let there = &self.bytes[self.start..self.end.min(self.start + self.max_record)];
        let edge = line::next(there, self.context);
        let is_last = there[..edge].ends_with(b"\n") && edge > self.context || at_end && self.start + edge == self.end;
        if !is_last && there.len() < self.max_record {
            return None;
        }
        Some(Piece::Window(Window { hay: &there[..edge], context: self.context, is_last }))
    }

    /// The first `n_bytes` of the piece were handed on, its context among them.
    pub(crate) fn consume(&mut self, n_bytes: usize, ends_record: bool) {
        let kept = if self.in_window && !ends_record { n_bytes.min(CONTEXT) } else { 0 };
        self.start += n_bytes - kept;
        self.context = kept;
        self.searched = self.start;
        self.in_window &= !ends_record;
        if self.start == self.end {
            (self.start, self.end, self.searched) = (0, 0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` in reads of `read` bytes and takes windows `step` bytes at a time.
    fn pieces(input: &[u8], size: usize, max_record: usize, read: usize, step: usize) -> Vec<Vec<u8>> {
        let mut buffer = BlockBuffer::new(size, max_record);
        let mut rest = input;
        let mut pieces = Vec::new();
        loop {
            let space = buffer.space();
            let n_bytes = rest.len().min(read).min(space.len());
            space[..n_bytes].copy_from_slice(&rest[..n_bytes]);
            buffer.advance(n_bytes);
            rest = &rest[n_bytes..];
            while let Some(piece) = buffer.piece(rest.is_empty()) {
                let (bytes, n_bytes, ends) = match piece {
                    Piece::Records(bytes) => (bytes.to_vec(), bytes.len(), true),
                    Piece::Window(window) => {
                        let end = if window.is_last { window.hay.len() } else { window.context + step };
                        (window.hay[window.context..end].to_vec(), end, window.is_last)
                    }
                };
                pieces.push(bytes);
                buffer.consume(n_bytes, ends);
            }
            if rest.is_empty() {
                return pieces;
            }
        }
    }

    #[test]
    fn pieces_end_on_record_edges_and_lose_nothing() {
        let input = b"one\ntwo is longer\n\nlast without end";
        for size in [1, 2, 3, 7, 4096] {
            for read in [1, 2, 5, 100] {
                let pieces = pieces(input, size, 64, read, 8);
                assert_eq!(pieces.concat(), input);
                assert!(pieces[..pieces.len() - 1].iter().all(|piece| piece.ends_with(b"\n")), "{size} {read}");
            }
        }
    }

    #[test]
    fn a_record_over_the_limit_comes_in_windows_that_do_not_depend_on_the_reads() {
        let mut input = vec![b'x'; 20_000];
        input.extend_from_slice(b"\nnext\n");
        let expected = pieces(&input, 64, 6000, 6000, 1000);
        assert_eq!(expected.concat(), input);
        for read in [1, 77, 5999] {
            assert_eq!(pieces(&input, 64, 6000, read, 1000), expected, "{read}");
        }
    }
}
