//! Carries the changes of a scrubbed JSON line back into the msgpack value that it was rendered
//! from.
//!
//! Line and value are read side by side. Unchanged members keep their bytes, a changed string is
//! encoded again, and a number or boolean that was replaced by a string becomes a string. If the
//! line no longer has the structure of the value, patching fails and the record is withheld.

use super::{
    encode::write_string,
    render::Renderer,
    tokens::{StringKind, Token, TokenReader},
};
use crate::text::{json, span::Span};

/// The line does not have the structure of the value.
#[derive(Debug)]
pub(super) struct PatchError;

/// Reads a value and its line, and appends the patched value to `out`.
pub(super) struct Patcher<'b, 'o> {
    tokens: TokenReader<'b>,
    line: &'b [u8],
    /// The position in `line`.
    at: usize,
    out: &'o mut Vec<u8>,
    /// The last string of the line, without its escapes.
    string: Vec<u8>,
}

impl<'b> Patcher<'b, '_> {
    pub(super) fn new<'o>(
        tokens: TokenReader<'b>,
        line: &'b [u8],
        out: &'o mut Vec<u8>,
    ) -> Patcher<'b, 'o> {
        Patcher { tokens, line, at: 0, out, string: Vec::new() }
    }

    /// Whether the line was read to its end, and the value up to `end`.
    pub(super) fn is_done(&self, end: usize) -> bool {
        self.at == self.line.len() && self.tokens.at == end
    }

    /// Patches one value.
    pub(super) fn value(&mut self) -> Result<(), PatchError> {
        let start = self.tokens.at;
        let token = self.tokens.token().map_err(|_| PatchError)?;
        match token {
            Token::Array(length) => self.members(start, *b"[]", length, Patcher::value),
            Token::Map(length) => self.members(start, *b"{}", length, Patcher::pair),
            Token::String(kind, span) => {
                self.read_string()?;
                self.keep_or_write(start, kind, span)
            }
            _ if self.line.get(self.at) == Some(&b'"') => {
                self.read_string()?;
                self.write(StringKind::Str)
            }
            _ => {
                self.skip_scalar()?;
                self.keep(start);
                Ok(())
            }
        }
    }

    /// Patches a key and its value.
    pub(super) fn pair(&mut self) -> Result<(), PatchError> {
        let start = self.tokens.at;
        let token = self.tokens.token().map_err(|_| PatchError)?;
        self.read_string()?;
        match token {
            Token::String(kind, span) => self.keep_or_write(start, kind, span)?,
            Token::Array(_) | Token::Map(_) => return Err(PatchError),
            _ => {
                let mut text = Vec::new();
                let tokens = TokenReader::at(self.tokens.bytes, start);
                Renderer { tokens, text: &mut text }.value(0).map_err(|_| PatchError)?;
                if self.string == text {
                    self.keep(start);
                } else {
                    self.write(StringKind::Str)?;
                }
            }
        }
        self.expect(b':')?;
        self.value()
    }

    /// Patches the members of an array or map. Its header, which begins at `start`, keeps its
    /// bytes.
    fn members(
        &mut self,
        start: usize,
        [open, close]: [u8; 2],
        n_members: usize,
        member: impl Fn(&mut Self) -> Result<(), PatchError>,
    ) -> Result<(), PatchError> {
        self.keep(start);
        self.expect(open)?;
        for index in 0..n_members {
            if index > 0 {
                self.expect(b',')?;
            }
            member(self)?;
        }
        self.expect(close)
    }

    fn expect(&mut self, byte: u8) -> Result<(), PatchError> {
        if self.line.get(self.at) != Some(&byte) {
            return Err(PatchError);
        }
        self.at += 1;
        Ok(())
    }

    /// Reads the next string of the line and unescapes it into `self.string`.
    fn read_string(&mut self) -> Result<(), PatchError> {
        self.expect(b'"')?;
        let end = json::string_end(self.line, self.at).ok_or(PatchError)?;
        self.string.clear();
        json::unescape(&self.line[self.at..end], &mut self.string).ok_or(PatchError)?;
        self.at = end + 1;
        Ok(())
    }

    /// Skips a number, `true`, `false` or `null` of the line.
    fn skip_scalar(&mut self) -> Result<(), PatchError> {
        let token = json::Tokens::new(self.line, self.at).next().ok_or(PatchError)?;
        if token.kind != json::Kind::Word || token.span.start != self.at {
            return Err(PatchError);
        }
        self.at = token.span.end;
        Ok(())
    }

    /// Copies the bytes of the value from `start` on.
    fn keep(&mut self, start: usize) {
        self.out.extend_from_slice(&self.tokens.bytes[start..self.tokens.at]);
    }

    fn write(&mut self, kind: StringKind) -> Result<(), PatchError> {
        write_string(kind, &self.string, self.out).ok_or(PatchError)
    }

    /// Keeps the string that starts at `start` if its content, `span`, is unchanged.
    fn keep_or_write(
        &mut self,
        start: usize,
        kind: StringKind,
        span: Span,
    ) -> Result<(), PatchError> {
        if self.string != span.of(self.tokens.bytes) {
            return self.write(kind);
        }
        self.keep(start);
        Ok(())
    }
}
