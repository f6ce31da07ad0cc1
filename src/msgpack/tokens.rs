//! The msgpack tokenizer: where each value begins and ends.
//!
//! Nothing is copied, and no length is trusted: one that exceeds the bytes is an error, and a large
//! count allocates nothing. [`TokenReader`] reads tokens; [`ValueScanner`] finds the end of a value
//! whose bytes are still arriving.

use rmp::Marker;

use super::malformed::MalformedChunk;
use crate::text::span::Span;

/// Values that are nested deeper are withheld.
pub(crate) const MAX_DEPTH: usize = 96;

/// A token; the members of arrays and maps follow as tokens of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token {
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// `str`, or `bin`, which old writers use for text.
    String(StringKind, Span),
    /// Extension type and content.
    Ext(i8, Span),
    Array(usize),
    Map(usize),
}

/// The msgpack type of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StringKind {
    Str,
    Bin,
}

/// Reads tokens from the front of `bytes`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenReader<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) at: usize,
}

impl<'b> TokenReader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> TokenReader<'b> {
        TokenReader { bytes, at: 0 }
    }

    pub(crate) fn at(bytes: &'b [u8], at: usize) -> TokenReader<'b> {
        TokenReader { bytes, at }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], MalformedChunk> {
        let bytes = self.bytes.get(self.at..self.at + N).ok_or(MalformedChunk::TRUNCATED)?;
        self.at += N;
        Ok(bytes.try_into().expect("the range has that length"))
    }

    fn length<const N: usize>(&mut self) -> Result<usize, MalformedChunk> {
        self.take().map(|bytes: [u8; N]| number(&bytes))
    }

    fn int<const N: usize>(&mut self) -> Result<Token, MalformedChunk> {
        let bytes: [u8; N] = self.take()?;
        let first = if bytes[0] & 0x80 == 0 { 0 } else { -1 };
        Ok(Token::Int(bytes.iter().fold(first, |sum, byte| sum << 8 | i128::from(*byte))))
    }

    fn uint<const N: usize>(&mut self) -> Result<Token, MalformedChunk> {
        self.length::<N>().map(|value| Token::Int(value as i128))
    }

    fn span(&mut self, length: usize) -> Result<Span, MalformedChunk> {
        let end = self
            .at
            .checked_add(length)
            .filter(|end| *end <= self.bytes.len())
            .ok_or(MalformedChunk::TRUNCATED)?;
        let span = Span::new(self.at, end);
        self.at = end;
        Ok(span)
    }

    fn string_token(&mut self, kind: StringKind, length: usize) -> Result<Token, MalformedChunk> {
        Ok(Token::String(kind, self.span(length)?))
    }

    fn sized_string<const N: usize>(&mut self, kind: StringKind) -> Result<Token, MalformedChunk> {
        let length = self.length::<N>()?;
        self.string_token(kind, length)
    }

    fn sized_ext<const N: usize>(&mut self) -> Result<Token, MalformedChunk> {
        let length = self.length::<N>()?;
        self.ext(length)
    }

    fn ext(&mut self, length: usize) -> Result<Token, MalformedChunk> {
        let [kind] = self.take()?;
        Ok(Token::Ext(kind.cast_signed(), self.span(length)?))
    }

    /// The next token.
    #[inline]
    pub(crate) fn token(&mut self) -> Result<Token, MalformedChunk> {
        let [first] = self.take()?;
        match Marker::from_u8(first) {
            Marker::FixPos(value) => Ok(Token::Int(value.into())),
            Marker::FixNeg(value) => Ok(Token::Int(value.into())),
            Marker::FixMap(length) => Ok(Token::Map(length.into())),
            Marker::FixArray(length) => Ok(Token::Array(length.into())),
            Marker::FixStr(length) => self.string_token(StringKind::Str, length.into()),
            Marker::Null => Ok(Token::Nil),
            Marker::True => Ok(Token::Bool(true)),
            Marker::False => Ok(Token::Bool(false)),
            Marker::Bin8 => self.sized_string::<1>(StringKind::Bin),
            Marker::Bin16 => self.sized_string::<2>(StringKind::Bin),
            Marker::Bin32 => self.sized_string::<4>(StringKind::Bin),
            Marker::Str8 => self.sized_string::<1>(StringKind::Str),
            Marker::Str16 => self.sized_string::<2>(StringKind::Str),
            Marker::Str32 => self.sized_string::<4>(StringKind::Str),
            Marker::Ext8 => self.sized_ext::<1>(),
            Marker::Ext16 => self.sized_ext::<2>(),
            Marker::Ext32 => self.sized_ext::<4>(),
            Marker::FixExt1 => self.ext(1),
            Marker::FixExt2 => self.ext(2),
            Marker::FixExt4 => self.ext(4),
            Marker::FixExt8 => self.ext(8),
            Marker::FixExt16 => self.ext(16),
            Marker::F32 => Ok(Token::Float(f32::from_be_bytes(self.take()?).into())),
            Marker::F64 => Ok(Token::Float(f64::from_be_bytes(self.take()?))),
            Marker::U8 => self.uint::<1>(),
            Marker::U16 => self.uint::<2>(),
            Marker::U32 => self.uint::<4>(),
            Marker::U64 => self.uint::<8>(),
            Marker::I8 => self.int::<1>(),
            Marker::I16 => self.int::<2>(),
            Marker::I32 => self.int::<4>(),
            Marker::I64 => self.int::<8>(),
            Marker::Array16 => self.length::<2>().map(Token::Array),
            Marker::Array32 => self.length::<4>().map(Token::Array),
            Marker::Map16 => self.length::<2>().map(Token::Map),
            Marker::Map32 => self.length::<4>().map(Token::Map),
            Marker::Reserved => Err(MalformedChunk("byte c1, which msgpack does not use")),
        }
    }

    /// Skips one value with all its members.
    pub(crate) fn skip(&mut self) -> Result<(), MalformedChunk> {
        let mut scanner = ValueScanner { at: self.at, n_due: 1 };
        let is_whole = scanner.resume(self.bytes)?;
        self.at = scanner.at;
        if is_whole { Ok(()) } else { Err(MalformedChunk::TRUNCATED) }
    }

    /// Skips one value and returns its span.
    pub(crate) fn value(&mut self) -> Result<Span, MalformedChunk> {
        let start = self.at;
        self.skip()?;
        Ok(Span::new(start, self.at))
    }

    /// Reads the header of an array and returns the number of members.
    pub(crate) fn array(&mut self) -> Result<usize, MalformedChunk> {
        match self.token()? {
            Token::Array(length) => Ok(length),
            _ => Err(MalformedChunk("expected an array")),
        }
    }

    /// Reads a string and returns the span of its content.
    pub(crate) fn string(&mut self) -> Result<Span, MalformedChunk> {
        match self.token()? {
            Token::String(_, span) => Ok(span),
            _ => Err(MalformedChunk("expected a string")),
        }
    }
}

