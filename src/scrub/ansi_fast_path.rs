//! Blocks that are coloured for a terminal: their records are searched without the codes, and those
//! alone in which something is found are searched as they are as well, and changed there.

use super::{Both, Outcome, Scrubber};
use crate::{
    detect::{Scanner, State, strip_ansi::Bare},
    redact::Spliced,
    rules::RuleId,
    text::{line, source_map::SourceMap, span::Span},
};

/// What every colour code begins with.
const ESC: u8 = 0x1b;

/// So many blocks are not tried behind one that has to be read otherwise, as a container's records,
/// or that changed in most of its records, which were read in both ways then.
const N_LEFT_ALONE: usize = 15;

/// The memory of that.
#[derive(Default)]
pub(super) struct Coloured {
    bare: Bare,
    /// The records in which something was found, one after the other.
    dirty: SourceMap,
    n_left_alone: usize,
}

impl Scrubber {
    /// Scrubs a block whose records are coloured and stand by themselves; of any other it answers
    /// nothing, and has done nothing.
    pub(super) fn scrub_coloured(&mut self, hay: &[u8], out: &mut Spliced) -> Option<Outcome> {
        let is_plain = self.format.separator().is_none()
            && self.stream_state.is_empty()
            && !self.state.is_open();
        if !is_plain || memchr::memchr(ESC, hay).is_none() {
            return None;
        }
        let mut own = std::mem::take(&mut self.coloured);
        let outcome = match own.n_left_alone.checked_sub(1) {
            Some(n_left) => {
                own.n_left_alone = n_left;
                None
            }
            None => {
                let outcome = self.scrub_bare(hay, &mut own, out);
                let is_worth_while = outcome.is_some() && own.dirty.text().len() <= hay.len() / 2;
                own.n_left_alone = if is_worth_while { 0 } else { N_LEFT_ALONE };
                outcome
            }
        };
        self.coloured = own;
        outcome
    }

    fn scrub_bare(&mut self, hay: &[u8], own: &mut Coloured, out: &mut Spliced) -> Option<Outcome> {
        let Coloured { bare, dirty, .. } = own;
        dirty.clear();
        self.scanner.strip(hay, bare);
        self.scanner.look(bare.text(), &mut self.scratch);
        // Without its codes a block says at least as much of how it is to be read.
        if !self.scratch.signs().is_empty() || !self.stands_alone(bare.text(), Scanner::judge) {
            return None;
        }
        let allowed: Vec<RuleId> =
            self.scratch.allowed().iter().map(|finding| finding.rule).collect();
        let both = Both { findings: self.scratch.findings(), changes: &self.changes };
        let is_clean = both.start().is_none();
        let is_done =
            is_clean || gather(hay, bare, both, dirty) && self.rewrite_dirty(hay, dirty, out);
        if !is_done {
            return None;
        }
        allowed.into_iter().for_each(|rule| self.tally.count_allowed(rule));
        Some(if is_clean { Outcome::Clean } else { Outcome::Changed })
    }

    /// Finds what `text` holds; answers whether that was possible and none of it reaches into other
    /// records.
    fn stands_alone(&mut self, text: &[u8], scan: super::Scan) -> bool {
        let is_examined = self.examine_through(text, scan).is_some();
        let is_closed = !self.state.is_open() && !self.scratch.met_open();
        self.state = State::default();
        is_examined && is_closed
    }

    /// Changes the records in which something was found; answers whether that is found there as
    /// they are, too.
    fn rewrite_dirty(&mut self, hay: &[u8], dirty: &SourceMap, out: &mut Spliced) -> bool {
        let text = dirty.text();
        let is_found = self.stands_alone(text, Scanner::scan)
            && all_hold(text, Both { findings: self.scratch.findings(), changes: &self.changes });
        if is_found {
            let mut again = std::mem::take(&mut self.again);
            self.rewrite(text, &mut again);
            for changed in &mut again.records {
                changed.record = dirty
                    .in_block(changed.record)
                    .next()
                    .expect("a record in which something is found is not empty");
            }
            again.write(hay, out);
            self.again = again;
        }
        is_found
    }
}

/// Adds the records of the block in which something was found without their codes; answers whether
/// none of it reaches over a record's end.
fn gather(hay: &[u8], bare: &Bare, both: Both<'_>, dirty: &mut SourceMap) -> bool {
    let mut found: Vec<Span> = both.findings.iter().map(|finding| finding.span).collect();
    found.extend(both.changes.iter().map(|change| change.raw));
    found.sort_unstable_by_key(|span| span.start);
    let mut last = None;
    found.into_iter().all(|span| {
        let record = bare.raw(hay, span.start);
        if last.replace(record) != Some(record) {
            dirty.copy(hay, record);
        }
        bare.raw(hay, span.end.max(span.start + 1) - 1) == record
    })
}

/// Whether each record of `text` holds something that changes.
fn all_hold(text: &[u8], mut both: Both<'_>) -> bool {
    let mut at = 0;
    while at < text.len() {
        at = line::next(text, at);
        if both.split(at).start().is_none() {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Policy, RuleSet, detect::oracle::Numbers, lint::expand, tally::Tally};

    /// What lines are made of, beside [`SPACED`] and examples.
    const PIECES: &str = r#"password api_key token secret Authorization Cookie user key login the failed is = : " ' \" \n %3D & ; , { } [ ] ( ) < > ://
        @ / https bob hunter2 example.com null 12345 *** REDACTED-email | - _ . é"#;

    const SPACED: &[&str] =
        &[" ", " ", " ", ", ", ": ", "curl -u ", "Bearer ", "Basic ", "\n", "\r\n"];

    const CODES: &[&str] =
        &["\x1b[0m", "\x1b[1m", "\x1b[1;31m", "\x1b[38;5;12m", "\x1b[0m\x1b[2m", "\x1b[K"];

    const N_LOGS: usize = 3000;

    fn scrub(scrubber: &Scrubber, n_left_alone: usize, hay: &[u8]) -> (Vec<u8>, Tally) {
        let mut scrubber = scrubber.fork();
        scrubber.coloured.n_left_alone = n_left_alone;
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
        let (mut n_bare, mut n_changed, mut n_other) = (0, 0, 0);
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
            n_bare += usize::from(tried.scrub_coloured(&hay, &mut Spliced::default()).is_some());
            let (own, plain) = (scrub(&scrubber, 0, &hay), scrub(&scrubber, 1, &hay));
            n_changed += usize::from(own.0 != hay);
            n_other += usize::from(own != plain);
        }
        assert!(
            n_bare > N_LOGS / 2 && n_changed > N_LOGS / 4,
            "{n_bare} were read so and {n_changed} changed"
        );
        // What stands right before a code or behind it may say something else without it: `curl -u
        // :x`, and the code read as a password.
        assert!(n_other <= N_LOGS / 1000, "{n_other} became something else");
    }
}
