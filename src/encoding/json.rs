//! `\u0040` and `\/`, as in the strings of JSON; in a string inside a string each has more backslashes.

use super::{Encoding, Escape, hexadecimal};

/// More backslashes than this stand for nested strings that nobody writes.
const MOST_BACKSLASHES: usize = 64;

pub(super) fn read(rest: &[u8]) -> Option<Escape> {
    let n_backslashes = backslashes(rest);
    match rest.get(n_backslashes)? {
        b'/' => Escape::byte(n_backslashes + 1, b'/', Encoding::Json),
        b'u' => {
            let code = hexadecimal(rest.get(n_backslashes + 1..n_backslashes + 5)?)?;
            // A backslash would escape what stands behind it in the text.
            let is_read = code != u32::from(b'\\');
            Escape::character(n_backslashes + 5, code, Encoding::Json).filter(|_| is_read)
        }
        _ => None,
    }
}

/// How many backslashes stand at the head of `rest`.
pub(super) fn backslashes(rest: &[u8]) -> usize {
    rest.iter().take(MOST_BACKSLASHES).take_while(|byte| **byte == b'\\').count()
}
