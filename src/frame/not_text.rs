//! Records that are no text although the input began as text: UTF-16, and compressed data.
//!
//! A program may append UTF-16 to a log (`>>` in PowerShell) or compressed data after a line of
//! text. No detector can read such records. [`survey`] finds them in a block. UTF-16 lasts until a
//! record is text again; compressed data lasts to the end of the input. The result depends on the
//! bytes alone, not on how they were read: a record is judged by the [`Content`] before it and by
//! its own bytes, or by at most [`SAMPLE`] bytes from its start.
//!
//! Not promised: UTF-16 without a byte order mark is noticed at the first record with
//! [`MIN_CHARS`] characters of ASCII in a row. Compressed data is noticed only at the start of a
//! record. Formats without a magic number (raw LZMA, raw deflate, Brotli) are not noticed.

use super::flush::InputState;
use crate::text::{line, span::Span};

/// This many characters of ASCII in a row, each with a NUL beside it, are UTF-16. Fewer occur in
/// lists separated by NULs, and are too short for any secret.
const MIN_CHARS: usize = 6;

/// How many bytes from the start of a record are examined behind a magic number of two bytes.
const SAMPLE: usize = 128;

/// A record of this length is judged alone, a shorter one with the bytes after it.
const MIN_RECORD: usize = 64;

/// The content of the records from some offset on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Content {
    #[default]
    Text,
    /// UTF-16, until text returns.
    Wide,
    /// Compressed data, to the end of the input.
    Packed,
}

/// What the bytes at the start of a record begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Text,
    Begins(Content),
    /// More bytes are needed.
    Unsure,
}

/// Bytes at the start of a record that may begin something other than text.
pub(super) struct MagicNumber {
    pub(super) bytes: &'static [u8],
    /// What they begin, judged by the block from them on.
    judge: fn(&[u8], InputState) -> Verdict,
}

const fn magic(bytes: &'static [u8], judge: fn(&[u8], InputState) -> Verdict) -> MagicNumber {
    MagicNumber { bytes, judge }
}

pub(super) const N_MAGIC_NUMBERS: usize = 20;

/// The prefilter finds them in the pass that finds the anchors of rules, so a clean log pays
/// nothing for them.
pub(super) static MAGIC_NUMBERS: [MagicNumber; N_MAGIC_NUMBERS] = [
    magic(b"\xff\xfe", wide),
    magic(b"\xfe\xff", wide),
    magic(b"\x1f\x8b\x08", packed),
    magic(b"\x28\xb5\x2f\xfd", packed),
    magic(b"\x50\x2a\x4d\x18", packed),
    magic(b"\xfd7zXZ\0", packed),
    magic(b"BZh", bzip2),
    magic(b"\x04\x22\x4d\x18", packed),
    magic(b"\x02\x21\x4c\x18", packed),
    magic(b"\xff\x06\0\0sNaPpY", packed),
    magic(b"LZIP\x01", packed),
    magic(b"\x1f\x9d", compress),
    magic(b"PK\x03\x04", packed),
    magic(b"7z\xbc\xaf\x27\x1c", packed),
    magic(b"Rar!\x1a\x07", packed),
    magic(b"]\0\0", lzma),
    magic(b"x\x01", zlib),
    magic(b"x\x5e", zlib),
    magic(b"x\x9c", zlib),
    magic(b"x\xda", zlib),
];

/// Which records of a block are no text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Runs of whole records that are no text, in order. No two of them touch.
    pub(crate) runs: Vec<Span>,
    /// The records from here on are compressed data.
    pub(crate) packed: usize,
    /// The records from here on cannot be judged before more bytes are there.
    pub(crate) end: usize,
    /// The content of the records from `end` on.
    pub(crate) content_after: Content,
}

