//! A message of the Forward protocol: a tag, entries in one of four modes, and options.
//!
//! `[tag, time, record, options?]` (Message), `[tag, [entry, …], options?]` (Forward), `[tag, bytes
//! of entries, options?]` (PackedForward), and the last one compressed. What is clean keeps its
//! bytes; only options are written anew, since what goes on is acknowledged to us and must name its
//! chunk.

use std::{
    fmt,
    io::{self, Read as _, Write as _},
};

use super::{
    ChunkScrubber, Entry, Malformed, Seams, Shape, entry, head, patch,
    render::Render,
    taken,
    tokens::{Text, Token, Walk},
};
use crate::{
    policy::OnError,
    scrub::{Outcome, seam::Seam},
    text::span::Span,
};

/// A message, as spans of its bytes.
#[derive(Debug)]
pub(crate) struct Message {
    tag: Span,
    body: Body,
    options: Options,
}

#[derive(Debug)]
enum Body {
    /// One entry whose two or three values stand in the message itself.
    Message(Entry),
    /// An array of entries.
    Forward(Forward),
    /// Entries in one text.
    Packed(Packed),
}

#[derive(Clone, Copy, Debug)]
struct Forward {
    /// The whole value.
    value: Span,
    /// Where the first entry begins.
    start: usize,
    n_entries: usize,
}

#[derive(Clone, Copy, Debug)]
struct Packed {
    /// The whole value.
    value: Span,
    kind: Text,
    content: Span,
}

/// How the entries are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Gzip,
    Zstd,
}

#[derive(Debug, Default)]
struct Options {
    /// The name by which the sender wants the message acknowledged: a value of msgpack.
    chunk: Option<Span>,
    /// How many entries there are, by what the sender says: key and value.
    size: Option<Span>,
    codec: Option<Codec>,
    /// `compressed` and `fluent_signal`, which are passed on: key and value.
    kept: Vec<Span>,
    /// Every other pair.
    others: Vec<Span>,
    signal: i128,
}

/// How a message is passed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing<'p> {
    /// The name by which the next hop acknowledges it, unless the sender gave one that can be
    /// nothing else.
    pub(crate) chunk: &'p str,
    /// Entries lose their metadata, and groups their marks.
    pub(crate) strip_metadata: bool,
    /// The most bytes that compressed entries may become.
    pub(crate) max_inflated: usize,
}

/// What is told of a message that may be passed on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// The name by which the next hop acknowledges it: a value of msgpack.
    pub(crate) chunk: Vec<u8>,
    /// The name that its sender wants to hear, if it wants to: a value of msgpack.
    pub(crate) ack: Option<Vec<u8>>,
    /// Entries in it.
    pub(crate) n_entries: u64,
}

/// Why a message may not be passed on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is no message of the protocol.
    Malformed(Malformed),
    /// It becomes larger than allowed.
    TooLarge,
    /// It cannot be decompressed.
    Corrupt,
    /// Something in it could not be examined, and the policy is to stop.
    Stopped,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Malformed(malformed) => malformed.fmt(f),
            Refusal::TooLarge => f.write_str("larger than --max-chunk when decompressed"),
            Refusal::Corrupt => f.write_str("entries that cannot be decompressed"),
            Refusal::Stopped => f.write_str("a record that could not be examined"),
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Refusal {
        Refusal::Malformed(malformed)
    }
}

impl Message {
    /// Reads a message. `take` goes behind its tag and behind the records and metadata that stand
    /// in the message itself, and does with them what it likes.
    pub(crate) fn parse<'b>(
        bytes: &'b [u8],
        take: &mut impl FnMut(&mut Walk<'b>, Place) -> Result<(), Malformed>,
    ) -> Result<Message, Malformed> {
        let mut walk = Walk::new(bytes);
        let n_members = walk.array()?;
        let start = walk;
        walk.string()?;
        let tag = Span::new(start.at, walk.at);
        walk = start;
        take(&mut walk, Place::Tag)?;
        let body = body(&mut walk, &mut |walk| take(walk, Place::Entry))?;
        let n_read = if matches!(body, Body::Message(_)) { 3 } else { 2 };
        let options = match n_members.checked_sub(n_read) {
            Some(0) => Options::default(),
            Some(1) => options(&mut walk)?,
            _ => return Err(Malformed("a message with too few or too many members")),
        };
        if walk.at != bytes.len() {
            return Err(Malformed("bytes behind the message"));
        }
        Ok(Message { tag, body, options })
    }
}

