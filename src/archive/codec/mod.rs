//! Compressed streams: one file for each that has more to it than a reader and a writer.

mod gzip;
mod streams;
mod zstd;

use std::io::{self, BufRead, Read, Write};

use super::{
    chunks::{Chunks, Pack, Packers},
    kind::Packed,
    limits,
};
pub(super) use gzip::deflate;

pub(super) use super::chunks::Heads;
use crate::scrub::Scrubber;

/// What is being read, and what its writer must know of it.
pub(super) struct Opened<'r> {
    pub(super) text: Box<dyn Read + Send + 'r>,
    pub(super) level: u32,
    pub(super) heads: Heads,
}

/// Opens a compressed stream that begins with `head`. `memory` bounds what its window may take; `scrubber` cleans texts in its headers.
pub(super) fn open<'r>(
    packed: Packed,
    head: &[u8],
    rdr: Box<dyn BufRead + Send + 'r>,
    memory: u64,
    scrubber: Scrubber,
) -> io::Result<Opened<'r>> {
    let heads = Heads::default();
    let (text, level): (Box<dyn Read + Send + 'r>, u32) = match packed {
        Packed::Gzip => (Box::new(gzip::Members::new(rdr, heads.clone(), scrubber)), gzip::level(head)),
        Packed::Zstd => (Box::new(zstd::Frames::new(rdr, heads.clone(), memory, scrubber)), zstd::level(head)),
        Packed::Xz => {
            let flags = liblzma::stream::CONCATENATED;
            let stream = liblzma::stream::Stream::new_stream_decoder(memory, flags).map_err(io::Error::other)?;
            (Box::new(liblzma::bufread::XzDecoder::new_stream(rdr, stream)), 6)
        }
        Packed::Bzip2 => (
            Box::new(bzip2::bufread::MultiBzDecoder::new(rdr)),
            head.get(3).map_or(9, |digit| u32::from(digit.wrapping_sub(b'0')).clamp(1, 9)),
        ),
        Packed::Lz4 => (Box::new(Lz4Frames::new(rdr)), 0),
        Packed::Snappy => (Box::new(snap::read::FrameDecoder::new(rdr)), 0),
    };
    Ok(Opened { text, level, heads })
}

/// The zstd frames of a zip entry.
pub(super) fn zstd_frames<'r>(rdr: impl BufRead + Send + 'r, memory: u64, scrubber: Scrubber) -> impl Read + Send + 'r {
    zstd::Frames::new(rdr, Heads::default(), memory, scrubber)
}

/// The decoder reads one frame; files hold several. It takes the end of the file for the end of a frame, wherever a block begins.
struct Lz4Frames<R: BufRead> {
    decoder: Option<lz4_flex::frame::FrameDecoder<Ending<R>>>,
}

/// A reader that knows whether more was asked of it than there is.
struct Ending<R> {
    rdr: R,
    is_over: bool,
}

impl<R: Read> Read for Ending<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.rdr.read(space)?;
        self.is_over |= n_bytes == 0 && !space.is_empty();
        Ok(n_bytes)
    }
}

impl<R: BufRead> Lz4Frames<R> {
    fn new(rdr: R) -> Lz4Frames<R> {
        Lz4Frames { decoder: Some(lz4_flex::frame::FrameDecoder::new(Ending { rdr, is_over: false })) }
    }
}

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let n_bytes = decoder.read(space)?;
            if n_bytes > 0 || space.is_empty() {
                return Ok(n_bytes);
            }
            let mut ending = self.decoder.take().map(lz4_flex::frame::FrameDecoder::into_inner).expect("it is there");
            if ending.is_over {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if !ending.rdr.fill_buf()?.is_empty() {
                *self = Lz4Frames::new(ending.rdr);
            }
        }
        Ok(0)
    }
}

/// What writes a compressed stream: chunks of text that several threads compress each by itself. All formats are read one stream after the
/// other as one, by their own programs too.
pub(super) fn packing<'w>(
    packed: Packed,
    level: u32,
    heads: Heads,
    wtr: &'w mut (dyn Write + Send),
    packers: &'w Packers,
) -> Chunks<'w> {
    let (pack, size): (Pack, usize) = match packed {
        Packed::Gzip => (gzip::pack, gzip::CHUNK),
        Packed::Zstd => (zstd::pack, zstd::CHUNK),
        Packed::Xz => (streams::xz, streams::XZ_CHUNK),
        Packed::Bzip2 => (streams::bzip2, streams::BZIP2_CHUNK),
        Packed::Lz4 => (streams::lz4, streams::CHUNK),
        Packed::Snappy => (streams::snappy, streams::CHUNK),
    };
    Chunks::new(wtr, packers, (pack, level, size), heads)
}

/// A text in a header, clean; without it the header would carry past what the stream does not.
pub(super) fn clean(scrubber: &mut Scrubber, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match scrubber.scrub_block(text, &mut out) {
        crate::scrub::Outcome::Clean => text.to_vec(),
        crate::scrub::Outcome::Changed => out,
        crate::scrub::Outcome::Stopped => Vec::new(),
    }
}

/// Whether a text in a header is too long to be one.
fn check_length(n_bytes: usize) -> io::Result<()> {
    if n_bytes > limits::LONGEST_HEADER { Err(limits::refuse("a header is longer than 1 MiB")) } else { Ok(()) }
}
