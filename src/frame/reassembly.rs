//! How a block is read as text when its records do not all stand by themselves.
//!
//! The text has the lines of the block. Where a record was cut into parts, the first part's line
//! holds the whole of it and the others hold their heads alone; so what searches a text finds a
//! secret that was cut as if it had never been. A field with a length before it becomes a line,
//! bytes that are written as numbers become a string. [`SourceMap`] knows where each byte stands in the
//! block.
//!
//! Parts that are not all there are not read: the reassembly ends before them ([`Reassembly::end`]), and
//! they are read again with what follows. When that must not be, because the input ends or because
//! too much waits, they are taken as they are; the next part then begins with what came before as
//! its context, which was handed on already and is only looked at.

use super::{
    Format, Stream,
    formats::{cri, csv, docker, journal, k8s_secret},
    partial_marker,
};
use crate::text::{line, source_map::SourceMap, span::Span};

/// So much of what was handed on unfinished is looked at again with what follows: as much as the
/// longest secret, and more.
const CONTEXT: usize = 68 << 10;

/// What comes behind a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputState {
    /// More may come.
    Open,
    /// Nothing: the input ends.
    Ended,
    /// Nothing that can be waited for any longer.
    TimedOut,
}

/// A rest that has not come within so many bytes does not come any more. For as long as one may,
/// every record is read.
const MAX_AGE: usize = 1 << 20;

/// How long a record may wait for its rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlushPolicy {
    pub(crate) input: InputState,
    /// All that waits together is at most so many bytes.
    pub(crate) limit: usize,
}

impl FlushPolicy {
    /// Nothing waits: what is there is all there is.
    pub(crate) const AT_END: FlushPolicy =
        FlushPolicy { input: InputState::Ended, limit: usize::MAX };

    /// Nothing waits, but more will come.
    #[cfg(feature = "msgpack")]
    pub(crate) const NO_WAIT: FlushPolicy =
        FlushPolicy { input: InputState::TimedOut, limit: usize::MAX };
}

/// A stream whose last part was handed on before the rest of it had come.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TimedOutPartial {
    stream: Stream,
    /// The end of what was handed on, as it was before it was scrubbed.
    context: Vec<u8>,
    /// Bytes of records since then.
    age: usize,
}

/// What is known of an input from one block to the next.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct StreamState {
    timed_out: Vec<TimedOutPartial>,
    pub(super) columns: Option<csv::Columns>,
}

impl StreamState {
    /// Whether the next block is read as the first one is.
    pub(crate) fn is_empty(&self) -> bool {
        self.timed_out.is_empty() && self.columns.is_none()
    }

    /// Forgets the names of columns: the next row is read as the first one is.
    #[cfg(feature = "cli")]
    pub(crate) fn forget_columns(&mut self) {
        self.columns = None;
    }

    /// The bytes of records that are kept.
    #[cfg(feature = "msgpack")]
    pub(crate) fn n_bytes(&self) -> usize {
        self.timed_out.iter().map(|timed_out| timed_out.context.capacity()).sum()
    }

    /// Keeps none of them: what goes on is judged by itself.
    #[cfg(feature = "msgpack")]
    pub(crate) fn forget(&mut self) {
        self.timed_out.clear();
    }
}

/// A part of a record that was cut.
struct Part {
    text: Span,
    /// The next part of the same record.
    next: Option<usize>,
    is_first: bool,
    /// What came before the first part and was handed on.
    context: Vec<u8>,
}

/// Bytes of the block that are something else in the text.
#[derive(Clone, Copy)]
struct Swap {
    raw: Span,
    /// In [`Reassembly::words`].
    text: Span,
}

/// A field with its length before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// The eight bytes that say how long it is.
    pub(crate) length: Span,
    pub(crate) value: Span,
}

/// A record whose rest has not come yet.
struct Open {
    stream: Stream,
    first: usize,
    last: usize,
}

/// Parts of a block that are read otherwise than as they are and lie no further apart than this are
/// read together: each costs a scan of its own, some 3 us however short. With 512 bytes a log of
/// which every fifth line is cut in two took 6.1 ns a byte, read as a whole 3.8.
const GAP: usize = 4 << 10;

