//! Control sequences of terminals (ESC, `[`, parameters, a letter), also where ESC itself is
//! escaped. They stand for nothing.

use super::{Encoding, Escape, json};

/// So many parameters and intermediate bytes a sequence may have.
const LONGEST: usize = 32;

/// The length of a sequence that begins with ESC itself.
#[inline(always)]
pub(crate) fn plain(rest: &[u8]) -> Option<usize> {
    match rest {
        [0x1b, b'[', body @ ..] => body_length(body).map(|length| 2 + length),
        _ => None,
    }
}

/// A sequence whose ESC is written as an escape.
pub(crate) fn read(rest: &[u8]) -> Option<Escape> {
    let start = introducer(rest)?;
    let length = body_length(rest.get(start..)?.strip_prefix(b"[")?)?;
    Some(Escape::nothing(start + 1 + length, Encoding::Ansi))
}

/// The length of a sequence from its parameters on.
#[inline(always)]
fn body_length(body: &[u8]) -> Option<usize> {
    let short = body.first_chunk().map(|head| n_parameters(*head)).filter(|length| *length < HEAD);
    let length = short.unwrap_or_else(|| many_parameters(body));
    // A backslash ends none that is in use: it begins the escape that stands behind half a code in
    // a string.
    let is_sequence =
        body.get(length).is_some_and(|last| matches!(last, 0x40..=0x7e if *last != b'\\'));
    is_sequence.then_some(length + 1)
}

#[cold]
fn many_parameters(body: &[u8]) -> usize {
    body.iter().take(LONGEST).take_while(|byte| matches!(byte, 0x20..=0x3f)).count()
}

/// Bytes that are compared at once.
const HEAD: usize = 8;

/// How many parameters and intermediate bytes `head` begins with. A loop over the few that most
/// sequences have costs more than all the rest: nobody can foresee where it ends.
fn n_parameters(head: [u8; HEAD]) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let others = (u64::from_le_bytes(head) & (0xe0 * EACH)) ^ (0x20 * EACH);
    // The high bit of each byte that is not zero; no sum goes over its byte.
    let others = (others | ((others & (0x7f * EACH)) + 0x7f * EACH)) & (0x80 * EACH);
    others.trailing_zeros() as usize / 8
}

/// The length of ESC, where it is written as an escape.
fn introducer(rest: &[u8]) -> Option<usize> {
    let n_backslashes = json::backslashes(rest);
    let written = rest.get(n_backslashes..)?;
    let forms: [&[u8]; 6] = [b"u001b", b"u001B", b"x1b", b"x1B", b"033", b"e"];
    let form = forms.iter().find(|form| written.starts_with(form))?;
    (n_backslashes > 0).then_some(n_backslashes + form.len())
}

/// A string for the terminal is no longer than that.
const LONGEST_STRING: usize = 512;

/// The length of any control sequence at the head of `rest`: colours, what moves or clears, strings
/// for the terminal, resets. ESC may be written as an escape, as `^[` or as `#033`.
pub(crate) fn any(rest: &[u8]) -> Option<usize> {
    let (start, is_alone) = match rest.first()? {
        0x1b => (1, true),
        b'^' => (rest.starts_with(b"^[").then_some(2)?, false),
        b'#' => (rest.starts_with(b"#033").then_some(4)?, true),
        // `\e` begins words in paths as well.
        b'\\' => introducer(rest).map(|length| (length, rest[length - 1] != b'e'))?,
        _ => return None,
    };
    let length = match rest.get(start) {
        Some(b'[') => body_length(&rest[start + 1..]).map(|length| 1 + length),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => {
            string_length(&rest[start + 1..]).map(|length| 1 + length)
        }
        Some(b'#' | b'%' | b'('..=b'+' | b'-'..=b'/') => {
            matches!(rest.get(start + 1), Some(b'0'..=b'~')).then_some(2)
        }
        Some(b'c') => Some(1),
        Some(b'7' | b'8' | b'=' | b'>' | b'D' | b'E' | b'H' | b'M' | b'Z') if is_alone => Some(1),
        _ => None,
    };
    // ESC by itself stands for nothing, too.
    length.or(is_alone.then_some(0)).map(|length| start + length)
}

/// The length of a string for the terminal, with the BEL or the `ESC \` that ends it.
fn string_length(text: &[u8]) -> Option<usize> {
    let text = &text[..text.len().min(LONGEST_STRING)];
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        match rest[0] {
            b'\n' => return None,
            0x07 => return Some(at + 1),
            b'#' if rest.starts_with(b"#007") => return Some(at + 4),
            b'#' if rest.starts_with(b"#033\\") => return Some(at + 5),
            0x1b if rest.starts_with(b"\x1b\\") => {
                // In the string of a string each backslash is written as several.
                let n_backslashes = json::backslashes(&rest[1..]);
                return Some(at + 1 + if n_backslashes == 1 { 1 } else { n_backslashes & !1 });
            }
            b'\\' => {
                let n_backslashes = json::backslashes(rest);
                if let Some(length) = introducer(rest) {
                    // The backslash is written as an escape as well.
                    let ends = json::backslashes(&rest[length..]) >= 2 * n_backslashes;
                    return ends.then_some(at + length + 2 * n_backslashes);
                }
                let written = &rest[n_backslashes..];
                let bell: [&[u8]; 4] = [b"u0007", b"x07", b"007", b"a"];
                if let Some(bell) = bell.iter().find(|bell| written.starts_with(bell)) {
                    return Some(at + n_backslashes + bell.len());
                }
                at += n_backslashes;
            }
            _ => at += 1,
        }
    }
    None
}
