//! What a file is, told by its content and never by its name.

use crate::source::refuse;

/// So much of the beginning decides.
pub(super) const SAMPLE: usize = 8 << 10;

/// Fewer bytes than this tell nothing about their distribution.
const LEAST: usize = 32;

/// What can be done with some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Packed(Packed),
    Tar,
    Zip,
    /// It cannot be examined; the name of what it is.
    Foreign(&'static str),
}

/// A compressed stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packed {
    Gzip,
    Zstd,
    Xz,
    Bzip2,
    Lz4,
    Snappy,
}

impl Packed {
    /// The name that `--recompress` takes, with the levels that it has.
    pub(crate) const ALL: [(&'static str, Packed, std::ops::RangeInclusive<u32>); 6] = [
        ("gzip", Packed::Gzip, 1..=12),
        ("zstd", Packed::Zstd, 1..=22),
        ("xz", Packed::Xz, 0..=9),
        ("bzip2", Packed::Bzip2, 1..=9),
        ("lz4", Packed::Lz4, 0..=0),
        ("snappy", Packed::Snappy, 0..=0),
    ];
}

/// Magic numbers of what is read here.
const READ: [(&[u8], Kind); 8] = [
    (b"\x1f\x8b", Kind::Packed(Packed::Gzip)),
    (b"\x28\xb5\x2f\xfd", Kind::Packed(Packed::Zstd)),
    (b"\xfd7zXZ\0", Kind::Packed(Packed::Xz)),
    (b"\x04\x22\x4d\x18", Kind::Packed(Packed::Lz4)),
    (b"\xff\x06\0\0sNaPpY", Kind::Packed(Packed::Snappy)),
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Zip),
    (b"PK\x07\x08", Kind::Foreign("a zip archive in parts")),
];

/// Magic numbers of what is not.
const FOREIGN: [(&[u8], &str); 14] = [
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"LZIP", "an lzip file"),
    (b"\x1f\x9d", "a file of compress"),
    (b"\x02\x21\x4c\x18", "an lz4 file of the old form"),
    (b"\x7fELF", "an executable"),
    (b"\xca\xfe\xba\xbe", "a Java class"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"Obj\x01", "an Avro file"),
];

/// What begins with `head`.
pub(super) fn of(head: &[u8]) -> Kind {
    if let Some((_, kind)) = READ.iter().find(|(magic, _)| head.starts_with(magic)) {
        return *kind;
    }
    if head.starts_with(b"BZh")
        && head
            .get(4..10)
            .is_some_and(|block| block == b"1AY&SY" || block == b"\x17\x72\x45\x38\x50\x90")
    {
        return Kind::Packed(Packed::Bzip2);
    }
    // A zstd file may begin with a skippable frame.
    if head.len() >= 8 && head[0] & 0xf0 == 0x50 && head[1..4] == *b"\x2a\x4d\x18" {
        return Kind::Packed(Packed::Zstd);
    }
    if let Some((_, name)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Kind::Foreign(name);
    }
    if is_tar(head) {
        return Kind::Tar;
    }
    // What is wide text is for the gate of every stream to judge, with its own words.
    if refuse::wide(head).is_none() && is_binary(head) {
        Kind::Foreign("binary data")
    } else {
        Kind::Text
    }
}

/// A header whose checksum is right; `ustar` alone would leave out the oldest archives, and a log
/// may hold it.
fn is_tar(head: &[u8]) -> bool {
    let Some(block) = head.get(..512).and_then(|block| <&[u8; 512]>::try_from(block).ok()) else {
        return false;
    };
    super::formats::tar::has_checksum(block)
}

/// So many NULs in a row are no part of a text or of a program.
const HOLE: usize = 256;

/// More than one byte of thirty is a control character that no log holds. NULs in long rows are
/// what `copytruncate` and holes leave; others count, and so does nothing above 0x7f, for logs in
/// Latin-1.
fn is_binary(head: &[u8]) -> bool {
    let mut n_bytes = head.len();
    let mut n_controls: usize = head.chunks(usize::from(u8::MAX)).map(controls).sum();
    if memchr::memchr(0, head).is_some() {
        let rows =
            head.chunk_by(|one, next| *one == 0 && *next == 0).filter(|row| row.len() >= HOLE);
        let n_holes: usize = rows.map(<[u8]>::len).sum();
        (n_bytes, n_controls) = (n_bytes - n_holes, n_controls - n_holes);
    }
    n_bytes >= LEAST && n_controls * 30 > n_bytes
}

/// How many of at most 255 bytes are control characters. Without a branch, so that the compiler
/// compares many at once: one by one they took as long as to scrub a short file.
fn controls(bytes: &[u8]) -> usize {
    let is_control =
        |byte: u8| (byte < 7) | (byte.wrapping_sub(0x0e) < 0x12) & (byte != 0x1b) | (byte == 0x7f);
    usize::from(bytes.iter().map(|byte| u8::from(is_control(*byte))).sum::<u8>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        assert_eq!(of(b"\x1f\x8b\x08"), Kind::Packed(Packed::Gzip));
        assert_eq!(of(b"BZh91AY&SYxx"), Kind::Packed(Packed::Bzip2));
        assert_eq!(of(b"BZh is no header"), Kind::Text);
        assert_eq!(of(b"\x50\x2a\x4d\x18\x04\0\0\0"), Kind::Packed(Packed::Zstd));
        assert_eq!(of(b""), Kind::Text);
        assert!(matches!(of(b"\x7fELF\x02"), Kind::Foreign(_)));
    }

    #[test]
    fn controls_are_those_that_no_log_holds() {
        let are: Vec<u8> = (0..=u8::MAX).filter(|byte| controls(&[*byte]) == 1).collect();
        let expected: Vec<u8> =
            [0..=6, 0x0e..=0x1a, 0x1c..=0x1f, 0x7f..=0x7f].into_iter().flatten().collect();
        assert_eq!((are, controls(&[0; 255])), (expected, 255));
    }

    #[test]
    fn logs_with_nuls_colours_and_latin_are_text_and_random_bytes_are_not() {
        assert_eq!(
            of(&[vec![0; 4096], b"a line after copytruncate\n".repeat(9)].concat()),
            Kind::Text
        );
        assert_eq!(
            of(&b"\x1b[31mred\x1b[0m caf\xe9, and a NUL at the end \0\n".repeat(9)),
            Kind::Text
        );
        let noise: Vec<u8> =
            (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        assert_eq!(of(&noise), Kind::Foreign("binary data"));
    }
}
