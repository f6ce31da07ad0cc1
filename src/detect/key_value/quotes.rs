//! Quotes at any depth of nesting.
//!
//! A quote inside a JSON string has backslashes before it, more for each string around it. The
//! closing quote has as many as the opening one, which finds the end of a value without parsing
//! what surrounds it. Quotes outside ASCII (`“x”`, `«x»`) have no depth.

use crate::{
    detect::{MAX_SECRET, byte_class},
    text::{
        escape::{self, backslashes_before},
        span::Span,
        visits,
    },
};

/// The quote at `at` with the backslashes that escape it. An even number of backslashes escapes
/// itself, and the quote after it is a bare one.
#[inline]
pub(super) fn quote_at(hay: &[u8], at: usize, ceiling: usize) -> Option<Span> {
    match hay[..ceiling].get(at)? {
        b'"' | b'\'' | b'`' => Some(Span::new(at, at + 1)),
        b'\\' => escaped_quote_at(hay, at, ceiling),
        _ => None,
    }
}

fn escaped_quote_at(hay: &[u8], at: usize, ceiling: usize) -> Option<Span> {
    let slashes = escape::backslashes(&hay[at..ceiling]);
    let quote = at + slashes;
    let depth = if slashes.is_multiple_of(2) { 0 } else { slashes };
    byte_class::is(*hay[..ceiling].get(quote)?, byte_class::QUOTE)
        .then(|| Span::new(quote - depth, quote + 1))
}

/// What opens with a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuotedText {
    /// A text and its end.
    Closed(Span),
    /// A text without a closing quote, from behind the opening one: the record was cut, or the
    /// quote is an apostrophe.
    Open { start: usize, quote: u8 },
}

/// The text in quotes that opens at `at`.
pub(super) fn quoted_text(hay: &[u8], at: usize) -> Option<QuotedText> {
    if let Some(text) = typographic_text(&hay[at..]) {
        return Some(QuotedText::Closed(Span::new(at + text.start, at + text.end)));
    }
    let open = quote_at(hay, at, hay.len())?;
    let (depth, quote) = (open.len() - 1, hay[open.end - 1]);
    let is_tripled = depth == 0 && hay[open.end..].starts_with(&[quote, quote]);
    let start = open.end + if is_tripled { 2 } else { 0 };
    let ceiling = hay.len().min(start + MAX_SECRET);
    let mut at = start;
    while let Some(length) = memchr::memchr(quote, &hay[at..ceiling]) {
        let found = at + length;
        visits::add(length);
        let slashes = backslashes_before(hay, start, found);
        if slashes % (2 * (depth + 1)) == depth {
            return Some(QuotedText::Closed(Span::new(start, found - depth)));
        }
        if slashes < depth {
            // The string around this one ends here: the value was cut.
            return Some(QuotedText::Closed(Span::new(start, found - slashes)));
        }
        at = found + 1;
    }
    visits::add(ceiling - at);
    Some(QuotedText::Open { start, quote })
}

/// Whether `quote`, met where the value of a key should begin, ends the string that the key is in:
/// it is less escaped than the quote `of_key` behind the key, or that has none and JSON goes on
/// after `quote`, as in `{"Authorization: ":1}`.
pub(super) fn is_closing(hay: &[u8], of_key: Option<Span>, quote: Span) -> bool {
    match of_key {
        Some(of_key) => quote.len() < of_key.len(),
        None => is_end_of_string(hay, quote),
    }
}

/// Whether JSON's punctuation and then more JSON follows `quote`, or nothing.
pub(super) fn is_end_of_string(hay: &[u8], quote: Span) -> bool {
    let rest = hay[quote.end..].trim_ascii_start();
    let Some((mark @ (b':' | b',' | b'}' | b']'), behind)) = rest.split_first() else {
        return rest.is_empty();
    };
    let behind = behind.trim_ascii_start();
    let slashes = behind.iter().take_while(|byte| **byte == b'\\').count();
    let is_string = behind.get(slashes) == Some(&b'"') && slashes == quote.len() - 1;
    if matches!(mark, b':' | b',') {
        return is_string || begins_json(behind);
    }
    is_string || behind.first().is_none_or(|next| b",}]\"\\".contains(next))
}

/// Whether a number, a structure or a word of JSON begins here.
fn begins_json(text: &[u8]) -> bool {
    text.first().is_some_and(|byte| byte.is_ascii_digit() || b"-{[".contains(byte))
        || [&b"true"[..], b"false", b"null"].iter().any(|word| text.starts_with(word))
}

/// Quotes outside ASCII that open a text, and those that close it.
const TYPOGRAPHIC: [(&str, &[&str]); 14] = [
    ("\u{201c}", &["\u{201d}", "\u{201c}"]),
    ("\u{201d}", &["\u{201d}"]),
    ("\u{201e}", &["\u{201c}", "\u{201d}"]),
    ("\u{201f}", &["\u{201d}"]),
    ("\u{2018}", &["\u{2019}"]),
    ("\u{2019}", &["\u{2019}"]),
    ("\u{201a}", &["\u{2018}", "\u{2019}"]),
    ("\u{ab}", &["\u{bb}"]),
    ("\u{bb}", &["\u{ab}", "\u{bb}"]),
    ("\u{2039}", &["\u{203a}"]),
    ("\u{203a}", &["\u{2039}", "\u{203a}"]),
    ("\u{300c}", &["\u{300d}"]),
    ("\u{301d}", &["\u{301e}", "\u{301f}"]),
    ("\u{ff02}", &["\u{ff02}"]),
];

/// A closing quote outside ASCII is looked for no further than this.
const MAX_TYPOGRAPHIC: usize = 256;

/// The length of the quote outside ASCII at the head of `rest`; 0 where there is none.
#[inline]
pub(super) fn typographic_length(rest: &[u8]) -> usize {
    typographic(rest).map_or(0, |(open, _)| open.len())
}

/// The text between quotes outside ASCII at the head of `rest`.
#[inline]
pub(super) fn typographic_text(rest: &[u8]) -> Option<Span> {
    let (open, close) = typographic(rest)?;
    let text = &rest[open.len()..];
    let text = &text[..text.len().min(MAX_TYPOGRAPHIC)];
    let is_closed =
        |at: &usize| close.iter().any(|close| text[*at..].starts_with(close.as_bytes()));
    let length = (1..text.len()).find(is_closed)?;
    Some(Span::new(open.len(), open.len() + length))
}

#[inline]
fn typographic(rest: &[u8]) -> Option<(&'static str, &'static [&'static str])> {
    if !matches!(rest.first(), Some(0xc2 | 0xe2 | 0xe3 | 0xef)) {
        return None;
    }
    TYPOGRAPHIC.iter().copied().find(|(open, _)| rest.starts_with(open.as_bytes()))
}
