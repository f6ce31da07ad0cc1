//! Chunks of msgpack records, as Fluent Bit and Fluentd pass them on: all text of a chunk is scrubbed in one scan.
//!
//! Each record becomes one line of JSON, the lines become one block, and the block is scrubbed as a log is. What changed is carried back
//! into the msgpack: only changed strings are written anew, and everything else keeps its bytes, be it a 64-bit integer, a float, an
//! extension type or a needlessly long header. Keys, metadata and the attributes of groups are scrubbed like values.
//!
//! This room knows no socket. [`message`] is the Forward protocol's message around a chunk.

#[cfg(feature = "forward")]
pub(crate) mod message;
mod mirror;
mod render;
mod seams;
pub(crate) mod walk;

use std::fmt;

#[cfg(feature = "forward")]
pub(crate) use self::mirror::write_text;
pub use self::seams::Seams;
use self::{
    mirror::{Broken, Mirror},
    render::Render,
    walk::{Text, Token, Walk},
};
use crate::{
    error::Error,
    policy::{OnError, Policy},
    redact,
    rules::RuleSet,
    scan::prefilter::Cpu,
    scrub::{Outcome, Scrubber, Seam},
    span::Span,
    tally::Tally,
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

/// Memory that a large chunk took and that the next ones hardly need is given back.
const KEPT: usize = 1 << 20;

/// Scrubs chunks: rules, policy, and the memory that is reused from one to the next.
#[derive(Debug)]
pub struct ChunkScrubber {
    scrubber: Scrubber,
    on_error: OnError,
    text: Vec<u8>,
    clean: Vec<u8>,
    parts: Vec<Part>,
    encoded: Vec<u8>,
}

/// Something that is scrubbed as one record.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Where it stands in the chunk.
    span: Span,
    shape: Shape,
    /// Its line of JSON.
    line: Span,
    /// What stands in its place, within [`ChunkScrubber::encoded`].
    new: Option<Span>,
    /// It could not be examined.
    is_withheld: bool,
}

/// What a part is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A map: a record, metadata, the attributes of a group.
    Map,
    /// Any other value, shown under a name.
    Named(&'static str),
    /// A key and its value, without a head.
    #[cfg_attr(not(feature = "forward"), expect(dead_code, reason = "only messages have options"))]
    Pair,
}

