//! xz: one stream per chunk.

use std::{
    io::{self, Read, Write},
    ops::RangeInclusive,
};

use liblzma::stream::{CONCATENATED, Check, Filters, LzmaOptions, Stream};

use super::codec::{Codec, Compressed};
use crate::batch::chunks::CompressChunk;

/// The size of a chunk, and of the dictionary. An encoder takes about 25 MiB at any level, instead
/// of 94 MiB by default and 674 MiB at level 9. For generated logs the output is 1.9 % larger than
/// that of `xz -6`.
const CHUNK: usize = 2 << 20;

#[derive(Debug)]
pub(super) struct Xz;

impl Codec for Xz {
    fn name(&self) -> &'static str {
        "xz"
    }

    fn levels(&self) -> RangeInclusive<u32> {
        0..=9
    }

    fn matches(&self, head: &[u8]) -> bool {
        head.starts_with(b"\xfd7zXZ\0")
    }

    fn level_of(&self, _: &[u8]) -> u32 {
        6
    }

    fn decoder<'r>(&self, source: Compressed<'r>) -> io::Result<Box<dyn Read + Send + 'r>> {
        let stream =
            Stream::new_stream_decoder(source.memory, CONCATENATED).map_err(io::Error::other)?;
        Ok(Box::new(liblzma::bufread::XzDecoder::new_stream(source.reader, stream)))
    }

    fn encoder(&self) -> (CompressChunk, usize) {
        (pack, CHUNK)
    }
}

fn pack(_: &[u8], text: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let mut options = LzmaOptions::new_preset(level).map_err(io::Error::other)?;
    options.dict_size(CHUNK as u32);
    let stream = Stream::new_stream_encoder(Filters::new().lzma2(&options), Check::Crc64)
        .map_err(io::Error::other)?;
    let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(text)?;
    encoder.finish()
}
