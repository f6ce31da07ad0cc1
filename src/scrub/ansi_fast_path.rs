//! Blocks that are coloured for a terminal: their records are searched without colour codes, and
//! only those with findings are searched as they are as well, and changed there.
//!
//! Both readings agree, except where a code divides a word: such records are kept as they are
//! ([`crate::detect::strip_ansi`]). A block that does not fit is left to the other paths.

use super::{Outcome, Scrubber, engine::Input, text::Text};
use crate::{
    detect::{State, strip_ansi::StrippedBlock},
    redact::{OutputRuns, edits::Edits},
    rules::RuleId,
    text::{line, source_map::SourceMap, span::Span},
};

/// The first byte of every colour code.
const ESC: u8 = 0x1b;

/// How many blocks are not tried after one that had to be read otherwise (a container's records,
/// say), or one that changed in most of its records, which were then read twice.
const N_SKIPPED: usize = 15;

/// The memory of the fast path.
#[derive(Default)]
pub(super) struct AnsiFastPath {
    stripped: StrippedBlock,
    /// The records with findings, one after the other.
    dirty: SourceMap,
    n_to_skip: usize,
}

impl Scrubber {
    /// Scrubs a block of coloured records, none of them part of a longer one; answers `None` for
    /// any other, with nothing done.
    pub(super) fn scrub_coloured(&mut self, hay: &[u8], out: &mut OutputRuns) -> Option<Outcome> {
        let is_plain = self.format.separator().is_none()
            && self.stream_state.is_empty()
            && !self.state.is_open();
        if !is_plain || memchr::memchr(ESC, hay).is_none() {
            return None;
        }
        let mut own = std::mem::take(&mut self.ansi);
        let outcome = match own.n_to_skip.checked_sub(1) {
            Some(n_left) => {
                own.n_to_skip = n_left;
                None
            }
            None => {
                let outcome = self.scrub_stripped(hay, &mut own, out);
                let is_worth_while = outcome.is_some() && own.dirty.text().len() <= hay.len() / 2;
                own.n_to_skip = if is_worth_while { 0 } else { N_SKIPPED };
                outcome
            }
        };
        self.ansi = own;
        outcome
    }

    fn scrub_stripped(
        &mut self,
        hay: &[u8],
        own: &mut AnsiFastPath,
        out: &mut OutputRuns,
    ) -> Option<Outcome> {
        let AnsiFastPath { stripped, dirty, .. } = own;
        dirty.clear();
        self.examiner.scanner.strip(hay, stripped);
        let candidates = self.prefilter(stripped.text());
        // The signs of other formats are found without the colour codes as well.
        if !candidates.signs().is_empty() {
            self.first.scratch.recycle(candidates);
            return None;
        }
        if !self.stands_alone(Input::Prefiltered(candidates)) {
            return None;
        }
        let allowed: Vec<RuleId> =
            self.first.scratch.allowed().iter().map(|finding| finding.rule).collect();
        let edits = &self.first.edits;
        let is_clean = edits.is_empty();
        let is_done =
            is_clean || gather(hay, stripped, edits, dirty) && self.edit_dirty(hay, dirty, out);
        if !is_done {
            return None;
        }
        allowed.into_iter().for_each(|rule| self.tally.count_allowed(rule));
        Some(if is_clean { Outcome::Clean } else { Outcome::Changed })
    }

    /// Finds the edits of a text; answers whether that was possible and none of them reaches into
    /// other records.
    fn stands_alone(&mut self, input: Input<'_>) -> bool {
        let is_examined = self.examine(input);
        let is_closed = !self.state.is_open() && !self.first.scratch.met_open();
        self.state = State::default();
        is_examined && is_closed
    }

    /// Changes the records with findings; answers whether each of them has a finding as it is, too.
    fn edit_dirty(&mut self, hay: &[u8], dirty: &SourceMap, out: &mut OutputRuns) -> bool {
        let text = Text::Mapped(dirty);
        let is_found = self.stands_alone(Input::Text(text.bytes()))
            && all_change(text.bytes(), &self.first.edits);
        if is_found {
            let mut buffer = std::mem::take(&mut self.buffer);
            self.edit_records(text.bytes(), &mut buffer);
            for changed in &mut buffer.records {
                changed.record = text
                    .in_block(changed.record)
                    .next()
                    .expect("a record with a finding is not empty");
            }
            buffer.write(hay, Span::new(0, hay.len()), out);
            self.buffer = buffer;
        }
        is_found
    }
}

