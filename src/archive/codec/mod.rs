//! Compressed streams: one file for each that has more to it than a reader and a writer.

mod gzip;
mod zstd;

use std::io::{self, BufRead, Read, Write};

use super::{
    chunks::{Chunks, Packers},
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
        Packed::Lz4 => (Box::new(Lz4Frames { decoder: Some(lz4_flex::frame::FrameDecoder::new(rdr)) }), 0),
        Packed::Snappy => (Box::new(snap::read::FrameDecoder::new(rdr)), 0),
    };
    Ok(Opened { text, level, heads })
}

/// The zstd frames of a zip entry.
pub(super) fn zstd_frames<'r>(rdr: impl BufRead + Send + 'r, memory: u64, scrubber: Scrubber) -> impl Read + Send + 'r {
    zstd::Frames::new(rdr, Heads::default(), memory, scrubber)
}

/// The decoder reads one frame; files hold several.
struct Lz4Frames<R: BufRead> {
    decoder: Option<lz4_flex::frame::FrameDecoder<R>>,
}

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let n_bytes = decoder.read(space)?;
            if n_bytes > 0 || space.is_empty() {
                return Ok(n_bytes);
            }
            // A frame has ended, or the file did; what follows is another frame or corrupt.
            let mut rdr = self.decoder.take().map(lz4_flex::frame::FrameDecoder::into_inner).expect("it is there");
            if !rdr.fill_buf()?.is_empty() {
                self.decoder = Some(lz4_flex::frame::FrameDecoder::new(rdr));
            }
        }
        Ok(0)
    }
}

/// Writes a compressed stream.
pub(super) enum Packing<'w> {
    Chunks(Chunks<'w>),
    Xz(liblzma::write::XzEncoder<&'w mut (dyn Write + Send)>),
    Bzip2(bzip2::write::BzEncoder<&'w mut (dyn Write + Send)>),
    Lz4(Box<lz4_flex::frame::FrameEncoder<&'w mut (dyn Write + Send)>>),
    Snappy(Box<snap::write::FrameEncoder<&'w mut (dyn Write + Send)>>),
}

impl<'w> Packing<'w> {
    pub(super) fn new(
        packed: Packed,
        level: u32,
        heads: Heads,
        wtr: &'w mut (dyn Write + Send),
        packers: &'w Packers,
    ) -> Packing<'w> {
        match packed {
            Packed::Gzip => Packing::Chunks(Chunks::new(wtr, packers, (gzip::pack, level, gzip::CHUNK), heads)),
            Packed::Zstd => Packing::Chunks(Chunks::new(wtr, packers, (zstd::pack, level, zstd::CHUNK), heads)),
            Packed::Xz => Packing::Xz(liblzma::write::XzEncoder::new(wtr, level)),
            Packed::Bzip2 => Packing::Bzip2(bzip2::write::BzEncoder::new(wtr, bzip2::Compression::new(level))),
            Packed::Lz4 => {
                let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
                Packing::Lz4(Box::new(lz4_flex::frame::FrameEncoder::with_frame_info(info, wtr)))
            }
            Packed::Snappy => Packing::Snappy(Box::new(snap::write::FrameEncoder::new(wtr))),
        }
    }

    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Packing::Chunks(chunks) => chunks.finish(),
            Packing::Xz(encoder) => encoder.finish().map(drop),
            Packing::Bzip2(encoder) => encoder.finish().map(drop),
            Packing::Lz4(encoder) => encoder.finish().map(drop).map_err(io::Error::from),
            Packing::Snappy(mut encoder) => {
                encoder.flush()?;
                encoder.into_inner().map(drop).map_err(|error| error.into_error())
            }
        }
    }
}

impl Write for Packing<'_> {
    #[allow(clippy::disallowed_methods)] // a short write of the encoder is one of ours
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Packing::Chunks(wtr) => wtr.write(bytes),
            Packing::Xz(wtr) => wtr.write(bytes),
            Packing::Bzip2(wtr) => wtr.write(bytes),
            Packing::Lz4(wtr) => wtr.write(bytes),
            Packing::Snappy(wtr) => wtr.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
