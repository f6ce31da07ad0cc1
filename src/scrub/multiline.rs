//! Blocks that changed, with values in the lines below their key.
//!
//! How such a line is read depends on what is open before it, and what it becomes decides how the
//! next one is read. So a line that changed is read once more with what was open before it. If it
//! reads differently now, the block is scrubbed line by line, and each line continues from what the
//! one before it became: a second run reads the same and finds nothing.

use super::{
    Scrubber,
    engine::Input,
    rescan::{Reread, RescanBuffer},
};
use crate::{
    detect::{State, key_value::multiline_value::Read},
    redact::OutputRuns,
    text::{line, span::Span},
};

impl Scrubber {
    /// Makes the edits of a block of lines. `before`: what was open before it.
    pub(super) fn edit_lines(&mut self, hay: &[u8], before: State, out: &mut OutputRuns) {
        let tally = self.tally.clone();
        let reads = self.first.scratch.reads().to_vec();
        let whole = Span::new(0, hay.len());
        self.count_allowed(whole);
        let mut buffer = std::mem::take(&mut self.buffer);
        self.edit_records(hay, &mut buffer);
        let is_same = reads.is_empty() && !buffer.met_open || self.reads_same(&reads, &mut buffer);
        if is_same {
            buffer.write(hay, whole, out);
        } else {
            self.tally = tally;
            self.state = before;
            self.edit_line_by_line(hay, &mut buffer, out);
        }
        self.buffer = buffer;
    }

    /// Whether the lines that changed read as they did: nothing is found in them, and the same is
    /// open after them.
    fn reads_same(&mut self, reads: &[Read], buffer: &mut RescanBuffer) -> bool {
        let RescanBuffer { examined, text, records, .. } = buffer;
        records.iter().all(|changed| {
            let at = reads.partition_point(|read| read.start < changed.record.start);
            let read = reads.get(at).filter(|read| read.start == changed.record.start);
            let mut state = State::default().with_below(read.and_then(|read| read.before));
            let record = changed.text.of(text);
            let engine = self.examiner.engine();
            engine.scan(Input::Text(record), &mut state, &mut examined.scratch)
                && examined.scratch.findings().is_empty()
                && state.open_below() == read.and_then(|read| read.after)
        })
    }

    /// Scrubs each line with what is open after the line before it, as that became. A private key
    /// stays open where the line as it was leaves it open.
    fn edit_line_by_line(&mut self, hay: &[u8], buffer: &mut RescanBuffer, out: &mut OutputRuns) {
        let mut start = 0;
        while start < hay.len() {
            let span = Span::new(start, line::next(hay, start));
            start = span.end;
            let line = span.of(hay);
            let before = self.state.clone();
            if !self.examine(Input::Text(line)) {
                out.write(|text| self.withhold(line, text));
                continue;
            }
            let whole = Span::new(0, line.len());
            self.count_allowed(whole);
            if self.first.edits.is_empty() {
                out.keep(hay, span);
                continue;
            }
            self.gather(line, buffer);
            self.rescan(buffer, Reread::Record(&before));
            let after = std::mem::take(&mut self.state);
            self.state = after.with_below(buffer.state.open_below());
            self.verify_records(line, buffer);
            out.part(span.start, |out| buffer.write(line, whole, out));
        }
    }
}
