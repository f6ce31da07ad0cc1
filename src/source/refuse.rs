//! Refuses input that cannot be read as text: compressed data, UTF-16 and UTF-32.
//!
//! The first 4 KiB decide: a magic number or a byte order mark at the start, or NUL in nine of ten
//! even or odd bytes of the first record. Such data later in the stream is handled by
//! [`crate::scrub`].

use crate::error::Error;

/// How many bytes at the beginning decide.
const SAMPLE: usize = 4 << 10;

/// Fewer bytes are too few to count NULs.
const LEAST: usize = 8;

/// Magic numbers: the bytes, the name of the format, and a command that reads it.
const MAGIC: [(&[u8], &str, &str); 11] = [
    (b"\x1f\x8b", "gzip", "gzip -dc"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"),
    (b"\xfd7zXZ\0", "xz", "xz -dc"),
    (b"BZh", "bzip2", "bzip2 -dc"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -dc"),
    (b"\xff\x06\0\0sNaPpY", "snappy", "snzip -dc"),
    (b"LZIP", "lzip", "lzip -dc"),
    (b"\x1f\x9d", "compress", "uncompress -c"),
    (b"PK\x03\x04", "zip", "unzip -p"),
    (b"7z\xbc\xaf\x27\x1c", "7z", "7z x -so"),
    (b"Rar!\x1a\x07", "rar", "unrar p -inul"),
];

/// Byte order marks, longer ones first.
const MARKS: [(&[u8], &str); 4] = [
    (b"\xff\xfe\0\0", "UTF-32LE"),
    (b"\0\0\xfe\xff", "UTF-32BE"),
    (b"\xff\xfe", "UTF-16LE"),
    (b"\xfe\xff", "UTF-16BE"),
];

/// Checks the beginning of an input, at any split into reads.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    head: Vec<u8>,
    is_open: bool,
}

impl Gate {
    /// Checks the next bytes of the input. Once the beginning was text, everything passes.
    pub(crate) fn pass(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        if self.is_open {
            return Ok(());
        }
        let is_first = self.head.is_empty();
        let n_bytes = bytes.len().min(SAMPLE - self.head.len());
        self.head.extend_from_slice(&bytes[..n_bytes]);
        let refused = compressed(name, &self.head);
        // The first read contains the first record, or enough of it.
        if let Some(error) =
            refused.or_else(|| if is_first { wide_text(name, &self.head) } else { None })
        {
            return Err(error);
        }
        if self.head.len() == SAMPLE {
            self.is_open = true;
            self.head = Vec::new();
        }
        Ok(())
    }
}

fn compressed(name: &str, head: &[u8]) -> Option<Error> {
    let (_, format, command) = MAGIC.iter().find(|(magic, _, _)| head.starts_with(magic))?;
    let error = Error::unexamined(format!("{name}: {format} data cannot be examined as text"));
    Some(error.hint(format!("decompress it first: {command} FILE | logscrub")))
}

fn wide_text(name: &str, head: &[u8]) -> Option<Error> {
    let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let encoding = wide(first).or_else(|| short_wide(first))?;
    let error = Error::unexamined(format!("{name}: {encoding} text cannot be examined"));
    Some(error.hint(format!("convert it first: iconv -f {encoding} -t UTF-8 FILE | logscrub")))
}

/// The encoding of a record too short for statistics: NUL in every other byte, and nowhere else.
fn short_wide(record: &[u8]) -> Option<&'static str> {
    if record.len() < 4 || record.len() >= LEAST {
        return None;
    }
    match (count_nuls(record, 0), count_nuls(record, 1)) {
        // The second half of the line feed follows in the next record.
        (0, odd) if odd == record.len() / 2 && record.len().is_multiple_of(2) => Some("UTF-16LE"),
        (even, 0) if even == record.len().div_ceil(2) => Some("UTF-16BE"),
        _ => None,
    }
}

/// How many of every other byte from `first` on are NUL.
fn count_nuls(bytes: &[u8], first: usize) -> usize {
    bytes.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count()
}

/// The encoding of text in UTF-16 or UTF-32.
pub(crate) fn wide(head: &[u8]) -> Option<&'static str> {
    let mark = MARKS.iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, encoding)| *encoding);
    mark.or_else(|| alternate_nuls(head))
}

/// Detects UTF-16 or UTF-32 without a byte order mark: NUL in nine of ten even or odd bytes.
fn alternate_nuls(head: &[u8]) -> Option<&'static str> {
    // Most texts contain no NUL, which a vectorized search finds out quickly.
    if head.len() < LEAST || memchr::memchr(0, head).is_none() {
        return None;
    }
    let (even, odd) = (count_nuls(head, 0), count_nuls(head, 1));
    let (n_even, n_odd) = (head.len().div_ceil(2), head.len() / 2);
    match (even * 10 >= n_even * 9, odd * 10 >= n_odd * 9) {
        (true, true) => None,
        (false, true) => Some("UTF-16LE"),
        (true, false) => Some("UTF-16BE"),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(input: &[u8]) -> Option<String> {
        Gate::default().pass("standard input", input).err().map(|error| error.to_string())
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn compressed_and_wide_input_is_refused_with_its_name() {
        assert!(message(b"\x1f\x8b\x08\0").expect("refused").contains("gzip"));
        assert!(message(b"\x28\xb5\x2f\xfdxx").expect("refused").contains("zstd"));
        assert!(message(b"\xff\xfea\0").expect("refused").contains("UTF-16LE"));
        assert!(
            message(&wide("password=hunter2 in wide characters\n"))
                .expect("refused")
                .contains("UTF-16LE")
        );
    }

    #[test]
    fn the_first_record_decides_whatever_else_is_read_with_it() {
        let input = [b"one\n", &wide("password=hunter2 behind a line of text\n")[..]].concat();
        assert_eq!(message(&input), None);
        assert!(message(&wide("one\n\u{4e2d}\u{6587}\n")).is_some());
        assert!(message(&wide("line\n\u{4e2d}\u{6587}\n")).is_some());
    }

    #[test]
    fn text_passes_with_nuls_and_with_a_utf8_mark() {
        for input in [
            &b"\xef\xbb\xbfplain\n"[..],
            b"a\0b\0\0c and more text than that\n",
            b"",
            b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ] {
            assert_eq!(message(input), None);
        }
    }

    #[test]
    fn how_the_input_is_cut_does_not_matter_for_a_magic_number() {
        let mut gate = Gate::default();
        assert!(gate.pass("x", b"\x28\xb5").is_ok());
        assert!(gate.pass("x", b"\x2f\xfd").is_err());
    }
}