/// Finds the records that are no text in `hay`, which begins with a record. `content` is that of
/// the record before. `marks` are occurrences of [`MAGIC_NUMBERS`], as their index and offset.
pub(crate) fn survey(
    hay: &[u8],
    content: Content,
    marks: &[(usize, usize)],
    input: InputState,
) -> Survey {
    let mut survey =
        Survey { runs: Vec::new(), packed: hay.len(), end: hay.len(), content_after: content };
    let mut marks = marks.iter().copied().peekable();
    let mut at = 0;
    while at < hay.len() {
        if survey.content_after == Content::Packed {
            survey.push(Span::new(at, hay.len()));
            survey.packed = at;
            break;
        }
        while marks.next_if(|mark| mark.1 < at).is_some() {}
        if survey.content_after == Content::Text {
            // Text ends only at a NUL or a magic number.
            let nul =
                memchr::memchr(0, &hay[at..]).map(|nul| line::around(hay, at + nul).start.max(at));
            let Some(next) = nul.into_iter().chain(marks.peek().map(|mark| mark.1)).min() else {
                break;
            };
            at = next;
        }
        let next = line::next(hay, at);
        let record = &hay[at..next];
        let verdict = marks
            .next_if(|mark| mark.1 == at)
            .map_or(Verdict::Text, |mark| (MAGIC_NUMBERS[mark.0].judge)(&hay[at..], input));
        match verdict {
            Verdict::Unsure => {
                survey.end = at;
                break;
            }
            Verdict::Begins(content) => survey.content_after = content,
            Verdict::Text => {
                survey.content_after =
                    content_of(record.strip_suffix(b"\n").unwrap_or(record), survey.content_after)
            }
        }
        match survey.content_after {
            Content::Wide if !is_left_over(record) => survey.push(Span::new(at, next)),
            Content::Packed => continue,
            _ => {}
        }
        at = next;
    }
    survey
}

impl Survey {
    fn push(&mut self, run: Span) {
        match self.runs.last_mut() {
            Some(last) if last.end == run.start => last.end = run.end,
            _ => self.runs.push(run),
        }
    }
}

/// The content of a record after records with the content `before`.
pub(crate) fn content_of(record: &[u8], before: Content) -> Content {
    match before {
        Content::Text if has_wide_text(record) => Content::Wide,
        Content::Wide if is_text(record) => Content::Text,
        before => before,
    }
}

/// Whether a record is empty, or only half of a UTF-16 line end. It has nothing to hide.
fn is_left_over(record: &[u8]) -> bool {
    matches!(record, b"\n" | b"\r\n" | b"\0" | b"\0\n")
}

/// Whether a record contains UTF-16 text: [`MIN_CHARS`] characters of ASCII with NULs between them.
pub(crate) fn has_wide_text(record: &[u8]) -> bool {
    let is_char = |at: Option<usize>| {
        let byte = at.and_then(|at| record.get(at));
        byte.is_some_and(|byte| matches!(byte, b'\t' | b'\r' | b' '..=b'~'))
    };
    // The last NUL, and the number of characters before it in its run.
    let (mut last, mut n_chars) = (None, 0);
    memchr::memchr_iter(0, record).any(|nul| {
        let follows = last.is_some_and(|last| last + 2 == nul);
        n_chars = match is_char(nul.checked_sub(1)) {
            true if follows => n_chars + 1,
            true => 1,
            false => 0,
        };
        last = Some(nul);
        n_chars + usize::from(is_char(Some(nul + 1))) >= MIN_CHARS
    })
}

/// Whether a record after UTF-16 is text again. A line end in UTF-16LE leaves a NUL at the head of
/// the next record.
fn is_text(record: &[u8]) -> bool {
    let text = record.strip_prefix(b"\0").unwrap_or(record);
    !text.trim_ascii().is_empty()
        && !text.iter().any(|byte| is_alien(*byte))
        && std::str::from_utf8(text).is_ok()
}

/// Control characters that logs do not hold.
fn is_alien(byte: u8) -> bool {
    byte == 0x7f || byte < b' ' && !matches!(byte, 0x07..=b'\r' | 0x1b)
}

fn wide(_: &[u8], _: InputState) -> Verdict {
    Verdict::Begins(Content::Wide)
}

fn packed(_: &[u8], _: InputState) -> Verdict {
    Verdict::Begins(Content::Packed)
}