/// Where a value stands that is read in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Tag,
    /// A record, or metadata.
    Entry,
}

impl<'b> Walk<'b> {
    fn value_of_key(&mut self) -> Result<&'b [u8], Malformed> {
        let bytes = self.bytes;
        self.string().map(|span| span.of(bytes))
    }
}

/// The name by which the sender of a message that could not be read wants it acknowledged, where
/// that can be told: a value of msgpack.
pub(crate) fn name_of_unread(bytes: &[u8]) -> Option<&[u8]> {
    let mut walk = Walk::new(bytes);
    for _ in 1..walk.array().ok()? {
        walk.skip().ok()?;
    }
    let Ok(Token::Map(n_pairs)) = walk.token() else { return None };
    for _ in 0..n_pairs {
        let is_chunk = walk.value_of_key().ok()? == b"chunk";
        let value = walk.value().ok()?;
        if is_chunk {
            return Some(value.of(bytes));
        }
    }
    None
}

fn body<'b>(
    walk: &mut Walk<'b>,
    take: &mut impl FnMut(&mut Walk<'b>) -> Result<(), Malformed>,
) -> Result<Body, Malformed> {
    let start = *walk;
    let value = |walk: &Walk<'_>| Span::new(start.at, walk.at);
    match walk.token()? {
        Token::Text(kind, content) => {
            Ok(Body::Packed(Packed { value: value(walk), kind, content }))
        }
        Token::Array(n_entries) if n_entries == 0 || matches!(peek(walk), Ok(Token::Array(_))) => {
            let start = walk.at;
            for _ in 0..n_entries {
                entry(walk, take)?;
            }
            Ok(Body::Forward(Forward { value: value(walk), start, n_entries }))
        }
        _ => {
            *walk = start;
            let (time, metadata) = head(walk, take)?;
            let record = taken(walk, take)?;
            Ok(Body::Message(Entry { span: value(walk), time, metadata, record }))
        }
    }
}

fn peek(walk: &Walk<'_>) -> Result<Token, Malformed> {
    Walk::at(walk.bytes, walk.at).token()
}

fn options(walk: &mut Walk<'_>) -> Result<Options, Malformed> {
    let n_pairs = match walk.token()? {
        Token::Map(n_pairs) => n_pairs,
        Token::Nil => 0,
        _ => return Err(Malformed("options that are no map")),
    };
    let mut options = Options::default();
    for _ in 0..n_pairs {
        let start = walk.at;
        let key = match walk.token()? {
            Token::Text(_, span) => span.of(walk.bytes),
            _ => return Err(Malformed("an option whose name is no text")),
        };
        let mut content = *walk;
        let value = walk.value()?;
        let pair = Span::new(start, value.end);
        match key {
            b"chunk" => options.chunk = Some(value),
            b"size" => match content.token()? {
                Token::Int(_) => options.size = Some(pair),
                _ => return Err(Malformed("a size that is no number")),
            },
            b"compressed" => {
                options.codec = codec(content.string()?.of(walk.bytes))?;
                options.kept.push(pair);
            }
            b"fluent_signal" => match content.token()? {
                Token::Int(signal) => {
                    options.signal = signal;
                    options.kept.push(pair);
                }
                _ => return Err(Malformed("a signal that is no number")),
            },
            _ => options.others.push(pair),
        }
    }
    Ok(options)
}

