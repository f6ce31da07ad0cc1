//! Where the value of an HTTP header is: `Authorization`, `Cookie`, `Set-Cookie` and kin.
//!
//! A header's value ends with its string or its line and may hold quotes, commas and spaces, so it
//! is not located like the value of another key. JSON may have several values in an array, or one
//! in an object. What of the value is secret, [`credential`](super::credential) and
//! [`cookie`](super::cookie) decide.
//!
//! <https://www.rfc-editor.org/rfc/rfc9110#section-11.4>,
//! <https://www.rfc-editor.org/rfc/rfc6265#section-4>

use super::{
    name::Key,
    quotes::{is_closing, is_end_of_string, quote_at},
    report::Report,
    structure::{self, Leaf, Leaves},
};
use crate::{
    detect::{Located, byte_class, search_memo::SearchMemo},
    finding::Shape,
    text::{escape::backslashes_before, span::Span},
};

/// What was walked already, by a header with its name inside the value of another.
#[derive(Default)]
pub(super) struct Memory {
    /// The end of the last header's value.
    pub(super) end: usize,
    /// The end of the last array or object with its leaves read.
    leaves: usize,
    /// Where the next credential ends.
    pub(super) credential: SearchMemo,
    /// The next bracket, which no credential has.
    pub(super) bracket: SearchMemo,
    /// The last parameters.
    pub(super) parameters: Span,
    /// The end of the last cookies.
    pub(super) cookies: usize,
    /// The value of the last cookie.
    pub(super) cookie: Span,
}

impl Memory {
    /// Changes whenever a header was read.
    pub(super) fn effort(&self) -> u64 {
        self.end as u64
    }
}

/// A header, what was walked of it, and where its secrets go.
pub(super) struct Header<'a, 'r, 'h> {
    pub(super) located: &'a Located<'h>,
    pub(super) key: &'a Key,
    pub(super) memory: &'a mut Memory,
    pub(super) report: &'a mut Report<'r, 'h>,
}

impl<'h> Header<'_, '_, 'h> {
    /// The record up to its end.
    pub(super) fn hay(&self) -> &'h [u8] {
        &self.located.hay[..self.located.record.end]
    }

    pub(super) fn push(&mut self, secret: Span) {
        self.report.push(secret, self.key.rule, Shape::Text);
    }

    /// The header's value: between quotes, or up to the end of the record, a quote or an escaped
    /// line end. A name inside the last header's value shares its end.
    pub(super) fn value(&mut self) -> Option<Span> {
        let hay = self.hay();
        let key = self.key;
        let mut at = key.quote.map_or(key.name.end, |quote| quote.end);
        at += run_of(&hay[at..], b" ]", 8);
        let is_member = hay.get(at) == Some(&b',');
        let separator = run_of(&hay[at..], b":=,>", 3);
        if separator == 0 {
            return None;
        }
        at += separator;
        at += run_of(&hay[at..], b" [(", 8);
        let open = quote_at(hay, at, hay.len());
        // `('Cookie', 'a=b')` is a pair; in `'Accept, Cookie, X-Id'` the name is one of several.
        if is_member && (key.quote.is_none() || open.is_none()) {
            return None;
        }
        if open.is_some_and(|open| is_closing(hay, key.quote, open)) {
            return None;
        }
        if open.is_none() && key.quote.is_some() && is_scalar_or_null(&hay[at..]) {
            return None;
        }
        let start = open.map_or(at, |open| open.end);
        if start < self.memory.end {
            return Some(Span::new(start, self.memory.end));
        }
        let before = &hay[self.located.record.start..key.name.start];
        let end = value_end(hay, start, open, Around::new(before, &hay[start..]));
        self.memory.end = end;
        (start < end).then(|| Span::new(start, end))
    }

    /// Reads the strings of the array or object that is the header's value, as far as they were not
    /// read as its value.
    pub(super) fn for_each_leaf(&mut self, read: fn(&mut Self, Span)) {
        let at = structure::after_key(self.located, self.key);
        let (Some(at), Some(quote)) = (at.filter(|at| *at >= self.memory.leaves), self.key.quote)
        else {
            return;
        };
        let first = self.memory.end;
        let mut leaves = Leaves::new(self.located, quote, at);
        for Leaf { span, shape, .. } in &mut leaves {
            if shape == Shape::Text && span.start >= first && !span.is_empty() {
                read(self, span);
            }
        }
        self.memory.leaves = leaves.at;
    }
}

