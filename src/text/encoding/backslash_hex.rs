//! `\x40`, as in C, Python and shells.

use super::syntax::{Decoded, Syntax};
use crate::text::escape::{self, Kind};

pub(super) const BACKSLASH_HEX: Syntax = Syntax { letters: b"x", ..Syntax::new("backslash", read) };

fn read(rest: &[u8]) -> Option<Decoded> {
    let escape = escape::read(rest)?;
    match escape.kind {
        // A backslash would escape the byte behind it.
        Kind::Hex(byte) if byte != b'\\' => Decoded::byte(escape.length, byte),
        _ => None,
    }
}
