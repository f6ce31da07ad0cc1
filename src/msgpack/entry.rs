//! Log entries of a chunk: `[time, record]` or `[[time, metadata], record]`.

use super::{
    malformed::MalformedChunk,
    tokens::{Token, TokenReader},
};
use crate::text::span::Span;

/// A log entry, as spans of its chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogEntry {
    pub(crate) span: Span,
    pub(crate) time: Span,
    pub(crate) metadata: Option<Span>,
    pub(crate) record: Span,
}

/// Reads an entry. `visit` is called where metadata and the record begin, and must move the reader
/// behind them.
pub(super) fn read_entry<'b>(
    tokens: &mut TokenReader<'b>,
    visit: &mut impl FnMut(&mut TokenReader<'b>) -> Result<(), MalformedChunk>,
) -> Result<LogEntry, MalformedChunk> {
    let start = tokens.at;
    if tokens.array()? != 2 {
        return Err(MalformedChunk("an entry is not a pair of time and record"));
    }
    let (time, metadata) = read_time_and_metadata(tokens, visit)?;
    let record = visit_value(tokens, visit)?;
    Ok(LogEntry { span: Span::new(start, tokens.at), time, metadata, record })
}

/// Reads a time, or a pair of time and metadata.
pub(super) fn read_time_and_metadata<'b>(
    tokens: &mut TokenReader<'b>,
    visit: &mut impl FnMut(&mut TokenReader<'b>) -> Result<(), MalformedChunk>,
) -> Result<(Span, Option<Span>), MalformedChunk> {
    let start = *tokens;
    if tokens.token()? == Token::Array(2) {
        let time = read_time(tokens)?;
        return Ok((time, Some(visit_value(tokens, visit)?)));
    }
    *tokens = start;
    Ok((read_time(tokens)?, None))
}

/// Calls `visit` and returns the span of the value that it passed.
pub(super) fn visit_value<'b>(
    tokens: &mut TokenReader<'b>,
    visit: &mut impl FnMut(&mut TokenReader<'b>) -> Result<(), MalformedChunk>,
) -> Result<Span, MalformedChunk> {
    let start = tokens.at;
    visit(tokens)?;
    Ok(Span::new(start, tokens.at))
}

/// Reads an EventTime or a number of seconds. Nothing else is allowed, because the time is not
/// scrubbed and must not hold text.
fn read_time(tokens: &mut TokenReader<'_>) -> Result<Span, MalformedChunk> {
    let start = tokens.at;
    match tokens.token()? {
        Token::Ext(0, span) if span.len() == 8 => {}
        Token::Int(_) | Token::Float(_) => {}
        _ => return Err(MalformedChunk("the time of an entry is not a time")),
    }
    Ok(Span::new(start, tokens.at))
}
