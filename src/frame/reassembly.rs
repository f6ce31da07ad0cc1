//! Reads a block as text when some of its records are parts of longer ones.
//!
//! The text has the lines of the block. Where a record was cut into parts, the line of the first
//! part holds all of it and the others keep only their heads, so detectors find a secret as if it
//! had never been cut. A format may also rewrite bytes ([`Rewrites`]). A [`SourceMap`] keeps the
//! place of each byte in the block.
//!
//! A record whose last part has not come is not read: the text ends before it
//! ([`Reassembly::end`]), and it is read again with what follows. If it cannot wait, because the
//! input ends or too much waits already, its parts are taken as they are. The next part then begins
//! with the end of the former ones as context, which was handed on already.

use super::{
    flush::{FlushPolicy, InputState},
    format::{Entry, Format},
    formats, partial_marker,
    record_part::{RecordPart, Stream},
    rewrites::{Field, Rewrites},
    stream_state::{StreamState, TimedOutPartial},
};
use crate::text::{escape, line, source_map::SourceMap, span::Span};

/// So much of a record that was handed on unfinished is examined again with its next part: more
/// than the longest secret.
const CONTEXT: usize = 68 << 10;

/// A shorter beginning of a word is not masked: it gives no secret away.
const MIN_TAIL: usize = 4;

/// A part of a record that was cut.
struct Part {
    text: Span,
    /// The next part of the same record.
    next: Option<usize>,
    is_first: bool,
    /// What came before the first part and was handed on.
    context: Vec<u8>,
}

/// A record whose last part has not come yet.
struct Open {
    stream: Stream,
    first: usize,
    last: usize,
}

/// The reading of one block. Reused from block to block.
#[derive(Default)]
pub(crate) struct Reassembly {
    markers: Vec<usize>,
    parts: Vec<Part>,
    rewrites: Rewrites,
    /// The last parts of records that were handed on unfinished.
    late: Vec<usize>,
    open: Vec<Open>,
    end: usize,
    /// The streams whose continuation the records behind [`Reassembly::end`] wait for. Empty if an
    /// entry waits for its own end.
    awaited: Vec<Stream>,
    n_cut: u64,
    source_map: SourceMap,
}

impl Reassembly {
    /// Reads `hay`, which begins at the start of a record. `markers` are numbers and offsets, as
    /// the prefilter found them. Nothing needs to be rendered if [`Reassembly::segments`] is empty
    /// afterwards.
    pub(crate) fn read(
        &mut self,
        hay: &[u8],
        markers: &[(usize, usize)],
        format: Format,
        flush: FlushPolicy,
        stream_state: &mut StreamState,
    ) {
        self.clear();
        self.end = hay.len();
        if let Some(separator) = format.separator() {
            let state = (&mut stream_state.columns, &mut self.rewrites);
            self.end = formats::csv::read(hay, separator, flush, state);
            return;
        }
        self.markers.extend(partial_marker::of_formats(hay, markers, format));
        if self.markers.is_empty() && stream_state.timed_out.is_empty() {
            return;
        }
        let walk = Walk {
            reassembly: self,
            hay,
            format,
            flush,
            stream_state,
            at: 0,
            waiting_since: 0,
            state_before: None,
        };
        walk.run();
    }

    fn clear(&mut self) {
        self.markers.clear();
        self.parts.clear();
        self.rewrites.clear();
        self.late.clear();
        self.open.clear();
        self.awaited.clear();
        self.n_cut = 0;
        self.source_map.clear();
    }

    /// The spans of the block that are read as another text, in order. Each begins and ends at
    /// the edge of a record.
    pub(crate) fn segments(&self) -> &[Span] {
        self.rewrites.segments()
    }

    /// Where the part of the block ends that can be examined now. The rest waits.
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// Renders a segment, or the whole block, as text.
    pub(crate) fn render(&mut self, hay: &[u8], segment: Span) {
        let mut text = std::mem::take(&mut self.source_map);
        text.clear();
        self.write(hay, segment, &mut text);
        self.source_map = text;
    }

    /// What was rendered.
    pub(crate) fn source_map(&self) -> &SourceMap {
        &self.source_map
    }

