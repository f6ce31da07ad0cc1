//! `\u0040` and `\/`, as in the strings of JSON; in a string inside a string each has more
//! backslashes. And what tells JSON by its marks.

use super::{Encoding, Escape, hexadecimal};
use crate::text::visits;

/// More backslashes than this stand for nested strings that nobody writes.
const MOST_BACKSLASHES: usize = 64;

pub(crate) fn read(rest: &[u8]) -> Option<Escape> {
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
pub(crate) fn backslashes(rest: &[u8]) -> usize {
    rest.iter().take(MOST_BACKSLASHES).take_while(|byte| **byte == b'\\').count()
}

/// Where the string that begins at `start`, behind its quote, ends: its closing quote.
pub(crate) fn string_end(hay: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let Some(length) = memchr::memchr2(b'"', b'\\', &hay[at..]) else {
            visits::add(hay.len() - at);
            return None;
        };
        visits::add(length + 1);
        at += length;
        if hay[at] == b'"' {
            return Some(at);
        }
        // What a backslash escapes is no quote, whatever it is.
        at = (at + 2).min(hay.len());
    }
}

/// Whether a text begins and ends as an object or a list does.
pub(crate) fn is_shaped(text: &[u8]) -> bool {
    matches!(text.trim_ascii(), [b'{', .., b'}'] | [b'[', .., b']'])
}
