//! `\x40`, as in C, Python and shells.

use super::{Encoding, Escape, hexadecimal, json};

pub(crate) fn read(rest: &[u8]) -> Option<Escape> {
    let n_backslashes = json::backslashes(rest);
    let (x, digits) = rest.get(n_backslashes..n_backslashes + 3)?.split_first()?;
    let code = hexadecimal(digits).filter(|code| *x == b'x' && *code != u32::from(b'\\'))?;
    Escape::byte(n_backslashes + 3, code as u8, Encoding::Backslash)
}
