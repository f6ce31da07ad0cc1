//! `%40`, as in URLs.

use super::{Encoding, Escape, hexadecimal};

pub(crate) fn read(rest: &[u8]) -> Option<Escape> {
    let code = hexadecimal(rest.get(1..3)?)?;
    Escape::byte(3, code as u8, Encoding::Percent)
}
