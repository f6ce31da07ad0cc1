//! What was changed is examined again until nothing more is found, so that scrubbing twice is
//! scrubbing once, whatever a placeholder makes of the text around it.
//!
//! The records that changed are gathered in one text, so that a second look costs one scan a block
//! and not one a record. Each round examines only the records that changed in the round before.
//! Whole records are examined, not the bytes near the edits: most detectors read to the ends of
//! their record (the shape of JSON, the quotes before a value, the key far to the left).

use std::ops::Range;

use super::{Scrubber, engine::Input, examine::Examined};
use crate::{
    detect::State,
    frame::{rewrites::Field, stream_state::StreamState},
    redact::{OutputRuns, edits::Edits},
    text::span::Span,
};

/// More rounds were never seen to be needed.
const MAX_ROUNDS: usize = 8;

/// The records of a block that changed, and what they became.
#[derive(Default)]
pub(super) struct RescanBuffer {
    /// The records as they became, with a line end after each. One that changes once more is
    /// appended anew.
    pub(super) text: Vec<u8>,
    pub(super) records: Vec<Changed>,
    pub(super) examined: Examined,
    /// What is open after the text that was examined last.
    pub(super) state: State,
    /// Whether something in the records reached into what followed them.
    pub(super) met_open: bool,
    next: Vec<u8>,
}

/// A record that changed.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    /// Where it is in the block.
    pub(super) record: Span,
    /// Its edits, by their places in the list.
    pub(super) edits: Range<usize>,
    /// What it became, in the text of the buffer.
    pub(super) text: Span,
}

/// What was known before a block.
pub(super) struct Before {
    pub(super) state: State,
    pub(super) stream_state: StreamState,
}

/// How the text of a buffer is read again.
#[derive(Clone, Copy)]
pub(super) enum Reread<'b> {
    /// As records from all over a block, with nothing open before any of them.
    Records,
    /// As one record with what is open before it.
    Record(&'b State),
    /// As part of a block, with what was known before it, by the block's format.
    Segment(&'b Before),
    /// As a window of that length, of which only the record's span is settled. The context before
    /// it was written, what follows it comes again with the next window.
    Window(usize),
}

/// What reading again shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// Nothing more is found, or the text cannot be examined: the first look replaced what it
    /// found, and a later one that fails takes nothing from that.
    Settled,
    /// There are edits.
    Found,
    /// Something reaches into the record that happens to follow here.
    Open,
}

/// The buffer's text is only read from the place where the last round began, and only appended to:
/// records that changed earlier keep their bytes, and [`RescanBuffer::write`] can put neighbours
/// out in one piece.
impl RescanBuffer {
    /// Takes the records of `hay` that `edits` change, as they become. `record_at` locates the
    /// record around an offset.
    pub(super) fn gather(
        &mut self,
        hay: &[u8],
        edits: &Edits,
        mut record_at: impl FnMut(usize) -> Span,
    ) {
        self.clear();
        let list = edits.as_slice();
        let (mut at, mut done) = (0, 0);
        while let Some(first) = list.get(at) {
            let mut record = record_at(first.span.start);
            // The record before may have ended inside this line.
            record.start = record.start.max(done);
            record.end = record.end.max(record.start);
            let least_end = first.span.start + 1;
            let begin = at;
            // Where a value has lines, an edit may reach over the end of a line.
            while let Some(edit) =
                list.get(at).filter(|edit| edit.span.start < record.end.max(least_end))
            {
                record.end = record.end.max(edit.span.end);
                at += 1;
            }
            done = record.end;
            self.push(hay, edits, record, begin..at);
        }
    }

    /// Adds the new lengths of the fields that changed, once it is known what becomes of their
    /// values. A field keeps no length if an edit took it.
    pub(super) fn add_lengths(&mut self, fields: &[Field]) {
        let mut lengths = Vec::new();
        for Field { length, value } in fields {
            let first = self.records.partition_point(|changed| changed.record.end <= length.start);
            let inside =
                self.records[first..].iter().take_while(|one| one.record.start < value.end);
            if inside.clone().any(|one| one.record.start < length.end) {
                continue;
            }
            let growth: isize = inside
                .map(|one| one.text.len().cast_signed() - one.record.len().cast_signed())
                .sum();
            if growth != 0 {
                lengths.push((*length, (value.len().cast_signed() + growth) as u64));
            }
        }
        for (record, n_bytes) in lengths {
            let start = self.text.len();
            self.text.extend_from_slice(&n_bytes.to_le_bytes());
            let text = Span::new(start, self.text.len());
            self.records.push(Changed { record, edits: 0..0, text });
            self.text.push(b'\n');
        }
        self.records.sort_by_key(|changed| changed.record.start);
    }

    /// Takes `record` of `hay` alone, with all its edits made.
    pub(super) fn take_one(&mut self, hay: &[u8], edits: &Edits, record: Span) {
        self.clear();
        self.push(hay, edits, record, 0..edits.as_slice().len());
    }

