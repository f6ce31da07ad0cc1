//! `&#64;`, `&#x40;` and the names of what stands in URLs and assignments.

use super::{Encoding, Escape};

/// Names and what they stand for. <https://html.spec.whatwg.org/multipage/named-characters.html>
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

/// The longest entity that is read, its semicolon left out.
const LONGEST: usize = 9;

pub(crate) fn read(rest: &[u8]) -> Option<Escape> {
    // Parameters begin as entities do, and are many more.
    let begins = |byte: &u8| *byte == b'#' || NAMES.iter().any(|(name, _)| name[0] == *byte);
    rest.get(1).filter(|byte| begins(byte))?;
    let end = rest.iter().take(LONGEST + 1).position(|byte| *byte == b';')?;
    let name = &rest[1..end];
    let length = end + 1;
    if let Some(number) = name.strip_prefix(b"#") {
        let (digits, radix) = match number {
            [b'x' | b'X', digits @ ..] => (digits, 16),
            digits => (digits, 10),
        };
        return Escape::character(length, number_of(digits, radix)?, Encoding::Html);
    }
    let (_, byte) = NAMES.iter().find(|(known, _)| *known == name)?;
    Escape::byte(length, *byte, Encoding::Html)
}

fn number_of(digits: &[u8], radix: u32) -> Option<u32> {
    let add = |value: u32, digit: &u8| {
        value.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?)
    };
    (!digits.is_empty()).then(|| digits.iter().try_fold(0, add)).flatten()
}
