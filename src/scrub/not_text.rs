//! Blocks in which some records are not text: those are withheld, and the others are scrubbed as if
//! each of them were the record `REDACTED-record`.
//!
//! So state crosses such records as it crosses any line without meaning: a private key stays open,
//! for as many lines as it may; a part of a container's record still waits for its rest.

use super::{Outcome, Scrubber, verify};
use crate::{
    detect::Candidates,
    frame::{
        buffer::Window,
        flush::{FlushPolicy, InputState},
        not_text::{self, Content, Survey},
        partial_marker,
    },
    policy::OnError,
    redact::OutputRuns,
    text::{line, source_map::SourceMap, span::Span},
};

impl Scrubber {
    /// Whether a block may hold records in UTF-16, or follows such records or compressed data.
    pub(super) fn may_be_wide(&self, hay: &[u8]) -> bool {
        self.content != Content::Text || memchr::memchr(0, hay).is_some()
    }

    /// Scrubs a block in which some records may not be text; answers where it stopped as well.
    pub(super) fn scrub_mixed(
        &mut self,
        hay: &[u8],
        flush: FlushPolicy,
        out: &mut OutputRuns,
    ) -> (Outcome, usize) {
        let candidates = self.prefilter(hay);
        let survey = self.survey(&candidates, flush.input);
        let Some(first) = survey.runs.first() else {
            self.content = survey.content_after;
            return self.scrub_prefiltered(candidates.before(survey.end), flush, out);
        };
        let hay = &hay[..survey.end];
        if self.on_error == OnError::Stop {
            // The stream ends before what cannot be examined.
            if first.start == 0 {
                return (Outcome::Stopped, hay.len());
            }
            return self.scrub_prefiltered(candidates.before(first.start), flush, out);
        }
        self.first.scratch.recycle(candidates);
        let text = self.without(hay, &survey.runs);
        let mut own = OutputRuns::default();
        let candidates = self.prefilter(text.text());
        let (outcome, end) = self.scrub_prefiltered(candidates, flush, &mut own);
        if outcome == Outcome::Stopped {
            return (outcome, hay.len());
        }
        let raw_end =
            text.in_block(Span::new(end, end + 1)).next().map_or(hay.len(), |raw| raw.start);
        self.content = match raw_end == hay.len() {
            true => survey.content_after,
            // Records that wait are surveyed again with what follows them.
            false => self.content_after(&hay[..raw_end], InputState::Ended),
        };
        let done = survey.runs.iter().filter(|run| run.end <= raw_end);
        self.tally.withheld += done.map(|run| line::count(run.of(hay))).sum::<u64>();
        match outcome {
            Outcome::Clean => out.write(|bytes| bytes.extend_from_slice(&text.text()[..end])),
            _ => out.write(|bytes| own.append_to(text.text(), bytes)),
        }
        (Outcome::Changed, raw_end)
    }

    /// Which records of a block are not text.
    pub(super) fn survey(&self, candidates: &Candidates<'_>, input: InputState) -> Survey {
        let signs: Vec<(usize, usize)> =
            partial_marker::magic_numbers(candidates.signs()).collect();
        not_text::survey(candidates.text(), self.content, &signs, input)
    }

    /// What records are after a block.
    pub(super) fn content_after(&mut self, hay: &[u8], input: InputState) -> Content {
        let candidates = self.prefilter(hay);
        let survey = self.survey(&candidates, input);
        self.first.scratch.recycle(candidates);
        survey.content_after
    }

    /// The block with a mask in place of each record of `runs`, or nothing, as the policy says.
    fn without(&self, hay: &[u8], runs: &[Span]) -> SourceMap {
        let mut source_map = SourceMap::default();
        let (mut done, mut mask) = (0, Vec::new());
        for run in runs {
            source_map.copy(hay, Span::new(done, run.start));
            let mut at = run.start;
            while at < run.end && self.on_error == OnError::Mask {
                let next = line::next(&hay[..run.end], at);
                let record = line::from(hay, at);
                mask.clear();
                verify::mask(record.of(hay), &mut mask);
                mask.extend_from_slice(&hay[record.end..next]);
                source_map.replace(&mask, Span::new(at, next));
                at = next;
            }
            done = run.end;
        }
        source_map.copy(hay, Span::new(done, hay.len()));
        source_map
    }

    /// Whether a record over the limit is not text, from this window on.
    pub(super) fn is_no_text(&mut self, window: Window<'_>) -> bool {
        let Window { hay, context, is_last } = window;
        let input = if is_last { InputState::Ended } else { InputState::TimedOut };
        let content = match context {
            // Judged by its beginning.
            0 => self.content_after(hay, input),
            _ => not_text::content_of(hay, self.content),
        };
        self.content = content;
        content != Content::Text
    }
}
