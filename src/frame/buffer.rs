//! The buffer between a source and the scrubber: bytes go in as they are read, blocks come out that
//! end at record edges.
//!
//! A block is a run of whole records, as many as there are. Only a record longer than the limit
//! comes out in windows. Each window begins with some bytes of the one before (the context) and is
//! as long as the limit, so the places of windows depend on the bytes alone and never on how they
//! were read. Memory is bounded by the limit and one read.

use crate::text::line;
use crate::text::span::Span;

/// Blocks begin on a page, like the kernel's own buffers. On Zen 3 a read of 128 KiB takes 0.45 ns
/// a byte into memory 16 bytes after a page, where `malloc` puts it, and 0.12 ns into a page.
const PAGE: usize = 4 << 10;

/// How many bytes of the window before begin a window, for detectors that look to the left.
pub(crate) const CONTEXT: usize = 4 << 10;

/// Blocks that grew beyond this many times their size are not taken: many at once would need too
/// much memory.
const MAX_TAKEN: usize = 4;

/// Bytes that can be examined now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block<'b> {
    /// Whole records; the last one may lack its terminator at the end of the input.
    Records(&'b [u8]),
    /// Part of a record that is longer than the limit.
    Window(Window<'b>),
}

impl<'b> Block<'b> {
    /// The bytes to examine.
    pub(crate) fn bytes(self) -> &'b [u8] {
        match self {
            Block::Records(hay) => hay,
            Block::Window(window) => window.hay,
        }
    }
}

/// Part of a record that is longer than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window<'b> {
    /// The bytes, context first.
    pub(crate) hay: &'b [u8],
    /// How many of them belong to the window before.
    pub(crate) context: usize,
    /// Whether the record ends with this window.
    pub(crate) is_last: bool,
}

/// Whole records that were taken out of a [`BlockBuffer`] with the memory they were read into.
pub(crate) struct OwnedBlock {
    bytes: Vec<u8>,
    records: Span,
}
impl OwnedBlock {
    /// The records.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.records.of(&self.bytes)
    }

    /// The memory, for a later block.
    pub(crate) fn into_memory(self) -> Vec<u8> {
        self.bytes
    }
}

/// Bytes that were read but not yet handed on.
pub(crate) struct BlockBuffer {
    bytes: Vec<u8>,
    /// The pending bytes are `bytes[start..end]`, with the context of a window at their head.
    start: usize,
    end: usize,
    /// The most pending bytes. It depends on their number and not on the memory that is there, so
    /// that blocks are cut alike whether they are examined in place or taken.
    limit: usize,
    /// No line ends in `bytes[start..searched]`, while no block is due.
    searched: usize,
    /// Bytes of `bytes[start..]` that were handed on already.
    context: usize,
    size: usize,
    max_record: usize,
    /// Whether the pending bytes are the rest of a record that comes out in windows.
    in_window: bool,
}

impl BlockBuffer {
    /// A buffer of `size` bytes that grows for long records up to `max_record` bytes.
    pub(crate) fn new(size: usize, max_record: usize) -> BlockBuffer {
        let size = size.clamp(1, max_record);
        let bytes = memory(size);
        let base = base(&bytes);
        BlockBuffer {
            bytes,
            start: base,
            end: base,
            limit: size,
            searched: base,
            context: 0,
            size,
            max_record,
            in_window: false,
        }
    }

