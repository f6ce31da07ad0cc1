//! Lines: the only locator of records.
//!
//! A line is everything up to a `\n`. A `\r` before it belongs to the terminator. These searches
//! use `memchr` and cost a few bytes an instruction, but a caller that locates one line for many
//! candidates must remember it, or a long line is searched again for each.

use super::span::Span;

/// The line around `offset`, without its terminator.
pub(crate) fn around(hay: &[u8], offset: usize) -> Span {
    let start = memchr::memrchr(b'\n', &hay[..offset]).map_or(0, |newline| newline + 1);
    from(hay, start)
}

/// The line that begins at `start`, without its terminator.
pub(crate) fn from(hay: &[u8], start: usize) -> Span {
    let mut end = memchr::memchr(b'\n', &hay[start..]).map_or(hay.len(), |newline| start + newline);
    if end > start && hay[end - 1] == b'\r' {
        end -= 1;
    }
    Span::new(start, end)
}

/// Where the line that begins at `start` ends, terminator and all.
pub(crate) fn next(hay: &[u8], start: usize) -> usize {
    memchr::memchr(b'\n', &hay[start..]).map_or(hay.len(), |newline| start + newline + 1)
}

/// How many lines `hay` holds; an unterminated last one counts.
pub(crate) fn count(hay: &[u8]) -> u64 {
    let newlines = memchr::memchr_iter(b'\n', hay).count() as u64;
    newlines + u64::from(hay.last().is_some_and(|byte| *byte != b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_leaves_out_its_terminator() {
        let hay = b"one\r\ntwo\n\nlast";
        assert_eq!(around(hay, 1).of(hay), b"one");
        assert_eq!(around(hay, 6).of(hay), b"two");
        assert_eq!(around(hay, 9).of(hay), b"");
        assert_eq!(around(hay, 12).of(hay), b"last");
        assert_eq!(next(hay, 0), 5);
        assert_eq!(next(hay, 10), 14);
        assert_eq!(count(hay), 4);
        assert_eq!(count(b"one\n"), 1);
        assert_eq!(count(b""), 0);
    }
}
