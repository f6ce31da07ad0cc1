//! [`ChunkScrubber`]: splits a chunk into parts, scrubs their lines as one block, and writes what
//! changed.

use super::{
    encode::write_string,
    entry::{LogEntry, read_entry},
    malformed::MalformedChunk,
    patch::{PatchError, Patcher},
    render::Renderer,
    tag_states::TagStates,
    tokens::{StringKind, Token, TokenReader},
};
use crate::{
    error::Error,
    policy::{OnError, Policy},
    prefilter::Cpu,
    redact,
    rules::RuleSet,
    scrub::{Outcome, Scrubber, seam::Seam},
    tally::Tally,
    text::span::Span,
};

/// Buffers are shrunk to this size after a larger chunk. The chunks of Fluent Bit have 2 MiB and
/// stay below it.
const MAX_IDLE_BUFFER: usize = 4 << 20;

/// Scrubs chunks. Holds rules, policy, tally, and the memory that is reused from chunk to chunk.
#[derive(Debug)]
pub struct ChunkScrubber {
    pub(super) scrubber: Scrubber,
    pub(super) on_error: OnError,
    /// One line for each part.
    text: Vec<u8>,
    clean: Vec<u8>,
    parts: Vec<Part>,
    /// In the order of the parts.
    edits: Vec<PartEdit>,
    encoded: Vec<u8>,
}

/// A value of the chunk that is scrubbed as one record.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Its bytes in the chunk.
    span: Span,
    /// The end of its line in [`ChunkScrubber::text`], behind the line feed.
    line_end: usize,
    kind: PartKind,
    /// Whether it could not be rendered.
    is_withheld: bool,
}

/// A part that changes.
#[derive(Clone, Copy, Debug)]
struct PartEdit {
    span: Span,
    kind: PartKind,
    /// The replacement within [`ChunkScrubber::encoded`]; `None` if the part could not be examined.
    replacement: Option<Span>,
}

/// What a part consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartKind {
    /// A map: a record, metadata, the attributes of a group.
    Map,
    /// Any other value.
    Value,
    /// The tag of a message.
    Tag,
    /// A key and its value, outside a map.
    Pair,
}

impl PartKind {
    /// The text before and after the rendered part in its line.
    fn frame(self) -> (&'static [u8], &'static [u8]) {
        match self {
            PartKind::Map => (b"", b""),
            PartKind::Value => (b"{\"value\":", b"}"),
            PartKind::Tag => (b"{\"tag\":", b"}"),
            PartKind::Pair => (b"{", b"}"),
        }
    }

    /// How many msgpack values it has.
    fn n_values(self) -> usize {
        match self {
            PartKind::Pair => 2,
            PartKind::Map | PartKind::Value | PartKind::Tag => 1,
        }
    }
}

impl ChunkScrubber {
    /// A chunk scrubber with these rules and this policy.
    ///
    /// # Errors
    ///
    /// The policy names a style or a rule that does not exist.
    pub fn new(rules: &RuleSet, policy: &Policy) -> Result<ChunkScrubber, Error> {
        ChunkScrubber::for_cpu(rules, policy, Cpu::best())
    }

    /// Like [`ChunkScrubber::new`], with the instruction set limited to `cpu`.
    ///
    /// # Errors
    ///
    /// As [`ChunkScrubber::new`], or the CPU of this machine lacks that level.
    pub fn for_cpu(rules: &RuleSet, policy: &Policy, cpu: Cpu) -> Result<ChunkScrubber, Error> {
        // The inner scrubber must keep one line per part, so it always masks. This type applies the
        // policy's own action.
        let scrubber = Scrubber::for_cpu(rules, &policy.clone().on_error(OnError::Mask), cpu)?;
        Ok(ChunkScrubber::with_scrubber(scrubber, policy.error_action()))
    }

    fn with_scrubber(scrubber: Scrubber, on_error: OnError) -> ChunkScrubber {
        ChunkScrubber {
            scrubber,
            on_error,
            text: Vec::new(),
            clean: Vec::new(),
            parts: Vec::new(),
            edits: Vec::new(),
            encoded: Vec::new(),
        }
    }

