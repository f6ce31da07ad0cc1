//! A msgpack value as one line of JSON, which is what is scanned: so a log is judged alike whether
//! it comes as JSON or as msgpack, by its keys too. Bytes that are no UTF-8 stay what they are;
//! what has no text (nil, extension types) is `null`.

use super::{
    Malformed,
    tokens::{MAX_DEPTH, Token, Walk},
};

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
    escape(value, text);
    text.push(b'"');
}

#[inline]
fn needs_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// The highest bit of each of eight bytes that needs an escape.
#[inline]
fn marks(word: u64) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    let each = |byte: u8| u64::from_le_bytes([byte; 8]);
    // No carry leaves its byte, so each is told by itself.
    let is_zero = |word: u64| !(((word & LOW) + LOW) | word | LOW);
    is_zero(word & each(0xe0)) | is_zero(word ^ each(b'"')) | is_zero(word ^ each(b'\\'))
}

/// Appends what stands between the quotes of a JSON string. Each byte has one form, so that equal
/// strings are equal texts.
pub(super) fn escape(value: &[u8], text: &mut Vec<u8>) {
    let mut done = 0;
    for (index, block) in value.chunks(32).enumerate() {
        // Thirty-two at a time are told by vector instructions; nearly all of a log needs no
        // escape.
        let is_plain =
            |block: &[u8; 32]| !block.iter().fold(false, |any, byte| any | needs_escape(*byte));
        if block.first_chunk().is_some_and(is_plain) {
            continue;
        }
        for (part, bytes) in block.chunks(8).enumerate() {
            let mut word = [b' '; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            let mut marks = marks(u64::from_le_bytes(word));
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

fn escape_byte(byte: u8, text: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' | b'\\' => text.extend_from_slice(&[b'\\', byte]),
        b'\n' => text.extend_from_slice(b"\\n"),
        b'\r' => text.extend_from_slice(b"\\r"),
        b'\t' => text.extend_from_slice(b"\\t"),
        0..0x20 => {
            text.extend_from_slice(b"\\u00");
            text.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
        _ => text.push(byte),
    }
}

/// What [`escape`] was given; `None` when `text` is nothing that it writes.
pub(super) fn unescape(text: &[u8], value: &mut Vec<u8>) -> Option<()> {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        value.extend_from_slice(&rest[..at]);
        let (byte, length) = match rest.get(at + 1)? {
            byte @ (b'"' | b'\\' | b'/') => (*byte, 2),
            b'n' => (b'\n', 2),
            b'r' => (b'\r', 2),
            b't' => (b'\t', 2),
            b'u' => {
                let digits = std::str::from_utf8(rest.get(at + 2..at + 6)?).ok()?;
                (u8::from_str_radix(digits, 16).ok()?, 6)
            }
            _ => return None,
        };
        value.push(byte);
        rest = &rest[at + length..];
    }
    value.extend_from_slice(rest);
    Some(())
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
        assert!(unescape(b"\\x", &mut Vec::new()).is_none());
        assert!(unescape(b"\\u00", &mut Vec::new()).is_none());
    }
}
