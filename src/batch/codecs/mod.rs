//! Compression formats, one file each. A new one implements [`Codec`] and is listed in [`ALL`].

mod bzip2;
mod codec;
mod gzip;
mod lz4;
mod snappy;
mod xz;
mod zstd;

use std::io::{BufRead, Read};

pub(crate) use self::codec::{Codec, Compressed};
pub(super) use self::gzip::deflate;
use super::{chunks::ChunkHeaders, metadata::Headers};

/// All formats, in the order in which messages list them.
pub(crate) const ALL: [&dyn Codec; 6] =
    [&gzip::Gzip, &zstd::Zstd, &xz::Xz, &bzip2::Bzip2, &lz4::Lz4, &snappy::Snappy];

/// The format of a file that begins with `head`.
pub(super) fn matching(head: &[u8]) -> Option<&'static dyn Codec> {
    ALL.into_iter().find(|codec| codec.matches(head))
}

/// The format with the given name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Codec> {
    ALL.into_iter().find(|codec| codec.name() == name)
}

/// The content of the zstd frames of a zip entry.
pub(super) fn zstd_frames<'r>(
    reader: impl BufRead + Send + 'r,
    memory: u64,
    headers: Headers,
) -> impl Read + Send + 'r {
    zstd::Frames::new(reader, ChunkHeaders::default(), memory, headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(head: &[u8]) -> Option<&'static str> {
        matching(head).map(Codec::name)
    }

    #[test]
    fn formats_are_recognized_by_content() {
        assert_eq!(name(b"\x1f\x8b\x08"), Some("gzip"));
        assert_eq!(name(b"BZh91AY&SYxx"), Some("bzip2"));
        assert_eq!(name(b"BZh is no header"), None);
        assert_eq!(name(b"\x50\x2a\x4d\x18\x04\0\0\0"), Some("zstd"));
        assert_eq!(name(b""), None);
    }

    #[test]
    fn names_are_unique_and_default_levels_are_valid() {
        for codec in ALL {
            assert!(codec.levels().contains(&codec.default_level()), "{}", codec.name());
            assert_eq!(named(codec.name()).map(Codec::name), Some(codec.name()));
        }
    }
}
