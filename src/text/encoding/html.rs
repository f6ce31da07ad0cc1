//! `&#64;`, `&#x40;`, and names of the characters that occur in URLs and assignments.

use super::syntax::{Decoded, Syntax};

pub(super) const HTML: Syntax = Syntax { starts: b"&", ..Syntax::new("html", read) };

/// Names and their characters. <https://html.spec.whatwg.org/multipage/named-characters.html>
const NAMES: [(&[u8], u8); 13] = [
    (b"amp", b'&'),
    (b"quot", b'"'),
    (b"apos", b'\''),
    (b"lt", b'<'),
    (b"gt", b'>'),
    (b"commat", b'@'),
    (b"colon", b':'),
    (b"sol", b'/'),
    (b"equals", b'='),
    (b"period", b'.'),
    (b"lowbar", b'_'),
    (b"num", b'#'),
    (b"nbsp", b' '),
];

/// The longest entity that is read, without its semicolon.
const MAX_LENGTH: usize = 9;

fn read(rest: &[u8]) -> Option<Decoded> {
    // Parameters of URLs begin with `&` as well, and are far more common.
    let begins = |byte: &u8| *byte == b'#' || NAMES.iter().any(|(name, _)| name[0] == *byte);
    rest.get(1).filter(|byte| begins(byte))?;
    let end = rest.iter().take(MAX_LENGTH + 1).position(|byte| *byte == b';')?;
    let length = end + 1;
    match &rest[1..end] {
        [b'#', b'x' | b'X', digits @ ..] => Decoded::character(length, number(digits, 16)?),
        [b'#', digits @ ..] => Decoded::character(length, number(digits, 10)?),
        name => {
            let (_, byte) = NAMES.iter().find(|(known, _)| *known == name)?;
            Decoded::byte(length, *byte)
        }
    }
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let add = |value: u32, digit: &u8| {
        value.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?)
    };
    (!digits.is_empty()).then(|| digits.iter().try_fold(0, add)).flatten()
}