fn codec(name: &[u8]) -> Result<Option<Codec>, Malformed> {
    match name {
        b"gzip" => Ok(Some(Codec::Gzip)),
        b"zstd" => Ok(Some(Codec::Zstd)),
        b"text" => Ok(None),
        _ => Err(Malformed("a compression that is neither gzip nor zstd")),
    }
}

/// Whether a name of a chunk can be nothing but one: sixteen bytes in base64, which is what Fluent
/// Bit, Fluentd and the loggers write.
fn is_name(value: &[u8]) -> bool {
    let text = match value {
        [0xb8, text @ ..] | [0xd9 | 0xc4, 24, text @ ..] => text,
        _ => return false,
    };
    let Some((digits, [last, b'=', b'='])) = text.split_last_chunk::<3>() else { return false };
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    // The last digit holds two bits.
    digits.len() == 21 && digits.iter().all(is_digit) && b"AQgw".contains(last)
}

impl ChunkScrubber {
    /// Scrubs a message and appends it to `out` as it is passed on; nothing, when all of it was
    /// left out. One that cannot be examined counts as withheld, and what was appended of it is of
    /// no use.
    pub(crate) fn pass(
        &mut self,
        bytes: &[u8],
        passing: Passing<'_>,
        seams: &mut Seams,
        out: &mut Vec<u8>,
    ) -> Result<Passed, Refusal> {
        self.try_pass(bytes, passing, seams, out).map_err(|refusal| {
            if self.on_error == OnError::Stop {
                return Refusal::Stopped;
            }
            self.scrubber.tally_mut().withheld += 1;
            refusal
        })
    }

    fn try_pass(
        &mut self,
        bytes: &[u8],
        passing: Passing<'_>,
        seams: &mut Seams,
        out: &mut Vec<u8>,
    ) -> Result<Passed, Refusal> {
        self.begin(bytes.len());
        let message = Message::parse(bytes, &mut |walk, place| match place {
            Place::Tag => self.take(walk, Shape::Tag),
            Place::Entry => self.take_value(walk),
        })?;
        for pair in &message.options.others {
            self.take(&mut Walk::at(bytes, pair.start), Shape::Pair)?;
        }
        let tag = message.tag.of(bytes);
        match message.body {
            Body::Message(entry) => {
                seams.go_on(tag, |seam| self.examine(bytes, seam))?;
                Ok(self.write_message(bytes, &message, entry, passing, out))
            }
            Body::Forward(forward) => {
                seams.go_on(tag, |seam| self.examine(bytes, seam))?;
                self.write_forward(bytes, &message, forward, passing, out)
            }
            Body::Packed(packed) => {
                // The entries are a chunk of their own; tag and options are another.
                self.examine(bytes, &mut Seam::default())?;
                seams.go_on(tag, |seam| {
                    self.pass_packed(bytes, &message, packed, passing, seam, out)
                })
            }
        }
    }

    /// Scrubs the parts that were taken; answers whether any of them changed.
    fn examine(&mut self, bytes: &[u8], seam: &mut Seam) -> Result<bool, Refusal> {
        match self.run(bytes, seam) {
            Outcome::Stopped => Err(Refusal::Stopped),
            outcome => Ok(outcome == Outcome::Changed),
        }
    }

    fn write_message(
        &self,
        bytes: &[u8],
        message: &Message,
        entry: Entry,
        passing: Passing<'_>,
        out: &mut Vec<u8>,
    ) -> Passed {
        let is_left_out =
            self.is_dropped(entry.span) || passing.strip_metadata && is_group_mark(bytes, &entry);
        // Its values stand in the message; without them it would be none.
        if is_left_out {
            return message.passed(bytes, 0, passing);
        }
        out.push(0x94);
        self.splice(bytes, message.tag, out);
        if passing.strip_metadata {
            out.extend_from_slice(entry.time.of(bytes));
            self.splice(bytes, entry.record, out);
        } else {
            self.splice(bytes, entry.span, out);
        }
        let passed = message.passed(bytes, 1, passing);
        message.write_options(bytes, &self.others(bytes, message), &passed, false, out);
        passed
    }