    /// Appends a record with the edits of `range` made, and a line end.
    fn push(&mut self, hay: &[u8], edits: &Edits, record: Span, range: Range<usize>) {
        let start = self.text.len();
        edits.apply(&edits.as_slice()[range.clone()], hay, record, &mut self.text);
        let text = Span::new(start, self.text.len());
        self.records.push(Changed { record, edits: range, text });
        self.text.push(b'\n');
    }

    fn clear(&mut self) {
        self.text.clear();
        self.records.clear();
        self.met_open = false;
    }

    /// Adds `part` of `hay` to `out`, with what its records became.
    pub(super) fn write(&self, hay: &[u8], part: Span, out: &mut OutputRuns) {
        let mut done = part.start;
        // Neighbours that changed are neighbours in the text too, line end and all: they are
        // written at once.
        let mut run = Span::default();
        for changed in &self.records {
            let between = Span::new(done, changed.record.start);
            done = changed.record.end;
            if between.of(hay) == b"\n" && changed.text.start == run.end + 1 {
                run.end = changed.text.end;
                continue;
            }
            out.write(|text| text.extend_from_slice(run.of(&self.text)));
            out.keep(hay, between);
            run = changed.text;
        }
        out.write(|text| text.extend_from_slice(run.of(&self.text)));
        out.keep(hay, Span::new(done, part.end));
    }

    /// Makes the edits that were found in `text[from..]`: the records that they change are appended
    /// anew. Answers where those begin.
    fn apply_edits(&mut self, from: usize) -> usize {
        let RescanBuffer { text, next, records, examined: Examined { edits, .. }, .. } = self;
        next.clear();
        let list = edits.as_slice();
        let hay = &text[from..];
        let mut at = 0;
        for changed in records.iter_mut().filter(|changed| changed.text.start >= from) {
            let record = Span::new(changed.text.start - from, changed.text.end - from);
            let begin = at;
            at += list[at..].iter().take_while(|edit| edit.span.start < record.end).count();
            if begin == at {
                continue;
            }
            let start = text.len() + next.len();
            edits.apply(&list[begin..at], hay, record, next);
            changed.text = Span::new(start, text.len() + next.len());
            next.push(b'\n');
        }
        let end = text.len();
        text.extend_from_slice(next);
        end
    }
}

impl Scrubber {
    /// Examines what a buffer holds, and makes the edits that are found, until there are none.
    pub(super) fn rescan(&mut self, buffer: &mut RescanBuffer, how: Reread<'_>) {
        let mut from = 0;
        for _ in 0..MAX_ROUNDS {
            match self.reread(buffer, from, how) {
                Again::Settled => return,
                Again::Open => return self.rescan_one_by_one(buffer),
                Again::Found => {}
            }
            let edits = &buffer.examined.edits;
            self.count_edits(edits, edits.as_slice());
            from = buffer.apply_edits(from);
        }
    }

    /// Whether nothing more is found in the records of a buffer.
    pub(super) fn is_settled(&mut self, buffer: &mut RescanBuffer) -> bool {
        buffer.records.is_empty() || self.reread(buffer, 0, Reread::Records) == Again::Settled
    }

    /// Examines what changed last: `text[from..]`, or the only record.
    fn reread(&mut self, buffer: &mut RescanBuffer, from: usize, how: Reread<'_>) -> Again {
        let RescanBuffer { text, records, examined, state, .. } = buffer;
        *state = match how {
            Reread::Record(state) | Reread::Segment(Before { state, .. }) => state.clone(),
            Reread::Records | Reread::Window(_) => State::default(),
        };
        let hay = &text[from..];
        let hay = if matches!(how, Reread::Records) { hay } else { &hay[..records[0].text.len()] };
        let is_examined = match how {
            Reread::Segment(before) => {
                self.examine_segment(hay, &before.stream_state, (state, examined))
            }
            _ => self.examiner.examine(Input::Text(hay), state, examined),
        };
        if matches!(how, Reread::Records) && (!is_examined || examined.scratch.met_open()) {
            return Again::Open;
        }
        if let (Reread::Window(length), true) = (how, is_examined) {
            let record = &mut records[0].record;
            let part = Span::new(record.start, hay.len() - (length - record.end));
            let end = self.examiner.keep_inside(hay, part, examined);
            record.end = length - (hay.len() - end);
        }
        if is_examined && !examined.edits.is_empty() { Again::Found } else { Again::Settled }
    }

    /// The same for each record alone, whatever is open in it.
    fn rescan_one_by_one(&mut self, buffer: &mut RescanBuffer) {
        buffer.met_open = true;
        let closed = State::default();
        let examined = std::mem::take(&mut buffer.examined);
        let mut one = RescanBuffer { examined, ..RescanBuffer::default() };
        for changed in &mut buffer.records {
            let record = changed.text.of(&buffer.text);
            one.take_one(record, &Edits::default(), Span::new(0, record.len()));
            self.rescan(&mut one, Reread::Record(&closed));
            let now = one.records[0].text;
            if now.start > 0 {
                let start = buffer.text.len();
                buffer.text.extend_from_slice(now.of(&one.text));
                changed.text = Span::new(start, buffer.text.len());
                buffer.text.push(b'\n');
            }
        }
        buffer.examined = one.examined;
    }
}
