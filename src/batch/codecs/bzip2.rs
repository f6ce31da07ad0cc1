//! bzip2: one stream per chunk.

use std::{
    io::{self, Read, Write},
    ops::RangeInclusive,
};

use super::codec::{Codec, Compressed};
use crate::batch::chunks::CompressChunk;

/// Five blocks of the largest size. The blocks of bzip2 are independent in any case.
const CHUNK: usize = 5 * 900_000;

/// The magic numbers of a block, and of the end of an empty stream.
const BLOCK: &[u8] = b"1AY&SY";
const END: &[u8] = b"\x17\x72\x45\x38\x50\x90";

#[derive(Debug)]
pub(super) struct Bzip2;

impl Codec for Bzip2 {
    fn name(&self) -> &'static str {
        "bzip2"
    }

    fn levels(&self) -> RangeInclusive<u32> {
        1..=9
    }

    fn matches(&self, head: &[u8]) -> bool {
        head.starts_with(b"BZh")
            && head.get(4..10).is_some_and(|block| block == BLOCK || block == END)
    }

    fn level_of(&self, head: &[u8]) -> u32 {
        head.get(3).map_or(9, |digit| u32::from(digit.wrapping_sub(b'0')).clamp(1, 9))
    }

    fn decoder<'r>(&self, source: Compressed<'r>) -> io::Result<Box<dyn Read + Send + 'r>> {
        Ok(Box::new(bzip2::bufread::MultiBzDecoder::new(source.reader)))
    }

    fn encoder(&self) -> (CompressChunk, usize) {
        (pack, CHUNK)
    }
}

fn pack(_: &[u8], text: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(level));
    encoder.write_all(text)?;
    encoder.finish()
}