fn packed_if(is_packed: bool) -> Verdict {
    if is_packed { Verdict::Begins(Content::Packed) } else { Verdict::Text }
}

/// The level, then the mark of the first block or that of the end.
fn bzip2(text: &[u8], _: InputState) -> Verdict {
    let is_block = |mark: &[u8]| mark == b"1AY&SY" || mark == b"\x17\x72\x45\x38\x50\x90";
    packed_if(matches!(text.get(3), Some(b'1'..=b'9')) && text.get(4..10).is_some_and(is_block))
}

/// Nine to sixteen bits a code, with the flag of block mode, which all writers set.
fn compress(text: &[u8], _: InputState) -> Verdict {
    packed_if(matches!(text.get(2), Some(0x89..=0x90)))
}

/// The size of the dictionary is a power of two, or one and a half of it. The size of the text is
/// unknown or below a terabyte.
fn lzma(text: &[u8], input: InputState) -> Verdict {
    let Some(header) = text.first_chunk::<13>() else {
        return if input == InputState::Open { Verdict::Unsure } else { Verdict::Text };
    };
    let [_, d0, d1, d2, d3, size @ ..] = *header;
    let dictionary = u32::from_le_bytes([d0, d1, d2, d3]);
    let is_dictionary = dictionary.is_power_of_two()
        || dictionary.is_multiple_of(3) && (dictionary / 3).is_power_of_two();
    // The range coder's first byte is always zero.
    let is_size = size == [0xff; 8] || size[5..] == [0; 3];
    packed_if(is_dictionary && is_size && text.get(13).is_none_or(|byte| *byte == 0))
}

/// Two bytes may begin a line of text by chance, so a block of deflate must follow, and bytes that
/// no text in Latin-1 has.
fn zlib(text: &[u8], input: InputState) -> Verdict {
    let end = memchr::memchr(b'\n', text).unwrap_or(text.len());
    let is_judged_alone = end >= MIN_RECORD;
    let sample = &text[..if is_judged_alone { end } else { text.len() }.min(SAMPLE)];
    if !is_judged_alone && sample.len() < SAMPLE && input == InputState::Open {
        return Verdict::Unsure;
    }
    let data = &sample[2..];
    packed_if(match deflate_block(data) {
        Some(Block::Stored) => true,
        Some(Block::Coded) => is_binary(data),
        None => false,
    })
}

/// How the first block of a deflate stream is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Stored,
    Coded,
}

/// The first block of a deflate stream, if `data` can begin one.
fn deflate_block(data: &[u8]) -> Option<Block> {
    let bits = |at: usize, n_bits: usize| {
        let bit = |at: usize| data.get(at / 8).map_or(0, |byte| usize::from(byte >> (at % 8) & 1));
        (0..n_bits).map(|index| bit(at + index) << index).sum::<usize>()
    };
    match (data.first()? >> 1) & 3 {
        0 => {
            let header = data.get(1..5)?;
            let is_checked = (0..2).all(|index| header[index] == !header[index + 2]);
            is_checked.then_some(Block::Stored)
        }
        1 => Some(Block::Coded),
        2 => {
            let (n_literals, n_distances, n_lengths) = (bits(3, 5), bits(8, 5), bits(13, 4) + 4);
            let lengths =
                (0..n_lengths).map(|index| bits(17 + 3 * index, 3)).filter(|length| *length > 0);
            let is_complete = lengths.map(|length| 128 >> length).sum::<usize>() == 128;
            (n_literals < 30 && n_distances < 30 && is_complete).then_some(Block::Coded)
        }
        _ => None,
    }
}

