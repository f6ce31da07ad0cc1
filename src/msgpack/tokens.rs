//! The msgpack walk: where each value begins and ends. Nothing is copied and nothing is believed: a
//! length that reaches behind the end of the bytes is an error, and a count that is larger than the
//! bytes behind it costs nothing.

use rmp::Marker;

use super::Malformed;
use crate::text::span::Span;

/// Values nested deeper than this are no log.
pub(crate) const MAX_DEPTH: usize = 96;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token {
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// Text: `str`, or `bin`, which old writers use for it.
    Text(Text, Span),
    /// The type, and the bytes.
    Ext(i8, Span),
    Array(usize),
    Map(usize),
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Str,
    Bin,
}

/// Reads tokens from the front of `bytes`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) at: usize,
}

impl<'b> Walk<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Walk<'b> {
        Walk { bytes, at: 0 }
    }

    pub(crate) fn at(bytes: &'b [u8], at: usize) -> Walk<'b> {
        Walk { bytes, at }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.bytes.get(self.at..self.at + N).ok_or(Malformed::TRUNCATED)?;
        self.at += N;
        Ok(bytes.try_into().expect("the range has that length"))
    }

    fn length<const N: usize>(&mut self) -> Result<usize, Malformed> {
        self.take().map(|bytes: [u8; N]| number(&bytes))
    }

    fn int<const N: usize>(&mut self) -> Result<Token, Malformed> {
        let bytes: [u8; N] = self.take()?;
        let first = if bytes[0] & 0x80 == 0 { 0 } else { -1 };
        Ok(Token::Int(bytes.iter().fold(first, |sum, byte| sum << 8 | i128::from(*byte))))
    }

    fn uint<const N: usize>(&mut self) -> Result<Token, Malformed> {
        self.length::<N>().map(|value| Token::Int(value as i128))
    }

    fn span(&mut self, length: usize) -> Result<Span, Malformed> {
        let end = self
            .at
            .checked_add(length)
            .filter(|end| *end <= self.bytes.len())
            .ok_or(Malformed::TRUNCATED)?;
        let span = Span::new(self.at, end);
        self.at = end;
        Ok(span)
    }

    fn text(&mut self, text: Text, length: usize) -> Result<Token, Malformed> {
        Ok(Token::Text(text, self.span(length)?))
    }

    fn ext(&mut self, length: usize) -> Result<Token, Malformed> {
        let [kind] = self.take()?;
        Ok(Token::Ext(kind.cast_signed(), self.span(length)?))
    }

    /// The next token; of an array or a map that is its head, and its members follow.
    #[inline]
    pub(crate) fn token(&mut self) -> Result<Token, Malformed> {
        let [first] = self.take()?;
        match Marker::from_u8(first) {
            Marker::FixPos(value) => Ok(Token::Int(value.into())),
            Marker::FixNeg(value) => Ok(Token::Int(value.into())),
            Marker::FixMap(length) => Ok(Token::Map(length.into())),
            Marker::FixArray(length) => Ok(Token::Array(length.into())),
            Marker::FixStr(length) => self.text(Text::Str, length.into()),
            Marker::Null => Ok(Token::Nil),
            Marker::True => Ok(Token::Bool(true)),
            Marker::False => Ok(Token::Bool(false)),
            Marker::Bin8 => self.length::<1>().and_then(|length| self.text(Text::Bin, length)),
            Marker::Bin16 => self.length::<2>().and_then(|length| self.text(Text::Bin, length)),
            Marker::Bin32 => self.length::<4>().and_then(|length| self.text(Text::Bin, length)),
            Marker::Str8 => self.length::<1>().and_then(|length| self.text(Text::Str, length)),
            Marker::Str16 => self.length::<2>().and_then(|length| self.text(Text::Str, length)),
            Marker::Str32 => self.length::<4>().and_then(|length| self.text(Text::Str, length)),
            Marker::Ext8 => self.length::<1>().and_then(|length| self.ext(length)),
            Marker::Ext16 => self.length::<2>().and_then(|length| self.ext(length)),
            Marker::Ext32 => self.length::<4>().and_then(|length| self.ext(length)),
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
            Marker::Reserved => Err(Malformed("the byte c1, which msgpack does not use")),
        }
    }

    /// Passes over one value, whatever it holds.
    pub(crate) fn skip(&mut self) -> Result<(), Malformed> {
        let mut skip = Skip { at: self.at, due: 1 };
        let is_whole = skip.go_on(self.bytes)?;
        self.at = skip.at;
        if is_whole { Ok(()) } else { Err(Malformed::TRUNCATED) }
    }

    /// Passes over one value and answers where it stands.
    #[cfg(feature = "forward")]
    pub(crate) fn value(&mut self) -> Result<Span, Malformed> {
        let start = self.at;
        self.skip()?;
        Ok(Span::new(start, self.at))
    }

    /// The head of an array.
    pub(crate) fn array(&mut self) -> Result<usize, Malformed> {
        match self.token()? {
            Token::Array(length) => Ok(length),
            _ => Err(Malformed("something else where an array belongs")),
        }
    }

    /// A text.
    #[cfg(feature = "forward")]
    pub(crate) fn string(&mut self) -> Result<Span, Malformed> {
        match self.token()? {
            Token::Text(_, span) => Ok(span),
            _ => Err(Malformed("something else where a text belongs")),
        }
    }
}

