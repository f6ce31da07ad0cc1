//! Scrubs a message and writes the message that goes on to the next hop.

use super::{
    parse::{Body, EntryArray, Message, Options, PackedEntries, ValueRole},
    refusal::Refusal,
};
use crate::{
    msgpack::{
        chunk::{ChunkScrubber, PartKind},
        encode::write_string,
        entry::LogEntry,
        malformed::MalformedChunk,
        tag_states::TagStates,
        tokens::{StringKind, TokenReader},
    },
    policy::OnError,
    scrub::{Outcome, seam::Seam},
    text::span::Span,
};

const INFALLIBLE: &str = "writing to a Vec cannot fail";

/// How a message is passed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassOptions<'p> {
    /// The chunk id for the next hop, unless the sender's own id is a plain one.
    pub(crate) chunk_id: &'p str,
    /// Removes the metadata of entries, and the entries that only mark groups.
    pub(crate) strip_metadata: bool,
    /// The most bytes that compressed entries may decompress to.
    pub(crate) max_inflated: usize,
}

/// A message that may be passed on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PassedMessage {
    /// The chunk id by which the next hop acknowledges it: a msgpack value.
    pub(crate) chunk_id: Vec<u8>,
    /// The chunk id that its sender wants acknowledged, if any: a msgpack value.
    pub(crate) ack: Option<Vec<u8>>,
    pub(crate) n_entries: u64,
}

/// A message and its bytes, while it is passed on.
#[derive(Clone, Copy)]
struct Source<'m> {
    bytes: &'m [u8],
    message: &'m Message,
    options: PassOptions<'m>,
}

/// Result of scrubbing packed entries.
struct PackedOutcome {
    is_unchanged: bool,
    n_entries: usize,
    n_kept: usize,
}

impl ChunkScrubber {
    /// Scrubs a message and appends the message to pass on to `out`; nothing if all of its entries
    /// were dropped. A message that cannot be examined counts as withheld; what was appended for it
    /// must be discarded.
    pub(crate) fn pass_message(
        &mut self,
        bytes: &[u8],
        options: PassOptions<'_>,
        states: &mut TagStates,
        out: &mut Vec<u8>,
    ) -> Result<PassedMessage, Refusal> {
        self.try_pass_message(bytes, options, states, out).map_err(|refusal| {
            if self.on_error == OnError::Stop {
                return Refusal::Stopped;
            }
            self.scrubber.tally_mut().withheld += 1;
            refusal
        })
    }

    fn try_pass_message(
        &mut self,
        bytes: &[u8],
        options: PassOptions<'_>,
        states: &mut TagStates,
        out: &mut Vec<u8>,
    ) -> Result<PassedMessage, Refusal> {
        self.begin(bytes.len());
        let message = Message::parse(bytes, &mut |tokens, role| match role {
            ValueRole::Tag => self.add_part(tokens, PartKind::Tag),
            ValueRole::Entry => self.add_value(tokens),
        })?;
        for pair in &message.options.others {
            self.add_part(&mut TokenReader::at(bytes, pair.start), PartKind::Pair)?;
        }
        let tag = message.tag.of(bytes);
        let source = Source { bytes, message: &message, options };
        match message.body {
            Body::Message(entry) => {
                states.with_state(tag, |state| self.examine(bytes, state))?;
                Ok(self.write_message(source, entry, out))
            }
            Body::Forward(entries) => {
                states.with_state(tag, |state| self.examine(bytes, state))?;
                self.write_forward(source, entries, out)
            }
            Body::Packed(packed) => {
                // Tag and options are scrubbed first. The entries follow as a chunk of their own.
                self.examine(bytes, &mut Seam::default())?;
                states.with_state(tag, |state| self.pass_packed(source, packed, state, out))
            }
        }
    }

    /// Scrubs the parts that were added. Returns whether any of them changed.
    fn examine(&mut self, bytes: &[u8], state: &mut Seam) -> Result<bool, Refusal> {
        match self.scrub_parts(bytes, state) {
            Outcome::Stopped => Err(Refusal::Stopped),
            outcome => Ok(outcome == Outcome::Changed),
        }
    }

