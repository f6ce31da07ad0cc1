//! snappy: one framed stream per chunk.

use std::{
    io::{self, BufRead, Read, Write},
    ops::RangeInclusive,
};

use super::codec::{Codec, Compressed};
use crate::batch::{chunks::CompressChunk, limits::refuse};

/// A multiple of the block size of snappy, which is 64 KiB.
const CHUNK: usize = 4 << 20;

/// The stream identifier.
const HEADER: &[u8] = b"\xff\x06\0\0sNaPpY";

#[derive(Debug)]
pub(super) struct Snappy;

impl Codec for Snappy {
    fn name(&self) -> &'static str {
        "snappy"
    }

    fn levels(&self) -> RangeInclusive<u32> {
        0..=0
    }

    fn matches(&self, head: &[u8]) -> bool {
        head.starts_with(HEADER)
    }

    fn level_of(&self, _: &[u8]) -> u32 {
        0
    }

    fn decoder<'r>(&self, source: Compressed<'r>) -> io::Result<Box<dyn Read + Send + 'r>> {
        let chunks = SnappyChunks { rdr: source.reader, left: 0, is_padding: false };
        Ok(Box::new(snap::read::FrameDecoder::new(chunks)))
    }

    fn encoder(&self) -> (CompressChunk, usize) {
        (pack, CHUNK)
    }
}

/// Checks the chunks of a stream: the decoder skips unknown chunks and padding, whatever they
/// contain.
struct SnappyChunks<R> {
    rdr: R,
    /// Unread bytes of the current chunk.
    left: u32,
    is_padding: bool,
}

impl<R: BufRead> Read for SnappyChunks<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.left > 0 {
            let n_most = space.len().min(self.left as usize);
            let n_bytes = self.rdr.read(&mut space[..n_most])?;
            if self.is_padding && space[..n_bytes].iter().any(|byte| *byte != 0) {
                return Err(refuse("the padding of a snappy stream is not empty"));
            }
            self.left -= u32::try_from(n_bytes).unwrap_or(0);
            return Ok(n_bytes);
        }
        // The decoder reads the four bytes of a chunk header at once.
        let mut n_bytes = 0;
        while n_bytes < space.len().min(4) {
            match self.rdr.read(&mut space[n_bytes..4])? {
                0 => return Ok(n_bytes),
                n_more => n_bytes += n_more,
            }
        }
        let [kind, low, middle, high, ..] = *space else { return Ok(n_bytes) };
        // Stream identifier, compressed data, uncompressed data, padding.
        if ![0xff, 0, 1, 0xfe].contains(&kind) {
            return Err(refuse("unknown chunk type in a snappy stream"));
        }
        (self.left, self.is_padding) = (u32::from_le_bytes([low, middle, high, 0]), kind == 0xfe);
        Ok(n_bytes)
    }
}

fn pack(_: &[u8], text: &[u8], _: u32) -> io::Result<Vec<u8>> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(text)?;
    if text.is_empty() {
        // The encoder writes the header with its first block.
        return Ok(HEADER.to_vec());
    }
    encoder.into_inner().map_err(|error| error.into_error())
}