    /// Whether records that wait at the head of `hay` may continue, now that there are bytes from
    /// `from` on, where the block ended when they were read. Reading them again for each new line
    /// would cost far more.
    pub(crate) fn may_go_on(&self, hay: &[u8], from: usize, format: Format) -> bool {
        if self.awaited.is_empty() {
            return true;
        }
        let mut at = from;
        while at < hay.len() {
            let part = formats::part(hay, line::from(hay, at), format);
            if part.is_some_and(|part| !part.is_partial && self.awaited.contains(&part.stream)) {
                return true;
            }
            at = line::next(hay, at);
        }
        false
    }

    /// The fields of a segment that have a length, in order.
    pub(crate) fn fields(&self, segment: Span) -> &[Field] {
        self.rewrites.fields(segment)
    }

    /// Where bytes are written as numbers in a segment, in order and without the brackets.
    pub(crate) fn numbers(&self, segment: Span) -> &[Span] {
        self.rewrites.numbers(segment)
    }

    /// Whether part of `span` is read as another text.
    pub(crate) fn touches(&self, span: Span) -> bool {
        let is_part = |part: &Part| part.text.start <= span.end && span.start <= part.text.end;
        self.parts.iter().any(is_part) || self.rewrites.touches(span)
    }

    /// How many records were taken unfinished because they could not wait.
    pub(crate) fn n_cut(&self) -> u64 {
        self.n_cut
    }

    /// The spans of a segment that could be the beginning of a secret whose rest did not come in
    /// time: the last word of each unfinished record, with one span for each of its parts.
    pub(crate) fn tails(&self, hay: &[u8], segment: Span) -> Vec<Vec<Span>> {
        let late = self.late.iter().filter(|last| segment.contains(self.parts[**last].text.start));
        late.map(|last| self.tail(hay, *last)).filter(|tail| !tail.is_empty()).collect()
    }

    fn tail(&self, hay: &[u8], last: usize) -> Vec<Span> {
        let mut spans = Vec::new();
        let mut part = Some(last);
        while let Some(index) = part {
            let text = self.parts[index].text;
            let start = last_word(hay, text);
            if start < text.end {
                spans.push(Span::new(start, text.end));
            }
            let is_whole = start == text.start;
            part = self.parts.iter().position(|part| part.next == Some(index)).filter(|_| is_whole);
        }
        spans.reverse();
        let n_bytes: usize = spans.iter().map(|span| span.len()).sum();
        if n_bytes < MIN_TAIL { Vec::new() } else { spans }
    }

    fn push_part(&mut self, text: Span, context: Vec<u8>) -> usize {
        self.parts.push(Part { text, next: None, is_first: true, context });
        self.parts.len() - 1
    }

    /// Drops everything from `at` on.
    fn end_at(&mut self, at: usize) {
        self.end = at;
        self.rewrites.truncate(at);
        // Records that began before `at` end before it.
        self.parts.retain(|part| part.text.end <= at);
    }

    fn write(&self, hay: &[u8], segment: Span, text: &mut SourceMap) {
        let before = |at: usize| self.parts.partition_point(|part| part.text.start < at);
        let mut done = segment.start;
        for part in &self.parts[before(segment.start)..before(segment.end)] {
            if !part.is_first {
                self.rewrites.copy(hay, Span::new(done, part.text.start), text);
                done = part.text.end;
                continue;
            }
            if !part.context.is_empty() {
                self.rewrites.copy(hay, Span::new(done, part.text.start), text);
                text.replace(&part.context, Span::new(part.text.start, part.text.start));
                done = part.text.start;
            }
            self.rewrites.copy(hay, Span::new(done, part.text.end), text);
            done = part.text.end;
            let mut next = part.next;
            while let Some(index) = next {
                self.rewrites.copy(hay, self.parts[index].text, text);
                next = self.parts[index].next;
            }
        }
        self.rewrites.copy(hay, Span::new(done, segment.end), text);
    }
}

/// Where the last word of `text` begins, with the backslashes before it: no escape is cut in two.
fn last_word(hay: &[u8], text: Span) -> usize {
    let ends_word =
        |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>');
    let start =
        text.of(hay).iter().rposition(ends_word).map_or(text.start, |at| text.start + at + 1);
    start - escape::backslashes_before(hay, text.start, start)
}

