//! Renders a msgpack value as one line of JSON for the scan, so that a log is scrubbed alike whether
//! it arrives as JSON or as msgpack.
//!
//! Bytes that are not UTF-8 stay as they are. Values without text (nil, extension types, infinity,
//! NaN) become `null`. Each string has exactly one rendering, so equal strings are equal texts.

use super::{
    malformed::MalformedChunk,
    tokens::{MAX_DEPTH, Token, TokenReader},
};

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
    escape(value, text);
    text.push(b'"');
}

#[inline]
fn is_plain(block: &[u8; 32]) -> bool {
    !block.iter().fold(false, |any, byte| any | needs_escape(*byte))
}

#[inline]
fn needs_escape(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Sets the highest bit of each of eight bytes that needs an escape.
#[inline]
fn escape_mask(word: u64) -> u64 {
    zero_bytes(word & repeat(0xe0))
        | zero_bytes(word ^ repeat(b'"'))
        | zero_bytes(word ^ repeat(b'\\'))
}

#[inline]
fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Sets the highest bit of each byte that is zero. No carry crosses a byte, so the result is exact.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    !(((word & LOW) + LOW) | word | LOW)
}

/// Appends the content of a JSON string, without quotes.
///
/// Almost no string of a log needs an escape. Blocks of 32 bytes are therefore checked first, by
/// vector instructions, and only blocks with an escape are looked at word by word.
pub(super) fn escape(value: &[u8], text: &mut Vec<u8>) {
    let mut done = 0;
    for (index, block) in value.chunks(32).enumerate() {
        if block.first_chunk().is_some_and(is_plain) {
            continue;
        }
        for (part, bytes) in block.chunks(8).enumerate() {
            let mut word = [b' '; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            let mut mask = escape_mask(u64::from_le_bytes(word));
            while mask != 0 {
                let at = index * 32 + part * 8 + mask.trailing_zeros() as usize / 8;
                text.extend_from_slice(&value[done..at]);
                escape_byte(value[at], text);
                done = at + 1;
                mask &= mask - 1;
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

/// Reverses [`escape`]; `None` if `text` contains an escape that it never writes.
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