/// See the module.
#[derive(Default)]
pub(crate) struct Reassembly {
    segments: Vec<Span>,
    markers: Vec<usize>,
    parts: Vec<Part>,
    swaps: Vec<Swap>,
    words: Vec<u8>,
    fields: Vec<Field>,
    numbers: Vec<Span>,
    /// The last parts of records that were handed on unfinished.
    late: Vec<usize>,
    open: Vec<Open>,
    end: usize,
    /// Whose rest the records behind [`Reassembly::end`] wait for; nobody's where an entry waits for
    /// its own.
    awaited: Vec<Stream>,
    n_cut: u64,
    source_map: SourceMap,
}

impl Reassembly {
    /// Reads `hay`, which begins at the start of a record and in which `markers` stand; answers
    /// whether it is to be read as [`Reassembly::source_map`] says. A record and all that waits with it is at
    /// most `limit` bytes.
    pub(crate) fn read(
        &mut self,
        hay: &[u8],
        markers: &[(usize, usize)],
        format: Format,
        flush: FlushPolicy,
        stream_state: &mut StreamState,
    ) -> bool {
        let FlushPolicy { input, limit } = flush;
        self.clear();
        self.end = hay.len();
        if let Some(separator) = format.separator() {
            csv::read(self, hay, separator, input, limit, stream_state);
        } else {
            let counts =
                |marker: &&(usize, usize)| partial_marker::counts(hay, marker.0, marker.1, format);
            self.markers.extend(markers.iter().filter(counts).map(|marker| marker.1));
            if self.markers.is_empty() && stream_state.timed_out.is_empty() {
                return false;
            }
            Walk {
                reassembly: self,
                hay,
                format,
                input,
                limit,
                stream_state,
                at: 0,
                since: 0,
                before: None,
            }
            .run();
        }
        !self.segments.is_empty()
    }

    /// The parts of the block that are read otherwise than as they are, in order; each begins and
    /// ends on the edge of a record.
    pub(crate) fn segments(&self) -> &[Span] {
        &self.segments
    }

    /// Says how a segment, or all of the block, is read.
    pub(crate) fn render(&mut self, hay: &[u8], segment: Span) {
        let mut source_map = std::mem::take(&mut self.source_map);
        source_map.clear();
        self.write_source_map(hay, segment, &mut source_map);
        self.source_map = source_map;
    }

    /// What lies from `from` to `to` is read otherwise.
    pub(super) fn touch(&mut self, from: usize, to: usize) {
        match self.segments.last_mut() {
            Some(last) if from - last.end < GAP => last.end = to,
            _ => self.segments.push(Span::new(from, to)),
        }
    }

    fn clear(&mut self) {
        self.segments.clear();
        self.markers.clear();
        self.parts.clear();
        self.swaps.clear();
        self.words.clear();
        self.fields.clear();
        self.numbers.clear();
        self.late.clear();
        self.open.clear();
        self.awaited.clear();
        self.n_cut = 0;
        self.source_map.clear();
    }

    /// So much of the block can be examined now; the rest waits.
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// Whether the records that wait at the head of `hay` may go on now that there is something
    /// behind `from`, where they ended when they were read. It costs little: reading them again
    /// would cost as much for each line that comes.
    pub(crate) fn may_go_on(&self, hay: &[u8], from: usize, format: Format) -> bool {
        if self.awaited.is_empty() {
            return true;
        }
        let mut at = from;
        while at < hay.len() {
            let part = part(hay, line::from(hay, at), format);
            if part.is_some_and(|part| !part.is_partial && self.awaited.contains(&part.stream)) {
                return true;
            }
            at = line::next(hay, at);
        }
        false
    }

    /// What was laid out, as text.
    pub(crate) fn source_map(&self) -> &SourceMap {
        &self.source_map
    }

    /// The fields of a segment that have a length, in order.
    pub(crate) fn fields(&self, segment: Span) -> &[Field] {
        let before = |at: usize| self.fields.partition_point(|field| field.length.start < at);
        &self.fields[before(segment.start)..before(segment.end)]
    }