/// A walk along the records of a block.
struct Walk<'w, 'h> {
    reassembly: &'w mut Reassembly,
    hay: &'h [u8],
    format: Format,
    flush: FlushPolicy,
    stream_state: &'w mut StreamState,
    at: usize,
    /// Where the first of the records began that wait together.
    waiting_since: usize,
    /// The stream state there.
    state_before: Option<StreamState>,
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
            let (start, n_before) = (self.at, self.n_changes());
            if !self.step() {
                break;
            }
            if n_before != self.n_changes() || !self.reassembly.open.is_empty() {
                self.reassembly.rewrites.touch(start, self.at);
            }
        }
        self.reassembly.markers = markers;
        self.finish();
    }

    /// Changes whenever a record is read as another text.
    fn n_changes(&self) -> (usize, usize) {
        (self.reassembly.parts.len(), self.reassembly.rewrites.len())
    }

    /// Reads one record or entry and returns whether the walk goes on.
    fn step(&mut self) -> bool {
        let next = line::next(self.hay, self.at);
        if !self.reassembly.open.is_empty() && next - self.waiting_since >= self.flush.limit {
            self.time_out();
        }
        for format in formats::accepted(self.format) {
            let rewrites = &mut self.reassembly.rewrites;
            if let Some(entry) = format.entry(self.hay, self.at, rewrites) {
                return self.take_entry(entry);
            }
        }
        let record = line::from(self.hay, self.at);
        if self.hay.get(self.at) == Some(&b'{') {
            for format in formats::accepted(self.format) {
                format.rewrite(self.hay, record, &mut self.reassembly.rewrites);
            }
        }
        if let Some(part) = formats::part(self.hay, record, self.format) {
            self.join(part);
        }
        self.stream_state.grow_older(next - self.at);
        self.at = next;
        true
    }

    /// Takes an entry of several lines if its end is in the block. Otherwise, unless it cannot
    /// wait, the walk ends before it.
    fn take_entry(&mut self, entry: Entry) -> bool {
        let is_waiting = !self.reassembly.open.is_empty();
        let since = if is_waiting { self.waiting_since } else { self.at };
        if !entry.is_whole && self.flush.waits(entry.end - since) {
            self.begin_waiting();
            self.reassembly.end_at(self.waiting_since);
            self.restore_state();
            self.reassembly.open.clear();
            self.at = self.hay.len();
            return false;
        }
        if let Some(part) = entry.part {
            self.join(part);
        }
        self.at = entry.end;
        true
    }

    fn begin_waiting(&mut self) {
        if self.reassembly.open.is_empty() {
            self.waiting_since = self.at;
            let has_state = !self.stream_state.timed_out.is_empty();
            self.state_before = has_state.then(|| self.stream_state.clone());
        }
    }

    fn restore_state(&mut self) {
        if let Some(before) = self.state_before.take() {
            *self.stream_state = before;
        }
    }

    /// Adds a part to the record of its stream.
    fn join(&mut self, part: RecordPart) {
        let open = self.reassembly.open.iter().position(|open| open.stream == part.stream);
        let timed_out = &mut self.stream_state.timed_out;
        let partial = timed_out.iter().position(|partial| partial.stream == part.stream);
        if open.is_none() && partial.is_none() && !part.is_partial {
            return;
        }
        self.begin_waiting();
        let context = partial.map(|at| self.stream_state.timed_out.swap_remove(at).context);
        let reassembly = &mut *self.reassembly;
        let index = reassembly.push_part(part.text, context.unwrap_or_default());
        match open {
            Some(at) => {
                let last = std::mem::replace(&mut reassembly.open[at].last, index);
                reassembly.parts[last].next = Some(index);
                reassembly.parts[index].is_first = false;
                if !part.is_partial {
                    reassembly.open.swap_remove(at);
                }
            }
            None if part.is_partial => {
                reassembly.open.push(Open { stream: part.stream, first: index, last: index });
            }
            None => {}
        }
    }

    /// Takes the open records as they are.
    fn time_out(&mut self) {
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
            self.stream_state.timed_out.push(TimedOutPartial::new(open.stream, context));
        }
    }

    fn finish(mut self) {
        if self.reassembly.open.is_empty() {
            return;
        }
        match self.flush.input {
            InputState::Ended => self.reassembly.open.clear(),
            InputState::TimedOut => self.time_out(),
            InputState::Open => {
                self.reassembly.end_at(self.waiting_since);
                self.restore_state();
                let open = self.reassembly.open.drain(..).map(|open| open.stream);
                self.reassembly.awaited.extend(open);
            }
        }
    }
}

impl std::fmt::Debug for Reassembly {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reassembly({} parts, {} rewrites)", self.parts.len(), self.rewrites.len())
    }
}
