//! Compressed streams: one file for each that has more to it than a reader and a writer.

mod gzip;
mod streams;
mod zstd;

use std::io::{self, BufRead, Read, Write};

use super::{
    chunks::{Chunks, Pack, Packers},
    content::Packed,
    limits::{self, refuse},
    metadata::Headers,
};
pub(super) use gzip::deflate;

pub(super) use super::chunks::Heads;
/// What is being read, and what its writer must know of it.
pub(super) struct Opened<'r> {
    pub(super) text: Box<dyn Read + Send + 'r>,
    pub(super) level: u32,
    pub(super) heads: Heads,
}

/// Opens a compressed stream that begins with `head`. `memory` bounds what its window may take;
/// `headers` cleans texts in its headers.
pub(super) fn open<'r>(
    packed: Packed,
    head: &[u8],
    rdr: Box<dyn BufRead + Send + 'r>,
    memory: u64,
    headers: Headers,
) -> io::Result<Opened<'r>> {
    let heads = Heads::default();
    let (text, level): (Box<dyn Read + Send + 'r>, u32) = match packed {
        Packed::Gzip => {
            (Box::new(gzip::Members::new(rdr, heads.clone(), headers)), gzip::level(head))
        }
        Packed::Zstd => {
            (Box::new(zstd::Frames::new(rdr, heads.clone(), memory, headers)), zstd::level(head))
        }
        Packed::Xz => {
            let flags = liblzma::stream::CONCATENATED;
            let stream = liblzma::stream::Stream::new_stream_decoder(memory, flags)
                .map_err(io::Error::other)?;
            (Box::new(liblzma::bufread::XzDecoder::new_stream(rdr, stream)), 6)
        }
        Packed::Bzip2 => (
            Box::new(bzip2::bufread::MultiBzDecoder::new(rdr)),
            head.get(3).map_or(9, |digit| u32::from(digit.wrapping_sub(b'0')).clamp(1, 9)),
        ),
        Packed::Lz4 => (Box::new(Lz4Frames::new(rdr)), 0),
        Packed::Snappy => (
            Box::new(snap::read::FrameDecoder::new(SnappyChunks {
                rdr,
                left: 0,
                is_padding: false,
            })),
            0,
        ),
    };
    Ok(Opened { text, level, heads })
}

/// The zstd frames of a zip entry.
pub(super) fn zstd_frames<'r>(
    rdr: impl BufRead + Send + 'r,
    memory: u64,
    headers: Headers,
) -> impl Read + Send + 'r {
    zstd::Frames::new(rdr, Heads::default(), memory, headers)
}

/// The chunks of a snappy stream. Its decoder skips those that it does not know, and padding,
/// whatever is in them.
struct SnappyChunks<R> {
    rdr: R,
    /// Bytes of the chunk that are still to be read.
    left: u32,
    is_padding: bool,
}

impl<R: BufRead> Read for SnappyChunks<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.left > 0 {
            let n_most = space.len().min(self.left as usize);
            let n_bytes = self.rdr.read(&mut space[..n_most])?;
            if self.is_padding && space[..n_bytes].iter().any(|byte| *byte != 0) {
                return Err(refuse("the padding of a snappy stream holds something"));
            }
            self.left -= u32::try_from(n_bytes).unwrap_or(0);
            return Ok(n_bytes);
        }
        // The decoder asks for the four bytes of a head at once.
        let mut n_bytes = 0;
        while n_bytes < space.len().min(4) {
            match self.rdr.read(&mut space[n_bytes..4])? {
                0 => return Ok(n_bytes),
                n_more => n_bytes += n_more,
            }
        }
        let [kind, low, middle, high, ..] = *space else { return Ok(n_bytes) };
        // A head, data packed or not, padding.
        if ![0xff, 0, 1, 0xfe].contains(&kind) {
            return Err(refuse("a chunk of a snappy stream that is no data"));
        }
        (self.left, self.is_padding) = (u32::from_le_bytes([low, middle, high, 0]), kind == 0xfe);
        Ok(n_bytes)
    }
}

/// The decoder reads one frame; files hold several. It takes the end of the file for the end of a
/// frame, wherever a block begins.
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
        Lz4Frames {
            decoder: Some(lz4_flex::frame::FrameDecoder::new(Ending { rdr, is_over: false })),
        }
    }
}

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let n_bytes = decoder.read(space)?;
            if n_bytes > 0 || space.is_empty() {
                return Ok(n_bytes);
            }
            let mut ending = self
                .decoder
                .take()
                .map(lz4_flex::frame::FrameDecoder::into_inner)
                .expect("it is there");
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

/// What writes a compressed stream: chunks of text that several threads compress each by itself.
/// All formats are read one stream after the other as one, by their own programs too.
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

/// Whether a text in a header is too long to be one.
fn check_length(n_bytes: usize) -> io::Result<()> {
    if n_bytes > limits::LONGEST_HEADER {
        Err(limits::refuse("a header is longer than 1 MiB"))
    } else {
        Ok(())
    }
}
