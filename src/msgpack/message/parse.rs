//! The structure of a message.

use super::compression::Compression;
use crate::{
    msgpack::{
        entry::{LogEntry, read_entry, read_time_and_metadata, visit_value},
        malformed::MalformedChunk,
        tokens::{StringKind, Token, TokenReader},
    },
    text::span::Span,
};

/// A message, as spans of its bytes.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) tag: Span,
    pub(super) body: Body,
    pub(super) options: Options,
}

#[derive(Debug)]
pub(super) enum Body {
    /// One entry, whose two or three values are members of the message.
    Message(LogEntry),
    Forward(EntryArray),
    Packed(PackedEntries),
}

/// An array of entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct EntryArray {
    /// The whole value.
    pub(super) value: Span,
    /// The start of the first entry.
    pub(super) start: usize,
    pub(super) n_entries: usize,
}

/// Entries in one string.
#[derive(Clone, Copy, Debug)]
pub(super) struct PackedEntries {
    /// The whole value.
    pub(super) value: Span,
    pub(super) kind: StringKind,
    pub(super) content: Span,
}

#[derive(Debug, Default)]
pub(super) struct Options {
    /// The chunk id that the sender wants acknowledged: a msgpack value.
    pub(super) chunk_id: Option<Span>,
    /// `size`, the number of entries: key and value.
    pub(super) size: Option<Span>,
    pub(super) compression: Option<Compression>,
    /// `compressed` and `fluent_signal`, which are kept: key and value.
    pub(super) kept: Vec<Span>,
    /// All other options: key and value.
    pub(super) others: Vec<Span>,
    /// 0 for logs; otherwise metrics, traces or other data.
    pub(super) signal: i128,
}

/// The values of a message that [`Message::parse`] shows to its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueRole {
    Tag,
    /// A record, or metadata.
    Entry,
}

impl Message {
    /// Parses a message. `visit` is called where the tag begins, and where records and metadata
    /// outside packed entries begin. It must move the reader behind them.
    pub(super) fn parse<'b>(
        bytes: &'b [u8],
        visit: &mut impl FnMut(&mut TokenReader<'b>, ValueRole) -> Result<(), MalformedChunk>,
    ) -> Result<Message, MalformedChunk> {
        let mut tokens = TokenReader::new(bytes);
        let n_members = tokens.array()?;
        let start = tokens;
        tokens.string()?;
        let tag = Span::new(start.at, tokens.at);
        tokens = start;
        visit(&mut tokens, ValueRole::Tag)?;
        let body = read_body(&mut tokens, &mut |tokens| visit(tokens, ValueRole::Entry))?;
        let n_read = if matches!(body, Body::Message(_)) { 3 } else { 2 };
        let options = match n_members.checked_sub(n_read) {
            Some(0) => Options::default(),
            Some(1) => Options::read(&mut tokens)?,
            _ => return Err(MalformedChunk("a message has too few or too many members")),
        };
        if !tokens.is_at_end() {
            return Err(MalformedChunk("bytes behind the message"));
        }
        Ok(Message { tag, body, options })
    }
}

fn read_body<'b>(
    tokens: &mut TokenReader<'b>,
    visit: &mut impl FnMut(&mut TokenReader<'b>) -> Result<(), MalformedChunk>,
) -> Result<Body, MalformedChunk> {
    let start = *tokens;
    match tokens.token()? {
        Token::String(kind, content) => {
            let value = Span::new(start.at, tokens.at);
            Ok(Body::Packed(PackedEntries { value, kind, content }))
        }
        Token::Array(n_entries) if n_entries == 0 || is_array_next(tokens) => {
            let first = tokens.at;
            for _ in 0..n_entries {
                read_entry(tokens, visit)?;
            }
            let value = Span::new(start.at, tokens.at);
            Ok(Body::Forward(EntryArray { value, start: first, n_entries }))
        }
        _ => {
            *tokens = start;
            let (time, metadata) = read_time_and_metadata(tokens, visit)?;
            let record = visit_value(tokens, visit)?;
            let span = Span::new(start.at, tokens.at);
            Ok(Body::Message(LogEntry { span, time, metadata, record }))
        }
    }
}

fn is_array_next(tokens: &TokenReader<'_>) -> bool {
    let mut ahead = *tokens;
    matches!(ahead.token(), Ok(Token::Array(_)))
}

impl Options {
    fn read(tokens: &mut TokenReader<'_>) -> Result<Options, MalformedChunk> {
        let n_pairs = match tokens.token()? {
            Token::Map(n_pairs) => n_pairs,
            Token::Nil => 0,
            _ => return Err(MalformedChunk("the options are not a map")),
        };
        let mut options = Options::default();
        for _ in 0..n_pairs {
            options.read_pair(tokens)?;
        }
        Ok(options)
    }

    fn read_pair(&mut self, tokens: &mut TokenReader<'_>) -> Result<(), MalformedChunk> {
        let start = tokens.at;
        let Token::String(_, key) = tokens.token()? else {
            return Err(MalformedChunk("the name of an option is not a string"));
        };
        let mut content = *tokens;
        let value = tokens.value()?;
        let pair = Span::new(start, value.end);
        match key.of(tokens.bytes) {
            b"chunk" => self.chunk_id = Some(value),
            b"size" => match content.token()? {
                Token::Int(_) => self.size = Some(pair),
                _ => return Err(MalformedChunk("the option size is not a number")),
            },
            b"compressed" => {
                self.compression = match content.string()?.of(tokens.bytes) {
                    b"gzip" => Some(Compression::Gzip),
                    b"zstd" => Some(Compression::Zstd),
                    b"text" => None,
                    _ => return Err(MalformedChunk("unknown compression")),
                };
                self.kept.push(pair);
            }
            b"fluent_signal" => match content.token()? {
                Token::Int(signal) => {
                    self.signal = signal;
                    self.kept.push(pair);
                }
                _ => return Err(MalformedChunk("the option fluent_signal is not a number")),
            },
            _ => self.others.push(pair),
        }
        Ok(())
    }
}

/// The chunk id, a msgpack value, of a message that could not be parsed, if it is recognizable.
pub(crate) fn find_chunk_id(bytes: &[u8]) -> Option<&[u8]> {
    let mut tokens = TokenReader::new(bytes);
    for _ in 1..tokens.array().ok()? {
        tokens.skip().ok()?;
    }
    let Ok(Token::Map(n_pairs)) = tokens.token() else { return None };
    for _ in 0..n_pairs {
        let is_chunk = tokens.string().ok()?.of(bytes) == b"chunk";
        let value = tokens.value().ok()?;
        if is_chunk {
            return Some(value.of(bytes));
        }
    }
    None
}
