//! A message of the Forward protocol: a tag, entries in one of four modes, and options.
//!
//! `[tag, time, record, options?]` (Message), `[tag, [entry, …], options?]` (Forward), `[tag, bytes of entries, options?]` (PackedForward),
//! and the last one compressed. What is clean keeps its bytes; only options are written anew, since what goes on is acknowledged to us
//! and must name its chunk.

use std::{
    fmt,
    io::{self, Read as _, Write as _},
};

use super::{
    ChunkScrubber, Entry, Malformed, Seams, Shape, entries, entry, head, mirror,
    render::Render,
    walk::{Text, Token, Walk},
};
use crate::{
    policy::OnError,
    scrub::{Outcome, Seam},
    span::Span,
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
    /// The entries, one by one.
    Forward(Vec<Entry>),
    /// Entries in one text.
    Packed(Packed),
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

/// Metrics. Their msgpack is numbers and names that the sender's program gave them.
const METRICS: i128 = 1;

/// How a message is passed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing<'p> {
    /// The name by which the next hop acknowledges it, when the sender gave none.
    pub(crate) chunk: &'p str,
    /// Entries lose their metadata, and groups their marks.
    pub(crate) strip_metadata: bool,
    /// The most bytes that compressed entries may become.
    pub(crate) max_inflated: usize,
}

/// A message that may be passed on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// The message.
    pub(crate) bytes: Vec<u8>,
    /// The name by which the next hop acknowledges it: a value of msgpack.
    pub(crate) chunk: Vec<u8>,
    /// Whether the sender waits to be told.
    pub(crate) wants_ack: bool,
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
    /// Reads a message.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Message, Malformed> {
        let mut walk = Walk::new(bytes);
        let n_members = walk.array()?;
        let tag = walk.value_of_text()?;
        let body = body(&mut walk)?;
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

impl<'b> Walk<'b> {
    fn value_of_key(&mut self) -> Result<&'b [u8], Malformed> {
        let bytes = self.bytes;
        self.string().map(|span| span.of(bytes))
    }

    fn value_of_text(&mut self) -> Result<Span, Malformed> {
        let start = self.at;
        self.string()?;
        Ok(Span::new(start, self.at))
    }
}

/// The name by which the sender of a message that could not be read wants it acknowledged, where that can be told: a value of msgpack.
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