/// The length of the run of `bytes` at the head of `text`, `most` at most.
fn run_of(text: &[u8], bytes: &[u8], most: usize) -> usize {
    text.iter().take(most).take_while(|byte| bytes.contains(byte)).count()
}

/// Whether a JSON number, boolean or null begins here, which is no credential.
fn is_scalar_or_null(rest: &[u8]) -> bool {
    let rest = &rest[run_of(rest, b"[ ", 64)..];
    let length = rest.iter().take(64).take_while(|byte| !b",}] \t".contains(byte)).count();
    let word = &rest[..length];
    structure::is_scalar(word) || word == b"null"
}

/// Where the value that begins at `start` ends: after the quote `open` at the quote that closes it,
/// else at `around`, the quote before the header's name.
pub(super) fn value_end(
    hay: &[u8],
    start: usize,
    open: Option<Span>,
    mut around: Option<Around>,
) -> usize {
    let mut end = start;
    loop {
        end += byte_class::until(&hay[end..], byte_class::HEADER_STOP);
        if end == hay.len() {
            break;
        }
        let is_end = match (open, hay[end]) {
            (Some(open), quote) if quote == hay[open.end - 1] => {
                backslashes_before(hay, start, end) < open.len()
            }
            (None, b'<') => true,
            (None, quote) if around.is_some_and(|around| around.quote == quote) => {
                around.as_mut().is_some_and(|around| around.ends(hay, start, end))
            }
            (_, b'"') => {
                let depth = backslashes_before(hay, start, end);
                is_end_of_string(hay, Span::new(end - depth, end + 1))
            }
            (_, b'\\') => matches!(hay.get(end + 1), Some(b'n' | b'r')),
            _ => false,
        };
        if is_end {
            break;
        }
        end += 1;
    }
    end - backslashes_before(hay, start, end)
}

/// The quote before a header's name, which ends the header's value: `-H "Authorization: …"`. One
/// with more backslashes is inside the value.
#[derive(Clone, Copy)]
pub(super) struct Around {
    quote: u8,
    /// The backslashes before it.
    depth: usize,
    /// Whether the value is a list of parameters, which may be in the same quotes:
    /// `Digest username="bob"`.
    has_parameters: bool,
    /// Whether such a parameter is open.
    is_inside: bool,
}

impl Around {
    fn new(before: &[u8], value: &[u8]) -> Option<Around> {
        let quote = *before.last().filter(|byte| byte_class::is(**byte, byte_class::QUOTE))?;
        let depth = backslashes_before(before, 0, before.len() - 1);
        let near = &value[..value.len().min(32)];
        let scheme = byte_class::run(near, byte_class::ALNUM | byte_class::DASH);
        let has_parameters =
            value[scheme..].starts_with(b" ") && has_parameters(&value[scheme + 1..]);
        Some(Around { quote, depth, has_parameters, is_inside: false })
    }

    /// Whether the quote at `at` ends the value, which begins at `start`.
    fn ends(&mut self, hay: &[u8], start: usize, at: usize) -> bool {
        if hay[at] != self.quote || backslashes_before(hay, start, at) > self.depth {
            return false;
        }
        let is_of_parameter =
            self.is_inside || self.has_parameters && hay[start..at].ends_with(b"=");
        self.is_inside = is_of_parameter && !self.is_inside;
        !is_of_parameter
    }
}

/// Whether parameters begin here: `username="bob"`.
pub(super) fn has_parameters(text: &[u8]) -> bool {
    let name = byte_class::run(text, byte_class::ALNUM | byte_class::UNDERSCORE);
    let is_value = |byte: &u8| matches!(byte, b'"' | b'\\') || byte.is_ascii_alphanumeric();
    name > 0 && text.get(name) == Some(&b'=') && text.get(name + 1).is_some_and(is_value)
}
