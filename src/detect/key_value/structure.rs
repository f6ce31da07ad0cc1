//! Values inside a JSON array or object: `"passwords": ["a", "b"]`.
//!
//! The structure may itself be in a string, at any depth of nesting: its quotes are escaped like
//! those of its key. It is walked once, up to the bracket that closes it. Of a structure that is
//! cut, the leaves until there are read.

use super::{
    cursor,
    name::Key,
    quotes::{QuotedText, quote_at, quoted_text},
    syntax::ValueSyntax,
    unquoted::{self, Ending},
};
use crate::{
    detect::{Located, byte_class},
    finding::Shape,
    text::{span::Span, visits},
};

/// A string, a number or a boolean.
#[derive(Clone, Copy)]
pub(super) struct Leaf {
    pub(super) span: Span,
    pub(super) shape: Shape,
    /// The name of the member that it is in; nothing for an element of the structure itself.
    pub(super) name: Option<Span>,
}

/// Where the array or object begins that is the value of a key in quotes.
pub(super) fn after_key(hit: &Located<'_>, key: &Key) -> Option<usize> {
    let hay = &hit.hay[..hit.record.end];
    let colon = key.quote?.end + byte_class::run(&hay[key.quote?.end..], byte_class::SPACE);
    let at = colon + 1 + byte_class::run(hay.get(colon + 1..)?, byte_class::SPACE);
    (hay[colon] == b':' && matches!(hay.get(at), Some(b'[' | b'{'))).then_some(at)
}

/// `true`, `false` or a JSON number.
pub(super) fn is_scalar(value: &[u8]) -> bool {
    let number = value.strip_prefix(b"-").unwrap_or(value);
    let is_part = |byte: &u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
    matches!(value, b"true" | b"false")
        || number.first().is_some_and(u8::is_ascii_digit) && number.iter().all(is_part)
}

/// The leaves of a structure, in order. Names of members are none.
pub(super) struct Leaves<'h> {
    hay: &'h [u8],
    /// The quote of the key.
    quote: Span,
    /// Up to here the structure was read; after the last leaf, where it ends.
    pub(super) at: usize,
    depth: u32,
    name: Option<Span>,
    is_over: bool,
}

impl<'h> Leaves<'h> {
    /// The leaves of the structure at `at`, the value of a key that has the quote.
    pub(super) fn new(hit: &Located<'h>, quote: Span, at: usize) -> Leaves<'h> {
        let hay = &hit.hay[..hit.record.end];
        Leaves { hay, quote, at, depth: 0, name: None, is_over: false }
    }

    fn read(&mut self) -> Option<Leaf> {
        while !self.is_over {
            match *self.hay.get(self.at)? {
                b'[' | b'{' => self.depth += 1,
                b']' | b'}' if self.depth <= 1 => return None,
                b']' | b'}' => {
                    self.depth -= 1;
                    self.name = None;
                }
                b'"' | b'\'' | b'`' | b'\\' => {
                    if let Some(leaf) = self.string()? {
                        return Some(leaf);
                    }
                    continue;
                }
                byte if byte.is_ascii_alphanumeric() || byte == b'-' => {
                    if let Some(leaf) = self.word() {
                        return Some(leaf);
                    }
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        None
    }

    /// The string that opens here, unless it is the name of a member. Nothing at all where the
    /// structure is over: a quote of another depth ends the string that all of it is in.
    fn string(&mut self) -> Option<Option<Leaf>> {
        self.is_over = true;
        quote_at(self.hay, self.at, self.hay.len())
            .filter(|open| open.len() == self.quote.len())?;
        let span = self.text()?;
        let leaf = Leaf { span, shape: Shape::Text, name: self.name };
        let close = quote_at(self.hay, span.end, self.hay.len());
        let Some(close) = close.filter(|close| close.len() == self.quote.len()) else {
            self.at = span.end;
            return Some(Some(leaf));
        };
        self.is_over = false;
        self.at = close.end + cursor::spaces(&self.hay[close.end..]);
        if self.hay.get(self.at) == Some(&b':') {
            self.name = Some(span);
            return Some(None);
        }
        Some(Some(leaf))
    }

    fn text(&mut self) -> Option<Span> {
        match quoted_text(self.hay, self.at)? {
            QuotedText::Closed(text) => Some(text),
            QuotedText::Open { start, quote } => {
                self.at = start;
                let rest = &self.hay[start..];
                let length = unquoted::length(rest, ValueSyntax::Tight, Ending::Marks);
                (quote == b'"' && length > 0).then(|| Span::new(start, start + length))
            }
        }
    }

    /// The number or boolean that begins here.
    fn word(&mut self) -> Option<Leaf> {
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b".+-".contains(byte);
        let length = self.hay[self.at..].iter().take_while(is_part).count();
        let span = Span::new(self.at, self.at + length);
        self.at = span.end;
        let shape = Shape::Scalar { quote: self.quote };
        is_scalar(span.of(self.hay)).then_some(Leaf { span, shape, name: self.name })
    }
}

impl Iterator for Leaves<'_> {
    type Item = Leaf;

    fn next(&mut self) -> Option<Leaf> {
        let start = self.at;
        let leaf = self.read();
        visits::add(self.at - start);
        leaf
    }
}
