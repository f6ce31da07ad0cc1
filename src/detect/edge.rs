//! Edges: whether a token may begin at an offset, and what surrounds a value.
//!
//! Logs carry text inside other text: JSON strings (`\n`, `\u003d`), rsyslog (`#012`), URLs
//! (`%3D`), C (`\x3d`) and terminal colours. An escape counts as the character that it encodes, not
//! as the letters it is written with: a token may begin after `\n`, although `n` is a letter.
//!
//! [`crate::text::escape`] reads the escapes; this module decides which of them are edges.

use crate::text::{
    ansi,
    escape::{self, Kind},
    hex,
    span::Span,
};

/// Whether a word may begin at `at`: the byte or escape before it is no letter and no digit. Looks
/// no further back than `floor`.
pub(crate) fn is_word_start(hay: &[u8], floor: usize, at: usize) -> bool {
    let left = &hay[floor..at];
    match left.last() {
        None => true,
        Some(byte) if !byte.is_ascii_alphanumeric() => true,
        Some(_) => escape_before(left).is_some(),
    }
}

/// The length of the escape at the end of `left`, if it encodes neither a letter nor a digit.
pub(crate) fn escape_before(left: &[u8]) -> Option<usize> {
    let Some(escape) = escape::read_before(left) else { return ansi::colour_before(left) };
    let is_edge = match escape.kind {
        Kind::Letter(letter) => letter != b'e',
        Kind::Itself(_) => false,
        Kind::Hex(code) | Kind::Percent(code) => !code.is_ascii_alphanumeric(),
        // Docker writes `\ufffd` for each half of a character that it cut in two.
        Kind::Unicode(0xfffd) | Kind::Octal(_) => true,
        Kind::Unicode(code) => u8::try_from(code).is_ok_and(|code| !code.is_ascii_alphanumeric()),
    };
    is_edge.then_some(escape.length)
}

/// The length of the white space within a line at the beginning of `rest`: blanks, tabs, the spaces
/// of Unicode, invisible characters, and the no-break space of Latin-1.
pub(crate) fn space(rest: &[u8]) -> usize {
    match rest {
        [b' ' | b'\t' | 0x0b | 0x0c | 0xa0, ..] => 1,
        [0xc2, 0x85 | 0xa0 | 0xad, ..] => 2,
        [0xe2, 0x80, 0x80..=0x8f | 0xa8..=0xaf, ..] | [0xe2, 0x81, 0x9f..=0xaf, ..] => 3,
        [0xe3, 0x80, 0x80, ..] | [0xef, 0xbb, 0xbf, ..] => 3,
        _ => 0,
    }
}

/// `span` without white space, control characters and characters outside ASCII at its ends, plain
/// or written as escapes.
pub(crate) fn trim(hay: &[u8], span: Span) -> Span {
    let Span { mut start, mut end } = span;
    for _ in 0..MAX_TRIMMED {
        let (before, behind) = (edge_at(&hay[start..end]), edge_before(&hay[start..end]));
        if before + behind == 0 {
            break;
        }
        // If the whole span is one edge, both lengths count it.
        start += before;
        end = start.max(end - behind);
    }
    Span::new(start, end)
}

/// The pieces of `text` between edges, plain or written as escapes.
pub(crate) fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let mut length = 0;
            while length < rest.len() && edge_at(&rest[length..]) == 0 {
                length += 1;
            }
            let (piece, behind) = rest.split_at(length);
            rest = &behind[edge_at(behind)..];
            if !piece.is_empty() {
                return Some(piece);
            }
        }
        None
    })
}

/// So many characters are taken off each end of a value at most: a value that many keys share is
/// not walked for each of them.
const MAX_TRIMMED: usize = 64;

/// Whether a character is no part of a machine-made value: white space, a control character, or
/// none of ASCII.
fn is_outside(code: u32) -> bool {
    !(0x21..0x7f).contains(&code)
}