    /// The space for the next read. It is empty only while a block is due.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        let base = base(&self.bytes);
        if self.start > base {
            // The head of an unfinished record: shorter than the last read or than a context.
            self.bytes.copy_within(self.start..self.end, base);
            self.moved_to(base);
        }
        self.grow();
        let end = self.start + self.limit;
        &mut self.bytes[self.end..end]
    }

    /// Notes that the pending bytes were moved to `start`.
    fn moved_to(&mut self, start: usize) {
        self.end = start + self.end - self.start;
        self.searched = start + self.searched - self.start;
        self.start = start;
    }

    /// Sets the limit by the number of pending bytes, and provides the memory for it.
    fn grow(&mut self) {
        let n_pending = self.end - self.start;
        self.limit = self.size;
        while self.limit <= n_pending && self.limit < self.max_record {
            self.limit = (self.limit * 2).min(self.max_record);
        }
        if self.bytes.len() < self.start + self.limit {
            let bytes = std::mem::replace(&mut self.bytes, memory(self.limit));
            let base = base(&self.bytes);
            self.bytes[base..base + n_pending].copy_from_slice(&bytes[self.start..self.end]);
            self.moved_to(base);
        }
    }

    /// Notes that `n_bytes` were read into [`BlockBuffer::space`]. Returns whether the next read
    /// must wait until a block was handed on, or needs more memory.
    pub(crate) fn advance(&mut self, n_bytes: usize) -> bool {
        self.end += n_bytes;
        let n_pending = self.end - self.start;
        debug_assert!(n_pending <= self.limit, "more was read than fits");
        n_pending == self.limit
    }

    /// The number of bytes that wait to be examined.
    pub(crate) fn n_pending(&self) -> usize {
        self.end - self.start
    }

    /// Whether nothing can be read before a block was handed on.
    pub(crate) fn is_full(&self) -> bool {
        self.n_pending() >= self.max_record
    }

    /// Puts whole records that were taken back before the pending bytes.
    pub(crate) fn put_back(&mut self, records: &[u8]) {
        debug_assert!(!self.in_window, "nothing is taken while a record comes out in windows");
        let n_bytes = records.len() + self.n_pending();
        let mut bytes = memory(self.size.max(n_bytes));
        let base = base(&bytes);
        bytes[base..base + records.len()].copy_from_slice(records);
        bytes[base + records.len()..base + n_bytes]
            .copy_from_slice(&self.bytes[self.start..self.end]);
        self.bytes = bytes;
        (self.start, self.end, self.searched) = (base, base + n_bytes, base);
    }

    /// The next block, if one is due. `at_end` says that nothing more will be read.
    pub(crate) fn next_block(&mut self, at_end: bool) -> Option<Block<'_>> {
        if self.in_window {
            return self.window(at_end);
        }
        let n_pending = self.end - self.start;
        if at_end && n_pending <= self.max_record {
            return (n_pending > 0).then(|| Block::Records(&self.bytes[self.start..self.end]));
        }
        if let Some(edge) = self.edge() {
            return Some(Block::Records(&self.bytes[self.start..edge]));
        }
        if n_pending < self.max_record {
            return None;
        }
        self.in_window = true;
        self.window(at_end)
    }

    /// Takes the whole records that are there with their memory. The bytes after them move to the
    /// memory that `spare` returns, or to new memory. `None` if no record is whole, if the block
    /// has grown beyond [`MAX_TAKEN`], or if a long record is coming out in windows.
    pub(crate) fn take(&mut self, spare: impl FnOnce() -> Vec<u8>) -> Option<OwnedBlock> {
        if self.in_window || self.limit > self.size * MAX_TAKEN {
            return None;
        }
        let edge = self.edge()?;
        let records = Span::new(self.start, edge);
        let rest = Span::new(edge, self.end);
        // Memory that grew for a long record must not stay large for each block that is taken.
        let n_bytes = self.size.max(rest.len());
        let fresh = Some(spare())
            .filter(|spare| spare.len() == n_bytes + PAGE)
            .unwrap_or_else(|| memory(n_bytes));
        let bytes = std::mem::replace(&mut self.bytes, fresh);
        let base = base(&self.bytes);
        (self.start, self.end, self.searched) = (base, base, base);
        self.bytes[base..base + rest.len()].copy_from_slice(rest.of(&bytes));
        self.end += rest.len();
        Some(OwnedBlock { bytes, records })
    }

    /// Moves the pending bytes into other memory and returns the memory they were in.
    pub(crate) fn move_into(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let pending = Span::new(self.start, self.end);
        let bytes = if bytes.len() < pending.len() + PAGE {
            memory(self.size.max(pending.len()))
        } else {
            bytes
        };
        let old = std::mem::replace(&mut self.bytes, bytes);
        let base = base(&self.bytes);
        self.bytes[base..base + pending.len()].copy_from_slice(pending.of(&old));
        self.moved_to(base);
        old
    }

    /// The end of the last whole record.
    fn edge(&mut self) -> Option<usize> {
        let newline = memchr::memrchr(b'\n', &self.bytes[self.searched..self.end]);
        if newline.is_none() {
            self.searched = self.end;
        }
        newline.map(|newline| self.searched + newline + 1)
    }

    fn window(&self, at_end: bool) -> Option<Block<'_>> {
        let there = &self.bytes[self.start..self.end.min(self.start + self.max_record)];
        let edge = line::next(there, self.context);
        let is_last = there[..edge].ends_with(b"\n") && edge > self.context
            || at_end && self.start + edge == self.end;
        if !is_last && there.len() < self.max_record {
            return None;
        }
        Some(Block::Window(Window { hay: &there[..edge], context: self.context, is_last }))
    }

    /// Notes that the first `n_bytes` of the block, with its context, were handed on.
    pub(crate) fn consume(&mut self, n_bytes: usize, ends_record: bool) {
        let kept = if self.in_window && !ends_record { n_bytes.min(CONTEXT) } else { 0 };
        self.start += n_bytes - kept;
        self.context = kept;
        self.searched = self.start;
        self.in_window &= !ends_record;
        if self.start == self.end {
            let base = base(&self.bytes);
            (self.start, self.end, self.searched) = (base, base, base);
        }
    }
}

