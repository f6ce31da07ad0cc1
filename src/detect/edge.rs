//! Edges: whether something may begin at an offset, and where an escape ends.
//!
//! Logs carry text in other text: JSON strings (`\n`, `\u003d`), rsyslog (`#012`), URLs (`%3D`), C
//! (`\x3d`) and terminal colour. An escape is an edge, not the letters it is written with.

use crate::text::{span::Span, visits};

/// Whether what begins at `at` has a word edge to its left, looking no further than `floor`.
pub(crate) fn is_word_start(hay: &[u8], floor: usize, at: usize) -> bool {
    let left = &hay[floor..at];
    match left.last() {
        None => true,
        Some(byte) if !byte.is_ascii_alphanumeric() => true,
        Some(_) => escape_before(left).is_some(),
    }
}

/// The length of the escape that `left` ends with, where it stands for a character that is no
/// letter and no digit.
pub(crate) fn escape_before(left: &[u8]) -> Option<usize> {
    letter_escape(left)
        .or_else(|| hex_escape(left))
        .or_else(|| replacement_escape(left))
        .or_else(|| octal_escape(left))
        .or_else(|| colour(left))
}

/// `\n`, `\t`, `\r` and kin.
fn letter_escape(left: &[u8]) -> Option<usize> {
    match left {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'a' | b'0'] => Some(2),
        _ => None,
    }
}

/// `%3D`, `\x3d`, `\u003d`: the character written so must itself be an edge.
fn hex_escape(left: &[u8]) -> Option<usize> {
    let [rest @ .., high, low] = left else { return None };
    let code = hex(*high)? << 4 | hex(*low)?;
    if code.is_ascii_alphanumeric() {
        return None;
    }
    match rest {
        [.., b'%'] => Some(3),
        [.., b'\\', b'x'] => Some(4),
        [.., b'\\', b'u', b'0', b'0'] => Some(6),
        _ => None,
    }
}

/// `\ufffd`, which stands where bytes were no character: Docker writes it for each half of one that
/// it cut in two.
fn replacement_escape(left: &[u8]) -> Option<usize> {
    let tail = left.len().checked_sub(6).map(|start| &left[start..])?;
    tail.eq_ignore_ascii_case(b"\\ufffd").then_some(6)
}

/// `#012`, as rsyslog and syslog-ng write control characters, and `\033`.
fn octal_escape(left: &[u8]) -> Option<usize> {
    match left {
        [.., b'#' | b'\\', b'0', b'0'..=b'7', b'0'..=b'7'] => Some(4),
        _ => None,
    }
}

/// The end of an SGR sequence: ESC, `[`, digits and semicolons, `m`; or of one that erases the
/// line, as grep writes it behind each.
fn colour(left: &[u8]) -> Option<usize> {
    let [rest @ .., b'm' | b'K'] = left else { return None };
    let digits = rest
        .iter()
        .rev()
        .take(16)
        .take_while(|byte| byte.is_ascii_digit() || **byte == b';')
        .count();
    match &rest[..rest.len() - digits] {
        [.., 0x1b, b'['] => Some(digits + 3),
        [.., b'3', b'3', b'['] | [.., b'1', b'b' | b'B', b'['] | [.., b'\\', b'e', b'['] => {
            Some(digits + 2)
        }
        _ => None,
    }
}

/// The length of the white space at the head of `rest` that stays in its line: blanks, tabs, the
/// spaces of Unicode, invisible characters, and the no-break space of Latin-1.
pub(crate) fn space(rest: &[u8]) -> usize {
    match rest {
        [b' ' | b'\t' | 0x0b | 0x0c | 0xa0, ..] => 1,
        [0xc2, 0x85 | 0xa0 | 0xad, ..] => 2,
        [0xe2, 0x80, 0x80..=0x8f | 0xa8..=0xaf, ..] | [0xe2, 0x81, 0x9f..=0xaf, ..] => 3,
        [0xe3, 0x80, 0x80, ..] | [0xef, 0xbb, 0xbf, ..] => 3,
        _ => 0,
    }
}

/// `span` without the white space, the control characters and the characters outside ASCII at its
/// two ends, written as they are or as escapes.
pub(crate) fn trim(hay: &[u8], span: Span) -> Span {
    let Span { mut start, mut end } = span;
    for _ in 0..MAX_TRIMMED {
        let (before, behind) = (edge_at(&hay[start..end]), edge_before(&hay[start..end]));
        if before + behind == 0 {
            break;
        }
        // Of one edge alone each of the two is the whole.
        start += before;
        end = start.max(end - behind);
    }
    Span::new(start, end)
}

/// The pieces of `text` between characters that are edges, written as they are or as escapes.
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
    let Some(first) = rest.first() else { return 0 };
    if is_outside(u32::from(*first)) {
        return 1;
    }
    let slashes = rest.iter().take(MAX_SLASHES).take_while(|byte| **byte == b'\\').count();
    match &rest[slashes..] {
        [b'n' | b'r' | b't' | b'b' | b'f' | b'v', ..] if slashes > 0 => slashes + 1,
        [b'u', digits @ ..] if slashes > 0 && is_code_outside(digits, 4) => slashes + 5,
        [b'x', digits @ ..] if slashes > 0 && is_code_outside(digits, 2) => slashes + 3,
        [b'%', digits @ ..] if slashes == 0 && is_code_outside(digits, 2) => 3,
        _ => 0,
    }
}

/// The length of what `left` ends with, if it is an edge.
fn edge_before(left: &[u8]) -> usize {
    let Some(last) = left.last() else { return 0 };
    if is_outside(u32::from(*last)) {
        return 1;
    }
    [2, 3, 4, 6].into_iter().find_map(|length| escape_of(left, length)).unwrap_or(0)
}

/// The length of the escape that `left` ends with, if it is an edge and has `length` bytes without
/// the backslashes before its own.
fn escape_of(left: &[u8], length: usize) -> Option<usize> {
    let start = left.len().checked_sub(length)?;
    let slashes = match left[start] {
        b'%' => 0,
        b'\\' => left[..start]
            .iter()
            .rev()
            .take(MAX_SLASHES - 1)
            .take_while(|byte| **byte == b'\\')
            .count(),
        _ => return None,
    };
    (edge_at(&left[start - slashes..]) == slashes + length).then_some(slashes + length)
}

/// Escapes of escapes have more backslashes; none has so many.
const MAX_SLASHES: usize = 16;

/// Whether `digits` begins with so many hexadecimal digits that stand for a character that
/// [`is_outside`].
fn is_code_outside(digits: &[u8], n_digits: usize) -> bool {
    let code = digits.get(..n_digits).and_then(|digits| {
        digits.iter().try_fold(0_u32, |code, digit| Some(code << 4 | u32::from(hex(*digit)?)))
    });
    code.is_some_and(is_outside)
}

/// The value of a hexadecimal digit.
pub(crate) fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// How many backslashes stand immediately before `at`, looking no further than `floor`.
pub(crate) fn backslashes_before(hay: &[u8], floor: usize, at: usize) -> usize {
    visits::counted(hay[floor..at].iter().rev().take_while(|byte| **byte == b'\\').count())
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