fn body(walk: &mut Walk<'_>) -> Result<Body, Malformed> {
    let start = *walk;
    let value = |walk: &Walk<'_>| Span::new(start.at, walk.at);
    match walk.token()? {
        Token::Text(kind, content) => Ok(Body::Packed(Packed { value: value(walk), kind, content })),
        Token::Array(n_entries) if n_entries == 0 || matches!(peek(walk), Ok(Token::Array(_))) => {
            let entries = (0..n_entries).map(|_| entry(walk)).collect::<Result<_, _>>()?;
            Ok(Body::Forward(entries))
        }
        _ => {
            *walk = start;
            let (time, metadata) = head(walk)?;
            let record = walk.value()?;
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

impl ChunkScrubber {
    /// Scrubs a message and writes it as it is passed on. One that cannot be examined counts as withheld.
    pub(crate) fn pass(&mut self, bytes: &[u8], passing: Passing<'_>, seams: &mut Seams) -> Result<Passed, Refusal> {
        self.try_pass(bytes, passing, seams).map_err(|refusal| {
            if self.on_error == OnError::Stop {
                return Refusal::Stopped;
            }
            self.scrubber.tally_mut().withheld += 1;
            refusal
        })
    }

    fn try_pass(&mut self, bytes: &[u8], passing: Passing<'_>, seams: &mut Seams) -> Result<Passed, Refusal> {
        let message = Message::parse(bytes)?;
        let body = seams.go_on(message.tag.of(bytes), |seam| match &message.body {
            Body::Message(entry) => self.pass_plain(bytes, &message, std::slice::from_ref(entry), passing, seam),
            Body::Forward(entries) => self.pass_plain(bytes, &message, entries, passing, seam),
            Body::Packed(packed) => self.pass_packed(bytes, &message, *packed, passing, seam),
        })?;
        Ok(self.write(bytes, &message, body, passing))
    }

    /// Message and Forward mode: tag, entries and options are the parts of one chunk.
    fn pass_plain(
        &mut self,
        bytes: &[u8],
        message: &Message,
        entries: &[Entry],
        passing: Passing<'_>,
        seam: &mut Seam,
    ) -> Result<New, Refusal> {
        let mut new = self.pass_envelope(bytes, message, entries, seam)?;
        let mut kept = Vec::new();
        let n_kept = self.write_kept(bytes, entries, passing, &mut kept);
        match message.body {
            // Its values stand in the message; without them it would be none.
            Body::Message(_) if n_kept == 0 => new.is_nothing = true,
            Body::Message(entry) => new.body = self.message_body(bytes, &entry, passing),
            _ => {
                rmp::encode::write_array_len(&mut new.body, n_kept as u32).expect("a vector takes everything");
                new.body.extend_from_slice(&kept);
            }
        }
        new.n_entries = n_kept;
        new.is_fewer = n_kept < entries.len();
        Ok(new)
    }

    /// Scrubs tag and options, and between them the entries that stand in the message itself.
    fn pass_envelope(
        &mut self,
        bytes: &[u8],
        message: &Message,
        entries: &[Entry],
        seam: &mut Seam,
    ) -> Result<New, Refusal> {
        self.begin();
        self.add(message.tag, Shape::Named("tag"));
        entries.iter().for_each(|entry| self.add_entry(bytes, entry));
        let others = &message.options.others;
        others.iter().for_each(|pair| self.add(*pair, Shape::Pair));
        // What is spliced tells whether anything changed.
        let _ = self.examine(bytes, seam)?;
        let options = others.iter().map(|pair| self.spliced(bytes, *pair)).collect();
        Ok(New { tag: self.spliced(bytes, message.tag), options, ..New::default() })
    }

    /// Scrubs the parts that were added; answers whether any of them changed.
    fn examine(&mut self, bytes: &[u8], seam: &mut Seam) -> Result<Outcome, Refusal> {
        match self.run(bytes, seam) {
            Outcome::Stopped => Err(Refusal::Stopped),
            outcome => Ok(outcome),
        }
    }

    fn message_body(&self, bytes: &[u8], entry: &Entry, passing: Passing<'_>) -> Vec<u8> {
        if passing.strip_metadata {
            return [entry.time.of(bytes), &self.spliced(bytes, entry.record)].concat();
        }
        self.spliced(bytes, entry.span)
    }

    /// PackedForward: the entries are a chunk of their own; tag and options are another.
    fn pass_packed(
        &mut self,
        bytes: &[u8],
        message: &Message,
        Packed { value, kind, content }: Packed,
        passing: Passing<'_>,
        seam: &mut Seam,
    ) -> Result<New, Refusal> {
        let inflated;
        let chunk = match message.options.codec {
            None => content.of(bytes),
            Some(codec) => {
                inflated = inflate(codec, content.of(bytes), passing.max_inflated)?;
                &inflated
            }
        };
        let (mut clean, mut content) = (Vec::new(), New::default());
        let outcome = self.pass_content(chunk, message.options.signal, passing, seam, &mut clean, &mut content)?;
        match (outcome, message.options.codec) {
            (Outcome::Clean, _) => content.body.extend_from_slice(value.of(bytes)),
            (_, Some(codec)) => write_packed(kind, &deflate(codec, &clean), &mut content.body)?,
            (_, None) => write_packed(kind, &clean, &mut content.body)?,
        }
        let New { tag, options, .. } = self.pass_envelope(bytes, message, &[], &mut Seam::default())?;
        Ok(New { tag, options, ..content })
    }

    fn pass_content(
        &mut self,
        chunk: &[u8],
        signal: i128,
        passing: Passing<'_>,
        seam: &mut Seam,
        clean: &mut Vec<u8>,
        new: &mut New,
    ) -> Result<Outcome, Refusal> {
        if signal == METRICS {
            return Ok(Outcome::Clean);
        }
        if signal != 0 {
            return self.pass_values(chunk, clean);
        }
        self.begin();
        let entries = entries(chunk)?;
        entries.iter().for_each(|entry| self.add_entry(chunk, entry));
        new.n_entries = entries.len();
        if self.examine(chunk, seam)? == Outcome::Clean && !passing.strip_metadata {
            return Ok(Outcome::Clean);
        }
        new.n_entries = self.write_kept(chunk, &entries, passing, clean);
        new.is_fewer = new.n_entries < entries.len();
        Ok(Outcome::Changed)
    }

    /// Traces and what else is no log: values of msgpack, whatever they are, one behind the other.
    fn pass_values(&mut self, chunk: &[u8], clean: &mut Vec<u8>) -> Result<Outcome, Refusal> {
        self.begin();
        let mut walk = Walk::new(chunk);
        while !walk.is_at_end() {
            let value = walk.value()?;
            self.add_value(chunk, value);
        }
        let outcome = self.examine(chunk, &mut Seam::default())?;
        self.splice(chunk, Span::new(0, chunk.len()), clean);
        Ok(outcome)
    }

    /// Appends the entries that stay, with or without their metadata; answers how many there are.
    fn write_kept(&self, bytes: &[u8], entries: &[Entry], passing: Passing<'_>, out: &mut Vec<u8>) -> usize {
        if !passing.strip_metadata {
            return self.write_entries(bytes, entries, out);
        }
        let kept = entries.iter().filter(|entry| !self.is_dropped(entry.span) && !is_group_mark(bytes, entry));
        kept.map(|entry| {
            out.push(0x92);
            out.extend_from_slice(entry.time.of(bytes));
            self.splice(bytes, entry.record, out);
        })
        .count()
    }

    fn spliced(&self, bytes: &[u8], span: Span) -> Vec<u8> {
        let mut out = Vec::with_capacity(span.len());
        self.splice(bytes, span, &mut out);
        out
    }

    fn write(&self, bytes: &[u8], message: &Message, new: New, passing: Passing<'_>) -> Passed {
        let options = &message.options;
        let mut passed = Passed {
            wants_ack: options.chunk.is_some(),
            n_entries: new.n_entries as u64,
            chunk: options.chunk.map_or_else(|| text(passing.chunk.as_bytes()), |chunk| chunk.of(bytes).to_vec()),
            bytes: Vec::new(),
        };
        if new.is_nothing {
            return passed;
        }
        let mut pairs: Vec<Vec<u8>> = options.kept.iter().map(|pair| pair.of(bytes).to_vec()).collect();
        pairs.extend(new.options);
        if let Some(size) = options.size {
            pairs.push(if new.is_fewer { size_pair(new.n_entries) } else { size.of(bytes).to_vec() });
        }
        pairs.push([&text(b"chunk"), passed.chunk.as_slice()].concat());
        let out = &mut passed.bytes;
        out.push(if matches!(message.body, Body::Message(_)) { 0x94 } else { 0x93 });
        out.extend_from_slice(&new.tag);
        out.extend_from_slice(&new.body);
        rmp::encode::write_map_len(out, pairs.len() as u32).expect("a vector takes everything");
        pairs.iter().for_each(|pair| out.extend_from_slice(pair));
        passed
    }
}

/// Appends a line of JSON for each record of a message that was scrubbed: its tag, its time, the record, and metadata where there is
/// any. Bytes that are no UTF-8 become U+FFFD: a line must be JSON.
pub(crate) fn lines(bytes: &[u8], out: &mut Vec<u8>) {
    let Ok(message) = Message::parse(bytes) else { return };
    let inflated;
    let (chunk, entries) = match message.body {
        Body::Message(entry) => (bytes, vec![entry]),
        Body::Forward(entries) => (bytes, entries),
        Body::Packed(Packed { content, .. }) => {
            inflated = match message.options.codec {
                None => content.of(bytes).to_vec(),
                // It was inflated once within its limit.
                Some(codec) => inflate(codec, content.of(bytes), usize::MAX - 1).unwrap_or_default(),
            };
            (
                &inflated[..],
                if message.options.signal == 0 { super::entries(&inflated).unwrap_or_default() } else { Vec::new() },
            )
        }
    };
    for entry in entries {
        let mut line = b"{\"tag\":".to_vec();
        show(bytes, message.tag, &mut line);
        line.extend_from_slice(b",\"time\":");
        show_time(chunk, entry.time, &mut line);
        line.extend_from_slice(b",\"record\":");
        show(chunk, entry.record, &mut line);
        if let Some(metadata) =
            entry.metadata.filter(|metadata| Walk::at(chunk, metadata.start).token() != Ok(Token::Map(0)))
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
            let number =
                |at: usize| time.of(bytes)[at..at + 4].iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
            write!(line, "{}.{:09}", number(0), number(4)).expect("a vector takes everything");
        }
        _ => show(bytes, span, line),
    }
}

/// What a message's members became.
#[derive(Default)]
struct New {
    tag: Vec<u8>,
    body: Vec<u8>,
    options: Vec<Vec<u8>>,
    n_entries: usize,
    /// Entries were left out.
    is_fewer: bool,
    /// The message's one entry was left out, and the message with it.
    is_nothing: bool,
}

fn text(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    mirror::write_text(Text::Str, value, &mut out).expect("a short text fits");
    out
}

fn size_pair(n_entries: usize) -> Vec<u8> {
    let mut pair = text(b"size");
    rmp::encode::write_uint(&mut pair, n_entries as u64).expect("a vector takes everything");
    pair
}

fn write_packed(kind: Text, content: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
    mirror::write_text(kind, content, out).ok_or(Refusal::TooLarge)
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