/// What a length's bytes say.
#[inline]
fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// Where the token at `at` ends, and how many values follow as its members; `None` when it is cut.
/// It is all that a walk needs which looks at nothing, and a message is walked so once before
/// anything else.
#[inline]
fn extent(bytes: &[u8], at: usize) -> Result<Option<(usize, u64)>, Malformed> {
    let Some((first, rest)) = bytes.get(at..).and_then(<[u8]>::split_first) else {
        return Ok(None);
    };
    // How many bytes tell a length, and what stands behind them in any case.
    let length = |n_bytes: usize| rest.get(..n_bytes).map(number);
    let text =
        |n_bytes: usize, more: usize| length(n_bytes).map(|length| (n_bytes + more + length, 0));
    let members =
        |n_bytes: usize, each: u64| length(n_bytes).map(|length| (n_bytes, each * length as u64));
    let extent = match first {
        0xa0..=0xbf => Some((usize::from(first & 0x1f), 0)),
        0..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => Some((0, 0)),
        0x80..=0x8f => Some((0, 2 * u64::from(first & 0xf))),
        0x90..=0x9f => Some((0, u64::from(first & 0xf))),
        0xc4 | 0xd9 => text(1, 0),
        0xc5 | 0xda => text(2, 0),
        0xc6 | 0xdb => text(4, 0),
        0xc7 => text(1, 1),
        0xc8 => text(2, 1),
        0xc9 => text(4, 1),
        0xcc | 0xd0 => Some((1, 0)),
        0xcd | 0xd1 | 0xd4 => Some((2, 0)),
        0xd5 => Some((3, 0)),
        0xca | 0xce | 0xd2 => Some((4, 0)),
        0xd6 => Some((5, 0)),
        0xcb | 0xcf | 0xd3 => Some((8, 0)),
        0xd7 => Some((9, 0)),
        0xd8 => Some((17, 0)),
        0xdc => members(2, 1),
        0xdd => members(4, 1),
        0xde => members(2, 2),
        0xdf => members(4, 2),
        0xc1 => return Err(Malformed("the byte c1, which msgpack does not use")),
    };
    Ok(extent
        .filter(|(n_bytes, _)| *n_bytes <= rest.len())
        .map(|(n_bytes, n_members)| (at + 1 + n_bytes, n_members)))
}

/// Looks for the end of one value in bytes that are still coming, and begins where it stopped: a
/// message that arrives in a thousand reads is walked once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Skip {
    /// Where the next token begins.
    pub(crate) at: usize,
    /// Values that are still to come.
    pub(crate) due: u64,
}

impl Skip {
    #[cfg(any(test, feature = "forward"))]
    pub(crate) fn new() -> Skip {
        Skip { at: 0, due: 1 }
    }