    /// Where in a segment bytes are written as numbers, in order: without the brackets.
    pub(crate) fn numbers(&self, segment: Span) -> &[Span] {
        let before = |at: usize| self.numbers.partition_point(|numbers| numbers.start < at);
        &self.numbers[before(segment.start)..before(segment.end)]
    }

    /// Whether something of `span` is read otherwise than as it is.
    pub(crate) fn touches(&self, span: Span) -> bool {
        let meets = |other: Span| other.start <= span.end && span.start <= other.end;
        self.parts.iter().any(|part| meets(part.text))
            || self.swaps.iter().any(|swap| meets(swap.raw))
    }

    /// How many records were taken unfinished because they could not be waited for.
    pub(crate) fn n_cut(&self) -> u64 {
        self.n_cut
    }

    /// The spans of a segment that could be the beginning of a secret whose rest did not come in
    /// time: the last word of each unfinished record, the parts of one behind each other.
    pub(crate) fn tails(&self, hay: &[u8], segment: Span) -> Vec<Vec<Span>> {
        let late = self.late.iter().filter(|last| segment.contains(self.parts[**last].text.start));
        late.map(|last| self.tail(hay, *last)).filter(|tail| !tail.is_empty()).collect()
    }

    fn tail(&self, hay: &[u8], last: usize) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut part = Some(last);
        while let Some(index) = part {
            let text = self.parts[index].text;
            let word = text.of(hay).iter().rev().take_while(|byte| !ends_word(**byte)).count();
            let escape = edge_of_escape(text.of(hay), text.len() - word);
            let start = text.start + escape;
            if start < text.end {
                spans.push(Span::new(start, text.end));
            }
            let is_whole = start == text.start;
            part = self.parts.iter().position(|part| part.next == Some(index)).filter(|_| is_whole);
        }
        spans.reverse();
        let n_bytes: usize = spans.iter().map(|span| span.len()).sum();
        // Less than that tells nobody anything.
        if n_bytes < 4 { Vec::new() } else { spans }
    }

    fn push_part(&mut self, text: Span, context: Vec<u8>) -> usize {
        self.parts.push(Part { text, next: None, is_first: true, context });
        self.parts.len() - 1
    }

    /// `raw` of the block is `text` in the text.
    pub(super) fn swap(&mut self, raw: Span, text: &[u8]) {
        let start = self.words.len();
        self.words.extend_from_slice(text);
        self.swaps.push(Swap { raw, text: Span::new(start, self.words.len()) });
    }

    /// Bytes in `raw` are written as numbers.
    pub(super) fn push_numbers(&mut self, raw: Span) {
        self.numbers.push(raw);
    }

    pub(super) fn push_field(&mut self, field: Field) {
        self.fields.push(field);
    }

    /// Nothing from `at` on is read.
    pub(super) fn end_at(&mut self, at: usize) {
        self.end = at;
        self.segments.retain(|segment| segment.start < at);
        if let Some(last) = self.segments.last_mut() {
            last.end = last.end.min(at);
        }
        self.swaps.retain(|swap| swap.raw.end <= at);
        self.fields.retain(|field| field.value.end <= at);
        self.numbers.retain(|numbers| numbers.end <= at);
        // Records that began before are whole before.
        self.parts.retain(|part| part.text.end <= at);
    }

    fn write_source_map(&self, hay: &[u8], segment: Span, source_map: &mut SourceMap) {
        let before = |at: usize| self.parts.partition_point(|part| part.text.start < at);
        let mut done = segment.start;
        for part in &self.parts[before(segment.start)..before(segment.end)] {
            if !part.is_first {
                self.copy(hay, Span::new(done, part.text.start), source_map);
                done = part.text.end;
                continue;
            }
            if !part.context.is_empty() {
                self.copy(hay, Span::new(done, part.text.start), source_map);
                source_map.replace(&part.context, Span::new(part.text.start, part.text.start));
                done = part.text.start;
            }
            self.copy(hay, Span::new(done, part.text.end), source_map);
            done = part.text.end;
            let mut next = part.next;
            while let Some(index) = next {
                self.copy(hay, self.parts[index].text, source_map);
                next = self.parts[index].next;
            }
        }
        self.copy(hay, Span::new(done, segment.end), source_map);
    }

    /// Copies `span` with what is something else in the text.
    fn copy(&self, hay: &[u8], span: Span, source_map: &mut SourceMap) {
        let mut done = span.start;
        let first = self.swaps.partition_point(|swap| swap.raw.start < span.start);
        for swap in self.swaps[first..].iter().take_while(|swap| swap.raw.end <= span.end) {
            source_map.copy(hay, Span::new(done, swap.raw.start));
            source_map.replace(swap.text.of(&self.words), swap.raw);
            done = swap.raw.end;
        }
        source_map.copy(hay, Span::new(done, span.end));
    }
}

