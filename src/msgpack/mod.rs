//! Chunks of msgpack records, as Fluent Bit and Fluentd pass them on: all text of a chunk is
//! scrubbed in one scan.
//!
//! Each record becomes one line of JSON, the lines become one block, and the block is scrubbed as a
//! log is. What changed is carried back into the msgpack: only changed strings are written anew,
//! and everything else keeps its bytes, be it a 64-bit integer, a float, an extension type or a
//! needlessly long header. Keys, metadata and the attributes of groups are scrubbed like values.
//!
//! This room knows no socket. [`message`] is the Forward protocol's message around a chunk.

#[cfg(feature = "forward")]
pub(crate) mod message;
mod patch;
mod render;
mod seams;
pub(crate) mod tokens;

use std::fmt;

#[cfg(feature = "forward")]
pub(crate) use self::patch::write_text;
pub use self::seams::Seams;
use self::{
    patch::{Broken, Mirror},
    render::Render,
    tokens::{Text, Token, Walk},
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

/// Bytes that are no msgpack, or no chunk. It says what is wrong and quotes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub(crate) &'static str);

impl Malformed {
    /// A value goes on behind the end of the bytes.
    pub(crate) const TRUNCATED: Malformed = Malformed("a value that goes on behind the end");
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a chunk: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// Memory that a large chunk took and that the next ones hardly need is given back. Fluent Bit's
/// chunks have 2 MiB: what they take stays.
const KEPT: usize = 4 << 20;

/// Scrubs chunks: rules, policy, and the memory that is reused from one to the next.
#[derive(Debug)]
pub struct ChunkScrubber {
    scrubber: Scrubber,
    on_error: OnError,
    /// A line for each part.
    text: Vec<u8>,
    clean: Vec<u8>,
    parts: Vec<Part>,
    changes: Vec<Change>,
    encoded: Vec<u8>,
}

/// Something that is scrubbed as one record.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Where it stands in the chunk.
    span: Span,
    /// Where its line ends in [`ChunkScrubber::text`], line end and all.
    line_end: usize,
    shape: Shape,
    /// It could not be shown as a line.
    is_withheld: bool,
}

/// A part that does not stay as it is.
#[derive(Clone, Copy, Debug)]
struct Change {
    span: Span,
    shape: Shape,
    /// What stands in its place, within [`ChunkScrubber::encoded`]; `None` when it could not be
    /// examined.
    new: Option<Span>,
}

/// What a part is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A map: a record, metadata, the attributes of a group.
    Map,
    /// Any other value.
    Value,
    /// The tag of a message.
    #[cfg_attr(not(feature = "forward"), expect(dead_code, reason = "only messages have tags"))]
    Tag,
    /// A key and its value, without a head.
    Pair,
}

impl Shape {
    /// What stands before a part's value in its line, and behind it.
    fn around(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Shape::Map => (b"", b""),
            Shape::Value => (b"{\"value\":", b"}"),
            Shape::Tag => (b"{\"tag\":", b"}"),
            Shape::Pair => (b"{", b"}"),
        }
    }
}

/// One entry of a chunk: a time, perhaps with metadata, and a record.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "forward"), expect(dead_code, reason = "only messages are taken apart"))]
pub(crate) struct Entry {
    pub(crate) span: Span,
    pub(crate) time: Span,
    pub(crate) metadata: Option<Span>,
    pub(crate) record: Span,
}

impl ChunkScrubber {
    /// A scrubber of chunks with those rules and that policy.
    ///
    /// # Errors
    ///
    /// The policy names a style or a rule that does not exist.
    pub fn new(rules: &RuleSet, policy: &Policy) -> Result<ChunkScrubber, Error> {
        ChunkScrubber::for_cpu(rules, policy, Cpu::best())
    }

    /// As [`ChunkScrubber::new`], using no more of the CPU than `cpu` says.
    ///
    /// # Errors
    ///
    /// As [`ChunkScrubber::new`], or this machine's CPU does not have that level.
    pub fn for_cpu(rules: &RuleSet, policy: &Policy, cpu: Cpu) -> Result<ChunkScrubber, Error> {
        // Inside, each line must have one in its place; what becomes of a record that cannot be
        // examined is settled here.
        let scrubber = Scrubber::for_cpu(rules, &policy.clone().on_error(OnError::Mask), cpu)?;
        Ok(ChunkScrubber::around(scrubber, policy.error_action()))
    }

