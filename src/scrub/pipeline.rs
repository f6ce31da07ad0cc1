//! The one way of a block: its texts, prefilter, candidates, detectors, edits, re-scan,
//! verification.
//!
//! A block is searched as it is first. Where the prefilter met the sign of another format, parts of
//! it are read otherwise (`reassembled`); where records are not text, they are replaced first
//! (`not_text`); coloured blocks are tried without their codes (`ansi_fast_path`); a record over
//! the limit comes in windows (`windows`). Each of these chooses the text. Then the steps are the
//! same for all: `examine` finds the edits, `edit_records` makes them until nothing more is found
//! (`rescan`) and verifies each record that changed (`verify`).

use super::{
    Outcome, Scrubber, Step,
    engine::{Input, caught},
    examine::Examined,
    reassembled::Segment,
    rescan::{Before, Reread, RescanBuffer},
};
use crate::{
    detect::Candidates,
    frame::{buffer::Block, flush::FlushPolicy, partial_marker, reassembly::Reassembly},
    policy::OnError,
    redact::{
        OutputRuns,
        edits::{Edit, Edits},
    },
    text::{line, span::Span},
};

impl Scrubber {
    /// Scrubs a piece; where it changed, `out` is the output of the bytes that are done. Records
    /// that wait for their rest are not done, and come again with what follows them.
    pub(crate) fn scrub_piece(
        &mut self,
        piece: Block<'_>,
        flush: FlushPolicy,
        out: &mut OutputRuns,
    ) -> Step {
        match piece {
            Block::Records(hay) => self.scrub_records(hay, flush, out),
            Block::Window(window) => self.scrub_window(window, out),
        }
    }

    /// Scrubs whole records.
    pub(super) fn scrub_records(
        &mut self,
        hay: &[u8],
        flush: FlushPolicy,
        out: &mut OutputRuns,
    ) -> Step {
        let n_withheld = self.tally.withheld;
        let mark = out.mark();
        let (outcome, end) =
            caught(|| self.scrub_by_content(hay, flush, out)).unwrap_or_else(|| {
                self.forget_fault(out, mark);
                (self.withhold_all(hay, out), hay.len())
            });
        let done = Span::new(0, end);
        let n_records = line::count(done.of(hay));
        self.tally.bytes_in += done.len() as u64;
        self.tally.records_in += n_records;
        let dropped =
            if self.on_error == OnError::Drop { self.tally.withheld - n_withheld } else { 0 };
        Step { outcome, done, ends_record: true, records_out: n_records - dropped }
    }

    /// Scrubs a block by what its bytes are; answers where it stopped as well.
    fn scrub_by_content(
        &mut self,
        hay: &[u8],
        flush: FlushPolicy,
        out: &mut OutputRuns,
    ) -> (Outcome, usize) {
        if self.may_be_wide(hay) {
            return self.scrub_mixed(hay, flush, out);
        }
        match self.scrub_coloured(hay, out) {
            Some(outcome) => (outcome, hay.len()),
            None => self.scrub_text(hay, flush, out),
        }
    }

    /// Scrubs a block by its format; answers where it stopped as well.
    fn scrub_text(
        &mut self,
        hay: &[u8],
        flush: FlushPolicy,
        out: &mut OutputRuns,
    ) -> (Outcome, usize) {
        let candidates = self.prefilter(hay);
        if partial_marker::magic_numbers(candidates.signs()).next().is_some() {
            self.first.scratch.recycle(candidates);
            return self.scrub_mixed(hay, flush, out);
        }
        self.scrub_prefiltered(candidates, flush, out)
    }

    /// The same for a block of text that went through the prefilter.
    pub(super) fn scrub_prefiltered(
        &mut self,
        candidates: Candidates<'_>,
        flush: FlushPolicy,
        out: &mut OutputRuns,
    ) -> (Outcome, usize) {
        let mut reassembly = std::mem::take(&mut self.reassembly);
        let stream_state = self.stream_state.clone();
        let (hay, signs) = (candidates.text(), candidates.signs());
        reassembly.read(hay, signs, self.format, flush, &mut self.stream_state);
        let end = reassembly.end();
        let outcome = if reassembly.segments().is_empty() {
            self.scrub_lines(candidates.before(end), out)
        } else {
            let before = Before { state: self.state.clone(), stream_state };
            self.scrub_segments(&candidates, &mut reassembly, before, out)
        };
        self.tally.torn += reassembly.n_cut();
        self.reassembly = reassembly;
        (outcome, end)
    }