/// Whether no secret goes on behind the byte.
fn ends_word(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>')
}

/// Where in `text` a word that seemed to begin at `start` begins: an escape is not cut in two.
fn edge_of_escape(text: &[u8], start: usize) -> usize {
    let slashes = text[..start].iter().rev().take_while(|byte| **byte == b'\\').count();
    start.saturating_sub(slashes)
}

/// A walk along the records of a block.
struct Walk<'w, 'h> {
    reassembly: &'w mut Reassembly,
    hay: &'h [u8],
    format: Format,
    input: InputState,
    limit: usize,
    stream_state: &'w mut StreamState,
    at: usize,
    /// Where the first record began of those that wait together.
    since: usize,
    /// What was known there.
    before: Option<StreamState>,
}

impl Walk<'_, '_> {
    fn run(mut self) {
        let markers = std::mem::take(&mut self.reassembly.markers);
        let mut markers_left = markers.iter().copied().peekable();
        while self.at < self.hay.len() {
            if self.reassembly.open.is_empty() && self.stream_state.timed_out.is_empty() {
                while markers_left.next_if(|marker| *marker < self.at).is_some() {}
                let Some(marker) = markers_left.peek() else { break };
                self.at = line::around(self.hay, *marker).start.max(self.at);
            }
            let (start, was) = (self.at, self.touched());
            if !self.step() {
                break;
            }
            if was != self.touched() || !self.reassembly.open.is_empty() {
                self.reassembly.touch(start, self.at);
            }
        }
        self.reassembly.markers = markers;
        self.finish();
    }

    /// Something that changes whenever a record is read otherwise than as it is.
    fn touched(&self) -> (usize, usize) {
        (self.reassembly.parts.len(), self.reassembly.swaps.len())
    }

    /// One record; answers whether the walk goes on.
    fn step(&mut self) -> bool {
        let next = line::next(self.hay, self.at);
        if !self.reassembly.open.is_empty() && next - self.since >= self.limit {
            self.tear();
        }
        let record = line::from(self.hay, self.at);
        if self.format.takes(Format::JournalExport) && journal::begins(record.of(self.hay)) {
            return self.entry();
        }
        if self.format == Format::Auto && k8s_secret::begins(record.of(self.hay)) {
            return self.manifest();
        }
        if self.hay.get(self.at) == Some(&b'{') {
            self.object(record);
        }
        if let Some(part) = part(self.hay, record, self.format) {
            self.join(part);
        }
        let length = next - self.at;
        self.stream_state.timed_out.retain_mut(|timed_out| {
            timed_out.age += length;
            timed_out.age < MAX_AGE
        });
        self.at = next;
        true
    }

    /// An object in which bytes are written as numbers, or which is a Secret.
    fn object(&mut self, record: Span) {
        if self.format.takes(Format::JournalJson) {
            journal::numbers(self.reassembly, self.hay, record);
        }
        if self.format == Format::Auto {
            k8s_secret::lay_object(self.reassembly, self.hay, record);
        }
    }

    fn entry(&mut self) -> bool {
        let entry = journal::read(self.hay, self.at);
        if !self.is_there(entry.end, entry.is_whole) {
            return false;
        }
        entry.fields.iter().for_each(|field| journal::lay(self.reassembly, self.hay, *field));
        if let Some(part) = entry.part {
            self.join(part);
        }
        self.at = entry.end;
        true
    }

    fn manifest(&mut self) -> bool {
        let manifest = k8s_secret::read(self.hay, self.at);
        if !self.is_there(manifest.end, manifest.is_whole) {
            return false;
        }
        manifest.values.iter().for_each(|value| k8s_secret::lay(self.reassembly, self.hay, *value));
        self.at = manifest.end;
        true
    }

