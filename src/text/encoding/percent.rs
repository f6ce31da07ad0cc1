//! `%40`, as in URLs.

use super::syntax::{Decoded, Syntax};
use crate::text::hex;

pub(super) const PERCENT: Syntax = Syntax { starts: b"%", ..Syntax::new("percent", read) };

fn read(rest: &[u8]) -> Option<Decoded> {
    Decoded::byte(3, hex::byte(&rest[1..])?)
}