    /// Whether the value ends within `bytes`; then it does so at `at`.
    pub(crate) fn go_on(&mut self, bytes: &[u8]) -> Result<bool, Malformed> {
        while self.due > 0 {
            let Some((end, n_members)) = extent(bytes, self.at)? else { return Ok(false) };
            self.at = end;
            self.due = (self.due - 1)
                .checked_add(n_members)
                .ok_or(Malformed("more members than can be counted"))?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_told_and_passed_over() {
        let cases: [(&[u8], Token); 16] = [
            (&[0xc0], Token::Nil),
            (&[0xc3], Token::Bool(true)),
            (&[0x7f], Token::Int(127)),
            (&[0xe0], Token::Int(-32)),
            (&[0xd0, 0x80], Token::Int(-128)),
            (&[0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Token::Int(u64::MAX.into())),
            (&[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0], Token::Int(i64::MIN.into())),
            (&[0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], Token::Float(1.5)),
            (&[0xa2, b'h', b'i'], Token::Text(Text::Str, Span::new(1, 3))),
            (&[0xd9, 1, b'h'], Token::Text(Text::Str, Span::new(2, 3))),
            (&[0xc4, 1, b'h'], Token::Text(Text::Bin, Span::new(2, 3))),
            (&[0xd7, 0, 1, 2, 3, 4, 5, 6, 7, 8], Token::Ext(0, Span::new(2, 10))),
            (&[0xc7, 1, 5, 9], Token::Ext(5, Span::new(3, 4))),
            (&[0x90], Token::Array(0)),
            (&[0xdd, 0, 0, 0, 0], Token::Array(0)),
            (&[0xdf, 0, 0, 0, 0], Token::Map(0)),
        ];
        for (bytes, token) in cases {
            let mut walk = Walk::new(bytes);
            assert_eq!(walk.token(), Ok(token), "{bytes:x?}");
            assert!(walk.is_at_end(), "{bytes:x?}");
            let n_members = match token {
                Token::Array(length) => length as u64,
                Token::Map(length) => 2 * length as u64,
                _ => 0,
            };
            assert_eq!(extent(bytes, 0), Ok(Some((bytes.len(), n_members))), "{bytes:x?}");
            for end in 0..bytes.len() {
                assert_eq!(
                    Walk::new(&bytes[..end]).skip(),
                    Err(Malformed::TRUNCATED),
                    "{bytes:x?} up to {end}"
                );
            }
        }
        assert!(Walk::new(&[0xc1]).skip().is_err_and(|error| error != Malformed::TRUNCATED));
    }

    #[test]
    fn both_walks_see_the_same_extents() {
        for first in 0..=255 {
            let bytes = [&[first, 0, 0, 0, 3][..], &[7; 40]].concat();
            for length in 0..bytes.len() {
                let bytes = &bytes[..length];
                let mut walk = Walk::new(bytes);
                let by_token = match walk.token() {
                    Ok(Token::Array(length)) => Ok(Some((walk.at, length as u64))),
                    Ok(Token::Map(length)) => Ok(Some((walk.at, 2 * length as u64))),
                    Ok(_) => Ok(Some((walk.at, 0))),
                    Err(Malformed::TRUNCATED) => Ok(None),
                    Err(error) => Err(error),
                };
                assert_eq!(extent(bytes, 0), by_token, "{bytes:x?}");
            }
        }
    }

    #[test]
    fn the_end_is_found_however_the_bytes_come() {
        // [ "tag", [ [1, {"a": [nil, 2.0]}] ], {"chunk": "x"} ], and what follows.
        let mut bytes = vec![
            0x93, 0xa3, b't', b'a', b'g', 0x91, 0x92, 1, 0x81, 0xa1, b'a', 0x92, 0xc0, 0xca, 0x40,
            0, 0, 0,
        ];
        bytes.extend_from_slice(&[0x81, 0xa5, b'c', b'h', b'u', b'n', b'k', 0xa1, b'x']);
        let length = bytes.len();
        bytes.push(0xc0);
        for step in 1..=bytes.len() {
            let mut skip = Skip::new();
            let mut n_bytes = 0;
            while !skip.go_on(&bytes[..n_bytes]).expect("it is msgpack") {
                n_bytes = (n_bytes + step).min(bytes.len());
            }
            assert_eq!(skip.at, length, "in steps of {step}");
        }
    }

    #[test]
    fn a_count_that_lies_costs_nothing() {
        assert_eq!(Walk::new(&[0xdd, 0xff, 0xff, 0xff, 0xff]).skip(), Err(Malformed::TRUNCATED));
        assert_eq!(Walk::new(&[0xdb, 0xff, 0xff, 0xff, 0xff, 1]).skip(), Err(Malformed::TRUNCATED));
    }
}