    /// Whether what begins here and spans lines can be taken; otherwise the walk ends, and it waits
    /// for its end.
    fn is_there(&mut self, end: usize, is_whole: bool) -> bool {
        let waits_since = if self.reassembly.open.is_empty() { self.at } else { self.since };
        if is_whole || self.input != InputState::Open || end - waits_since >= self.limit {
            return true;
        }
        self.begin_waiting();
        self.reassembly.end_at(self.since);
        self.restore();
        self.reassembly.open.clear();
        self.at = self.hay.len();
        false
    }

    fn begin_waiting(&mut self) {
        if self.reassembly.open.is_empty() {
            self.since = self.at;
            self.before =
                (!self.stream_state.timed_out.is_empty()).then(|| self.stream_state.clone());
        }
    }

    fn restore(&mut self) {
        if let Some(before) = self.before.take() {
            *self.stream_state = before;
        }
    }

    /// Adds a part to the record of its stream.
    fn join(&mut self, part: docker::Part) {
        let open = self.reassembly.open.iter().position(|open| open.stream == part.stream);
        let timed_out = self
            .stream_state
            .timed_out
            .iter()
            .position(|timed_out| timed_out.stream == part.stream);
        if open.is_none() && timed_out.is_none() && !part.is_partial {
            return;
        }
        self.begin_waiting();
        let context =
            timed_out.map(|timed_out| self.stream_state.timed_out.swap_remove(timed_out).context);
        let index = self.reassembly.push_part(part.text, context.unwrap_or_default());
        match open {
            Some(at) => {
                let last = self.reassembly.open[at].last;
                self.reassembly.parts[last].next = Some(index);
                self.reassembly.parts[index].is_first = false;
                self.reassembly.open[at].last = index;
                if !part.is_partial {
                    self.reassembly.open.swap_remove(at);
                }
            }
            None if part.is_partial => {
                self.reassembly.open.push(Open { stream: part.stream, first: index, last: index })
            }
            None => {}
        }
    }

    /// Takes what is open as it is: its rest is not waited for.
    fn tear(&mut self) {
        for open in std::mem::take(&mut self.reassembly.open) {
            let mut context = self.reassembly.parts[open.first].context.clone();
            let mut next = Some(open.first);
            while let Some(index) = next {
                context.extend_from_slice(self.reassembly.parts[index].text.of(self.hay));
                next = self.reassembly.parts[index].next;
            }
            context.drain(..context.len().saturating_sub(CONTEXT));
            self.reassembly.late.push(open.last);
            self.reassembly.n_cut += 1;
            self.stream_state.timed_out.push(TimedOutPartial {
                stream: open.stream,
                context,
                age: 0,
            });
        }
    }

    fn finish(mut self) {
        if self.reassembly.open.is_empty() {
            return;
        }
        match self.input {
            InputState::Ended => self.reassembly.open.clear(),
            InputState::TimedOut => self.tear(),
            InputState::Open => {
                self.reassembly.end_at(self.since);
                self.restore();
                self.reassembly
                    .awaited
                    .extend(self.reassembly.open.drain(..).map(|open| open.stream));
            }
        }
    }
}

/// Reads a record that may be a part of a longer one.
fn part(hay: &[u8], record: Span, format: Format) -> Option<docker::Part> {
    match hay.get(record.start)? {
        byte if byte.is_ascii_digit() && format.takes(Format::Cri) => {
            let head = cri::head(record.of(hay))?;
            let text = cri::text(record, head);
            Some(docker::Part { stream: head.stream, is_partial: head.is_partial, text })
        }
        b'{' => {
            let file = if format.takes(Format::Docker) { docker::file(hay, record) } else { None };
            let has_members = format.takes(Format::Json) || format.takes(Format::JournalJson);
            if file.is_none() && has_members { docker::members(hay, record) } else { file }
        }
        _ => None,
    }
}

impl std::fmt::Debug for Reassembly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reassembly({} parts, {} swaps)", self.parts.len(), self.swaps.len())
    }
}

impl std::fmt::Debug for StreamState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StreamState({} timed_out)", self.timed_out.len())
    }
}