    fn write_forward(
        &self,
        bytes: &[u8],
        message: &Message,
        forward: Forward,
        passing: Passing<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Passed, Refusal> {
        out.reserve(bytes.len() + bytes.len() / 8);
        out.push(0x93);
        self.splice(bytes, message.tag, out);
        let mut n_kept = forward.n_entries;
        if passing.strip_metadata || self.drops() {
            let mut kept = Vec::new();
            n_kept = self.write_kept(
                bytes,
                Span::new(forward.start, forward.value.end),
                passing,
                &mut kept,
            )?;
            rmp::encode::write_array_len(out, n_kept as u32).expect("a vector takes everything");
            out.extend_from_slice(&kept);
        } else {
            self.splice(bytes, forward.value, out);
        }
        let passed = message.passed(bytes, n_kept, passing);
        message.write_options(
            bytes,
            &self.others(bytes, message),
            &passed,
            n_kept < forward.n_entries,
            out,
        );
        Ok(passed)
    }

    /// PackedForward: tag and options were examined, the entries are now.
    fn pass_packed(
        &mut self,
        bytes: &[u8],
        message: &Message,
        Packed { value, kind, content }: Packed,
        passing: Passing<'_>,
        seam: &mut Seam,
        out: &mut Vec<u8>,
    ) -> Result<Passed, Refusal> {
        let mut head = vec![0x93];
        self.splice(bytes, message.tag, &mut head);
        let others = self.others(bytes, message);
        let inflated;
        let chunk = match message.options.codec {
            None => content.of(bytes),
            Some(codec) => {
                inflated = inflate(codec, content.of(bytes), passing.max_inflated)?;
                &inflated
            }
        };
        let mut clean = Vec::new();
        let content =
            self.pass_content(chunk, message.options.signal, passing, seam, &mut clean)?;
        out.reserve(head.len() + clean.len().max(value.len()) + 256);
        out.extend_from_slice(&head);
        match (content.is_same, message.options.codec) {
            (true, _) => out.extend_from_slice(value.of(bytes)),
            (false, Some(codec)) => write_packed(kind, &deflate(codec, &clean), out)?,
            (false, None) => write_packed(kind, &clean, out)?,
        }
        let passed = message.passed(bytes, content.n_kept, passing);
        message.write_options(bytes, &others, &passed, content.n_kept < content.n_entries, out);
        Ok(passed)
    }

    /// Scrubs what stands packed in a message; unless it stays the same, what it became is appended
    /// to `clean`.
    fn pass_content(
        &mut self,
        chunk: &[u8],
        signal: i128,
        passing: Passing<'_>,
        seam: &mut Seam,
        clean: &mut Vec<u8>,
    ) -> Result<Content, Refusal> {
        if signal != 0 {
            let is_same = self.pass_values(chunk, clean)?;
            return Ok(Content { is_same, n_entries: 0, n_kept: 0 });
        }
        let n_entries = self.take_entries(chunk)?;
        let is_same = !self.examine(chunk, seam)? && !passing.strip_metadata;
        let mut n_kept = n_entries;
        if passing.strip_metadata || self.drops() {
            n_kept = self.write_kept(chunk, Span::new(0, chunk.len()), passing, clean)?;
        } else if !is_same {
            self.splice(chunk, Span::new(0, chunk.len()), clean);
        }
        Ok(Content { is_same, n_entries, n_kept })
    }

    /// Metrics, traces and what else is no log: values of msgpack, whatever they are, one behind
    /// the other. Labels and attributes are texts that the sender's programs gave them. Answers
    /// whether they stay the same.
    fn pass_values(&mut self, chunk: &[u8], clean: &mut Vec<u8>) -> Result<bool, Refusal> {
        self.begin(chunk.len());
        let mut walk = Walk::new(chunk);
        while !walk.is_at_end() {
            self.take_value(&mut walk)?;
        }
        let is_changed = self.examine(chunk, &mut Seam::default())?;
        if is_changed {
            self.splice(chunk, Span::new(0, chunk.len()), clean);
        }
        Ok(!is_changed)
    }

    /// Appends those entries of `span` that stay, with or without their metadata; answers how many
    /// there are.
    fn write_kept(
        &self,
        bytes: &[u8],
        span: Span,
        passing: Passing<'_>,
        out: &mut Vec<u8>,
    ) -> Result<usize, Malformed> {
        let mut n_kept = 0;
        self.each_kept(bytes, span, |entry| {
            if passing.strip_metadata && is_group_mark(bytes, entry) {
                return;
            }
            n_kept += 1;
            if passing.strip_metadata {
                out.push(0x92);
                out.extend_from_slice(entry.time.of(bytes));
                self.splice(bytes, entry.record, out);
            } else {
                self.splice(bytes, entry.span, out);
            }
        })?;
        Ok(n_kept)
    }

    /// The options that mean nothing here, as they became.
    fn others(&self, bytes: &[u8], message: &Message) -> Vec<u8> {
        let mut others = Vec::new();
        message.options.others.iter().for_each(|pair| self.splice(bytes, *pair, &mut others));
        others
    }
}

/// What became of packed entries.
struct Content {
    is_same: bool,
    n_entries: usize,
    n_kept: usize,
}

impl Message {
    /// What is told of the message when so many entries go on.
    fn passed(&self, bytes: &[u8], n_entries: usize, passing: Passing<'_>) -> Passed {
        let ack = self.options.chunk.map(|chunk| chunk.of(bytes));
        let chunk = ack
            .filter(|name| is_name(name))
            .map_or_else(|| text(passing.chunk.as_bytes()), <[u8]>::to_vec);
        Passed { chunk, ack: ack.map(<[u8]>::to_vec), n_entries: n_entries as u64 }
    }

