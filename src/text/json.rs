//! JSON as tokens, members and strings: the only reader of its structure.
//!
//! It builds nothing, allocates nothing and cannot fail. Text that is no JSON, or that ends early,
//! gives the tokens that are there; a caller that must know whether a text *is* JSON parses it with
//! `serde_json`. [`Tokens`] reads a text forwards as far as the caller asks, so a caller with a
//! bound cuts the text. [`members`] reads the members of one object without looking into their
//! values. [`escape`] and [`unescape`] write and read the inside of a string.

use super::{
    escape::{self, Kind as EscapeKind},
    span::Span,
    visits,
};

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// The token as it is written: a string with its quotes.
    pub(crate) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `{` or `[`
    Open,
    /// `}` or `]`
    Close,
    Colon,
    Comma,
    String,
    /// A string whose closing quote is missing, up to the end of the text.
    CutString,
    /// A number, `true`, `false`, `null`, or anything else up to the next white space or mark.
    Word,
}

impl Token {
    /// The inside of a string: without its quotes.
    pub(crate) fn inner(self) -> Span {
        let end = self.span.end - usize::from(self.kind == Kind::String);
        Span::new(self.span.start + 1, end)
    }

    /// Whether this is a value that holds no other one.
    pub(crate) fn is_leaf(self) -> bool {
        matches!(self.kind, Kind::String | Kind::CutString | Kind::Word)
    }
}

/// The tokens of a text. Their spans are offsets in the text.
#[derive(Clone, Copy)]
pub(crate) struct Tokens<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Tokens<'t> {
    /// The tokens of `text` from `start` on.
    pub(crate) fn new(text: &'t [u8], start: usize) -> Tokens<'t> {
        Tokens { text, at: start }
    }

    /// Where the last token ended.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The text behind the last token.
    pub(crate) fn rest(&self) -> &'t [u8] {
        &self.text[self.at.min(self.text.len())..]
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    #[inline]
    fn next(&mut self) -> Option<Token> {
        let start = skip_space(self.text, self.at);
        let (kind, end) = match self.text.get(start)? {
            b'{' | b'[' => (Kind::Open, start + 1),
            b'}' | b']' => (Kind::Close, start + 1),
            b':' => (Kind::Colon, start + 1),
            b',' => (Kind::Comma, start + 1),
            b'"' => match string_end(self.text, start + 1) {
                Some(end) => (Kind::String, end + 1),
                None => (Kind::CutString, self.text.len()),
            },
            _ => (Kind::Word, word_end(self.text, start)),
        };
        visits::add(end - self.at);
        self.at = end;
        Some(Token { kind, span: Span::new(start, end) })
    }
}

/// Where the white space at `at` ends.
#[inline]
fn skip_space(text: &[u8], at: usize) -> usize {
    at + text[at.min(text.len())..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

fn word_end(text: &[u8], start: usize) -> usize {
    let is_part = |byte: &&u8| !byte.is_ascii_whitespace() && !b"{}[],:\"".contains(byte);
    start + text[start..].iter().take_while(is_part).count()
}

/// The closing quote of the string whose inside begins at `start`.
#[inline]
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
        // The byte behind a backslash ends no string, whatever it is.
        at = (at + 2).min(hay.len());
    }
}

/// Whether a text begins and ends as an object or an array does.
pub(crate) fn is_shaped(text: &[u8]) -> bool {
    matches!(text.trim_ascii(), [b'{', .., b'}'] | [b'[', .., b']'])
}

/// Whether `token` is a string in quotes, with nothing inside that JSON forbids.
pub(crate) fn is_string(token: &[u8]) -> bool {
    let Some(inner) = token.strip_prefix(b"\"").and_then(|inner| inner.strip_suffix(b"\"")) else {
        return false;
    };
    let mut at = 0;
    while let Some(byte) = inner.get(at) {
        at += match byte {
            0..0x20 | b'"' => return false,
            b'\\' => match escape_length(&inner[at + 1..]) {
                Some(length) => 1 + length,
                None => return false,
            },
            _ => 1,
        };
    }
    true
}

/// The length of an escape of JSON, without its backslash.
fn escape_length(text: &[u8]) -> Option<usize> {
    if text.first() == Some(&b'\\') {
        return Some(1);
    }
    let escape = escape::after_backslashes(text)?;
    let is_json = match escape.kind {
        EscapeKind::Letter(letter) => b"bfnrt".contains(&letter),
        EscapeKind::Itself(byte) => matches!(byte, b'"' | b'/'),
        EscapeKind::Unicode(_) => true,
        _ => false,
    };
    is_json.then_some(escape.length)
}

