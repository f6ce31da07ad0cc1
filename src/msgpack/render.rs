//! Renders a msgpack value as one line of JSON for the scan, so that a log is scrubbed alike
//! whether it arrives as JSON or as msgpack.
//!
//! Bytes that are not UTF-8 stay as they are. Values without text (nil, extension types, infinity,
//! NaN) become `null`. Each string has exactly one rendering, so equal strings are equal texts.

use super::{
    malformed::MalformedChunk,
    tokens::{MAX_DEPTH, Token, TokenReader},
};
use crate::text::json;

/// Appends values to `text`.
pub(super) struct Renderer<'b, 't> {
    pub(super) tokens: TokenReader<'b>,
    pub(super) text: &'t mut Vec<u8>,
}

impl Renderer<'_, '_> {
    /// Renders one value, at most [`MAX_DEPTH`] levels deep.
    pub(super) fn value(&mut self, depth: usize) -> Result<(), MalformedChunk> {
        if depth > MAX_DEPTH {
            return Err(MalformedChunk("a value is nested too deeply"));
        }
        match self.tokens.token()? {
            Token::Nil | Token::Ext(..) => self.text.extend_from_slice(b"null"),
            Token::Bool(true) => self.text.extend_from_slice(b"true"),
            Token::Bool(false) => self.text.extend_from_slice(b"false"),
            Token::Int(value) => integer(value, self.text),
            Token::Float(value) => float(value, self.text),
            Token::String(_, span) => string(span.of(self.tokens.bytes), self.text),
            Token::Array(length) => {
                self.members(*b"[]", length, |renderer| renderer.value(depth + 1))?;
            }
            Token::Map(length) => {
                self.members(*b"{}", length, |renderer| renderer.pair(depth + 1))?;
            }
        }
        Ok(())
    }

    /// Renders a key and its value. Keys that are not strings become strings.
    pub(super) fn pair(&mut self, depth: usize) -> Result<(), MalformedChunk> {
        let key = self.tokens.at;
        match self.tokens.token()? {
            Token::String(_, span) => string(span.of(self.tokens.bytes), self.text),
            Token::Array(_) | Token::Map(_) => {
                return Err(MalformedChunk("a key is an array or a map"));
            }
            _ => {
                self.tokens.at = key;
                self.text.push(b'"');
                self.value(depth)?;
                self.text.push(b'"');
            }
        }
        self.text.push(b':');
        self.value(depth)
    }

    fn members(
        &mut self,
        [open, close]: [u8; 2],
        n_members: usize,
        member: impl Fn(&mut Self) -> Result<(), MalformedChunk>,
    ) -> Result<(), MalformedChunk> {
        self.text.push(open);
        for index in 0..n_members {
            if index > 0 {
                self.text.push(b',');
            }
            member(self)?;
        }
        self.text.push(close);
        Ok(())
    }
}

fn integer(value: i128, text: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut rest = value.unsigned_abs();
    let mut at = digits.len();
    while rest > 0 || at == digits.len() {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if value < 0 {
        text.push(b'-');
    }
    text.extend_from_slice(&digits[at..]);
}

/// Appends a float. JSON has no infinity and no NaN.
fn float(value: f64, text: &mut Vec<u8>) {
    use std::io::Write as _;
    if value.is_finite() {
        write!(text, "{value:?}").expect("writing to a Vec cannot fail");
    } else {
        text.extend_from_slice(b"null");
    }
}

/// Appends a quoted JSON string.
pub(super) fn string(value: &[u8], text: &mut Vec<u8>) {
    text.push(b'"');
    json::escape(value, text);
    text.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(bytes: &[u8]) -> Result<String, MalformedChunk> {
        let mut text = Vec::new();
        Renderer { tokens: TokenReader::new(bytes), text: &mut text }.value(0)?;
        Ok(String::from_utf8(text).expect("these are text"))
    }

    #[test]
    fn a_value_becomes_json() {
        assert_eq!(
            rendered(&[0x82, 0xa1, b'a', 0x93, 1, 0xc0, 0xc2, 3, 0xa1, b'"']).as_deref(),
            Ok(r#"{"a":[1,null,false],"3":"\""}"#)
        );
        assert_eq!(
            rendered(&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]).as_deref(),
            Ok("-9223372036854775808")
        );
        assert_eq!(rendered(&[0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0]).as_deref(), Ok("null"));
        assert_eq!(rendered(&[0xd4, 1, 1]).as_deref(), Ok("null"));
        assert_eq!(rendered(&[0xca, 0x3f, 0x80, 0, 0]).as_deref(), Ok("1.0"));
    }

    #[test]
    fn values_without_json_form_are_refused() {
        assert!(rendered(&[0x81, 0x80, 1]).is_err());
        assert!(rendered(&[0x91; MAX_DEPTH + 2]).is_err());
    }
}
