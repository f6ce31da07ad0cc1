//! A scrubbed message as JSON lines, one per record, for `--to stdout` and `--to file://`.

use std::io::Write as _;

use super::parse::{Body, EntryArray, Message, PackedEntries};
use crate::{
    msgpack::{
        entry::{LogEntry, read_entry},
        render::Renderer,
        tokens::{Token, TokenReader},
    },
    text::span::Span,
};

/// Appends one line for each record: tag, time, record, and metadata if there is any. Bytes that
/// are not UTF-8 become U+FFFD, because a line must be JSON.
pub(crate) fn write_json_lines(bytes: &[u8], out: &mut Vec<u8>) {
    let Ok(message) = Message::parse(bytes, &mut |tokens, _| tokens.skip()) else { return };
    let tag = render(bytes, message.tag);
    let decompressed;
    let (mut tokens, end) = match message.body {
        Body::Message(entry) => return write_line(&tag, bytes, entry, out),
        Body::Forward(EntryArray { value, start, .. }) => {
            (TokenReader::at(bytes, start), value.end)
        }
        Body::Packed(_) if message.options.signal != 0 => return,
        Body::Packed(PackedEntries { content, .. }) => {
            let content = content.of(bytes);
            decompressed = match message.options.compression {
                None => content.to_vec(),
                // It was decompressed within its limit before.
                Some(compression) => {
                    compression.decompress(content, usize::MAX - 1).unwrap_or_default()
                }
            };
            (TokenReader::new(&decompressed), decompressed.len())
        }
    };
    while tokens.at < end {
        let Ok(entry) = read_entry(&mut tokens, &mut TokenReader::skip) else { return };
        write_line(&tag, tokens.bytes, entry, out);
    }
}

/// Appends the line of one entry of `chunk`.
fn write_line(tag: &[u8], chunk: &[u8], entry: LogEntry, out: &mut Vec<u8>) {
    let mut line = b"{\"tag\":".to_vec();
    line.extend_from_slice(tag);
    line.extend_from_slice(b",\"time\":");
    write_time(chunk, entry.time, &mut line);
    line.extend_from_slice(b",\"record\":");
    line.extend_from_slice(&render(chunk, entry.record));
    if let Some(metadata) = entry.metadata.filter(|metadata| !is_empty_map(chunk, *metadata)) {
        line.extend_from_slice(b",\"metadata\":");
        line.extend_from_slice(&render(chunk, metadata));
    }
    line.extend_from_slice(b"}\n");
    for part in line.utf8_chunks() {
        out.extend_from_slice(part.valid().as_bytes());
        if !part.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn is_empty_map(bytes: &[u8], span: Span) -> bool {
    TokenReader::at(bytes, span.start).token() == Ok(Token::Map(0))
}

/// A value as JSON; `null` if it has no JSON form.
fn render(bytes: &[u8], span: Span) -> Vec<u8> {
    let mut text = Vec::new();
    let tokens = TokenReader::at(bytes, span.start);
    if (Renderer { tokens, text: &mut text }).value(0).is_err() {
        return b"null".to_vec();
    }
    text
}

/// Appends a time in seconds, with nine decimals for an EventTime.
fn write_time(bytes: &[u8], span: Span, line: &mut Vec<u8>) {
    match TokenReader::at(bytes, span.start).token() {
        Ok(Token::Ext(0, time)) => {
            let (seconds, nanoseconds) = time.of(bytes).split_at(4);
            write!(line, "{}.{:09}", number(seconds), number(nanoseconds))
                .expect("writing to a Vec cannot fail");
        }
        _ => line.extend_from_slice(&render(bytes, span)),
    }
}

/// A big-endian number of four bytes.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}
