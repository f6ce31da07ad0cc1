//! A key over several records: what is open, and how its next line is read.
//!
//! A line belongs to the key if a body follows the prefix of an earlier line, or if it contains a
//! long run of base64. Prefixes are compared with their numbers and spaces ignored, because
//! timestamps and counters change from line to line.

use super::{
    body::{SHORT, is_base64, is_dress},
    boundary::Opening,
    plain::Plain,
};
use crate::{detect::Located, text::span::Span};

/// The maximum number of lines in a row without a body.
pub(super) const MAX_IDLE: u32 = 64;

/// The maximum number of lines and bytes of a key without a last line.
pub(super) const MAX_LINES: u32 = 1024;

pub(super) const MAX_BYTES: usize = 256 << 10;

/// A run of this length is a body. Runs down to [`SHORT`] count after a known prefix, at the end of
/// the line.
const LONG: usize = 40;

/// The maximum number of lines between the first line of a key and its body: headers, a blank line.
const MAX_BEFORE_BODY: u32 = 8;

/// The maximum length of a prefix that is compared.
const MAX_PREFIX: usize = 256;

/// Headers inside a key. They are kept.
const HEADERS: [&[u8]; 6] =
    [b"Proc-Type:", b"DEK-Info:", b"Version:", b"Comment:", b"Hash:", b"X-"];

/// A key without its last line so far.
#[derive(Clone, Debug)]
pub(in crate::detect) struct Open {
    idle: u32,
    n_lines: u32,
    n_bytes: usize,
    /// The text before the key in its first line.
    first_prefix: Vec<u8>,
    /// The text before the last body in its line.
    prefix: Option<Vec<u8>>,
    /// How many lines are left. PuTTY writes their number before them.
    left: Option<u32>,
    /// The stream of a container's records, if they name it. Lines of the other stream do not
    /// belong to the key.
    pub(super) channel: Option<Channel>,
}

/// The stream that a container's record names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    Out,
    Err,
}

/// The stream that a record of CRI or of Docker's json-file names.
pub(super) fn channel(line: &[u8]) -> Option<Channel> {
    match line.first()? {
        b'{' => {
            const KEY: &[u8] = b"\"stream\"";
            let value = &line[memchr::memmem::find(line, KEY)? + KEY.len()..];
            let value = value.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
            match value {
                _ if value.starts_with(b"\"stdout\"") => Some(Channel::Out),
                _ if value.starts_with(b"\"stderr\"") => Some(Channel::Err),
                _ => None,
            }
        }
        byte if byte.is_ascii_digit() => {
            // The timestamp is shorter than this.
            let head = &line[..line.len().min(48)];
            let out = memchr::memmem::find(head, b" stdout ");
            match (out, memchr::memmem::find(head, b" stderr ")) {
                (Some(_), None) => Some(Channel::Out),
                (None, Some(_)) => Some(Channel::Err),
                _ => None,
            }
        }
        _ => None,
    }
}

impl Open {
    /// A key that begins with `opening`.
    pub(super) fn new(located: &Located<'_>, opening: &Opening) -> Open {
        let before = Plain::new(&located.hay[located.record.start..opening.start]);
        Open {
            idle: 0,
            n_lines: 0,
            n_bytes: 0,
            first_prefix: prefix(before.text()).unwrap_or_default(),
            prefix: None,
            left: opening.lines,
            channel: channel(located.record.of(located.hay)),
        }
    }

    /// The body in the text of the next line.
    pub(super) fn body_in(&self, text: &[u8]) -> Option<Span> {
        if HEADERS.iter().any(|header| text.trim_ascii_start().starts_with(header)) {
            return None;
        }
        let prefixes = self.prefix.iter().chain([&self.first_prefix]);
        let mut in_column = prefixes.filter_map(|prefix| run_at(text, column(prefix, text)?));
        in_column.find(|run| self.is_body_in_column(text, *run)).or_else(|| {
            let run = longest_run(text);
            let is_long = run.len() >= LONG && !is_path(run.of(text));
            (is_long || self.is_short_body(text, run)).then_some(run)
        })
    }

    /// Whether a run after a known prefix is a body.
    fn is_body_in_column(&self, text: &[u8], run: Span) -> bool {
        match run.len() {
            0..SHORT => self.prefix.is_some() && self.idle == 0 && is_dress(&text[run.end..]),
            _ => is_dress(&text[run.end..]) || is_mixed(run.of(text)),
        }
    }

    /// Whether a short run in another column is a body. It belongs to the key only near its
    /// beginning or directly after a body.
    fn is_short_body(&self, text: &[u8], run: Span) -> bool {
        let is_near = match self.prefix {
            Some(_) => self.idle == 0 && is_mixed(run.of(text)),
            None => self.idle < MAX_BEFORE_BODY,
        };
        run.len() >= SHORT && is_near && is_dress(&text[run.end..]) && is_apart(text, run)
    }