    fn around(scrubber: Scrubber, on_error: OnError) -> ChunkScrubber {
        ChunkScrubber {
            scrubber,
            on_error,
            text: Vec::new(),
            clean: Vec::new(),
            parts: Vec::new(),
            changes: Vec::new(),
            encoded: Vec::new(),
        }
    }

    /// Another one with the same rules and policy and an empty tally. It shares the tables of this
    /// one.
    #[must_use]
    pub fn fork(&self) -> ChunkScrubber {
        ChunkScrubber::around(self.scrubber.fork(), self.on_error)
    }

    /// A scrubber of text with the same rules and policy. It shares the tables of this one.
    #[must_use]
    pub fn for_text(&self) -> Scrubber {
        self.scrubber.fork().acting(self.on_error)
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        self.scrubber.rules()
    }

    /// What was done so far; what a record is, is a record, its metadata, or a tag.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        self.scrubber.tally()
    }

    /// Gives away what was done, and counts from nothing again.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(self.scrubber.tally_mut())
    }

    /// Every record that holds `marker` fails inside, to show what becomes of it.
    #[doc(hidden)]
    pub fn fail_on(&mut self, marker: &[u8]) {
        self.scrubber.fail_on(marker);
    }

    /// Scrubs a chunk as Fluent Bit hands it to its filters and as PackedForward holds it: entries
    /// `[time, record]` or `[[time, metadata], record]`, one behind the other. What it became is
    /// appended to `out`, unless it stays as it is.
    ///
    /// # Errors
    ///
    /// It is no such chunk: nothing of it may be passed.
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
    pub fn scrub_events(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<Outcome, Malformed> {
        self.scrub_behind(&mut Seam::default(), chunk, out)
    }

    /// As [`ChunkScrubber::scrub_events`], for a chunk with that tag that follows others: a line
    /// that a container runtime has cut between two of them is judged with what came before.
    ///
    /// # Errors
    ///
    /// As [`ChunkScrubber::scrub_events`].
    pub fn scrub_next_events(
        &mut self,
        seams: &mut Seams,
        tag: &[u8],
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Outcome, Malformed> {
        seams.go_on(tag, |seam| self.scrub_behind(seam, chunk, out))
    }

    fn scrub_behind(
        &mut self,
        seam: &mut Seam,
        chunk: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Outcome, Malformed> {
        self.take_entries(chunk)?;
        let outcome = self.run(chunk, seam);
        if outcome == Outcome::Changed {
            self.write_entries(chunk, out)?;
        }
        Ok(outcome)
    }

    /// Makes room for the parts of a message or chunk of that length.
    fn begin(&mut self, n_bytes: usize) {
        self.parts.clear();
        self.changes.clear();
        for memory in [&mut self.text, &mut self.clean, &mut self.encoded] {
            memory.clear();
            memory.shrink_to(KEPT);
        }
        self.text.reserve(n_bytes);
    }

    /// Takes the records and metadata of a chunk as parts; answers how many entries there are.
    fn take_entries(&mut self, chunk: &[u8]) -> Result<usize, Malformed> {
        self.begin(chunk.len());
        let mut walk = Walk::new(chunk);
        let mut n_entries = 0;
        while !walk.is_at_end() {
            entry(&mut walk, &mut |walk| self.take_value(walk))?;
            n_entries += 1;
        }
        Ok(n_entries)
    }

    /// Takes a record or metadata as a part and goes behind it.
    fn take_value(&mut self, walk: &mut Walk<'_>) -> Result<(), Malformed> {
        let mut behind = *walk;
        let shape = match behind.token()? {
            // Most metadata is empty.
            Token::Map(0) => {
                *walk = behind;
                return Ok(());
            }
            Token::Map(_) => Shape::Map,
            _ => Shape::Value,
        };
        self.take(walk, shape)
    }

    /// Takes what stands here as a part and goes behind it. Its line is written in the same walk.
    fn take(&mut self, walk: &mut Walk<'_>, shape: Shape) -> Result<(), Malformed> {
        let (start, line) = (walk.at, self.text.len());
        let (before, behind) = shape.around();
        self.text.extend_from_slice(before);
        let mut render = Render { walk: *walk, text: &mut self.text };
        let depth = usize::from(!before.is_empty());
        let rendered = if shape == Shape::Pair { render.pair(depth) } else { render.value(depth) };
        let is_withheld = rendered.is_err();
        if is_withheld {
            self.text.truncate(line);
            // It may be whole all the same.
            for _ in 0..if shape == Shape::Pair { 2 } else { 1 } {
                walk.skip()?;
            }
        } else {
            walk.at = render.walk.at;
            self.text.extend_from_slice(behind);
        }
        self.text.push(b'\n');
        let span = Span::new(start, walk.at);
        self.parts.push(Part { span, line_end: self.text.len(), shape, is_withheld });
        if is_withheld {
            self.changes.push(Change { span, shape, new: None });
        }
        Ok(())
    }

    /// Scrubs the parts that were taken; answers whether any of them changed.
    fn run(&mut self, bytes: &[u8], seam: &mut Seam) -> Outcome {
        self.scrubber.tally_mut().withheld += self.changes.len() as u64;
        let outcome = self.scrubber.scrub_behind(seam, &self.text, &mut self.clean);
        if outcome == Outcome::Changed {
            self.mirror(bytes);
        }
        if self.on_error == OnError::Stop && self.changes.iter().any(|change| change.new.is_none())
        {
            return Outcome::Stopped;
        }
        if self.changes.is_empty() { Outcome::Clean } else { Outcome::Changed }
    }

    /// Carries what changed in the lines back into the parts.
    fn mirror(&mut self, bytes: &[u8]) {
        let (mut start, mut at) = (0, 0);
        let mut n_broken = 0;
        for part in &self.parts {
            let line = &self.text[start..part.line_end];
            start = part.line_end;
            if self.clean[at..].starts_with(line) {
                at += line.len();
                continue;
            }
            let end = memchr::memchr(b'\n', &self.clean[at..])
                .map_or(self.clean.len(), |length| at + length);
            let line = &self.clean[at..end];
            at = (end + 1).min(self.clean.len());
            if part.is_withheld {
                continue;
            }
            let new = self.encoded.len();
            let is_mirrored = !is_masked(line) && {
                let result = mirror_part(bytes, part, line, &mut self.encoded);
                // The scrubber has counted what it masked.
                n_broken += u64::from(result.is_err());
                result.is_ok()
            };
            if !is_mirrored {
                self.encoded.truncate(new);
            }
            let new = is_mirrored.then(|| Span::new(new, self.encoded.len()));
            if new.is_none_or(|new| new.of(&self.encoded) != part.span.of(bytes)) {
                self.changes.push(Change { span: part.span, shape: part.shape, new });
            }
        }
        // What could not be shown came first.
        self.changes.sort_by_key(|change| change.span.start);
        self.scrubber.tally_mut().withheld += n_broken;
    }

    /// The changes inside `span` of the chunk.
    fn changes_in(&self, span: Span) -> impl Iterator<Item = &Change> {
        let first = self.changes.partition_point(|change| change.span.start < span.start);
        self.changes[first..].iter().take_while(move |change| change.span.end <= span.end)
    }

    /// Appends `span` of the chunk with what its parts became.
    fn splice(&self, bytes: &[u8], span: Span, out: &mut Vec<u8>) {
        let mut at = span.start;
        for change in self.changes_in(span) {
            out.extend_from_slice(&bytes[at..change.span.start]);
            at = change.span.end;
            match change.new {
                Some(new) => out.extend_from_slice(new.of(&self.encoded)),
                None => withhold(change.shape, out),
            }
        }
        out.extend_from_slice(&bytes[at..span.end]);
    }

    /// Whether entries are left out, because of what could not be examined in them.
    fn drops(&self) -> bool {
        self.on_error == OnError::Drop && self.changes.iter().any(|change| change.new.is_none())
    }

    /// Whether that entry is.
    fn is_dropped(&self, span: Span) -> bool {
        self.on_error == OnError::Drop && self.changes_in(span).any(|change| change.new.is_none())
    }

    /// Shows the entries of `span` that stay to `each`.
    fn each_kept(
        &self,
        bytes: &[u8],
        span: Span,
        mut each: impl FnMut(&Entry),
    ) -> Result<(), Malformed> {
        let mut walk = Walk::at(bytes, span.start);
        while walk.at < span.end {
            let entry = entry(&mut walk, &mut Walk::skip)?;
            if !self.is_dropped(entry.span) {
                each(&entry);
            }
        }
        Ok(())
    }

    /// Appends the entries of a chunk as they became.
    fn write_entries(&self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let whole = Span::new(0, chunk.len());
        if self.drops() {
            return self.each_kept(chunk, whole, |entry| self.splice(chunk, entry.span, out));
        }
        self.splice(chunk, whole, out);
        Ok(())
    }
}

fn mirror_part(bytes: &[u8], part: &Part, line: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
    let (before, behind) = part.shape.around();
    let line =
        line.strip_prefix(before).and_then(|line| line.strip_suffix(behind)).ok_or(Broken)?;
    let walk = Walk::at(bytes, part.span.start);
    let mut mirror = Mirror { walk, line, at: 0, out, value: Vec::new() };
    if part.shape == Shape::Pair {
        mirror.pair()?;
    } else {
        mirror.value()?;
    }
    if mirror.at == line.len() && mirror.walk.at == part.span.end { Ok(()) } else { Err(Broken) }
}

/// Whether a line is what the scrubber puts in place of one that it could not examine.
fn is_masked(line: &[u8]) -> bool {
    let mut mask = Vec::new();
    redact::mask_record(line, &mut mask);
    line == mask
}

/// Appends what stands in place of a part that could not be examined.
fn withhold(shape: Shape, out: &mut Vec<u8>) {
    const FITS: &str = "a short text fits";
    match shape {
        Shape::Map => {
            out.push(0x81);
            patch::write_text(Text::Str, b"redacted", out).expect(FITS);
        }
        Shape::Value | Shape::Tag => {}
        Shape::Pair => patch::write_text(Text::Str, b"redacted", out).expect(FITS),
    }
    patch::write_text(Text::Str, redact::RECORD, out).expect(FITS);
}

/// `[time, record]` or `[[time, metadata], record]`. `take` goes behind metadata and record, and
/// does with them what it likes.
fn entry<'b>(
    walk: &mut Walk<'b>,
    take: &mut impl FnMut(&mut Walk<'b>) -> Result<(), Malformed>,
) -> Result<Entry, Malformed> {
    let start = walk.at;
    if walk.array()? != 2 {
        return Err(Malformed("an entry that is no pair of time and record"));
    }
    let (time, metadata) = head(walk, take)?;
    let record = taken(walk, take)?;
    Ok(Entry { span: Span::new(start, walk.at), time, metadata, record })
}

fn taken<'b>(
    walk: &mut Walk<'b>,
    take: &mut impl FnMut(&mut Walk<'b>) -> Result<(), Malformed>,
) -> Result<Span, Malformed> {
    let start = walk.at;
    take(walk)?;
    Ok(Span::new(start, walk.at))
}

/// A time, or a pair of time and metadata.
fn head<'b>(
    walk: &mut Walk<'b>,
    take: &mut impl FnMut(&mut Walk<'b>) -> Result<(), Malformed>,
) -> Result<(Span, Option<Span>), Malformed> {
    let start = *walk;
    match walk.token()? {
        Token::Array(2) => {
            let time = time(walk)?;
            Ok((time, Some(taken(walk, take)?)))
        }
        _ => {
            *walk = start;
            Ok((time(walk)?, None))
        }
    }
}

/// A time: an EventTime, or seconds. Anything else could be text that nobody looks at.
fn time(walk: &mut Walk<'_>) -> Result<Span, Malformed> {
    let start = walk.at;
    match walk.token()? {
        Token::Ext(0, span) if span.len() == 8 => {}
        Token::Int(_) | Token::Float(_) => {}
        _ => return Err(Malformed("something else where a time belongs")),
    }
    Ok(Span::new(start, walk.at))
}

#[cfg(all(test, feature = "forward"))]
pub(crate) mod tests;
