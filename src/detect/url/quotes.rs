//! The quotes and brackets that the text before a URL left open, which can end the URL.
//!
//! People paste passwords that contain quotes and angle brackets. Such a byte ends a URL only if
//! the text before the URL opened it: `'postgres://u:p@h'` ends at the apostrophe, and
//! `DATABASE_URL=postgres://u:p'w@h` does not.
//!
//! The record is read up to the URL once for all its URLs ([`Memo`]).

use super::Unit;
use crate::text::{escape, span::Span};

/// The quotes that may surround a URL.
const QUOTES: &[u8; 3] = b"\"'`";

/// The quotes and brackets that are open at an offset.
#[derive(Clone, Copy, Default)]
pub(super) struct Open {
    /// A bit for each depth of escapes and each of [`QUOTES`].
    quotes: u16,
    /// Whether a tag or another angle bracket is open.
    angle: bool,
}

impl Open {
    /// Whether a string in double quotes is open, so that escapes mean the characters they name.
    pub(super) fn is_double(self) -> bool {
        const DOUBLE: u16 = 1 | 1 << 3 | 1 << 6 | 1 << 9;
        self.quotes & DOUBLE != 0
    }

    pub(super) fn is_angle(self) -> bool {
        self.angle
    }

    /// Whether `unit`, written at `span`, is a quote that closes an open one.
    pub(super) fn closes(self, hay: &[u8], span: Span, unit: Unit) -> bool {
        let n_slashes = match hay[span.end - 1] == unit.byte {
            true => span.len() - 1,
            // `\u0022`
            false => span.len().saturating_sub(5),
        };
        bit(unit.byte, n_slashes).is_some_and(|bit| self.quotes & bit != 0)
    }

    /// Opens or closes what the quote or bracket at `at` opens or closes.
    fn read(&mut self, text: &[u8], at: usize) {
        let byte = text[at];
        match byte {
            b'<' => self.angle = true,
            b'>' => self.angle = false,
            b'\'' if is_apostrophe(text, at) => {}
            _ => {
                let n_slashes = escape::backslashes_before(text, at.saturating_sub(8), at);
                let Some(bit) = bit(byte, n_slashes) else { return };
                self.quotes ^= bit;
                // Whatever is open inside a string ends with it.
                let shallow = (1 << (bit.trailing_zeros() / 3 * 3 + 3)) - 1;
                self.quotes &= shallow;
            }
        }
    }
}

/// The bit of a quote after so many backslashes: 0, 1, 3 and 7 are the depths of nested strings.
fn bit(quote: u8, n_slashes: usize) -> Option<u16> {
    let kind = QUOTES.iter().position(|known| *known == quote)?;
    let depth = match n_slashes {
        _ if n_slashes.is_multiple_of(2) => 0,
        1 => 1,
        3 => 2,
        _ => 3,
    };
    Some(1 << (depth * 3 + kind))
}

/// Whether the quote at `at` is inside a word: `it's`.
fn is_apostrophe(text: &[u8], at: usize) -> bool {
    text[..at].last().is_some_and(u8::is_ascii_alphanumeric)
        && text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
}

/// How far a record was read and what was open there. Each byte is read once.
#[derive(Default)]
pub(super) struct Memo {
    start: usize,
    at: usize,
    open: Open,
}

impl Memo {
    /// What is open at `at` in the record that begins at `start`.
    pub(super) fn open(&mut self, hay: &[u8], start: usize, at: usize) -> Open {
        if self.start != start || at < self.at {
            *self = Memo { start, at: start, open: Open::default() };
        }
        let text = &hay[start..at];
        for (index, byte) in text.iter().enumerate().skip(self.at - start) {
            if matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>') {
                self.open.read(text, index);
            }
        }
        self.at = at;
        self.open
    }
}

/// Whether JSON goes on or ends after the double quote that ends at `end`: `","`, `":1`, `"}`.
pub(super) fn ends_json_string(hay: &[u8], end: usize, limit: usize) -> bool {
    let Some((mark, rest)) = hay[end..limit].split_first() else { return true };
    let spaces = rest.iter().take(4).take_while(|byte| **byte == b' ').count();
    let rest = &rest[spaces..];
    match mark {
        b',' | b':' => matches!(rest, [b'"' | b'{' | b'[', ..] | [b'\\', b'"', ..]),
        b'}' | b']' => matches!(rest, [] | [b',' | b'}' | b']' | b'\n', ..]),
        _ => false,
    }
}

/// The byte before the scheme that precedes the `://` at `separator`.
pub(super) fn before_scheme(hay: &[u8], start: usize, separator: usize) -> Option<u8> {
    let left = &hay[start..separator];
    let length = left.iter().rev().take(64).take_while(|byte| is_scheme(**byte)).count();
    left[..left.len() - length].last().copied()
}

fn is_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b':')
}

/// Whether no URL goes on with `rest`, which follows a quote.
pub(super) fn is_outside(rest: &[u8]) -> bool {
    rest.first().is_none_or(|next| {
        next.is_ascii_whitespace()
            || matches!(next, b',' | b';' | b')' | b']' | b'}' | b'"' | b'<' | b'>')
    })
}