    fn write_message(
        &self,
        source: Source<'_>,
        entry: LogEntry,
        out: &mut Vec<u8>,
    ) -> PassedMessage {
        let Source { bytes, message, options } = source;
        let is_left_out =
            self.is_dropped(entry.span) || options.strip_metadata && is_group_marker(bytes, &entry);
        if is_left_out {
            // A message of this mode cannot exist without its entry.
            return source.passed(0);
        }
        out.push(0x94);
        self.write_span(bytes, message.tag, out);
        if options.strip_metadata {
            out.extend_from_slice(entry.time.of(bytes));
            self.write_span(bytes, entry.record, out);
        } else {
            self.write_span(bytes, entry.span, out);
        }
        let passed = source.passed(1);
        source.write_options(&self.other_options(source), &passed, 1, out);
        passed
    }

    fn write_forward(
        &self,
        source: Source<'_>,
        entries: EntryArray,
        out: &mut Vec<u8>,
    ) -> Result<PassedMessage, Refusal> {
        let Source { bytes, message, options } = source;
        out.reserve(bytes.len() + bytes.len() / 8);
        out.push(0x93);
        self.write_span(bytes, message.tag, out);
        let mut n_kept = entries.n_entries;
        if options.strip_metadata || self.drops_entries() {
            let mut kept = Vec::new();
            let span = Span::new(entries.start, entries.value.end);
            n_kept = self.write_kept(bytes, span, options, &mut kept)?;
            rmp::encode::write_array_len(out, n_kept as u32).expect(INFALLIBLE);
            out.extend_from_slice(&kept);
        } else {
            self.write_span(bytes, entries.value, out);
        }
        let passed = source.passed(n_kept);
        source.write_options(&self.other_options(source), &passed, entries.n_entries, out);
        Ok(passed)
    }

    /// Passes on packed entries. Tag and options are scrubbed already; the entries are scrubbed
    /// here.
    fn pass_packed(
        &mut self,
        source: Source<'_>,
        PackedEntries { value, kind, content }: PackedEntries,
        state: &mut Seam,
        out: &mut Vec<u8>,
    ) -> Result<PassedMessage, Refusal> {
        let Source { bytes, message, options } = source;
        let mut header = vec![0x93];
        self.write_span(bytes, message.tag, &mut header);
        let other_options = self.other_options(source);
        let decompressed;
        let chunk = match message.options.compression {
            None => content.of(bytes),
            Some(compression) => {
                decompressed = compression.decompress(content.of(bytes), options.max_inflated)?;
                &decompressed
            }
        };
        let mut clean = Vec::new();
        let outcome = if message.options.signal == 0 {
            self.scrub_packed(chunk, options, state, &mut clean)?
        } else {
            self.scrub_values(chunk, &mut clean)?
        };
        out.reserve(header.len() + clean.len().max(value.len()) + 256);
        out.extend_from_slice(&header);
        match (outcome.is_unchanged, message.options.compression) {
            (true, _) => out.extend_from_slice(value.of(bytes)),
            (false, Some(compression)) => {
                write_packed(kind, &compression.compress(&clean), out)?;
            }
            (false, None) => write_packed(kind, &clean, out)?,
        }
        let passed = source.passed(outcome.n_kept);
        source.write_options(&other_options, &passed, outcome.n_entries, out);
        Ok(passed)
    }

    /// Scrubs packed log entries, and appends them to `clean` unless they are unchanged.
    fn scrub_packed(
        &mut self,
        chunk: &[u8],
        options: PassOptions<'_>,
        state: &mut Seam,
        clean: &mut Vec<u8>,
    ) -> Result<PackedOutcome, Refusal> {
        let n_entries = self.add_entries(chunk)?;
        let is_unchanged = !self.examine(chunk, state)? && !options.strip_metadata;
        let whole = Span::new(0, chunk.len());
        let mut n_kept = n_entries;
        if options.strip_metadata || self.drops_entries() {
            n_kept = self.write_kept(chunk, whole, options, clean)?;
        } else if !is_unchanged {
            self.write_span(chunk, whole, clean);
        }
        Ok(PackedOutcome { is_unchanged, n_entries, n_kept })
    }

    /// Scrubs metrics, traces and other data that are not logs: arbitrary msgpack values, back to
    /// back. Their labels and attributes are free text. Counts no entries.
    fn scrub_values(
        &mut self,
        chunk: &[u8],
        clean: &mut Vec<u8>,
    ) -> Result<PackedOutcome, Refusal> {
        self.begin(chunk.len());
        let mut tokens = TokenReader::new(chunk);
        while !tokens.is_at_end() {
            self.add_value(&mut tokens)?;
        }
        let is_unchanged = !self.examine(chunk, &mut Seam::default())?;
        if !is_unchanged {
            self.write_span(chunk, Span::new(0, chunk.len()), clean);
        }
        Ok(PackedOutcome { is_unchanged, n_entries: 0, n_kept: 0 })
    }

