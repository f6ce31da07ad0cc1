//! The interface of a compression format.

use std::{
    fmt::Debug,
    io::{self, BufRead, Read},
    ops::RangeInclusive,
};

use crate::batch::{
    chunks::{ChunkHeaders, CompressChunk},
    limits::{self, refuse},
    metadata::Headers,
};

/// A compression format: recognized by content, decompressed as a stream, and compressed in chunks.
pub(crate) trait Codec: Debug + Sync {
    /// The name that `--recompress` takes.
    fn name(&self) -> &'static str;

    /// The compression levels.
    fn levels(&self) -> RangeInclusive<u32>;

    /// The level of `--recompress` without a level.
    fn default_level(&self) -> u32 {
        6.clamp(*self.levels().start(), *self.levels().end())
    }

    /// Whether a file that begins with `head` has this format.
    fn matches(&self, head: &[u8]) -> bool;

    /// About the level with which a file that begins with `head` was compressed.
    fn level_of(&self, head: &[u8]) -> u32;

    /// The decompressed content of all members, frames or streams.
    fn decoder<'r>(&self, source: Compressed<'r>) -> io::Result<Box<dyn Read + Send + 'r>>;

    /// The function that compresses one chunk, and the size of a chunk.
    fn encoder(&self) -> (CompressChunk, usize);
}

/// A compressed stream to decode.
pub(crate) struct Compressed<'r> {
    pub(in crate::batch) reader: Box<dyn BufRead + Send + 'r>,
    /// The most bytes of the decoder's window.
    pub(in crate::batch) memory: u64,
    /// Receives the headers that the encoder writes again.
    pub(in crate::batch) heads: ChunkHeaders,
    /// Scrubs texts in headers.
    pub(in crate::batch) headers: Headers,
}

/// Refuses a header that is too long.
pub(super) fn check_header_length(n_bytes: usize) -> io::Result<()> {
    if n_bytes > limits::LONGEST_HEADER {
        return Err(refuse("a header is longer than 1 MiB"));
    }
    Ok(())
}
