//! lz4: one frame per chunk.

use std::{
    io::{self, BufRead, Read, Write},
    ops::RangeInclusive,
};

use super::codec::{Codec, Compressed};
use crate::batch::chunks::CompressChunk;

/// The largest block of lz4.
const CHUNK: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Lz4;

impl Codec for Lz4 {
    fn name(&self) -> &'static str {
        "lz4"
    }

    fn levels(&self) -> RangeInclusive<u32> {
        0..=0
    }

    fn matches(&self, head: &[u8]) -> bool {
        head.starts_with(b"\x04\x22\x4d\x18")
    }

    fn level_of(&self, _: &[u8]) -> u32 {
        0
    }

    fn decoder<'r>(&self, source: Compressed<'r>) -> io::Result<Box<dyn Read + Send + 'r>> {
        Ok(Box::new(Lz4Frames::new(source.reader)))
    }

    fn encoder(&self) -> (CompressChunk, usize) {
        (pack, CHUNK)
    }
}

/// Decodes all frames. The library's decoder reads one frame, and takes the end of the file for the
/// end of a frame at any block boundary.
struct Lz4Frames<R: BufRead> {
    decoder: Option<lz4_flex::frame::FrameDecoder<Ending<R>>>,
}

/// Notices whether the decoder tried to read behind the end.
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

fn pack(_: &[u8], text: &[u8], _: u32) -> io::Result<Vec<u8>> {
    let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(text)?;
    encoder.finish().map_err(io::Error::from)
}
