//! Escapes of single characters, read forwards and backwards: the only reader of backslashes.
//!
//! Logs carry text inside other text. A JSON string writes `\n` and `\u003d`, C and shells write
//! `\x3d` and `\033`, a URL writes `%3D`, rsyslog writes `#012`. Each level of nesting doubles the
//! backslashes, so an escape may begin with any number of them.
//!
//! [`read`] and [`read_before`] say which escape it is and how long. They do not decide what it
//! means to the caller: whether `\n` ends a value, whether `\u0041` is a letter of a key. A
//! surrogate (`\ud83d`) is reported as it is written, because no rule looks for a character that
//! needs two of them.

use super::{hex, visits};

/// [`backslashes`] counts no further. Deeper nesting has never been seen, and without a limit a run
/// of backslashes would be counted again from each of its bytes.
const MAX_BACKSLASHES: usize = 64;

/// An escape as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Escape {
    /// Bytes that it takes.
    pub(crate) length: usize,
    pub(crate) kind: Kind,
}

/// How an escape is written, with what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A letter that names a control character: `\n`, `\r`, `\t`, `\b`, `\f`, `\v`, `\a`, `\e`, or
    /// `\0`. Holds the letter.
    Letter(u8),
    /// A quote or a slash that stands for itself: `\"`, `\'`, `` \` ``, `\/`.
    Itself(u8),
    /// `\u003d`: a unit of UTF-16.
    Unicode(u32),
    /// `\x3d`
    Hex(u8),
    /// `\033` or `#033`, below 64.
    Octal(u8),
    /// `%3D`
    Percent(u8),
}

impl Escape {
    #[inline]
    const fn new(length: usize, kind: Kind) -> Option<Escape> {
        Some(Escape { length, kind })
    }
}

/// The escape at the head of `rest`, with all of its backslashes.
#[inline]
pub(crate) fn read(rest: &[u8]) -> Option<Escape> {
    match rest.first()? {
        b'\\' => {
            let n_backslashes = backslashes(rest);
            let Escape { length, kind } = after_backslashes(&rest[n_backslashes..])?;
            Escape::new(n_backslashes + length, kind)
        }
        b'%' => Escape::new(3, Kind::Percent(hex::byte(&rest[1..])?)),
        _ => None,
    }
}

/// The escape whose backslashes end where `text` begins. Its length does not count them.
#[inline]
pub(crate) fn after_backslashes(text: &[u8]) -> Option<Escape> {
    match text {
        [b'0', digits @ ..] => match octal(digits) {
            Some(code) => Escape::new(3, Kind::Octal(code)),
            None => Escape::new(1, Kind::Letter(b'0')),
        },
        [b'u', digits @ ..] => Escape::new(5, Kind::Unicode(hex::number(digits, 4)?)),
        [b'x', digits @ ..] => Escape::new(3, Kind::Hex(hex::byte(digits)?)),
        [letter, ..] => single(*letter),
        [] => None,
    }
}

/// The escape that `left` ends with. Its length counts one backslash: there may be more before it.
#[inline]
pub(crate) fn read_before(left: &[u8]) -> Option<Escape> {
    match left {
        [.., b'\\', letter] => Escape { length: 2, ..single(*letter)? }.into(),
        [.., b'%', high, low] => Escape::new(3, Kind::Percent(hex::byte(&[*high, *low])?)),
        [.., b'\\', b'x', high, low] => Escape::new(4, Kind::Hex(hex::byte(&[*high, *low])?)),
        [.., b'#' | b'\\', b'0', high, low] => Escape::new(4, Kind::Octal(octal(&[*high, *low])?)),
        [.., b'\\', b'u', _, _, _, _] => {
            Escape::new(6, Kind::Unicode(hex::number(&left[left.len() - 4..], 4)?))
        }
        _ => None,
    }
}

