//! Recognizes text and binary data by content, never by name. Codecs and archive formats recognize
//! themselves.

use crate::source::refuse;

/// How many bytes at the beginning decide.
pub(super) const SAMPLE: usize = 8 << 10;

/// Fewer bytes are too few for statistics.
const LEAST: usize = 32;

/// What uncompressed content outside archives is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Text,
    /// It cannot be examined. The string says what it is.
    Foreign(&'static str),
}

/// Magic numbers of formats that cannot be examined.
const FOREIGN: [(&[u8], &str); 15] = [
    (b"PK\x07\x08", "part of a split zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"LZIP", "an lzip file"),
    (b"\x1f\x9d", "a compress (.Z) file"),
    (b"\x02\x21\x4c\x18", "an lz4 file in the legacy format"),
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

/// What content that begins with `head` is.
pub(super) fn of(head: &[u8]) -> Content {
    if let Some((_, name)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Content::Foreign(name);
    }
    // Wide text is refused by the gate of every stream, with a message of its own.
    if refuse::wide(head).is_none() && is_binary(head) {
        return Content::Foreign("binary data");
    }
    Content::Text
}

/// This many NULs in a row are a hole, not part of a text or program.
const HOLE: usize = 256;

/// Whether more than one byte in thirty is a control character that does not occur in logs. Long
/// runs of NUL do not count: `copytruncate` and sparse files leave them. Bytes above 0x7f do not
/// count either, because of logs in Latin-1.
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

/// Counts the control characters in at most 255 bytes. Without branches, so that the compiler
/// vectorizes it; byte by byte it took as long as scrubbing a short file.
fn controls(bytes: &[u8]) -> usize {
    usize::from(bytes.iter().map(|byte| u8::from(is_control(*byte))).sum::<u8>())
}

#[inline]
fn is_control(byte: u8) -> bool {
    (byte < 7) | (byte.wrapping_sub(0x0e) < 0x12) & (byte != 0x1b) | (byte == 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides() {
        assert_eq!(of(b"BZh is no header"), Content::Text);
        assert_eq!(of(b""), Content::Text);
        assert!(matches!(of(b"\x7fELF\x02"), Content::Foreign(_)));
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
            Content::Text
        );
        assert_eq!(
            of(&b"\x1b[31mred\x1b[0m caf\xe9, and a NUL at the end \0\n".repeat(9)),
            Content::Text
        );
        let noise: Vec<u8> =
            (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
        assert_eq!(of(&noise), Content::Foreign("binary data"));
    }
}
