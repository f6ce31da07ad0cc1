//! Blocks in which some records are no text: those are withheld, and the others are scrubbed as if
//! the record `REDACTED-record` stood in place of each.
//!
//! So state crosses such records as it crosses any line that says nothing: a private key stays
//! open, for as many lines as it may; a part of a container's record still waits for its rest.

use super::{Outcome, Scrubber, Spliced, verify};
use crate::{
    frame::{
        buffer::Window,
        not_text::{self, Content, Survey},
        partial_marker,
        reassembly::{FlushPolicy, InputState},
    },
    policy::OnError,
    text::{line, source_map::SourceMap, span::Span},
};

impl Scrubber {
    /// Whether a block may hold records in UTF-16, or stands behind some or behind compressed data.
    pub(super) fn may_be_wide(&self, hay: &[u8]) -> bool {
        self.content != Content::Text || memchr::memchr(0, hay).is_some()
    }

    /// Scrubs a block in which some records may be no text; answers where it stopped, too.
    pub(super) fn scrub_mixed(
        &mut self,
        hay: &[u8],
        flush: FlushPolicy,
        out: &mut Spliced,
    ) -> (Outcome, usize) {
        let survey = self.survey(hay, flush.input);
        let hay = &hay[..survey.end];
        let Some(first) = survey.runs.first() else {
            self.content = survey.content_after;
            self.scanner.look(hay, &mut self.scratch);
            return self.scrub_looked_at(hay, flush, out);
        };
        if self.on_error == OnError::Stop {
            // The stream ends before what cannot be examined.
            let before = &hay[..first.start];
            if before.is_empty() {
                return (Outcome::Stopped, hay.len());
            }
            self.scanner.look(before, &mut self.scratch);
            return self.scrub_looked_at(before, flush, out);
        }
        let text = self.without(hay, &survey.runs);
        let mut own = Spliced::default();
        self.scanner.look(text.text(), &mut self.scratch);
        let (outcome, end) = self.scrub_looked_at(text.text(), flush, &mut own);
        if outcome == Outcome::Stopped {
            return (outcome, hay.len());
        }
        let raw_end =
            text.in_block(Span::new(end, end + 1)).next().map_or(hay.len(), |raw| raw.start);
        self.content = match raw_end == hay.len() {
            true => survey.content_after,
            // What waits is surveyed again with what follows it.
            false => self.survey(&hay[..raw_end], InputState::Ended).content_after,
        };
        let done = survey.runs.iter().filter(|run| run.end <= raw_end);
        self.tally.withheld += done.map(|run| line::count(run.of(hay))).sum::<u64>();
        match outcome {
            Outcome::Clean => out.write(|bytes| bytes.extend_from_slice(&text.text()[..end])),
            _ => out.write(|bytes| own.append_to(text.text(), bytes)),
        }
        (Outcome::Changed, raw_end)
    }

    /// How much of a block, from its start, is text, for whoever shows what is found; 0 where its
    /// first record is none.
    #[cfg(feature = "cli")]
    pub(super) fn text_length(&mut self, hay: &[u8], input: InputState) -> usize {
        let survey = self.survey(hay, input);
        let end = survey.runs.first().map_or(survey.end, |run| run.start);
        // Records that are no text are asked for one by one.
        if end > 0 || line::next(hay, 0) == hay.len() {
            let done = if end > 0 { end } else { hay.len() };
            self.content = self.survey(&hay[..done], InputState::Ended).content_after;
        }
        end
    }

    /// Which records of a block are no text.
    pub(super) fn survey(&mut self, hay: &[u8], input: InputState) -> Survey {
        let candidates = self.scanner.prefilter(hay, &mut self.scratch);
        let marks: Vec<(usize, usize)> =
            partial_marker::magic_numbers(candidates.signs()).collect();
        self.scratch.recycle(candidates);
        not_text::survey(hay, self.content, &marks, input)
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

    /// Whether a record over the limit is no text from this window on.
    pub(super) fn is_no_text(&mut self, window: Window<'_>) -> bool {
        let Window { hay, context, is_last } = window;
        let input = if is_last { InputState::Ended } else { InputState::TimedOut };
        let content = match context {
            // Judged by what is seen of it.
            0 => self.survey(hay, input).content_after,
            _ => not_text::content_of(hay, self.content),
        };
        self.content = content;
        content != Content::Text
    }
}
