//! zstd: all frames, and skippable ones whose content is text.
//!
//! Other skippable frames are indexes of the old frames (of pzstd, of the seekable format): wrong for the new ones, and nothing that
//! could be examined, so they are left out.

use std::{
    io::{self, BufRead, Read},
    sync::PoisonError,
};

use zstd::stream::read::Decoder;

use super::{Heads, check_length, clean};
use crate::{
    archive::{
        kind::{self, Kind},
        limits::{LONGEST_HEADER, refuse},
    },
    scrub::Scrubber,
};

/// So much text goes into one frame. Smaller ones compress less: frames know nothing of each other.
pub(super) const CHUNK: usize = 4 << 20;

/// About the level that a frame was written with, by the window it asks for: level 3 takes 2 MiB, 9 takes 4, 19 takes 8 and more.
pub(super) fn level(head: &[u8]) -> u32 {
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

enum State<R: BufRead> {
    Between(Unread<R>),
    Inside(Box<Decoder<'static, Unread<R>>>),
}

/// A reader to which a magic number can be given back.
struct Unread<R> {
    magic: [u8; 4],
    /// So many bytes of `magic` are to be read before `rdr`.
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

/// The text of all frames.
pub(super) struct Frames<R: BufRead> {
    state: Option<State<R>>,
    heads: Heads,
    window_log: u32,
    scrubber: Scrubber,
}

impl<R: BufRead> Frames<R> {
    /// No frame may ask for a window of more than `memory` bytes.
    pub(super) fn new(rdr: R, heads: Heads, memory: u64, scrubber: Scrubber) -> Frames<R> {
        let rdr = Unread { magic: [0; 4], n_bytes: 0, rdr };
        Frames { state: Some(State::Between(rdr)), heads, window_log: memory.max(1 << 23).ilog2().min(31), scrubber }
    }

    /// The frame that begins here; `None` at the end.
    fn begin(&mut self, mut rdr: Unread<R>) -> io::Result<Option<State<R>>> {
        if rdr.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let mut magic = [0; 4];
        rdr.read_exact(&mut magic)?;
        if magic[0] & 0xf0 == 0x50 && magic[1..] == *b"\x2a\x4d\x18" {
            self.skippable(magic, &mut rdr)?;
            return Ok(Some(State::Between(rdr)));
        }
        if magic != *b"\x28\xb5\x2f\xfd" {
            return Err(refuse("something that is no zstd follows a frame"));
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
            let skipped = io::copy(&mut rdr.take(n_bytes as u64), &mut io::sink())?;
            return if skipped == n_bytes as u64 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        let mut content = vec![0; n_bytes];
        rdr.read_exact(&mut content)?;
        if kind::of(&content) == Kind::Text && !content.contains(&0) {
            let content = clean(&mut self.scrubber, &content);
            let length = u32::try_from(content.len()).unwrap_or(0).to_le_bytes();
            let frame = [&magic[..], &length, &content].concat();
            self.heads.lock().unwrap_or_else(PoisonError::into_inner).push_back(frame);
        }
        Ok(())
    }
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

/// One frame, with its checksum and the skippable frame that stands before it.
pub(super) fn pack(head: &[u8], text: &[u8], level: u32) -> io::Result<Vec<u8>> {
    check_length(head.len())?;
    let mut compressor = zstd::bulk::Compressor::new(level.cast_signed())?;
    compressor.include_checksum(true)?;
    let mut frame = head.to_vec();
    frame.extend_from_slice(&compressor.compress(text)?);
    Ok(frame)
}