/// A big-endian number.
#[inline]
fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// Where the token at `at` ends, and how many values follow as its members; `None` if it is
/// truncated.
///
/// Every message is scanned with this once before anything else. It is a table of its own because
/// it does less than [`TokenReader::token`]; a test compares the two.
#[inline]
fn extent(bytes: &[u8], at: usize) -> Result<Option<(usize, u64)>, MalformedChunk> {
    let Some((first, rest)) = bytes.get(at..).and_then(<[u8]>::split_first) else {
        return Ok(None);
    };
    let extent = match first {
        0xa0..=0xbf => Some((usize::from(first & 0x1f), 0)),
        0..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Some((0, 0)),
        0x80..=0x8f => Some((0, 2 * u64::from(first & 0xf))),
        0x90..=0x9f => Some((0, u64::from(first & 0xf))),
        0xc4 | 0xd9 => content(rest, 1, 0),
        0xc5 | 0xda => content(rest, 2, 0),
        0xc6 | 0xdb => content(rest, 4, 0),
        0xc7 => content(rest, 1, 1),
        0xc8 => content(rest, 2, 1),
        0xc9 => content(rest, 4, 1),
        0xcc | 0xd0 => Some((1, 0)),
        0xcd | 0xd1 | 0xd4 => Some((2, 0)),
        0xd5 => Some((3, 0)),
        0xca | 0xce | 0xd2 => Some((4, 0)),
        0xd6 => Some((5, 0)),
        0xcb | 0xcf | 0xd3 => Some((8, 0)),
        0xd7 => Some((9, 0)),
        0xd8 => Some((17, 0)),
        0xdc => members(rest, 2, 1),
        0xdd => members(rest, 4, 1),
        0xde => members(rest, 2, 2),
        0xdf => members(rest, 4, 2),
        0xc1 => return Err(MalformedChunk("byte c1, which msgpack does not use")),
    };
    Ok(extent
        .filter(|(n_bytes, _)| *n_bytes <= rest.len())
        .map(|(n_bytes, n_members)| (at + 1 + n_bytes, n_members)))
}

/// The extent of a token that consists of a length of `n_bytes`, `n_more` bytes and as much content
/// as the length says.
#[inline]
fn content(rest: &[u8], n_bytes: usize, n_more: usize) -> Option<(usize, u64)> {
    rest.get(..n_bytes).map(|length| (n_bytes + n_more + number(length), 0))
}

/// The extent of the header of an array or map, whose count has `n_bytes`; each counted member
/// consists of `n_values` values.
#[inline]
fn members(rest: &[u8], n_bytes: usize, n_values: u64) -> Option<(usize, u64)> {
    rest.get(..n_bytes).map(|count| (n_bytes, n_values * number(count) as u64))
}

/// Finds the end of one value in bytes that are still arriving. It resumes where it stopped, so a
/// message that arrives in a thousand reads is scanned once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueScanner {
    /// Where the next token begins.
    pub(crate) at: usize,
    /// How many values are still to come.
    n_due: u64,
}