/// A member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The key without its quotes, escapes as they are written.
    pub(crate) key: Span,
    /// The value: a string without its quotes, anything else as it is written.
    pub(crate) value: Span,
    pub(crate) is_string: bool,
}

/// The members of the object at `hay[line]`, in order. Spans are offsets in `hay`. There are none
/// if it is no object; where it ends early, those before are all.
pub(crate) fn members(hay: &[u8], line: Span) -> Members<'_> {
    let mut tokens = Tokens::new(&hay[..line.end], line.start);
    let is_object =
        tokens.next().is_some_and(|open| open.kind == Kind::Open && hay[open.span.start] == b'{');
    Members { tokens: is_object.then_some(tokens) }
}

pub(crate) struct Members<'h> {
    /// `None` at the end of the object.
    tokens: Option<Tokens<'h>>,
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        let mut tokens = self.tokens.take()?;
        let key = tokens.next().filter(|key| key.kind == Kind::String)?.inner();
        tokens.next().filter(|colon| colon.kind == Kind::Colon)?;
        let (value, is_string) = value(&mut tokens)?;
        let mut after = tokens;
        if after.next().is_some_and(|comma| comma.kind == Kind::Comma) {
            tokens = after;
        }
        self.tokens = Some(tokens);
        Some(Member { key, value, is_string })
    }
}

/// Reads the value of a member, up to the comma or bracket behind it, and says whether it is a
/// string.
fn value(tokens: &mut Tokens<'_>) -> Option<(Span, bool)> {
    let start = skip_space(tokens.text, tokens.at);
    let mut span = Span::new(start, start);
    let mut depth = 0_usize;
    let mut next = *tokens;
    while let Some(token) = next.next() {
        match token.kind {
            Kind::String if depth == 0 && span.is_empty() => {
                *tokens = next;
                return Some((token.inner(), true));
            }
            Kind::CutString => return None,
            Kind::Open => depth += 1,
            Kind::Comma | Kind::Close if depth == 0 => break,
            Kind::Close => depth -= 1,
            _ => {}
        }
        span.end = token.span.end;
        *tokens = next;
    }
    Some((span, false))
}

/// How a byte is written inside a string if it has an escape of two characters.
pub(crate) fn short_escape(byte: u8) -> Option<&'static [u8; 2]> {
    match byte {
        b'"' => Some(b"\\\""),
        b'\\' => Some(b"\\\\"),
        b'\n' => Some(b"\\n"),
        b'\r' => Some(b"\\r"),
        b'\t' => Some(b"\\t"),
        _ => None,
    }
}

/// Appends the inside of a string that means `value`. Each byte has one form, so that equal values
/// are equal texts. Bytes that are no UTF-8 stay as they are.
pub(crate) fn escape(value: &[u8], text: &mut Vec<u8>) {
    let mut done = 0;
    for (index, block) in value.chunks(32).enumerate() {
        // Nearly all of a log needs no escape: 32 bytes are tested by vector instructions.
        let is_plain =
            |block: &[u8; 32]| !block.iter().fold(false, |any, byte| any | needs_escape(*byte));
        if block.first_chunk().is_some_and(is_plain) {
            continue;
        }
        for (part, bytes) in block.chunks(8).enumerate() {
            let mut word = [b' '; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            let mut marks = bytes_to_escape(u64::from_le_bytes(word));
            while marks != 0 {
                let at = index * 32 + part * 8 + marks.trailing_zeros() as usize / 8;
                text.extend_from_slice(&value[done..at]);
                escape_byte(value[at], text);
                done = at + 1;
                marks &= marks - 1;
            }
        }
    }
    text.extend_from_slice(&value[done..]);
}

#[inline]
fn needs_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// The highest bit of each of eight bytes that needs an escape.
#[inline]
fn bytes_to_escape(word: u64) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    let each = |byte: u8| u64::from_le_bytes([byte; 8]);
    // No carry leaves its byte, so bytes do not affect each other.
    let is_zero = |word: u64| !(((word & LOW) + LOW) | word | LOW);
    is_zero(word & each(0xe0)) | is_zero(word ^ each(b'"')) | is_zero(word ^ each(b'\\'))
}

fn escape_byte(byte: u8, text: &mut Vec<u8>) {
    match short_escape(byte) {
        Some(short) => text.extend_from_slice(short),
        None => {
            text.extend_from_slice(b"\\u00");
            super::hex::encode(&[byte], b"", text);
        }
    }
}