    /// Appends the entries of `span` that are not dropped. Returns their number.
    fn write_kept(
        &self,
        bytes: &[u8],
        span: Span,
        options: PassOptions<'_>,
        out: &mut Vec<u8>,
    ) -> Result<usize, MalformedChunk> {
        let mut n_kept = 0;
        self.for_each_kept(bytes, span, |entry| {
            if options.strip_metadata && is_group_marker(bytes, entry) {
                return;
            }
            n_kept += 1;
            if options.strip_metadata {
                out.push(0x92);
                out.extend_from_slice(entry.time.of(bytes));
                self.write_span(bytes, entry.record, out);
            } else {
                self.write_span(bytes, entry.span, out);
            }
        })?;
        Ok(n_kept)
    }

    /// The scrubbed options that have no meaning for the hop.
    fn other_options(&self, Source { bytes, message, .. }: Source<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        message.options.others.iter().for_each(|pair| self.write_span(bytes, *pair, &mut out));
        out
    }
}

impl Source<'_> {
    /// The message when `n_entries` of its entries are kept.
    fn passed(&self, n_entries: usize) -> PassedMessage {
        let ack = self.message.options.chunk_id.map(|chunk_id| chunk_id.of(self.bytes));
        let chunk_id = match ack.filter(|chunk_id| is_plain_id(chunk_id)) {
            Some(plain) => plain.to_vec(),
            None => encode_id(self.options.chunk_id),
        };
        PassedMessage { chunk_id, ack: ack.map(<[u8]>::to_vec), n_entries: n_entries as u64 }
    }

    /// Appends the options of a message that had `n_entries` before any were dropped. `others` are
    /// the scrubbed options without a meaning for the hop.
    fn write_options(
        &self,
        others: &[u8],
        passed: &PassedMessage,
        n_entries: usize,
        out: &mut Vec<u8>,
    ) {
        let Options { size, kept, others: other_pairs, .. } = &self.message.options;
        let n_pairs = kept.len() + other_pairs.len() + usize::from(size.is_some()) + 1;
        rmp::encode::write_map_len(out, n_pairs as u32).expect(INFALLIBLE);
        kept.iter().for_each(|pair| out.extend_from_slice(pair.of(self.bytes)));
        out.extend_from_slice(others);
        match size {
            Some(_) if passed.n_entries < n_entries as u64 => {
                out.extend_from_slice(b"\xa4size");
                rmp::encode::write_uint(out, passed.n_entries).expect(INFALLIBLE);
            }
            Some(size) => out.extend_from_slice(size.of(self.bytes)),
            None => {}
        }
        out.extend_from_slice(b"\xa5chunk");
        out.extend_from_slice(&passed.chunk_id);
    }
}

/// Whether a chunk id cannot hide a secret: sixteen bytes in base64, as Fluent Bit, Fluentd and
/// logging libraries generate it.
fn is_plain_id(chunk_id: &[u8]) -> bool {
    let text = match chunk_id {
        [0xb8, text @ ..] | [0xd9 | 0xc4, 24, text @ ..] => text,
        _ => return false,
    };
    let Some((digits, [last, b'=', b'='])) = text.split_last_chunk::<3>() else { return false };
    // The last digit holds two bits.
    digits.len() == 21 && digits.iter().all(is_base64_digit) && b"AQgw".contains(last)
}

fn is_base64_digit(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/".contains(byte)
}

fn encode_id(chunk_id: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write_string(StringKind::Str, chunk_id.as_bytes(), &mut out).expect("an id is short");
    out
}

fn write_packed(kind: StringKind, content: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
    write_string(kind, content, out).ok_or(Refusal::TooLarge)
}

/// Whether an entry marks the beginning or the end of a group: its time is a reserved value.
fn is_group_marker(bytes: &[u8], entry: &LogEntry) -> bool {
    let time = entry.time.of(bytes);
    // fixext8 of type 0, or ext8 of length 8 and type 0; the seconds follow.
    let seconds = time.strip_prefix(&[0xd7, 0]).or_else(|| time.strip_prefix(&[0xc7, 8, 0]));
    seconds.is_some_and(|seconds| matches!(seconds[..4], [0xff, 0xff, 0xff, 0xff | 0xfe]))
}