    /// Accounts for a line of `n_bytes` with its body, or a placeholder, at `body` of its text.
    pub(super) fn follow(&mut self, n_bytes: usize, text: &[u8], body: Option<usize>) {
        self.n_lines += 1;
        self.n_bytes += n_bytes;
        let Some(start) = body else {
            self.idle += u32::from(!self.is_blank(text));
            return;
        };
        self.prefix = prefix(&text[..start]).or(self.prefix.take()).or_else(|| Some(Vec::new()));
        self.idle = 0;
        self.left = self.left.map(|left| left.saturating_sub(1));
    }

    /// Whether all lines of the key were read, or a limit is reached.
    pub(super) fn is_spent(&self) -> bool {
        self.left == Some(0)
            || self.idle >= MAX_IDLE
            || self.n_lines >= MAX_LINES
            || self.n_bytes >= MAX_BYTES
    }

    /// Whether nothing follows a known prefix. The head of a partial record looks like that, when
    /// its text is read with the part before it.
    fn is_blank(&self, text: &[u8]) -> bool {
        let mut prefixes = self.prefix.iter().chain([&self.first_prefix]);
        prefixes.any(|prefix| {
            column(prefix, text).is_some_and(|at| !text[at..].iter().any(u8::is_ascii_alphanumeric))
        })
    }
}

/// Whether a run is a whole word. `KEY=x` in `API_KEY=x` is not.
fn is_apart(text: &[u8], run: Span) -> bool {
    run.start == 0 || !matches!(text[run.start - 1], b'_' | b'-' | b'.' | b'%' | b'@' | b'\\')
}

/// Whether a run has letters of both cases and other characters. Words of prose and hexadecimal
/// digits do not.
fn is_mixed(run: &[u8]) -> bool {
    run.iter().any(u8::is_ascii_uppercase)
        && run.iter().any(u8::is_ascii_lowercase)
        && run.iter().any(|byte| !byte.is_ascii_alphabetic())
}

/// The prefix to compare later lines with.
fn prefix(text: &[u8]) -> Option<Vec<u8>> {
    (text.len() <= MAX_PREFIX).then(|| text.to_vec())
}

/// The offset in `text` after `prefix`. Numbers and spaces of the prefix may differ.
fn column(prefix: &[u8], text: &[u8]) -> Option<usize> {
    let (mut at, mut in_text) = (0, 0);
    while at < prefix.len() {
        let (was, rest) = (&prefix[at..], text.get(in_text..)?);
        let (number, space) = (number_length(was), space_length(was));
        let (length, own) = match (number, space) {
            // The text after the prefix may begin with digits.
            (1.., _) if number == was.len() => (number, number.min(number_length(rest))),
            (1.., _) => (number, number_length(rest)),
            (_, 1..) => (space, space_length(rest)),
            _ => (
                1,
                usize::from(
                    rest.first() == was.first()
                        || is_tag(&prefix[..at], was) && is_tag(&prefix[..at], rest),
                ),
            ),
        };
        if own == 0 {
            return None;
        }
        (at, in_text) = (at + length, in_text + own);
    }
    Some(in_text)
}

/// Whether the tag of a CRI record follows `before`. Some records of a key may be partial and
/// others whole.
fn is_tag(before: &[u8], text: &[u8]) -> bool {
    (before.ends_with(b" stdout ") || before.ends_with(b" stderr "))
        && matches!(text, [b'P' | b'F', b' ', ..])
}

/// The length of a number with marks inside it, like a time or a fraction.
fn number_length(text: &[u8]) -> usize {
    let mut length = 0;
    while let Some(byte) = text.get(length) {
        let goes_on = length > 0 && text.get(length + 1).is_some_and(u8::is_ascii_digit);
        match byte {
            b'0'..=b'9' => length += 1,
            b'.' | b',' | b':' if goes_on => length += 1,
            _ => break,
        }
    }
    length
}

fn space_length(text: &[u8]) -> usize {
    text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Whether a run is a path. Paths use the same alphabet, but more slashes than base64 has by
/// chance.
fn is_path(run: &[u8]) -> bool {
    run.iter().filter(|byte| **byte == b'/').count() * 8 > run.len()
}

/// The run that begins at `column`.
fn run_at(text: &[u8], column: usize) -> Option<Span> {
    let length = text.get(column..)?.iter().take_while(|byte| is_base64(**byte)).count();
    (length > 0).then(|| Span::new(column, column + length))
}

/// The longest run of the base64 alphabet in a line.
fn longest_run(text: &[u8]) -> Span {
    let mut longest = Span::default();
    let mut start = 0;
    for (at, byte) in text.iter().enumerate() {
        if !is_base64(*byte) {
            start = at + 1;
            continue;
        }
        // An escaped line end before a run is not part of it.
        if at == start && at > 0 && text[at - 1] == b'\\' && matches!(byte, b'n' | b'r' | b't') {
            start = at + 1;
            continue;
        }
        if at + 1 - start > longest.len() {
            longest = Span::new(start, at + 1);
        }
    }
    longest
}