/// Adds the records of the block with findings; answers whether none of these reaches over the end
/// of a record.
fn gather(hay: &[u8], stripped: &StrippedBlock, edits: &Edits, dirty: &mut SourceMap) -> bool {
    let mut last = None;
    edits.as_slice().iter().all(|edit| {
        let record = stripped.raw(hay, edit.span.start);
        if last.replace(record) != Some(record) {
            dirty.copy(hay, record);
        }
        stripped.raw(hay, edit.span.end.max(edit.span.start + 1) - 1) == record
    })
}

/// Whether each record of `text` changes.
fn all_change(text: &[u8], edits: &Edits) -> bool {
    let mut rest = edits.as_slice().iter().peekable();
    let mut at = 0;
    while at < text.len() {
        at = line::next(text, at);
        if rest.next_if(|edit| edit.span.start < at).is_none() {
            return false;
        }
        while rest.next_if(|edit| edit.span.start < at).is_some() {}
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, RuleSet, detect::oracle::Numbers, lint::expand, tally::Tally};

    /// The pieces of generated lines, beside [`SPACED`] and the examples of the rules.
    const PIECES: &str = r#"password api_key token secret Authorization Cookie user key login the failed is = : " ' \" \n %3D & ; , { } [ ] ( ) < > ://
        @ / https bob hunter2 example.com null 12345 *** REDACTED-email | - _ . é"#;

    const SPACED: &[&str] =
        &[" ", " ", " ", ", ", ": ", "curl -u ", "Bearer ", "Basic ", "\n", "\r\n"];

    const CODES: &[&str] =
        &["\x1b[0m", "\x1b[1m", "\x1b[1;31m", "\x1b[38;5;12m", "\x1b[0m\x1b[2m", "\x1b[K"];

    const N_LOGS: usize = 3000;

    fn scrub(scrubber: &Scrubber, n_to_skip: usize, hay: &[u8]) -> (Vec<u8>, Tally) {
        let mut scrubber = scrubber.fork();
        scrubber.ansi.n_to_skip = n_to_skip;
        let mut out = Vec::new();
        if scrubber.scrub_block(hay, &mut out) == Outcome::Clean {
            out = hay.to_vec();
        }
        (out, scrubber.tally)
    }

    #[test]
    fn a_coloured_block_becomes_what_it_becomes_read_as_it_is() {
        let rules = RuleSet::embedded();
        let examples =
            rules.rules().iter().flat_map(|rule| rule.hits().iter().chain(rule.misses()));
        let examples: Vec<Vec<u8>> = examples.map(|example| expand(example).text).collect();
        let pieces: Vec<&str> = PIECES.split_whitespace().chain(SPACED.iter().copied()).collect();
        let scrubber = Scrubber::new(&rules, &Policy::new()).expect("the policy is plain");
        let mut numbers = Numbers(7);
        let (mut n_stripped, mut n_changed, mut n_other) = (0, 0, 0);
        for _ in 0..N_LOGS {
            let mut hay = b"\x1b[2m".to_vec();
            for _ in 0..2 + numbers.below(12) {
                if numbers.below(2) == 0 {
                    hay.extend_from_slice(CODES[numbers.below(CODES.len())].as_bytes());
                }
                match numbers.below(4) {
                    0 => hay.extend_from_slice(&examples[numbers.below(examples.len())]),
                    _ => hay.extend_from_slice(pieces[numbers.below(pieces.len())].as_bytes()),
                }
            }
            let mut tried = scrubber.fork();
            n_stripped +=
                usize::from(tried.scrub_coloured(&hay, &mut OutputRuns::default()).is_some());
            let (own, plain) = (scrub(&scrubber, 0, &hay), scrub(&scrubber, 1, &hay));
            n_changed += usize::from(own.0 != hay);
            n_other += usize::from(own != plain);
        }
        assert!(
            n_stripped > N_LOGS / 2 && n_changed > N_LOGS / 4,
            "{n_stripped} were read so and {n_changed} changed"
        );
        // The text beside a code may mean something else without the code: `curl -u
        // :x`, and the code read as a password.
        assert!(n_other <= N_LOGS / 1000, "{n_other} became something else");
    }
}