    /// Appends the options. `others` are those that mean nothing here, as they became.
    fn write_options(
        &self,
        bytes: &[u8],
        others: &[u8],
        passed: &Passed,
        is_fewer: bool,
        out: &mut Vec<u8>,
    ) {
        const WHOLE: &str = "a vector takes everything";
        let Options { size, kept, .. } = &self.options;
        let n_pairs = kept.len() + self.options.others.len() + usize::from(size.is_some()) + 1;
        rmp::encode::write_map_len(out, n_pairs as u32).expect(WHOLE);
        kept.iter().for_each(|pair| out.extend_from_slice(pair.of(bytes)));
        out.extend_from_slice(others);
        match size {
            Some(_) if is_fewer => {
                out.extend_from_slice(b"\xa4size");
                rmp::encode::write_uint(out, passed.n_entries).expect(WHOLE);
            }
            Some(size) => out.extend_from_slice(size.of(bytes)),
            None => {}
        }
        out.extend_from_slice(b"\xa5chunk");
        out.extend_from_slice(&passed.chunk);
    }
}

/// Appends a line of JSON for each record of a message that was scrubbed: its tag, its time, the
/// record, and metadata where there is any. Bytes that are no UTF-8 become U+FFFD: a line must be
/// JSON.
pub(crate) fn lines(bytes: &[u8], out: &mut Vec<u8>) {
    let Ok(message) = Message::parse(bytes, &mut |walk, _| walk.skip()) else { return };
    let inflated;
    let (mut walk, end) = match message.body {
        Body::Message(entry) => return line(bytes, message.tag, bytes, entry, out),
        Body::Forward(Forward { value, start, .. }) => (Walk::at(bytes, start), value.end),
        Body::Packed(_) if message.options.signal != 0 => return,
        Body::Packed(Packed { content, .. }) => {
            inflated = match message.options.codec {
                None => content.of(bytes).to_vec(),
                // It was inflated once within its limit.
                Some(codec) => {
                    inflate(codec, content.of(bytes), usize::MAX - 1).unwrap_or_default()
                }
            };
            (Walk::new(&inflated), inflated.len())
        }
    };
    while walk.at < end {
        let Ok(entry) = entry(&mut walk, &mut Walk::skip) else { return };
        line(bytes, message.tag, walk.bytes, entry, out);
    }
}

/// The line of one entry, which stands in `chunk`.
fn line(bytes: &[u8], tag: Span, chunk: &[u8], entry: Entry, out: &mut Vec<u8>) {
    let mut line = b"{\"tag\":".to_vec();
    show(bytes, tag, &mut line);
    line.extend_from_slice(b",\"time\":");
    show_time(chunk, entry.time, &mut line);
    line.extend_from_slice(b",\"record\":");
    show(chunk, entry.record, &mut line);
    if let Some(metadata) = entry
        .metadata
        .filter(|metadata| Walk::at(chunk, metadata.start).token() != Ok(Token::Map(0)))
    {
        line.extend_from_slice(b",\"metadata\":");
        show(chunk, metadata, &mut line);
    }
    line.extend_from_slice(b"}\n");
    for part in line.utf8_chunks() {
        out.extend_from_slice(part.valid().as_bytes());
        if !part.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn show(bytes: &[u8], span: Span, line: &mut Vec<u8>) {
    let start = line.len();
    let walk = Walk::at(bytes, span.start);
    if (Render { walk, text: &mut *line }).value(0).is_err() {
        line.truncate(start);
        line.extend_from_slice(b"null");
    }
}

/// Seconds, with nine digits behind the point for an EventTime.
fn show_time(bytes: &[u8], span: Span, line: &mut Vec<u8>) {
    match Walk::at(bytes, span.start).token() {
        Ok(Token::Ext(0, time)) => {
            let number = |at: usize| {
                time.of(bytes)[at..at + 4]
                    .iter()
                    .fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte))
            };
            write!(line, "{}.{:09}", number(0), number(4)).expect("a vector takes everything");
        }
        _ => show(bytes, span, line),
    }
}

fn text(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    patch::write_text(Text::Str, value, &mut out).expect("a short text fits");
    out
}

fn write_packed(kind: Text, content: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
    patch::write_text(kind, content, out).ok_or(Refusal::TooLarge)
}

/// The beginning or the end of a group has a time that is none.
fn is_group_mark(bytes: &[u8], entry: &Entry) -> bool {
    let time = entry.time.of(bytes);
    // fixext8 of type 0, or ext8 of length 8 and type 0: the seconds follow.
    let seconds = time.strip_prefix(&[0xd7, 0]).or_else(|| time.strip_prefix(&[0xc7, 8, 0]));
    seconds.is_some_and(|seconds| matches!(seconds[..4], [0xff, 0xff, 0xff, 0xff | 0xfe]))
}

fn inflate(codec: Codec, bytes: &[u8], limit: usize) -> Result<Vec<u8>, Refusal> {
    let reader: Box<dyn io::Read + '_> = match codec {
        Codec::Gzip => Box::new(flate2::read::MultiGzDecoder::new(bytes)),
        Codec::Zstd => Box::new(zstd::Decoder::with_buffer(bytes).map_err(|_| Refusal::Corrupt)?),
    };
    let mut inflated = Vec::new();
    reader.take(limit as u64 + 1).read_to_end(&mut inflated).map_err(|_| Refusal::Corrupt)?;
    if inflated.len() > limit { Err(Refusal::TooLarge) } else { Ok(inflated) }
}

fn deflate(codec: Codec, bytes: &[u8]) -> Vec<u8> {
    const WHOLE: &str = "a vector takes everything";
    match codec {
        Codec::Gzip => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            writer.write_all(bytes).expect(WHOLE);
            writer.finish().expect(WHOLE)
        }
        Codec::Zstd => zstd::encode_all(bytes, 3).expect(WHOLE),
    }
}