/// Appends what [`escape`] was given. `None` if `text` holds an escape that it does not write.
pub(crate) fn unescape(text: &[u8], value: &mut Vec<u8>) -> Option<()> {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        value.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let length = escape_length(rest)?;
        value.push(match escape::after_backslashes(rest) {
            None => b'\\',
            Some(escape) => match escape.kind {
                EscapeKind::Letter(b'n') => b'\n',
                EscapeKind::Letter(b'r') => b'\r',
                EscapeKind::Letter(b't') => b'\t',
                EscapeKind::Itself(byte) => byte,
                EscapeKind::Unicode(code) => u8::try_from(code).ok()?,
                _ => return None,
            },
        });
        rest = &rest[length..];
    }
    value.extend_from_slice(rest);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(&str, &str, bool)> {
        let part = |span: Span| &text[span.start..span.end];
        let members = members(text.as_bytes(), Span::new(0, text.len()));
        members.map(|member| (part(member.key), part(member.value), member.is_string)).collect()
    }

    #[test]
    fn tokens_are_read_as_they_are_written() {
        let text = r#" {"a\"" : [-1.5e3,null ], "b":"cut"#;
        let tokens: Vec<_> = Tokens::new(text.as_bytes(), 0)
            .map(|token| (token.kind, &text[token.span.start..token.span.end]))
            .collect();
        assert_eq!(
            tokens,
            [
                (Kind::Open, "{"),
                (Kind::String, r#""a\"""#),
                (Kind::Colon, ":"),
                (Kind::Open, "["),
                (Kind::Word, "-1.5e3"),
                (Kind::Comma, ","),
                (Kind::Word, "null"),
                (Kind::Close, "]"),
                (Kind::Comma, ","),
                (Kind::String, "\"b\""),
                (Kind::Colon, ":"),
                (Kind::CutString, "\"cut"),
            ]
        );
    }

    #[test]
    fn tokens_cover_every_text_and_stop() {
        for text in ["", " ", "\"", "\"\\", "a\"b", "}{", "\\\"", "\u{e9},", "]]]"] {
            let end = Tokens::new(text.as_bytes(), 0).last().map_or(0, |token| token.span.end);
            assert_eq!(end, text.trim_end().len(), "{text}");
        }
    }

    #[test]
    fn members_are_read_in_order() {
        let text = r#" { "a" : "x\"}" ,"b":[1,{"c":"]"}], "d":-1.5e3,"e":null,"\\":""}"#;
        assert_eq!(
            read(text),
            [
                ("a", r#"x\"}"#, true),
                ("b", r#"[1,{"c":"]"}]"#, false),
                ("d", "-1.5e3", false),
                ("e", "null", false),
                (r"\\", "", true)
            ]
        );
    }

    #[test]
    fn no_object_has_no_members_and_a_cut_one_those_before_the_cut() {
        for text in ["", "[1]", "\"a\":1", "{", "{}", "{\"a", "{\"a\":\"x", "{\"a\" 1}"] {
            assert_eq!(read(text), [], "{text}");
        }
        assert_eq!(read(r#"{"a":1,"b":"cut"#), [("a", "1", false)]);
        assert_eq!(read(r#"{"a":,"b":1 2}"#), [("a", "", false), ("b", "1 2", false)]);
    }

    #[test]
    fn strings_are_those_that_json_allows() {
        for text in [r#""""#, r#""a\n\"\\\/\b\f\r\t\u00e9""#, "\"\u{e9}\""] {
            assert!(is_string(text.as_bytes()), "{text}");
        }
        for text in
            ["", "a", "\"", "\"a", "\"a\"b\"", "\"\n\"", r#""\x41""#, r#""\u12""#, r#""\'""#]
        {
            assert!(!is_string(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn escaping_is_undone_by_unescaping_and_leaves_no_line_end() {
        let all: Vec<u8> = (0..=255).chain(0..=255).collect();
        for start in 0..256 {
            for length in [0, 1, 7, 31, 32, 33, 70] {
                let value = &all[start..start + length];
                let (mut text, mut back) = (Vec::new(), Vec::new());
                escape(value, &mut text);
                assert!(text.iter().all(|byte| *byte >= 0x20));
                unescape(&text, &mut back).expect("it was escaped here");
                assert_eq!(back, value);
            }
        }
        for text in ["\\x", "\\u00", "\\u0100", "\\b", "\\'", "\\"] {
            assert!(unescape(text.as_bytes(), &mut Vec::new()).is_none(), "{text}");
        }
    }
}
