//! Values that stand in the lines below their key, where a line of them changes.
//!
//! How such a line is read depends on what is open before it, and what it becomes says how the next
//! one is read. So a line that changed is read once more with what was open before it. If it reads
//! otherwise now, the block is scrubbed line by line, and each line goes on from what the one
//! before it became: a second run reads the same and finds nothing.

use super::{Again, MAX_ROUNDS, Outcome, Scrubber, Spliced, scan_from};
use crate::{
    detect::{Scanner, State, key_value::multiline_value::Read},
    text::{line, span::Span},
};

impl Scrubber {
    /// Scrubs a block that was examined and in which something was found. `before`: what was open
    /// before it.
    pub(super) fn scrub_examined(
        &mut self,
        hay: &[u8],
        before: State,
        out: &mut Spliced,
    ) -> Outcome {
        let tally = self.tally.clone();
        let reads = self.scratch.reads().to_vec();
        self.count_allowed(Span::new(0, hay.len()));
        let mut again = std::mem::take(&mut self.again);
        self.rewrite(hay, &mut again);
        let reads_on = reads.is_empty() && !again.met_open || self.reads_on(&reads, &mut again);
        if reads_on {
            again.write(hay, out);
        }
        self.again = again;
        if !reads_on {
            self.tally = tally;
            self.state = before;
            self.line_by_line(hay, out);
        }
        Outcome::Changed
    }

    /// Whether the lines that changed read on as they did: nothing is found in them, and the same
    /// is open behind them.
    fn reads_on(&self, reads: &[Read], again: &mut Again) -> bool {
        let Again { scratch, text, records, .. } = again;
        records.iter().all(|changed| {
            let at = reads.partition_point(|read| read.start < changed.record.start);
            let read = reads.get(at).filter(|read| read.start == changed.record.start);
            let mut state = State::default().with_below(read.and_then(|read| read.before));
            let n_findings = scan_from(&self.scanner, changed.text.of(text), &mut state, scratch);
            n_findings == Some(0) && state.open_below() == read.and_then(|read| read.after)
        })
    }

    /// Scrubs each line with what is open behind the one before it, as that became.
    fn line_by_line(&mut self, hay: &[u8], out: &mut Spliced) {
        let mut start = 0;
        while start < hay.len() {
            let span = Span::new(start, line::next(hay, start));
            start = span.end;
            let before = self.state.clone();
            let mut own = Spliced::default();
            self.one_alone(span.of(hay), Span::new(0, span.len()), &mut own);
            let mut text = Vec::new();
            own.append_to(span.of(hay), &mut text);
            if text == span.of(hay) {
                out.keep(hay, span);
                continue;
            }
            let text = self.settle_line(before, text);
            out.write(|out| self.guard_lines(span.of(hay), &text, out));
        }
    }

    /// Scrubs a line with what is open before it until nothing is found in it. The key that is open
    /// below it then is the one that the line leaves open; a private key stays open where the line
    /// as it was leaves it so.
    fn settle_line(&mut self, before: State, mut text: Vec<u8>) -> Vec<u8> {
        let after = self.state.clone();
        for _ in 0..MAX_ROUNDS {
            self.state = before.clone();
            if self.examine_through(&text, Scanner::scan).unwrap_or(0) == 0 {
                break;
            }
            let mut own = Spliced::default();
            self.splice_records(&text, &mut own);
            let mut next = Vec::new();
            own.append_to(&text, &mut next);
            text = next;
        }
        self.state = after.with_below(self.state.open_below());
        text
    }
}
