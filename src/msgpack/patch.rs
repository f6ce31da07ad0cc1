//! The way back: the scrubbed line of JSON beside the msgpack value that it was made from, member
//! by member.
//!
//! What the line left as it was is copied with the bytes that it had; a string that changed is
//! written anew; a number or boolean in whose place a string stands becomes a string. A line that
//! is no longer the same structure is an error, and the record is withheld.

use super::{
    render,
    tokens::{Text, Token, Walk},
};
use crate::text::json;

/// The line does not mirror the value.
#[derive(Debug)]
pub(super) struct Broken;

pub(super) struct Mirror<'b, 'o> {
    pub(super) walk: Walk<'b>,
    pub(super) line: &'b [u8],
    pub(super) at: usize,
    pub(super) out: &'o mut Vec<u8>,
    /// Memory for one string.
    pub(super) value: Vec<u8>,
}

impl<'b> Mirror<'b, '_> {
    /// One value.
    pub(super) fn value(&mut self) -> Result<(), Broken> {
        let start = self.walk.at;
        let token = self.walk.token().map_err(|_| Broken)?;
        match token {
            Token::Array(length) => self.members(start, b'[', b']', length, Mirror::value),
            Token::Map(length) => self.members(start, b'{', b'}', length, Mirror::pair),
            Token::Text(kind, span) => {
                self.string()?;
                let is_same = self.value == span.of(self.walk.bytes);
                self.keep_or_write(start, is_same, kind)
            }
            _ if self.line.get(self.at) == Some(&b'"') => {
                self.string()?;
                self.keep_or_write(start, false, Text::Str)
            }
            _ => {
                self.scalar()?;
                self.keep_or_write(start, true, Text::Str)
            }
        }
    }

    /// A key and its value.
    pub(super) fn pair(&mut self) -> Result<(), Broken> {
        let start = self.walk.at;
        let token = self.walk.token().map_err(|_| Broken)?;
        self.string()?;
        match token {
            Token::Text(kind, span) => {
                let is_same = self.value == span.of(self.walk.bytes);
                self.keep_or_write(start, is_same, kind)?;
            }
            Token::Array(_) | Token::Map(_) => return Err(Broken),
            _ => {
                let mut text = Vec::new();
                let key = Walk::at(self.walk.bytes, start);
                render::Render { walk: key, text: &mut text }.value(0).map_err(|_| Broken)?;
                self.keep_or_write(start, self.value == text, Text::Str)?;
            }
        }
        self.expect(b':')?;
        self.value()
    }

    fn members(
        &mut self,
        start: usize,
        open: u8,
        close: u8,
        n_members: usize,
        mut member: impl FnMut(&mut Self) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        self.out.extend_from_slice(&self.walk.bytes[start..self.walk.at]);
        self.expect(open)?;
        for index in 0..n_members {
            if index > 0 {
                self.expect(b',')?;
            }
            member(self)?;
        }
        self.expect(close)
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Broken> {
        if self.line.get(self.at) != Some(&byte) {
            return Err(Broken);
        }
        self.at += 1;
        Ok(())
    }

    /// Reads the string at this place into `value`.
    fn string(&mut self) -> Result<(), Broken> {
        self.expect(b'"')?;
        let end = json::string_end(self.line, self.at).ok_or(Broken)?;
        self.value.clear();
        json::unescape(&self.line[self.at..end], &mut self.value).ok_or(Broken)?;
        self.at = end + 1;
        Ok(())
    }

    /// Skips a number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Result<(), Broken> {
        let token = json::Tokens::new(self.line, self.at).next().ok_or(Broken)?;
        if token.kind != json::Kind::Word || token.span.start != self.at {
            return Err(Broken);
        }
        self.at = token.span.end;
        Ok(())
    }

    fn keep_or_write(&mut self, start: usize, is_same: bool, kind: Text) -> Result<(), Broken> {
        if is_same {
            self.out.extend_from_slice(&self.walk.bytes[start..self.walk.at]);
            return Ok(());
        }
        write_text(kind, &self.value, self.out).ok_or(Broken)
    }
}

/// Appends a text as msgpack; `None` when it is too long for that.
pub(crate) fn write_text(kind: Text, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let length = u32::try_from(value.len()).ok()?;
    let written = match kind {
        Text::Str => rmp::encode::write_str_len(out, length),
        Text::Bin => rmp::encode::write_bin_len(out, length),
    };
    written.ok()?;
    out.extend_from_slice(value);
    Some(())
}
