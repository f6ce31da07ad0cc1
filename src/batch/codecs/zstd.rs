//! zstd: all frames, and skippable frames whose content is text.
//!
//! Skippable frames that index the old frames (pzstd, the seekable format) do not apply to the new
//! ones and are left out. Other binary ones are left out too (in place: kept) and reported.

use std::{
    io::{self, BufRead, Read},
    ops::RangeInclusive,
    sync::PoisonError,
};

use zstd::stream::read::Decoder;

use super::codec::{Codec, Compressed, check_header_length};
use crate::batch::{
    chunks::{ChunkHeaders, CompressChunk},
    limits::{LONGEST_HEADER, refuse},
    metadata::{Headers, Verdict},
};

/// The text of one frame. Smaller frames compress worse, because frames are independent.
const CHUNK: usize = 4 << 20;

const MAGIC: [u8; 4] = *b"\x28\xb5\x2f\xfd";

#[derive(Debug)]
pub(super) struct Zstd;

impl Codec for Zstd {
    fn name(&self) -> &'static str {
        "zstd"
    }

    fn levels(&self) -> RangeInclusive<u32> {
        1..=22
    }

    fn default_level(&self) -> u32 {
        3
    }

    fn matches(&self, head: &[u8]) -> bool {
        head.starts_with(&MAGIC)
            // A file may begin with a skippable frame.
            || head.len() >= 8
                && head.first_chunk().is_some_and(is_skippable)
    }

    /// By the window size: level 3 uses 2 MiB, level 9 uses 4 MiB, level 19 uses 8 MiB or more.
    fn level_of(&self, head: &[u8]) -> u32 {
        let [_, _, _, _, descriptor, window, ..] = head else { return 3 };
        let is_single_segment = descriptor & 0x20 != 0;
        match (is_single_segment, (window >> 3) + 10) {
            (true, _) => 3,
            (false, ..=19) => 1,
            (false, 20..=21) => 3,
            (false, 22) => 9,
            (false, _) => 19,
        }
    }

    fn decoder<'r>(&self, source: Compressed<'r>) -> io::Result<Box<dyn Read + Send + 'r>> {
        let Compressed { reader, memory, heads, headers } = source;
        Ok(Box::new(Frames::new(reader, heads, memory, headers)))
    }

    fn encoder(&self) -> (CompressChunk, usize) {
        (pack, CHUNK)
    }
}

/// Whether this is the magic number of a skippable frame.
fn is_skippable(magic: &[u8; 4]) -> bool {
    magic[0] & 0xf0 == 0x50 && magic[1..] == *b"\x2a\x4d\x18"
}

enum State<R: BufRead> {
    Between(Unread<R>),
    Inside(Box<Decoder<'static, Unread<R>>>),
}

/// A reader that can take back a magic number.
struct Unread<R> {
    magic: [u8; 4],
    /// How many bytes of `magic` are read before `rdr`.
    n_bytes: usize,
    rdr: R,
}

impl<R> Unread<R> {
    fn unread(&mut self, magic: [u8; 4]) {
        (self.magic, self.n_bytes) = (magic, magic.len());
    }
}

impl<R: BufRead> Read for Unread<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let there = self.fill_buf()?;
        let n_bytes = there.len().min(space.len());
        space[..n_bytes].copy_from_slice(&there[..n_bytes]);
        self.consume(n_bytes);
        Ok(n_bytes)
    }
}

impl<R: BufRead> BufRead for Unread<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.n_bytes > 0 { Ok(&self.magic[4 - self.n_bytes..]) } else { self.rdr.fill_buf() }
    }

    fn consume(&mut self, n_bytes: usize) {
        if self.n_bytes > 0 { self.n_bytes -= n_bytes } else { self.rdr.consume(n_bytes) }
    }
}

/// Decodes all frames.
pub(super) struct Frames<R: BufRead> {
    state: Option<State<R>>,
    heads: ChunkHeaders,
    window_log: u32,
    headers: Headers,
}