    /// Another scrubber with the same rules and policy and an empty tally. Both share their tables.
    #[must_use]
    pub fn fork(&self) -> ChunkScrubber {
        ChunkScrubber::with_scrubber(self.scrubber.fork(), self.on_error)
    }

    /// A scrubber of text with the same rules and policy. Both share their tables.
    #[must_use]
    pub fn for_text(&self) -> Scrubber {
        self.scrubber.fork().acting(self.on_error)
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        self.scrubber.rules()
    }

    /// Counts of what was done. A record, its metadata, and a tag each count as one record.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        self.scrubber.tally()
    }

    /// Returns the tally and resets it.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(self.scrubber.tally_mut())
    }

    /// Makes every record with `marker` fail, for tests of the error policy.
    #[doc(hidden)]
    pub fn fail_on(&mut self, marker: &[u8]) {
        self.scrubber.fail_on(marker);
    }

    /// Scrubs a chunk in the format in which Fluent Bit passes it to its filters and PackedForward
    /// contains it: entries `[time, record]` or `[[time, metadata], record]`, back to back. Appends
    /// the new chunk to `out` if it changed, and nothing if it did not.
    ///
    /// # Errors
    ///
    /// The bytes are not such a chunk. They must not be passed on.
    ///
    /// ```
    /// use logscrub::{ChunkScrubber, Outcome, Policy, RuleSet};
    ///
    /// let mut scrubber = ChunkScrubber::new(&RuleSet::embedded(), &Policy::new())?;
    /// // [1700000000, {"log": "from a@example.org"}]
    /// let chunk = b"\x92\xce\x65\x53\xf1\x00\x81\xa3log\xb2from a@example.org";
    /// let mut clean = Vec::new();
    /// assert_eq!(scrubber.scrub_events(chunk, &mut clean)?, Outcome::Changed);
    /// assert_eq!(clean, b"\x92\xce\x65\x53\xf1\x00\x81\xa3log\xb3from REDACTED-email");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scrub_events(
        &mut self,
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Outcome, MalformedChunk> {
        self.scrub_with_state(&mut Seam::default(), chunk, out)
    }

    /// Like [`ChunkScrubber::scrub_events`], for the next chunk of a stream: a line that a
    /// container runtime split between two chunks with the same tag is scanned as a whole.
    ///
    /// # Errors
    ///
    /// As [`ChunkScrubber::scrub_events`].
    pub fn scrub_next_events(
        &mut self,
        states: &mut TagStates,
        tag: &[u8],
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Outcome, MalformedChunk> {
        states.with_state(tag, |state| self.scrub_with_state(state, chunk, out))
    }

    fn scrub_with_state(
        &mut self,
        state: &mut Seam,
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Outcome, MalformedChunk> {
        self.add_entries(chunk)?;
        let outcome = self.scrub_parts(chunk, state);
        if outcome == Outcome::Changed {
            self.write_entries(chunk, out)?;
        }
        Ok(outcome)
    }

    /// Discards the parts of the last chunk, and makes room for one of `n_bytes`.
    pub(super) fn begin(&mut self, n_bytes: usize) {
        self.parts.clear();
        self.edits.clear();
        for buffer in [&mut self.text, &mut self.clean, &mut self.encoded] {
            buffer.clear();
            buffer.shrink_to(MAX_IDLE_BUFFER);
        }
        self.text.reserve(n_bytes);
    }

    /// Adds the records and metadata of a chunk as parts. Returns the number of entries.
    pub(super) fn add_entries(&mut self, chunk: &[u8]) -> Result<usize, MalformedChunk> {
        self.begin(chunk.len());
        let mut tokens = TokenReader::new(chunk);
        let mut n_entries = 0;
        while !tokens.is_at_end() {
            read_entry(&mut tokens, &mut |tokens| self.add_value(tokens))?;
            n_entries += 1;
        }
        Ok(n_entries)
    }

    /// Adds the next value, a record or metadata, as a part.
    pub(super) fn add_value(&mut self, tokens: &mut TokenReader<'_>) -> Result<(), MalformedChunk> {
        let mut behind = *tokens;
        let kind = match behind.token()? {
            // Metadata is mostly empty.
            Token::Map(0) => {
                *tokens = behind;
                return Ok(());
            }
            Token::Map(_) => PartKind::Map,
            _ => PartKind::Value,
        };
        self.add_part(tokens, kind)
    }

    /// Adds the next value or pair as a part and renders its line in the same pass.
    pub(super) fn add_part(
        &mut self,
        tokens: &mut TokenReader<'_>,
        kind: PartKind,
    ) -> Result<(), MalformedChunk> {
        let (start, line_start) = (tokens.at, self.text.len());
        let (before, behind) = kind.frame();
        self.text.extend_from_slice(before);
        let mut renderer = Renderer { tokens: *tokens, text: &mut self.text };
        let depth = usize::from(!before.is_empty());
        let rendered =
            if kind == PartKind::Pair { renderer.pair(depth) } else { renderer.value(depth) };
        let is_withheld = rendered.is_err();
        if is_withheld {
            self.text.truncate(line_start);
            // It cannot be rendered, but it may still be well-formed msgpack.
            for _ in 0..kind.n_values() {
                tokens.skip()?;
            }
        } else {
            tokens.at = renderer.tokens.at;
            self.text.extend_from_slice(behind);
        }
        self.text.push(b'\n');
        let span = Span::new(start, tokens.at);
        self.parts.push(Part { span, line_end: self.text.len(), kind, is_withheld });
        if is_withheld {
            self.edits.push(PartEdit { span, kind, replacement: None });
        }
        Ok(())
    }

    /// Scrubs the parts that were added; `bytes` is the chunk that they lie in.
    pub(super) fn scrub_parts(&mut self, bytes: &[u8], state: &mut Seam) -> Outcome {
        self.scrubber.tally_mut().withheld += self.edits.len() as u64;
        let outcome = self.scrubber.scrub_behind(state, &self.text, &mut self.clean);
        if outcome == Outcome::Changed {
            self.patch_parts(bytes);
        }
        if self.on_error == OnError::Stop && self.has_withheld() {
            return Outcome::Stopped;
        }
        if self.edits.is_empty() { Outcome::Clean } else { Outcome::Changed }
    }

    fn has_withheld(&self) -> bool {
        self.edits.iter().any(|edit| edit.replacement.is_none())
    }

    /// Turns changed lines into edits of their parts.
    fn patch_parts(&mut self, bytes: &[u8]) {
        let (mut start, mut at) = (0, 0);
        for index in 0..self.parts.len() {
            let part = self.parts[index];
            let line = Span::new(start, part.line_end);
            start = part.line_end;
            if self.clean[at..].starts_with(line.of(&self.text)) {
                at += line.len();
                continue;
            }
            let end = memchr::memchr(b'\n', &self.clean[at..])
                .map_or(self.clean.len(), |length| at + length);
            if !part.is_withheld {
                self.patch_part(bytes, part, Span::new(at, end));
            }
            at = (end + 1).min(self.clean.len());
        }
        // Parts that could not be rendered were added before the others.
        self.edits.sort_by_key(|edit| edit.span.start);
    }

    /// Adds the edit for a part whose scrubbed line is `line` of [`ChunkScrubber::clean`].
    fn patch_part(&mut self, bytes: &[u8], part: Part, line: Span) {
        let line = line.of(&self.clean);
        let start = self.encoded.len();
        // The scrubber has counted the lines that it masked.
        let is_masked = is_masked(line);
        let is_patched = !is_masked && encode_part(bytes, &part, line, &mut self.encoded).is_ok();
        if !is_patched {
            self.encoded.truncate(start);
            self.scrubber.tally_mut().withheld += u64::from(!is_masked);
        }
        let replacement = is_patched.then(|| Span::new(start, self.encoded.len()));
        let is_same = replacement.is_some_and(|new| new.of(&self.encoded) == part.span.of(bytes));
        if !is_same {
            self.edits.push(PartEdit { span: part.span, kind: part.kind, replacement });
        }
    }

    /// The edits inside `span` of the chunk.
    fn edits_in(&self, span: Span) -> impl Iterator<Item = &PartEdit> {
        let first = self.edits.partition_point(|edit| edit.span.start < span.start);
        self.edits[first..].iter().take_while(move |edit| edit.span.end <= span.end)
    }

    /// Appends `span` of the chunk with its edits applied.
    pub(super) fn write_span(&self, bytes: &[u8], span: Span, out: &mut Vec<u8>) {
        let mut at = span.start;
        for edit in self.edits_in(span) {
            out.extend_from_slice(&bytes[at..edit.span.start]);
            at = edit.span.end;
            match edit.replacement {
                Some(replacement) => out.extend_from_slice(replacement.of(&self.encoded)),
                None => write_mask(edit.kind, out),
            }
        }
        out.extend_from_slice(&bytes[at..span.end]);
    }

    /// Whether entries that could not be examined are dropped from this chunk.
    pub(super) fn drops_entries(&self) -> bool {
        self.on_error == OnError::Drop && self.has_withheld()
    }

    /// Whether the entry at `span` is dropped.
    pub(super) fn is_dropped(&self, span: Span) -> bool {
        self.on_error == OnError::Drop && self.edits_in(span).any(|edit| edit.replacement.is_none())
    }

    /// Calls `each` with the entries in `span` that are not dropped.
    pub(super) fn for_each_kept(
        &self,
        bytes: &[u8],
        span: Span,
        mut each: impl FnMut(&LogEntry),
    ) -> Result<(), MalformedChunk> {
        let mut tokens = TokenReader::at(bytes, span.start);
        while tokens.at < span.end {
            let entry = read_entry(&mut tokens, &mut TokenReader::skip)?;
            if !self.is_dropped(entry.span) {
                each(&entry);
            }
        }
        Ok(())
    }

    /// Appends the entries of a chunk with all edits applied.
    fn write_entries(&self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), MalformedChunk> {
        let whole = Span::new(0, chunk.len());
        if self.drops_entries() {
            return self.for_each_kept(chunk, whole, |entry| {
                self.write_span(chunk, entry.span, out);
            });
        }
        self.write_span(chunk, whole, out);
        Ok(())
    }
}

/// Appends the encoding of a part with the changes of its scrubbed line.
fn encode_part(
    bytes: &[u8],
    part: &Part,
    line: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), PatchError> {
    let (before, behind) = part.kind.frame();
    let line =
        line.strip_prefix(before).and_then(|line| line.strip_suffix(behind)).ok_or(PatchError)?;
    let mut patcher = Patcher::new(TokenReader::at(bytes, part.span.start), line, out);
    if part.kind == PartKind::Pair {
        patcher.pair()?;
    } else {
        patcher.value()?;
    }
    if patcher.is_done(part.span.end) { Ok(()) } else { Err(PatchError) }
}

/// Whether the scrubber masked the whole line because it could not examine it.
fn is_masked(line: &[u8]) -> bool {
    let mut mask = Vec::new();
    redact::mask_record(line, &mut mask);
    line == mask
}

/// Appends the replacement for a part that could not be examined.
fn write_mask(kind: PartKind, out: &mut Vec<u8>) {
    const FITS: &str = "a short string fits";
    match kind {
        PartKind::Map => {
            out.push(0x81);
            write_string(StringKind::Str, b"redacted", out).expect(FITS);
        }
        PartKind::Value | PartKind::Tag => {}
        PartKind::Pair => write_string(StringKind::Str, b"redacted", out).expect(FITS),
    }
    write_string(StringKind::Str, redact::RECORD, out).expect(FITS);
}
