//! The body of a key: where it is in the record of its first line, and what may surround it.

use super::plain::Plain;
use crate::{
    detect::value,
    text::{ansi, span::Span},
};

/// The minimum length of a body in a line. See [`super::open`].
pub(super) const SHORT: usize = 16;

/// The lines of a key that are elements of an array. `body` begins with the quote after the key's
/// first line; `None` if it is written differently. Redacted lines are left out, and so are lines
/// that cannot belong to a key without a last line.
pub(super) fn elements(body: &[u8], end: Option<usize>) -> Option<Vec<Span>> {
    let (mut elements, mut is_list) = (Vec::new(), false);
    let n_backslashes = body.iter().take(16).take_while(|byte| **byte == b'\\').count();
    let Some(quote @ (b'"' | b'\'')) = body.get(n_backslashes) else { return None };
    let mut at = 0;
    while let Some(start) = next_element(body, at, n_backslashes, *quote) {
        let length = memchr::memchr_iter(*quote, &body[start..]).find(|length| {
            let slashes =
                body[start..start + length].iter().rev().take_while(|byte| **byte == b'\\').count();
            // A backslash inside the string is written as twice one more than the backslashes
            // before a quote.
            slashes % (2 * (n_backslashes + 1)) == n_backslashes
        });
        let stop = length.map_or(body.len(), |length| start + length - n_backslashes);
        let plain = Plain::new(&body[start..stop]);
        let text = plain.text();
        let run = text.iter().take_while(|byte| is_base64(**byte)).count();
        let is_line = is_dress(&text[run..]) && (run >= SHORT || !elements.is_empty());
        if end.is_none() && !is_line {
            break;
        }
        is_list = true;
        if text.iter().any(u8::is_ascii_alphanumeric) && !text.starts_with(b"REDACTED-") {
            let tail = (0..text.len())
                .rev()
                .find(|at| !is_edge_back(&text[..=*at]))
                .map_or(0, |last| last + 1);
            let raw = plain.raw(Span::new(0, tail.max(1)));
            elements.push(Span::new(start + raw.start, start + raw.end));
        }
        at = stop;
    }
    is_list.then_some(elements)
}

/// The start of the next element after the quote at `at`, which ends one: `","`, with
/// `n_backslashes` before each quote.
fn next_element(body: &[u8], at: usize, n_backslashes: usize, quote: u8) -> Option<usize> {
    let rest = without_quote(&body[at..], n_backslashes, quote)?.trim_ascii_start();
    let rest = rest.strip_prefix(b",")?.trim_ascii_start();
    Some(body.len() - without_quote(rest, n_backslashes, quote)?.len())
}

/// The text after the quote that it begins with.
fn without_quote(text: &[u8], n_backslashes: usize, quote: u8) -> Option<&[u8]> {
    let n_slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    let is_quote = n_slashes == n_backslashes && text.get(n_slashes) == Some(&quote);
    is_quote.then(|| &text[n_slashes + 1..])
}

/// Whether a text ends with white space, plain or escaped.
fn is_edge_back(text: &[u8]) -> bool {
    edge_length_back(text).is_some()
}

/// The text between the first and the last line of a key, without white space and escapes at its
/// edges.
pub(super) fn body(rest: &[u8], end: usize) -> Option<Span> {
    let start = end - behind_edge(&rest[..end]).len();
    let mut stop = end;
    while let Some(length) = edge_length_back(&rest[start..stop]) {
        stop -= length;
    }
    let body = &rest[start..stop];
    let is_content = body.iter().filter(|byte| byte.is_ascii_alphanumeric()).count() >= 4;
    let is_template = value::is_template(body) || body.starts_with(b"REDACTED-");
    (is_content && !is_template).then(|| Span::new(start, stop))
}

/// The length of the white space, plain or escaped, or of the control sequence at the beginning.
fn edge_length(text: &[u8]) -> Option<usize> {
    if let Some(length) = ansi::control(text) {
        return Some(length);
    }
    let slashes = text.iter().take(16).take_while(|byte| **byte == b'\\').count();
    match text.get(slashes) {
        Some(b'n' | b'r' | b't') if slashes > 0 => Some(slashes + 1),
        Some(b' ' | b'\t' | b'\r' | b'\n') if slashes == 0 => Some(1),
        _ => None,
    }
}

/// The length of the white space, plain or escaped, at the end.
fn edge_length_back(text: &[u8]) -> Option<usize> {
    match text {
        [.., b' ' | b'\t' | b'\r' | b'\n'] => Some(1),
        [rest @ .., b'n' | b'r' | b't'] => {
            let slashes = rest.iter().rev().take(16).take_while(|byte| **byte == b'\\').count();
            (slashes > 0).then_some(slashes + 1)
        }
        _ => None,
    }
}

/// The text without white space at its beginning.
pub(super) fn behind_edge(text: &[u8]) -> &[u8] {
    let mut start = 0;
    while let Some(length) = edge_length(&text[start..]) {
        start += length;
    }
    &text[start..]
}

/// Whether the text of a key without a last line is a body: it begins with a long run of base64.
pub(super) fn is_body(text: &[u8]) -> bool {
    text.iter().take_while(|byte| is_base64(**byte)).count() >= SHORT
}

/// Whether `text` may follow a body in its line: escapes, quotes, marks of concatenation, tags, the
/// rest of a JSON record, or more pairs of a logfmt line.
pub(super) fn is_dress(text: &[u8]) -> bool {
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        match edge_length(rest) {
            Some(length) => at += length,
            None if rest[0].is_ascii_alphanumeric() => {
                let is_quoted = text[..at].iter().any(|byte| matches!(byte, b'"' | b'\''));
                return is_members(rest) || is_quoted && is_pair(rest);
            }
            None if rest[0] == b'<' => {
                at += memchr::memchr(b'>', &rest[..rest.len().min(MAX_TAG)])
                    .map_or(1, |length| length + 1);
            }
            None => at += 1,
        }
    }
    true
}

/// The maximum length of a tag.
const MAX_TAG: usize = 32;

/// Whether `text` is the rest of a JSON record: `","stream":"stdout","time":"…"}`.
fn is_members(text: &[u8]) -> bool {
    let word = text.iter().take_while(|byte| is_name(**byte)).count();
    let value = text[word..].strip_prefix(b"\"").map(<[u8]>::trim_ascii_start);
    value.is_some_and(|value| value.starts_with(b":")) && text.trim_ascii_end().ends_with(b"}")
}

/// Whether `text` begins with a pair: `caller=main.go:12`.
fn is_pair(text: &[u8]) -> bool {
    let word = text.iter().take_while(|byte| is_name(**byte)).count();
    text.get(word) == Some(&b'=')
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-@".contains(&byte)
}

/// Whether a byte is in the base64 alphabet or pads it.
pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}
