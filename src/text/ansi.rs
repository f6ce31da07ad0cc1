//! Control sequences of terminals, forwards and backwards: colours, cursor movements, titles.
//!
//! A sequence is ESC, `[`, parameters and a letter, or ESC and a string that ends with BEL or
//! `ESC \`. It prints nothing, so detectors read the text around it without it. ESC is often
//! written as an escape (`\u001b`, `\x1b`, `\033`, `\e`, `^[`, `#033`) because the log went through
//! JSON or syslog.
//!
//! [`colour`] is on the hot path of coloured logs and reads only sequences that begin with ESC
//! itself. [`control`] reads any sequence and is used where private keys lie between them.

use super::escape::{self, Escape, Kind};

/// The most parameters and intermediate bytes of a sequence.
const MAX_PARAMETERS: usize = 32;

/// The most bytes of a string for the terminal.
const MAX_STRING: usize = 512;

/// ESC
const ESC: u8 = 0x1b;

/// The length of the sequence at the head of `rest` that begins with ESC itself and `[`.
#[inline(always)]
pub(crate) fn colour(rest: &[u8]) -> Option<usize> {
    match rest {
        [ESC, b'[', body @ ..] => body_length(body).map(|length| 2 + length),
        _ => None,
    }
}

/// The length of a sequence at the head of `rest` that begins with an escape that means ESC.
pub(crate) fn escaped_colour(rest: &[u8]) -> Option<usize> {
    let start = escaped(rest)?.length;
    let length = body_length(rest.get(start..)?.strip_prefix(b"[")?)?;
    Some(start + 1 + length)
}

/// The length of the colour (`m`) or erasure of a line (`K`, which grep writes) that `left` ends
/// with. Of an ESC that is written as an escape, only the end is read.
pub(crate) fn colour_before(left: &[u8]) -> Option<usize> {
    let [rest @ .., b'm' | b'K'] = left else { return None };
    let is_parameter = |byte: &&u8| byte.is_ascii_digit() || **byte == b';';
    let n_parameters = rest.iter().rev().take(16).take_while(is_parameter).count();
    match &rest[..rest.len() - n_parameters] {
        [.., ESC, b'['] => Some(n_parameters + 3),
        [.., b'3', b'3', b'['] | [.., b'1', b'b' | b'B', b'['] | [.., b'\\', b'e', b'['] => {
            Some(n_parameters + 2)
        }
        _ => None,
    }
}

/// Whether `text` consists of sequences that begin with ESC itself, or is empty.
pub(crate) fn is_colours(mut text: &[u8]) -> bool {
    while let Some(length) = colour(text) {
        text = &text[length..];
    }
    text.is_empty()
}

/// The length of a sequence from its parameters on.
#[inline(always)]
fn body_length(body: &[u8]) -> Option<usize> {
    let short = body.first_chunk().map(|head| n_parameters(*head)).filter(|length| *length < HEAD);
    let length = short.unwrap_or_else(|| many_parameters(body));
    // No sequence in use ends with a backslash. One behind a cut sequence begins an escape of the
    // string around it.
    let is_sequence =
        body.get(length).is_some_and(|last| matches!(last, 0x40..=0x7e if *last != b'\\'));
    is_sequence.then_some(length + 1)
}

#[cold]
fn many_parameters(body: &[u8]) -> usize {
    body.iter().take(MAX_PARAMETERS).take_while(|byte| matches!(byte, 0x20..=0x3f)).count()
}

/// Bytes that [`n_parameters`] compares at once.
const HEAD: usize = 8;

/// How many parameters and intermediate bytes `head` begins with. Most sequences have one to four.
/// A loop over so few costs more than the rest of the reader, because its end is mispredicted.
fn n_parameters(head: [u8; HEAD]) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let others = (u64::from_le_bytes(head) & (0xe0 * EACH)) ^ (0x20 * EACH);
    // The high bit of each byte that is not zero; no sum carries into the next byte.
    let others = (others | ((others & (0x7f * EACH)) + 0x7f * EACH)) & (0x80 * EACH);
    others.trailing_zeros() as usize / 8
}

/// The escape at the head of `rest`, if it begins with a backslash and means ESC.
fn escaped(rest: &[u8]) -> Option<Escape> {
    let means_esc = |escape: &Escape| match escape.kind {
        Kind::Unicode(code) => code == u32::from(ESC),
        Kind::Hex(code) | Kind::Octal(code) => code == ESC,
        Kind::Letter(letter) => letter == b'e',
        _ => false,
    };
    escape::read(rest).filter(means_esc)
}

