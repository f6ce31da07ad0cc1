//! Edges: whether something may begin at an offset, and where an escape ends.
//!
//! Logs carry text in other text: JSON strings (`\n`, `\u003d`), rsyslog (`#012`), URLs (`%3D`), C (`\x3d`) and terminal colour.
//! An escape is an edge, not the letters it is written with.

use crate::visits;

/// Whether what begins at `at` has a word edge to its left, looking no further than `floor`.
pub(crate) fn is_word_start(hay: &[u8], floor: usize, at: usize) -> bool {
    let left = &hay[floor..at];
    match left.last() {
        None => true,
        Some(byte) if !byte.is_ascii_alphanumeric() => true,
        Some(_) => escape_before(left).is_some(),
    }
}

/// The length of the escape that `left` ends with, where it stands for a character that is no letter and no digit.
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

/// `\ufffd`, which stands where bytes were no character: Docker writes it for each half of one that it cut in two.
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

/// The end of an SGR sequence: ESC, `[`, digits and semicolons, `m`; or of one that erases the line, as grep writes it behind each.
fn colour(left: &[u8]) -> Option<usize> {
    let [rest @ .., b'm' | b'K'] = left else { return None };
    let digits = rest.iter().rev().take(16).take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
    match &rest[..rest.len() - digits] {
        [.., 0x1b, b'['] => Some(digits + 3),
        [.., b'3', b'3', b'['] | [.., b'1', b'b' | b'B', b'['] | [.., b'\\', b'e', b'['] => Some(digits + 2),
        _ => None,
    }
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
}
