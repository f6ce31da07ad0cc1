//! `\u0040` and `\/`, as in the strings of JSON. In a string inside a string each has more
//! backslashes.

use super::syntax::{Decoded, Syntax};
use crate::text::escape::{self, Kind};

pub(super) const JSON_STRING: Syntax = Syntax { letters: b"u/", ..Syntax::new("json", read) };

fn read(rest: &[u8]) -> Option<Decoded> {
    let escape = escape::read(rest)?;
    match escape.kind {
        Kind::Itself(b'/') => Decoded::byte(escape.length, b'/'),
        // A backslash would escape the byte behind it.
        Kind::Unicode(code) if code != u32::from(b'\\') => Decoded::character(escape.length, code),
        _ => None,
    }
}