/// The length of what `rest` begins with, if it is an edge.
fn edge_at(rest: &[u8]) -> usize {
    match rest.first() {
        None => 0,
        Some(first) if is_outside(u32::from(*first)) => 1,
        Some(b'\\') => {
            let n_backslashes =
                rest.iter().take(MAX_BACKSLASHES).take_while(|byte| **byte == b'\\').count();
            escape::after_backslashes(&rest[n_backslashes..])
                .filter(|escape| stands_for_edge(escape.kind))
                .map_or(0, |escape| n_backslashes + escape.length)
        }
        Some(b'%') => {
            hex::byte(&rest[1..]).map_or(0, |code| 3 * usize::from(is_outside(code.into())))
        }
        Some(_) => 0,
    }
}

/// The length of what `left` ends with, if it is an edge.
fn edge_before(left: &[u8]) -> usize {
    let Some(last) = left.last() else { return 0 };
    if is_outside(u32::from(*last)) {
        return 1;
    }
    let Some(escape) = escape::read_before(left).filter(|escape| stands_for_edge(escape.kind))
    else {
        return 0;
    };
    if matches!(escape.kind, Kind::Percent(_)) {
        return escape.length;
    }
    let before = left[..left.len() - escape.length].iter().rev().take(MAX_BACKSLASHES - 1);
    escape.length + before.take_while(|byte| **byte == b'\\').count()
}

/// No escape of an escape has this many backslashes.
const MAX_BACKSLASHES: usize = 16;

/// Whether an escape stands for a character that [`is_outside`].
fn stands_for_edge(kind: Kind) -> bool {
    match kind {
        Kind::Letter(letter) => matches!(letter, b'n' | b'r' | b't' | b'b' | b'f' | b'v'),
        Kind::Itself(_) | Kind::Octal(_) => false,
        Kind::Unicode(code) => is_outside(code),
        Kind::Hex(code) | Kind::Percent(code) => is_outside(code.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_edges_and_letters_are_not() {
        for left in [
            "",
            " ",
            "=",
            "_",
            "\\n",
            "x#012",
            "a%3D",
            "a\\u003d",
            "a\\x3a",
            "x\u{1b}[1;31m",
            "a\\u001b[0m",
            "\\033[31m",
            "a\\ufffd",
        ] {
            assert!(is_word_start(left.as_bytes(), 0, left.len()), "{left:?}");
        }
        for left in ["a", "7", "n", "a%41", "\\u0041", "012", "31m"] {
            assert!(!is_word_start(left.as_bytes(), 0, left.len()), "{left:?}");
        }
    }

    #[test]
    fn a_value_is_trimmed_of_edges_and_of_nothing_else() {
        for (text, inner) in [
            (&b"abc"[..], &b"abc"[..]),
            (b" abc\t", b"abc"),
            ("\u{a0}«abc»".as_bytes(), b"abc"),
            (b"\xa0abc\xff", b"abc"),
            (b"\\u00a0abc\\n", b"abc"),
            (b"\\\\u00a0abc\\\\r\\\\n", b"abc"),
            (b"%C2%A0abc%20", b"abc"),
            (b"\\x00abc", b"abc"),
            (b"abc%3D%3D", b"abc%3D%3D"),
            (b"\\u003dabc\\u0041", b"\\u003dabc\\u0041"),
            (b"abc\\", b"abc\\"),
            (b" ", b""),
            (b"\\n", b""),
            (b"", b""),
        ] {
            assert_eq!(
                trim(text, Span::new(0, text.len())).of(text),
                inner,
                "{}",
                text.escape_ascii()
            );
        }
    }

    #[test]
    fn pieces_lie_between_edges() {
        for (text, pieces) in [
            ("abc", &["abc"][..]),
            ("a\u{e9}b c", &["a", "b", "c"]),
            ("a\\nb\\u00a0c%0Ad", &["a", "b", "c", "d"]),
            ("a%3Db\\u003dc", &["a%3Db\\u003dc"]),
            ("\u{a0}\u{a0}", &[]),
        ] {
            let expected: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
            assert_eq!(super::pieces(text.as_bytes()).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
