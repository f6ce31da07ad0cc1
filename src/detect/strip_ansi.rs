//! Removes colour codes from a block, so that coloured logs are scanned once.
//!
//! Records that are coloured for a terminal have a code or two around every word. Scanned as they
//! are and once more without codes, they would cost twice as much. So they are scanned without
//! codes only. The result is the same unless a code separates two texts that would otherwise be one
//! word. A record with such a code is kept as it is, and so is one with another kind of escape.

use super::{Scanner, decode};
use crate::{
    prefilter::marks::Marks,
    text::{ansi, encoding, source_map, span::Span},
};

/// The records of a block, without their codes where that changes no result.
#[derive(Default)]
pub(crate) struct StrippedBlock {
    text: Vec<u8>,
    records: Vec<Record>,
    marks: Marks,
}

/// The start of a record in the text and in the block.
#[derive(Clone, Copy)]
struct Record {
    text: usize,
    raw: usize,
}

impl Scanner {
    /// Reads `hay` without its colour codes into `stripped`.
    pub(crate) fn strip(&self, hay: &[u8], stripped: &mut StrippedBlock) {
        self.prefilter.marks(hay, &mut stripped.marks);
        stripped.read(hay);
    }
}

impl StrippedBlock {
    /// The text to scan.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The record of the block, with its line end, that `at` of the text is in.
    pub(crate) fn raw(&self, hay: &[u8], at: usize) -> Span {
        let behind = self.records.partition_point(|record| record.text <= at);
        let start = behind.checked_sub(1).map_or(0, |index| self.records[index].raw);
        Span::new(start, self.records.get(behind).map_or(hay.len(), |record| record.raw))
    }

    fn read(&mut self, hay: &[u8]) {
        self.text.clear();
        self.records.clear();
        let mut at = 0;
        while at < hay.len() {
            let end = memchr::memchr(b'\n', &hay[at..]).map_or(hay.len(), |length| at + length + 1);
            let (record, start) = (Span::new(at, end), self.text.len());
            self.records.push(Record { text: start, raw: at });
            if !self.strip(hay, record, start) {
                self.text.truncate(start);
                self.text.extend_from_slice(record.of(hay));
            }
            at = end;
        }
    }

    /// Appends a record without its codes; returns whether that cannot change what is found in it.
    fn strip(&mut self, hay: &[u8], record: Span, text_start: usize) -> bool {
        let StrippedBlock { text, marks, .. } = self;
        // `done`: the end of the last code; `at`: the next byte that may begin an escape.
        let (mut done, mut at) = (record.start, record.start);
        for start in marks.starts(record) {
            if start < at {
                continue;
            }
            let rest = &hay[start..record.end];
            let Some(length) =
                ansi::colour(rest).filter(|length| matches!(rest[length - 1], b'm' | b'K'))
            else {
                if encoding::escape(rest).is_some() {
                    return false;
                }
                at = decode::behind(hay, start);
                continue;
            };
            if start > done && !append(hay, Span::new(done, start), text, text_start) {
                return false;
            }
            at = start + length;
            done = at;
        }
        done == record.end || append(hay, Span::new(done, record.end), text, text_start)
    }
}

/// Appends `part` to the record that begins at `text_start` of `text`; returns whether the texts
/// around the code before it stay apart without the code.
fn append(hay: &[u8], part: Span, text: &mut Vec<u8>, text_start: usize) -> bool {
    let is_clear = match (text[text_start..].last(), hay.get(part.start)) {
        (Some(left), Some(right)) => {
            SIDES[usize::from(*left)] & IS_LEFT | SIDES[usize::from(*right)] & IS_RIGHT != 0
        }
        _ => true,
    };
    source_map::append(hay, part, text);
    is_clear
}

/// This byte to the left of a code separates the texts around the code as the code does.
const IS_LEFT: u8 = 1;

/// The same for a byte to the right of a code.
const IS_RIGHT: u8 = 2;

/// The sides of a code on which each byte is a separator. An opening bracket belongs to the text
/// before it (`fetch(`), and the text after a colon is judged by the colon.
const SIDES: [u8; 256] = {
    let mut sides = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        sides[byte] = match byte as u8 {
            b' ' | b'\t' | b'\r' | b'\n' | b'=' | b',' | b';' | b'"' | b'\'' => IS_LEFT | IS_RIGHT,
            b'(' | b'[' | b'{' | b'<' => IS_LEFT,
            b')' | b']' | b'}' | b':' => IS_RIGHT,
            _ => 0,
        };
        byte += 1;
    }
    sides
};

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(hay: &[u8]) -> StrippedBlock {
        let mut stripped = StrippedBlock::default();
        stripped.marks.read(hay);
        stripped.read(hay);
        stripped
    }

    #[test]
    fn records_are_read_without_their_codes() {
        let hay = b"\x1b[2m10:00\x1b[0m \x1b[32m INFO\x1b[0m \x1b[3mkey\x1b[0m\x1b[2m=\x1b[0m\"v\"\nplain\r\n\x1b[1mlast\x1b[0m";
        let stripped = stripped(hay);
        assert_eq!(stripped.text(), b"10:00  INFO key=\"v\"\nplain\r\nlast");
        let begin = |text: &[u8]| memchr::memmem::find(hay, text).expect("the record is there");
        let (plain, last) = (begin(b"plain"), begin(b"\x1b[1mlast"));
        for (at, start) in [(0, 0), (19, 0), (20, plain), (26, plain), (27, last), (30, last)] {
            assert_eq!(stripped.raw(hay, at).start, start, "{at}");
        }
        assert_eq!(stripped.raw(hay, 30).end, hay.len());
    }

    #[test]
    fn a_record_stays_whose_codes_part_a_word_and_one_with_other_escapes() {
        for record in [
            "pass\x1b[1mword=x",
            "a\x1b[0m-\x1b[0mb",
            "\x1b[0mx%40y",
            "\x1b[0m a\\u003d",
            "x\x1b[0m&amp; y",
        ] {
            assert_eq!(stripped(record.as_bytes()).text(), record.as_bytes(), "{record:?}");
        }
        for (record, text) in [
            ("\x1b[0m100% a", "100% a"),
            ("\x1b[1mC:\\\\u\x1b[0m x", "C:\\\\u x"),
            ("\x1b(B x", "\x1b(B x"),
        ] {
            assert_eq!(stripped(record.as_bytes()).text(), text.as_bytes(), "{record:?}");
        }
    }
}