/// One entry of a chunk: a time, perhaps with metadata, and a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) span: Span,
    #[cfg_attr(not(feature = "forward"), expect(dead_code, reason = "only messages are taken apart"))]
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
        // Inside, each line must have one in its place; what becomes of a record that cannot be examined is settled here.
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
            encoded: Vec::new(),
        }
    }

    /// Another one with the same rules and policy and an empty tally. It shares the tables of this one.
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

    /// Scrubs a chunk as Fluent Bit hands it to its filters and as PackedForward holds it: entries `[time, record]` or
    /// `[[time, metadata], record]`, one behind the other. What it became is appended to `out`, unless it stays as it is.
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

    /// As [`ChunkScrubber::scrub_events`], for a chunk with that tag that follows others: a line that a container runtime has cut between
    /// two of them is judged with what came before.
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

    fn scrub_behind(&mut self, seam: &mut Seam, chunk: &[u8], out: &mut Vec<u8>) -> Result<Outcome, Malformed> {
        self.begin();
        let entries = entries(chunk)?;
        entries.iter().for_each(|entry| self.add_entry(chunk, entry));
        let outcome = self.run(chunk, seam);
        if outcome == Outcome::Changed {
            self.write_entries(chunk, &entries, out);
        }
        Ok(outcome)
    }

    fn begin(&mut self) {
        self.parts.clear();
        for memory in [&mut self.text, &mut self.clean, &mut self.encoded] {
            memory.clear();
            memory.shrink_to(KEPT);
        }
    }

    /// Metadata, when there is any, and the record.
    fn add_entry(&mut self, bytes: &[u8], entry: &Entry) {
        for value in entry.metadata.into_iter().chain([entry.record]) {
            self.add_value(bytes, value);
        }
    }

    fn add_value(&mut self, bytes: &[u8], span: Span) {
        match Walk::at(bytes, span.start).token() {
            // Most metadata is empty.
            Ok(Token::Map(0)) => {}
            Ok(Token::Map(_)) => self.add(span, Shape::Map),
            _ => self.add(span, Shape::Named("value")),
        }
    }

    fn add(&mut self, span: Span, shape: Shape) {
        self.parts.push(Part { span, shape, line: Span::default(), new: None, is_withheld: false });
    }

    /// Scrubs the parts that were added; answers whether any of them changed.
    fn run(&mut self, bytes: &[u8], seam: &mut Seam) -> Outcome {
        self.render(bytes);
        let outcome = self.scrubber.scrub_behind(seam, &self.text, &mut self.clean);
        if outcome == Outcome::Changed {
            self.mirror(bytes);
        }
        let is_withheld = self.parts.iter().any(|part| part.is_withheld);
        if is_withheld && self.on_error == OnError::Stop {
            return Outcome::Stopped;
        }
        let is_changed = is_withheld || self.parts.iter().any(|part| part.new.is_some());
        if is_changed { Outcome::Changed } else { Outcome::Clean }
    }

    /// Writes the line of each part.
    fn render(&mut self, bytes: &[u8]) {
        self.text.clear();
        for part in &mut self.parts {
            let start = self.text.len();
            let walk = Walk::at(bytes, part.span.start);
            let mut render = Render { walk, text: &mut self.text };
            let rendered = match part.shape {
                Shape::Map => render.value(0),
                Shape::Named(name) => {
                    render.text.extend_from_slice(format!("{{\"{name}\":").as_bytes());
                    render.value(1).map(|()| render.text.push(b'}'))
                }
                Shape::Pair => {
                    render.text.push(b'{');
                    render.pair(1).map(|()| render.text.push(b'}'))
                }
            };
            if rendered.is_err() && !part.is_withheld {
                part.is_withheld = true;
                self.scrubber.tally_mut().withheld += 1;
            }
            if part.is_withheld {
                self.text.truncate(start);
            }
            part.line = Span::new(start, self.text.len());
            self.text.push(b'\n');
        }
    }

    /// Carries what changed in the lines back into the parts.
    fn mirror(&mut self, bytes: &[u8]) {
        let mut at = 0;
        let mut n_broken = 0;
        for part in &mut self.parts {
            let end = memchr::memchr(b'\n', &self.clean[at..]).map_or(self.clean.len(), |length| at + length);
            let line = &self.clean[at..end];
            at = (end + 1).min(self.clean.len());
            let is_same = line == part.line.of(&self.text);
            if part.is_withheld || is_same {
                continue;
            }
            if is_masked(line) {
                // The scrubber has counted it.
                part.is_withheld = true;
                continue;
            }
            let start = self.encoded.len();
            if mirror_part(bytes, part, line, &mut self.encoded).is_err() {
                self.encoded.truncate(start);
                part.is_withheld = true;
                n_broken += 1;
                continue;
            }
            let new = Span::new(start, self.encoded.len());
            part.new = (new.of(&self.encoded) != part.span.of(bytes)).then_some(new);
        }
        self.scrubber.tally_mut().withheld += n_broken;
    }

    /// Appends `span` of the chunk with what its parts became.
    fn splice(&self, bytes: &[u8], span: Span, out: &mut Vec<u8>) {
        let mut at = span.start;
        let first = self.parts.partition_point(|part| part.span.start < span.start);
        let inside = self.parts[first..].iter().take_while(|part| part.span.end <= span.end);
        for part in inside.filter(|part| part.is_withheld || part.new.is_some()) {
            out.extend_from_slice(&bytes[at..part.span.start]);
            at = part.span.end;
            match part.new {
                Some(new) if !part.is_withheld => out.extend_from_slice(new.of(&self.encoded)),
                _ => withhold(part.shape, out),
            }
        }
        out.extend_from_slice(&bytes[at..span.end]);
    }

    /// Whether an entry is left out, because of what could not be examined in it.
    fn is_dropped(&self, span: Span) -> bool {
        if self.on_error != OnError::Drop {
            return false;
        }
        let first = self.parts.partition_point(|part| part.span.start < span.start);
        self.parts[first..].iter().take_while(|part| part.span.end <= span.end).any(|part| part.is_withheld)
    }

    /// Appends the entries as they became; answers how many there are.
    fn write_entries(&self, bytes: &[u8], entries: &[Entry], out: &mut Vec<u8>) -> usize {
        let kept = entries.iter().filter(|entry| !self.is_dropped(entry.span));
        kept.map(|entry| self.splice(bytes, entry.span, out)).count()
    }
}

fn mirror_part(bytes: &[u8], part: &Part, line: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
    let walk = Walk::at(bytes, part.span.start);
    let mut mirror = Mirror { walk, line, at: 0, out, value: Vec::new() };
    match part.shape {
        Shape::Map => mirror.value()?,
        Shape::Named(name) => {
            let head = format!("{{\"{name}\":");
            mirror.line.starts_with(head.as_bytes()).then_some(()).ok_or(Broken)?;
            mirror.at = head.len();
            mirror.value()?;
            mirror.expect(b'}')?;
        }
        Shape::Pair => {
            mirror.expect(b'{')?;
            mirror.pair()?;
            mirror.expect(b'}')?;
        }
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
            mirror::write_text(Text::Str, b"redacted", out).expect(FITS);
        }
        Shape::Named(_) => {}
        Shape::Pair => mirror::write_text(Text::Str, b"redacted", out).expect(FITS),
    }
    mirror::write_text(Text::Str, redact::RECORD, out).expect(FITS);
}

/// The entries of a chunk.
fn entries(chunk: &[u8]) -> Result<Vec<Entry>, Malformed> {
    let mut walk = Walk::new(chunk);
    let mut entries = Vec::new();
    while !walk.is_at_end() {
        entries.push(entry(&mut walk)?);
    }
    Ok(entries)
}

/// `[time, record]` or `[[time, metadata], record]`.
fn entry(walk: &mut Walk<'_>) -> Result<Entry, Malformed> {
    let start = walk.at;
    if walk.array()? != 2 {
        return Err(Malformed("an entry that is no pair of time and record"));
    }
    let (time, metadata) = head(walk)?;
    let record = walk.value()?;
    Ok(Entry { span: Span::new(start, walk.at), time, metadata, record })
}

/// A time, or a pair of time and metadata.
fn head(walk: &mut Walk<'_>) -> Result<(Span, Option<Span>), Malformed> {
    let start = *walk;
    match walk.token()? {
        Token::Array(2) => {
            let time = time(walk)?;
            Ok((time, Some(walk.value()?)))
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
mod tests;