/// Memory for `n_bytes` from its [`base`] on.
fn memory(n_bytes: usize) -> Vec<u8> {
    vec![0; n_bytes + PAGE]
}

/// The offset in `memory` of the first page.
fn base(memory: &[u8]) -> usize {
    memory.as_ptr().align_offset(PAGE).min(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` in reads of `read` bytes and takes windows `step` bytes at a time.
    fn pieces(
        input: &[u8],
        size: usize,
        max_record: usize,
        read: usize,
        step: usize,
    ) -> Vec<Vec<u8>> {
        let mut buffer = BlockBuffer::new(size, max_record);
        let mut rest = input;
        let mut pieces = Vec::new();
        loop {
            let space = buffer.space();
            let n_bytes = rest.len().min(read).min(space.len());
            space[..n_bytes].copy_from_slice(&rest[..n_bytes]);
            buffer.advance(n_bytes);
            rest = &rest[n_bytes..];
            while let Some(piece) = buffer.next_block(rest.is_empty()) {
                let (bytes, n_bytes, ends) = match piece {
                    Block::Records(bytes) => (bytes.to_vec(), bytes.len(), true),
                    Block::Window(window) => {
                        let end =
                            if window.is_last { window.hay.len() } else { window.context + step };
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
                assert!(
                    pieces[..pieces.len() - 1].iter().all(|piece| piece.ends_with(b"\n")),
                    "{size} {read}"
                );
            }
        }
    }

    /// The blocks that `due` gives when it is asked after each read until it gives none.
    fn blocks(
        input: &[u8],
        size: usize,
        read: usize,
        due: impl Fn(&mut BlockBuffer) -> Option<Vec<u8>>,
    ) -> Vec<Vec<u8>> {
        let mut buffer = BlockBuffer::new(size, 1 << 20);
        let mut blocks = Vec::new();
        let mut rest = input;
        while !rest.is_empty() {
            let space = buffer.space();
            let n_bytes = rest.len().min(read).min(space.len());
            space[..n_bytes].copy_from_slice(&rest[..n_bytes]);
            buffer.advance(n_bytes);
            rest = &rest[n_bytes..];
            blocks.extend(std::iter::from_fn(|| due(&mut buffer)));
        }
        blocks.extend(buffer.next_block(true).map(|piece| piece.bytes().to_vec()));
        blocks
    }
    #[test]
    fn blocks_that_are_taken_are_those_that_are_looked_at_in_place() {
        let in_place = |buffer: &mut BlockBuffer| {
            let block = buffer.next_block(false)?.bytes().to_vec();
            buffer.consume(block.len(), true);
            Some(block)
        };
        let taken = |buffer: &mut BlockBuffer| match buffer.take(Vec::new) {
            Some(block) => Some(block.bytes().to_vec()),
            None => in_place(buffer),
        };
        let input = b"one\ntwo is longer than the others\n\nthree\nfour\nlast without end";
        for size in [1, 2, 3, 7, 16, 4096] {
            for read in [1, 2, 5, 100] {
                let blocks_taken = blocks(input, size, read, taken);
                assert_eq!(blocks_taken.concat(), input);
                assert_eq!(blocks_taken, blocks(input, size, read, in_place), "{size} {read}");
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
