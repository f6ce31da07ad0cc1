//! The first and the last line of a key.

use super::plain::{Plain, behind_codes};
use crate::{detect::Located, text::span::Span};

/// The first line of a key.
pub(super) struct Opening {
    /// The offset of its dashes.
    pub(super) start: usize,
    /// The offset after it.
    pub(super) end: usize,
    /// The number of lines, if PuTTY wrote it.
    pub(super) lines: Option<u32>,
}

/// The first line around the anchor of `located`: `-----BEGIN RSA PRIVATE KEY-----`,
/// `---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----`, `Private-Lines: 14`.
pub(super) fn opening(located: &Located<'_>) -> Option<Opening> {
    let (hay, anchor) = (located.hay, located.anchor);
    let after = &hay[anchor.end..located.record.end];
    if anchor.of(hay).ends_with(b":") {
        let number = after.trim_ascii_start();
        let digits = number.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let lines = std::str::from_utf8(&number[..digits]).ok()?.parse().ok()?;
        let end = located.record.end - number.len() + digits;
        return Some(Opening { start: anchor.start, end, lines: Some(lines) });
    }
    // The dashes after the anchor come first, because prose about keys has none.
    let mut at = behind_codes(after, 0);
    at += if after.len() >= at + 6 && after[at..at + 6].eq_ignore_ascii_case(b" block") {
        6
    } else {
        0
    };
    at = behind_codes(after, at);
    at = behind_codes(after, at + usize::from(after.get(at) == Some(&b' ')));
    let closing = after[at..].iter().take(8).take_while(|byte| **byte == b'-').count();
    if closing < 2 {
        return None;
    }
    let floor = located.record.start.max(anchor.start.saturating_sub(128));
    let plain = Plain::new(&hay[floor..anchor.start]);
    let before = plain.text();
    let begin = (0..before.len().saturating_sub(5))
        .rev()
        .find(|at| before[*at..at + 6].eq_ignore_ascii_case(b"begin "))?;
    let head = before[..begin].trim_ascii_end();
    let dashes = head.iter().rev().take_while(|byte| **byte == b'-').count();
    let words = before[begin..].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ');
    let is_one = dashes >= 2 && words && before.len() - begin <= 48;
    let start = floor + plain.raw_at(head.len() - dashes);
    is_one.then_some(Opening { start, end: anchor.end + at + closing, lines: None })
}

/// Whether `line` is the first line of a key.
pub(super) fn is_opening(line: &[u8]) -> bool {
    memchr::memchr2_iter(b'P', b'p', line)
        .any(|at| opens(line, at, b"private key") || opens(line, at, b"private-lines:"))
}

/// Whether `anchor` is at `at` in the first line of a key.
fn opens(line: &[u8], at: usize, anchor: &[u8]) -> bool {
    let (record, anchor_span) = (Span::new(0, line.len()), Span::new(at, at + anchor.len()));
    line.get(at..anchor_span.end).is_some_and(|text| text.eq_ignore_ascii_case(anchor))
        && opening(&Located { hay: line, record, anchor: anchor_span }).is_some()
}

/// The offset of the dashes in the last line of a key.
pub(super) fn find_end(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(dash) = memchr::memmem::find(&text[from..], b"--").map(|at| from + at) {
        let dashes = text[dash..].iter().take_while(|byte| **byte == b'-').count();
        let word = text[dash + dashes..].trim_ascii_start();
        if word.len() >= 4 && word[..4].eq_ignore_ascii_case(b"end ") {
            return Some(dash);
        }
        from = dash + dashes;
    }
    putty_end(text).filter(|at| text[..*at].trim_ascii().is_empty())
}

/// The end of a key in the rest of its record.
pub(super) fn end_in_record(rest: &[u8], opening: &Opening) -> Option<usize> {
    // An end without control sequences limits how far the text is decoded, so many keys in a record
    // together cost its length.
    let bound = find_end(rest);
    let plain = Plain::new(&rest[..bound.unwrap_or(rest.len())]);
    let end = find_end(plain.text()).or_else(|| {
        opening.lines?;
        putty_end(plain.text())
    });
    end.map(|end| plain.raw_at(end)).or(bound)
}

/// The offset of the line after the private lines of PuTTY.
fn putty_end(text: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, b"Private-MAC:")
        .or_else(|| memchr::memmem::find(text, b"Private-Hash:"))
}
