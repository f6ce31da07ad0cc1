//! A msgpack value as one line of JSON, which is what is scanned: so a log is judged alike whether
//! it comes as JSON or as msgpack, by its keys too. Bytes that are no UTF-8 stay what they are;
//! what has no text (nil, extension types) is `null`.

use super::{
    Malformed,
    tokens::{MAX_DEPTH, Token, Walk},
};
use crate::text::json;

/// Appends values to `text`.
pub(super) struct Render<'b, 't> {
    pub(super) walk: Walk<'b>,
    pub(super) text: &'t mut Vec<u8>,
}

impl Render<'_, '_> {
    /// One value.
    pub(super) fn value(&mut self, depth: usize) -> Result<(), Malformed> {
        if depth > MAX_DEPTH {
            return Err(Malformed("a value that is nested too deeply"));
        }
        match self.walk.token()? {
            Token::Nil | Token::Ext(..) => self.text.extend_from_slice(b"null"),
            Token::Bool(true) => self.text.extend_from_slice(b"true"),
            Token::Bool(false) => self.text.extend_from_slice(b"false"),
            Token::Int(value) => integer(value, self.text),
            Token::Float(value) => float(value, self.text),
            Token::Text(_, span) => string(span.of(self.walk.bytes), self.text),
            Token::Array(length) => {
                self.members(b'[', b']', length, |render| render.value(depth + 1))?;
            }
            Token::Map(length) => {
                self.members(b'{', b'}', length, |render| render.pair(depth + 1))?;
            }
        }
        Ok(())
    }

    /// A key and its value.
    pub(super) fn pair(&mut self, depth: usize) -> Result<(), Malformed> {
        let key = self.walk.at;
        match self.walk.token()? {
            Token::Text(_, span) => string(span.of(self.walk.bytes), self.text),
            Token::Array(_) | Token::Map(_) => return Err(Malformed("a key that is no scalar")),
            _ => {
                self.walk.at = key;
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
        open: u8,
        close: u8,
        n_members: usize,
        mut member: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
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

/// JSON has no infinity and no NaN: they tell nothing.
fn float(value: f64, text: &mut Vec<u8>) {
    use std::io::Write as _;
    if value.is_finite() {
        write!(text, "{value:?}").expect("a vector takes everything");
    } else {
        text.extend_from_slice(b"null");
    }
}

/// Appends a JSON string.
pub(super) fn string(value: &[u8], text: &mut Vec<u8>) {
    text.push(b'"');
    json::escape(value, text);
    text.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(bytes: &[u8]) -> Result<String, Malformed> {
        let mut text = Vec::new();
        Render { walk: Walk::new(bytes), text: &mut text }.value(0)?;
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
    fn what_json_cannot_hold_is_refused() {
        assert!(rendered(&[0x81, 0x80, 1]).is_err());
        assert!(rendered(&[0x91; MAX_DEPTH + 2]).is_err());
    }
}