impl<R: BufRead> Frames<R> {
    /// Refuses frames with a window of more than `memory` bytes.
    pub(super) fn new(rdr: R, heads: ChunkHeaders, memory: u64, headers: Headers) -> Frames<R> {
        let rdr = Unread { magic: [0; 4], n_bytes: 0, rdr };
        Frames {
            state: Some(State::Between(rdr)),
            heads,
            window_log: memory.max(1 << 23).ilog2().min(31),
            headers,
        }
    }

    /// Starts the next frame; `None` at the end.
    fn begin(&mut self, mut rdr: Unread<R>) -> io::Result<Option<State<R>>> {
        if rdr.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut magic = [0; 4];
        rdr.read_exact(&mut magic)?;
        if is_skippable(&magic) {
            self.skippable(magic, &mut rdr)?;
            return Ok(Some(State::Between(rdr)));
        }
        if magic != MAGIC {
            return Err(refuse("data that is not zstd follows a frame"));
        }
        rdr.unread(magic);
        let mut decoder = Decoder::with_buffer(rdr)?.single_frame();
        decoder.window_log_max(self.window_log)?;
        Ok(Some(State::Inside(Box::new(decoder))))
    }

    fn skippable(&mut self, magic: [u8; 4], rdr: &mut Unread<R>) -> io::Result<()> {
        let mut length = [0; 4];
        rdr.read_exact(&mut length)?;
        let n_bytes = u32::from_le_bytes(length) as usize;
        if n_bytes > LONGEST_HEADER {
            self.headers.note("a skippable zstd frame longer than 1 MiB");
            let skipped = io::copy(&mut rdr.take(n_bytes as u64), &mut io::sink())?;
            return if skipped == n_bytes as u64 {
                Ok(())
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            };
        }
        let mut content = vec![0; n_bytes];
        rdr.read_exact(&mut content)?;
        let verdict = match self.headers.texts.comment(&content) {
            // A few bytes that are not text are a length.
            _ if is_index(&content) => Verdict::Withheld,
            verdict => verdict,
        };
        if let Some(content) =
            self.headers.applied(verdict, &content, || "a skippable zstd frame".to_owned())
        {
            let length = u32::try_from(content.len()).unwrap_or(0).to_le_bytes();
            let frame = [&magic[..], &length, &content].concat();
            self.heads.lock().unwrap_or_else(PoisonError::into_inner).push_back(frame);
        }
        Ok(())
    }
}

/// Whether the content of a skippable frame is an index of frames.
fn is_index(content: &[u8]) -> bool {
    let is_number = content.len() <= 8 && content.iter().any(|byte| !byte.is_ascii_graphic());
    // The footer of a seek table: the number of entries, a descriptor, a magic number. An entry has
    // 8 or 12 bytes.
    let is_seek_table = content.split_last_chunk::<9>().is_some_and(|(entries, foot)| {
        let n_entries = u64::from(u32::from_le_bytes([foot[0], foot[1], foot[2], foot[3]]));
        let n_bytes = if foot[4] & 0x80 == 0 { 8 } else { 12 };
        foot.ends_with(b"\xb1\xea\x92\x8f") && entries.len() as u64 == n_entries * n_bytes
    });
    is_number || is_seek_table
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        while let Some(state) = self.state.take() {
            match state {
                State::Between(rdr) => self.state = self.begin(rdr)?,
                State::Inside(mut decoder) => {
                    let n_bytes = decoder.read(space)?;
                    if n_bytes > 0 || space.is_empty() {
                        self.state = Some(State::Inside(decoder));
                        return Ok(n_bytes);
                    }
                    self.state = Some(State::Between(decoder.finish()));
                }
            }
        }
        Ok(0)
    }
}

/// Encodes one frame with a checksum, behind its skippable frames.
fn pack(head: &[u8], text: &[u8], level: u32) -> io::Result<Vec<u8>> {
    check_header_length(head.len())?;
    let mut compressor = zstd::bulk::Compressor::new(level.cast_signed())?;
    compressor.include_checksum(true)?;
    let mut frame = head.to_vec();
    frame.extend_from_slice(&compressor.compress(text)?);
    Ok(frame)
}