    /// Scrubs the segments of a block, and the lines between them. Each is a text of its own; state
    /// is carried from one to the next.
    fn scrub_segments(
        &mut self,
        candidates: &Candidates<'_>,
        reassembly: &mut Reassembly,
        mut before: Before,
        out: &mut OutputRuns,
    ) -> Outcome {
        let hay = candidates.text();
        let (mut is_changed, mut done) = (false, 0);
        for index in 0..=reassembly.segments().len() {
            let next = reassembly.segments().get(index).copied();
            let lines = Span::new(done, next.map_or(reassembly.end(), |segment| segment.start));
            if !lines.is_empty() {
                let inside = candidates.part(lines, &mut self.first.scratch);
                match out.part(lines.start, |out| self.scrub_lines(inside, out)) {
                    Outcome::Stopped => return Outcome::Stopped,
                    Outcome::Clean => out.keep(hay, lines),
                    Outcome::Changed => is_changed = true,
                }
            }
            let Some(span) = next else { break };
            reassembly.render(hay, span);
            before.state = self.state.clone();
            let segment = Segment { hay, reassembly, span, before: &before };
            match self.scrub_segment(segment, out) {
                Outcome::Stopped => return Outcome::Stopped,
                Outcome::Clean => out.keep(hay, span),
                Outcome::Changed => is_changed = true,
            }
            done = span.end;
        }
        if is_changed {
            return Outcome::Changed;
        }
        out.clear();
        Outcome::Clean
    }

    /// Scrubs complete records. If they are clean, `out` gets nothing.
    fn scrub_lines(&mut self, candidates: Candidates<'_>, out: &mut OutputRuns) -> Outcome {
        let hay = candidates.text();
        let before = self.state.clone();
        if !self.examine(Input::Prefiltered(candidates)) {
            self.state = before;
            return self.scrub_one_by_one(hay, out);
        }
        if self.first.edits.is_empty() {
            self.count_allowed(Span::new(0, hay.len()));
            return Outcome::Clean;
        }
        let mark = out.mark();
        if caught(|| self.edit_lines(hay, before.clone(), out)).is_some() {
            return Outcome::Changed;
        }
        self.forget_fault(out, mark);
        self.state = before;
        self.scrub_one_by_one(hay, out)
    }

    /// Finds the candidates of a text.
    pub(super) fn prefilter<'t>(&mut self, text: &'t [u8]) -> Candidates<'t> {
        self.examiner.scanner.prefilter(text, &mut self.first.scratch)
    }

    /// Finds the edits of a text, which continues what is open; answers whether that was possible.
    pub(super) fn examine(&mut self, input: Input<'_>) -> bool {
        self.examiner.examine(input, &mut self.state, &mut self.first)
    }

    /// Makes the edits of the text that was examined last: record by record, until nothing more is
    /// found, each record verified.
    pub(super) fn edit_records(&mut self, text: &[u8], buffer: &mut RescanBuffer) {
        self.gather(text, buffer);
        self.rescan(buffer, Reread::Records);
        self.verify_records(text, buffer);
    }

    /// Gathers the records that change, and counts them and their findings. Counting happens here,
    /// where edits still belong to records of the text, so that every finding counts once however
    /// many places it has in the block.
    pub(super) fn gather(&mut self, text: &[u8], buffer: &mut RescanBuffer) {
        let Examined { scratch, edits } = &mut self.first;
        buffer.gather(text, edits, |at| scratch.record(text, at));
        let edits = std::mem::take(edits);
        for changed in &buffer.records {
            let format = self.format.of(changed.record.of(text));
            *self.tally.by_format.entry(format.name()).or_default() += 1;
            let n_findings = self.count_edits(&edits, &edits.as_slice()[changed.edits.clone()]);
            self.days.count((text, changed.record), n_findings, &mut self.tally);
        }
        self.first.edits = edits;
    }

    /// Counts the findings of `list`, which are some of `edits`; answers how many have a rule.
    pub(super) fn count_edits(&mut self, edits: &Edits, list: &[Edit]) -> u64 {
        let mut n_findings = 0;
        for found in list.iter().flat_map(|edit| edits.findings(edit)) {
            match found.rule {
                Some(rule) => {
                    self.tally.count(rule);
                    n_findings += 1;
                }
                None => self.tally.too_deep += 1,
            }
            let encodings = found.path.encodings();
            encodings.for_each(|encoding| self.tally.count_encoding(encoding.name()));
        }
        n_findings
    }

    /// Counts what begins in `part` of the text that was examined last and stays because the user
    /// allows it.
    pub(super) fn count_allowed(&mut self, part: Span) {
        let allowed = self.first.scratch.allowed().iter();
        allowed
            .filter(|finding| part.contains(finding.span.start))
            .for_each(|finding| self.tally.count_allowed(finding.rule));
    }
}
