//! Colour codes of terminals, with ESC as it is or written as an escape. They stand for nothing.

use super::syntax::{Decoded, Syntax};
use crate::text::ansi;

pub(super) const ANSI: Syntax =
    Syntax { starts: b"\x1b", letters: b"ux0e", is_invisible: true, ..Syntax::new("ansi", read) };

fn read(rest: &[u8]) -> Option<Decoded> {
    ansi::colour(rest).or_else(|| ansi::escaped_colour(rest)).map(Decoded::nothing)
}
