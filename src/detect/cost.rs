//! What each rule costs on a log: candidates, confirmations, findings and time.
//!
//! - A candidate is an anchor that was handed to the rule's detector.
//! - It is confirmed if the detector did its expensive part: matched a pattern or judged a value.
//! - A finding is counted after merging, for the rule that names it.
//!
//! Rules may share a detector (assign, url). Then candidates, confirmations and time count for the
//! rule that has the anchor, or for the first of several.
//!
//! This module reads no clock; the caller passes one. The cost of reading it is subtracted.

pub(crate) use super::meter::{Clock, Cost};
use super::{Scanner, Scratch, State, meter::Meter};
use crate::rules::RuleSet;

/// Measures a scanner on a log, block by block.
pub(crate) struct Measure {
    scanner: Scanner,
    state: State,
    scratch: Scratch,
    /// Bytes scanned.
    pub(crate) n_bytes: u64,
    /// Nanoseconds in the prefilter.
    pub(crate) prefilter: u64,
    /// Nanoseconds in total.
    pub(crate) total: u64,
}

impl Measure {
    pub(crate) fn new(scanner: Scanner, clock: Clock) -> Measure {
        let meter = Meter::new(scanner.rules(), clock);
        let scratch = Scratch { meter: Some(Box::new(meter)), ..Scratch::default() };
        Measure { scanner, state: State::default(), scratch, n_bytes: 0, prefilter: 0, total: 0 }
    }

    /// Scans a block that begins and ends on record edges. The first scan is timed as a whole, as a
    /// filter runs it; the second one times each call of a detector.
    pub(crate) fn block(&mut self, hay: &[u8]) {
        let meter = self.scratch.meter.take();
        let mut state = self.state.clone();
        self.total += self.timed(meter, |measure| {
            measure.scanner.scan(hay, &mut state, &mut measure.scratch);
        });
        let findings = std::mem::take(&mut self.scratch.findings);
        findings.iter().for_each(|finding| self.meter().costs[finding.rule.index()].findings += 1);
        self.scratch.findings = findings;
        let meter = self.scratch.meter.take();
        self.prefilter += self.timed(meter, |measure| {
            let candidates = measure.scanner.prefilter(hay, &mut measure.scratch);
            measure.scratch.recycle(candidates);
        });
        self.scanner.scan(hay, &mut self.state, &mut self.scratch);
        self.n_bytes += hay.len() as u64;
    }

    /// Times `work` without the meter in the scratch, then puts the meter back.
    fn timed(&mut self, meter: Option<Box<Meter>>, work: impl FnOnce(&mut Measure)) -> u64 {
        let Some(mut meter) = meter else { return 0 };
        let begin = meter.read();
        work(self);
        let end = meter.read();
        let nanoseconds = (end - begin).saturating_sub(meter.overhead);
        self.scratch.meter = Some(meter);
        nanoseconds
    }
    pub(crate) fn rules(&self) -> &RuleSet {
        self.scanner.rules()
    }

    /// The cost of each rule so far, in the order of the rules.
    pub(crate) fn costs(&self) -> &[Cost] {
        self.scratch.meter.as_ref().map_or(&[], |meter| &meter.costs)
    }

    fn meter(&mut self) -> &mut Meter {
        self.scratch.meter.as_mut().expect("the scratch was made with a meter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Selection, redact::placeholder::Placeholders};

    fn scanner() -> Scanner {
        let rules = Selection::default().load().expect("the embedded rules load");
        let placeholders = Placeholders::new(&rules, []);
        Scanner::new(rules, placeholders, crate::prefilter::Cpu::best())
    }

    #[test]
    fn measuring_counts_what_scanning_does() {
        let text = format!(
            "mail alice@example.com @carol icon@2x.png\npw: password={} glpat-{} token is expired\nhttp://u:{}@host/\n",
            "hunter2",
            "k3J".repeat(7),
            "hunter3"
        );
        // Reading this clock takes ten nanoseconds; nothing else takes any time.
        let mut now = 0;
        let clock = Box::new(move || {
            now += 10;
            now
        });
        let mut measure = Measure::new(scanner(), clock);
        measure.block(text.as_bytes());
        measure.block(text.as_bytes());
        let of = |id: &str| {
            let (number, _) =
                measure.rules().iter().find(|(_, rule)| rule.id() == id).expect("an embedded rule");
            measure.costs()[number.index()]
        };
        let cost = |candidates, confirmations, findings| Cost {
            candidates,
            confirmations,
            findings,
            nanoseconds: 0,
        };
        assert_eq!(of("email"), cost(6, 2, 2));
        assert_eq!(of("gitlab-personal-access-token"), cost(2, 2, 2));
        assert_eq!(of("url-password"), cost(2, 2, 2));
        assert_eq!(of("password").findings, 2);
        assert_eq!(
            (measure.n_bytes, measure.prefilter, measure.total),
            (2 * text.len() as u64, 0, 0)
        );

        let (mut state, mut scratch) = (State::default(), Scratch::default());
        let n_findings = scanner().scan(text.as_bytes(), &mut state, &mut scratch).len() as u64;
        assert_eq!(measure.costs().iter().map(|cost| cost.findings).sum::<u64>(), 2 * n_findings);
    }
}