/// The escape of one letter, quote or slash behind its backslashes.
#[inline]
fn single(letter: u8) -> Option<Escape> {
    match letter {
        b'n' | b'r' | b't' | b'b' | b'f' | b'v' | b'a' | b'e' | b'0' => {
            Escape::new(1, Kind::Letter(letter))
        }
        b'"' | b'\'' | b'`' | b'/' => Escape::new(1, Kind::Itself(letter)),
        _ => None,
    }
}

/// The value of two octal digits.
#[inline]
fn octal(digits: &[u8]) -> Option<u8> {
    match digits {
        [high @ b'0'..=b'7', low @ b'0'..=b'7', ..] => Some((high - b'0') << 3 | (low - b'0')),
        _ => None,
    }
}

/// How many backslashes `rest` begins with, counting no further than [`MAX_BACKSLASHES`].
#[inline]
pub(crate) fn backslashes(rest: &[u8]) -> usize {
    rest.iter().take(MAX_BACKSLASHES).take_while(|byte| **byte == b'\\').count()
}

/// How many backslashes stand immediately before `at`, looking no further than `floor`.
#[inline]
pub(crate) fn backslashes_before(hay: &[u8], floor: usize, at: usize) -> usize {
    visits::counted(hay[floor..at].iter().rev().take_while(|byte| **byte == b'\\').count())
}

/// Whether the byte at `at` is escaped: an odd number of backslashes stands before it.
#[inline]
pub(crate) fn is_escaped(hay: &[u8], floor: usize, at: usize) -> bool {
    !backslashes_before(hay, floor, at).is_multiple_of(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Escapes, with their length when they are read forwards.
    const ESCAPES: [(&str, Kind); 14] = [
        ("\\n", Kind::Letter(b'n')),
        ("\\\\t", Kind::Letter(b't')),
        ("\\0", Kind::Letter(b'0')),
        ("\\\"", Kind::Itself(b'"')),
        ("\\\\\\/", Kind::Itself(b'/')),
        ("\\u003d", Kind::Unicode(0x3d)),
        ("\\\\\\\\u00E9", Kind::Unicode(0xe9)),
        ("\\ud83d", Kind::Unicode(0xd83d)),
        ("\\x3a", Kind::Hex(b':')),
        ("\\\\x1B", Kind::Hex(0x1b)),
        ("\\033", Kind::Octal(0x1b)),
        ("%3D", Kind::Percent(b'=')),
        ("%C3", Kind::Percent(0xc3)),
        ("%00", Kind::Percent(0)),
    ];

    #[test]
    fn escapes_are_read_forwards_with_all_their_backslashes() {
        for (text, kind) in ESCAPES {
            let hay = format!("{text} and more");
            assert_eq!(read(hay.as_bytes()), Escape::new(text.len(), kind), "{text}");
        }
        for text in ["", "\\", "n", "\\\\", "\\q", "\\u12", "\\uzzzz", "\\xg0", "%4", "%zz", "#012"]
        {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn escapes_are_read_backwards_with_their_last_backslash() {
        for (text, kind) in ESCAPES {
            let hay = format!("before{text}");
            let escape = read_before(hay.as_bytes()).expect(text);
            assert_eq!(escape.kind, kind, "{text}");
            let more = backslashes_before(hay.as_bytes(), 0, hay.len() - escape.length);
            assert_eq!(escape.length + more, text.len(), "{text}");
        }
        assert_eq!(read_before(b"x#012"), Escape::new(4, Kind::Octal(10)));
        for left in ["", "n", "\\", "\\q", "u003d", "\\u00d", "x3a", "12", "#089"] {
            assert_eq!(read_before(left.as_bytes()), None, "{left}");
        }
    }

    #[test]
    fn a_byte_is_escaped_by_an_odd_number_of_backslashes() {
        assert!(is_escaped(b"a\\\"", 0, 2));
        assert!(!is_escaped(b"a\\\\\"", 0, 3));
        assert_eq!(backslashes_before(b"\\\\\\\"", 1, 3), 2);
        assert_eq!(backslashes(&[b'\\'; 100]), MAX_BACKSLASHES);
    }
}