/// Whether bytes are no text: many are not ASCII, and some are control characters of ASCII or of
/// Latin-1.
fn is_binary(data: &[u8]) -> bool {
    let n_high = data.iter().filter(|byte| !byte.is_ascii()).count();
    let n_alien = data.iter().filter(|byte| is_alien(**byte)).count();
    let invalid = data.utf8_chunks().flat_map(|chunk| chunk.invalid());
    let n_c1 = invalid.filter(|byte| matches!(byte, 0x80..=0x9f)).count();
    n_high * 8 >= data.len() && (n_alien >= 1 || n_c1 >= 2 && n_c1 * 16 >= data.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn le(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn be(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    }

    /// The magic numbers at the start of records, as the prefilter reports them.
    fn marks(hay: &[u8]) -> Vec<(usize, usize)> {
        let starts =
            std::iter::once(0).chain(memchr::memchr_iter(b'\n', hay).map(|newline| newline + 1));
        let at = |start: usize| {
            let here = move |mark: &(usize, &MagicNumber)| hay[start..].starts_with(mark.1.bytes);
            MAGIC_NUMBERS
                .iter()
                .enumerate()
                .filter(here)
                .map(move |(number, _)| (number, start))
                .collect::<Vec<_>>()
        };
        starts.flat_map(at).collect()
    }

    /// The numbers of the lines that are no text.
    fn lines(hay: &[u8]) -> Vec<usize> {
        let survey = survey(hay, Content::Text, &marks(hay), InputState::Ended);
        let number = |at: usize| memchr::memchr_iter(b'\n', &hay[..at]).count();
        survey.runs.iter().flat_map(|run| number(run.start)..number(run.end - 1) + 1).collect()
    }

    #[test]
    fn utf16_lasts_until_text_returns() {
        for wide in [le, be] {
            for mark in ["", "\u{feff}"] {
                let hay = [
                    b"one\n",
                    &wide(&format!("{mark}two words\r\n\r\n\u{4e2d}\u{6587}\r\nok\r\n"))[..],
                    b"six\n",
                ];
                assert_eq!(lines(&hay.concat()), [1, 2, 3, 4], "{}", hay.concat().escape_ascii());
            }
        }
        let appended =
            [b"one\ntwo without an end ", &le("and UTF-16\r\n")[..], b"three\n"].concat();
        assert_eq!(lines(&appended), [1]);
    }

    #[test]
    fn nuls_alone_make_no_record_something_else() {
        for hay in [
            &[&[0; 5000][..], b"2026-01-01 rotated\nmore\n"].concat()[..],
            b"./a\0./b\0./c/d\0./e\0",
            b"a\0\0b\0\0c\0\0d\0\0e\0\0f\0\0g\n",
            b"\0\n\0\n\0\n",
            b"a\0b\0c\0d\n",
        ] {
            assert_eq!(lines(hay), Vec::<usize>::new(), "{}", hay.escape_ascii());
        }
    }

    #[test]
    fn a_magic_number_counts_at_the_start_of_a_record_and_with_what_belongs_to_it() {
        for hay in [
            &b"a\n\x1f\x8b\x08\0more\nmore"[..],
            b"a\n]\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0\nmore",
            b"a\nBZh91AY&SY\nmore",
            b"a\nx\x01\x01\x05\0\xfa\xffhello\nmore",
        ] {
            assert_eq!(lines(hay)[0], 1, "{}", hay.escape_ascii());
            assert_eq!(
                lines(hay).len(),
                memchr::memchr_iter(b'\n', hay).count(),
                "{}",
                hay.escape_ascii()
            );
        }
        for hay in [
            &b"a \x1f\x8b\x08\0\n"[..],
            b"a\nBZh is how bzip2 begins\nBZh9\n",
            b"PK\nPK zip\nx^2 + y^2\nx\x9cuvre caf\xe9\nxyz\n",
            b"x\xda\n",
            b"]\0\0\n",
            b"\x1f\x9d is two bytes\n",
        ] {
            assert_eq!(lines(hay), Vec::<usize>::new(), "{}", hay.escape_ascii());
        }
    }

    #[test]
    fn a_short_record_waits_for_what_follows_it() {
        let hay = b"one\nx\x9c\x4b\x4c\n";
        let survey = survey(hay, Content::Text, &marks(hay), InputState::Open);
        assert_eq!(
            survey,
            Survey { runs: Vec::new(), packed: hay.len(), end: 4, content_after: Content::Text }
        );
    }
}
