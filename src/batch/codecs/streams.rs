//! xz, bzip2, lz4 and snappy: a chunk of text becomes a stream of its own.

use std::io::{self, Write};

use liblzma::stream::{Check, Filters, LzmaOptions, Stream};

/// So much text goes into one stream of xz, whose dictionary is no larger: so an encoder takes some
/// 25 MiB at any level, where the usual one takes 94 MiB and that of level 9 674. The output of
/// generated logs is 1.9 % larger than that of `xz -6`.
pub(super) const XZ_CHUNK: usize = 2 << 20;

/// Five blocks of the largest size; bzip2's blocks know nothing of each other anyway.
pub(super) const BZIP2_CHUNK: usize = 5 * 900_000;

/// lz4 and snappy have blocks of at most 4 MiB and 64 KiB.
pub(super) const CHUNK: usize = 4 << 20;

pub(super) fn xz(_: &[u8], text: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let mut options = LzmaOptions::new_preset(level).map_err(io::Error::other)?;
    options.dict_size(XZ_CHUNK as u32);
    let stream = Stream::new_stream_encoder(Filters::new().lzma2(&options), Check::Crc64)
        .map_err(io::Error::other)?;
    let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(text)?;
    encoder.finish()
}

pub(super) fn bzip2(_: &[u8], text: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(level));
    encoder.write_all(text)?;
    encoder.finish()
}

pub(super) fn lz4(_: &[u8], text: &[u8], _: u32) -> io::Result<Vec<u8>> {
    let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(text)?;
    encoder.finish().map_err(io::Error::from)
}

pub(super) fn snappy(_: &[u8], text: &[u8], _: u32) -> io::Result<Vec<u8>> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(text)?;
    if text.is_empty() {
        // The encoder writes its head with the first block.
        return Ok(b"\xff\x06\0\0sNaPpY".to_vec());
    }
    encoder.into_inner().map_err(|error| error.into_error())
}