/// The length of any control sequence at the head of `rest`: colours, movements, erasures, strings
/// for the terminal, resets. ESC may be written as an escape, as `^[` or as `#033`.
pub(crate) fn control(rest: &[u8]) -> Option<usize> {
    // Whether ESC by itself is removed as well. `\e` begins words in paths, and `^[` is common in
    // patterns.
    let (start, is_certain) = match rest.first()? {
        &ESC => (1, true),
        b'^' => (rest.starts_with(b"^[").then_some(2)?, false),
        b'#' => (rest.starts_with(b"#033").then_some(4)?, true),
        b'\\' => escaped(rest).map(|esc| (esc.length, esc.kind != Kind::Letter(b'e')))?,
        _ => return None,
    };
    let body = &rest[start..];
    let length = match body {
        [b'[', body @ ..] => body_length(body).map(|length| 1 + length),
        [b']' | b'P' | b'X' | b'^' | b'_', text @ ..] => {
            string_length(text).map(|length| 1 + length)
        }
        [b'#' | b'%' | b'('..=b'+' | b'-'..=b'/', b'0'..=b'~', ..] => Some(2),
        [b'c', ..] => Some(1),
        [b'7' | b'8' | b'=' | b'>' | b'D' | b'E' | b'H' | b'M' | b'Z', ..] if is_certain => Some(1),
        _ => None,
    };
    length.or(is_certain.then_some(0)).map(|length| start + length)
}

/// The length of a string for the terminal, with the BEL or `ESC \` that ends it.
fn string_length(text: &[u8]) -> Option<usize> {
    let text = &text[..text.len().min(MAX_STRING)];
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        match rest[0] {
            b'\n' => return None,
            0x07 => return Some(at + 1),
            b'#' if rest.starts_with(b"#007") => return Some(at + 4),
            b'#' if rest.starts_with(b"#033\\") => return Some(at + 5),
            ESC if rest.starts_with(b"\x1b\\") => {
                // Inside a string of JSON each backslash is written as several.
                let n_backslashes = escape::backslashes(&rest[1..]);
                return Some(at + 1 + if n_backslashes == 1 { 1 } else { n_backslashes & !1 });
            }
            b'\\' => match escaped_end(rest) {
                End::At(length) => return Some(at + length),
                End::Never => return None,
                End::NotHere => at += escape::backslashes(rest),
            },
            _ => at += 1,
        }
    }
    None
}

/// Where a string for the terminal ends that contains a backslash.
enum End {
    At(usize),
    /// An escaped ESC without a backslash behind it interrupts the string.
    Never,
    NotHere,
}

/// What the backslashes at the head of `rest` say about the end of a string.
fn escaped_end(rest: &[u8]) -> End {
    let n_backslashes = escape::backslashes(rest);
    if let Some(esc) = escaped(rest) {
        // The backslash of `ESC \` is written as an escape as well.
        let ends = escape::backslashes(&rest[esc.length..]) >= 2 * n_backslashes;
        return if ends { End::At(esc.length + 2 * n_backslashes) } else { End::Never };
    }
    match escape::read(rest) {
        Some(Escape {
            length,
            kind: Kind::Unicode(7) | Kind::Hex(7) | Kind::Octal(7) | Kind::Letter(b'a'),
        }) => End::At(length),
        _ => End::NotHere,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_are_read_however_esc_is_written() {
        for (text, length) in [
            ("\u{1b}[0mx", 4),
            ("\u{1b}[Kx", 3),
            ("\u{1b}]0;title\u{7}x", 10),
            ("\u{1b}]8;;http://h/\u{1b}\\x", 16),
            ("\u{1b}(Bx", 3),
            ("\u{1b}cx", 2),
            ("\u{1b}", 1),
            (r"\u001b[31mx", 10),
            (r"\u001B]0;t\u0007x", 16),
            (r"\u001b]0;t\u001b\\x", 18),
            (r"\\x1b[Kx", 7),
            (r"\033[1;31mx", 10),
            (r"\e[0mx", 5),
            ("^[[0mx", 5),
            ("#033[0mx", 7),
        ] {
            assert_eq!(control(text.as_bytes()), Some(length), "{text}");
        }
        for text in [r"\events", r"\n", "# 033", "#1", "^a", "x"] {
            assert_eq!(control(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn colours_are_read_in_both_directions() {
        for text in ["\u{1b}[m", "\u{1b}[0m", "\u{1b}[1;38;5;12m", "\u{1b}[K"] {
            assert_eq!(colour(text.as_bytes()), Some(text.len()), "{text}");
            assert_eq!(colour_before(text.as_bytes()), Some(text.len()), "{text}");
        }
        assert!(is_colours(b"\x1b[0m\x1b[1m") && is_colours(b"") && !is_colours(b"\x1b[0mx"));
        assert_eq!(colour_before(b"10m"), None);
    }
}