impl ValueScanner {
    pub(crate) fn new() -> ValueScanner {
        ValueScanner { at: 0, n_due: 1 }
    }

    /// Continues in `bytes`, which begin with the value. Whether the value ends there; if so, at
    /// `self.at`.
    pub(crate) fn resume(&mut self, bytes: &[u8]) -> Result<bool, MalformedChunk> {
        while self.n_due > 0 {
            let Some((end, n_members)) = extent(bytes, self.at)? else { return Ok(false) };
            self.at = end;
            self.n_due = (self.n_due - 1)
                .checked_add(n_members)
                .ok_or(MalformedChunk("too many members"))?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_read_and_skipped() {
        let cases: [(&[u8], Token); 16] = [
            (&[0xc0], Token::Nil),
            (&[0xc3], Token::Bool(true)),
            (&[0x7f], Token::Int(127)),
            (&[0xe0], Token::Int(-32)),
            (&[0xd0, 0x80], Token::Int(-128)),
            (&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Token::Int(u64::MAX.into())),
            (&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], Token::Int(i64::MIN.into())),
            (&[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], Token::Float(1.5)),
            (&[0xa2, b'h', b'i'], Token::String(StringKind::Str, Span::new(1, 3))),
            (&[0xd9, 1, b'h'], Token::String(StringKind::Str, Span::new(2, 3))),
            (&[0xc4, 1, b'h'], Token::String(StringKind::Bin, Span::new(2, 3))),
            (&[0xd7, 0, 1, 2, 3, 4, 5, 6, 7, 8], Token::Ext(0, Span::new(2, 10))),
            (&[0xc7, 1, 5, 9], Token::Ext(5, Span::new(3, 4))),
            (&[0x90], Token::Array(0)),
            (&[0xdd, 0, 0, 0, 0], Token::Array(0)),
            (&[0xdf, 0, 0, 0, 0], Token::Map(0)),
        ];
        for (bytes, token) in cases {
            let mut tokens = TokenReader::new(bytes);
            assert_eq!(tokens.token(), Ok(token), "{bytes:x?}");
            assert!(tokens.is_at_end(), "{bytes:x?}");
            let n_members = match token {
                Token::Array(length) => length as u64,
                Token::Map(length) => 2 * length as u64,
                _ => 0,
            };
            assert_eq!(extent(bytes, 0), Ok(Some((bytes.len(), n_members))), "{bytes:x?}");
            for end in 0..bytes.len() {
                assert_eq!(
                    TokenReader::new(&bytes[..end]).skip(),
                    Err(MalformedChunk::TRUNCATED),
                    "{bytes:x?} up to {end}"
                );
            }
        }
        assert!(
            TokenReader::new(&[0xc1]).skip().is_err_and(|error| error != MalformedChunk::TRUNCATED)
        );
    }

    #[test]
    fn scanner_and_reader_agree_on_extents() {
        for first in 0..=255 {
            let bytes = [&[first, 0, 0, 0, 3][..], &[7; 40]].concat();
            for length in 0..bytes.len() {
                let bytes = &bytes[..length];
                let mut tokens = TokenReader::new(bytes);
                let by_token = match tokens.token() {
                    Ok(Token::Array(length)) => Ok(Some((tokens.at, length as u64))),
                    Ok(Token::Map(length)) => Ok(Some((tokens.at, 2 * length as u64))),
                    Ok(_) => Ok(Some((tokens.at, 0))),
                    Err(MalformedChunk::TRUNCATED) => Ok(None),
                    Err(error) => Err(error),
                };
                assert_eq!(extent(bytes, 0), by_token, "{bytes:x?}");
            }
        }
    }

    #[test]
    fn the_end_is_found_at_every_split() {
        // [ "tag", [ [1, {"a": [nil, 2.0]}] ], {"chunk": "x"} ], and what follows.
        let mut bytes = vec![
            0x93, 0xa3, b't', b'a', b'g', 0x91, 0x92, 1, 0x81, 0xa1, b'a', 0x92, 0xc0, 0xca, 0x40,
            0, 0, 0,
        ];
        bytes.extend_from_slice(&[0x81, 0xa5, b'c', b'h', b'u', b'n', b'k', 0xa1, b'x']);
        let length = bytes.len();
        bytes.push(0xc0);
        for step in 1..=bytes.len() {
            let mut scanner = ValueScanner::new();
            let mut n_bytes = 0;
            while !scanner.resume(&bytes[..n_bytes]).expect("it is msgpack") {
                n_bytes = (n_bytes + step).min(bytes.len());
            }
            assert_eq!(scanner.at, length, "in steps of {step}");
        }
    }

    #[test]
    fn a_false_count_costs_nothing() {
        assert_eq!(
            TokenReader::new(&[0xdd, 0xff, 0xff, 0xff, 0xff]).skip(),
            Err(MalformedChunk::TRUNCATED)
        );
        assert_eq!(
            TokenReader::new(&[0xdb, 0xff, 0xff, 0xff, 0xff, 1]).skip(),
            Err(MalformedChunk::TRUNCATED)
        );
    }
}
