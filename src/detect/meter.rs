//! Counts and times the calls of detectors, for `rules cost`.
//!
//! The clock is the caller's; the cost of reading it is subtracted.

use std::collections::HashMap;

use super::{Context, Rejection, target::Target};
use crate::rules::{Recogniser, RuleId, RuleSet};

/// Returns nanoseconds since some moment.
pub(crate) type Clock = Box<dyn FnMut() -> u64 + Send + Sync>;

/// How many reads of the clock are timed to know the cost of one.
const N_READS: usize = 101;

/// What one rule cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) candidates: u64,
    pub(crate) confirmations: u64,
    pub(crate) findings: u64,
    pub(crate) nanoseconds: u64,
}

/// Counts and times the calls of detectors.
pub(super) struct Meter {
    pub(super) costs: Vec<Cost>,
    /// The rule that each anchor of a shared detector counts for.
    owners: HashMap<(&'static str, Box<[u8]>), RuleId>,
    clock: Clock,
    /// The cost of a read of the clock.
    pub(super) overhead: u64,
}

impl Meter {
    pub(super) fn new(rules: &RuleSet, clock: Clock) -> Meter {
        let mut owners = HashMap::new();
        for (id, rule) in rules.iter() {
            if matches!(rule.recogniser, Recogniser::Token(_)) {
                continue;
            }
            for anchor in &rule.anchors {
                owners
                    .entry((rule.recogniser(), anchor.text.to_ascii_lowercase().into()))
                    .or_insert(id);
            }
        }
        let mut meter =
            Meter { costs: vec![Cost::default(); rules.rules().len()], owners, clock, overhead: 0 };
        let mut reads: Vec<u64> = (0..N_READS).map(|_| meter.read()).collect();
        reads = reads.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
        reads.sort_unstable();
        meter.overhead = reads[reads.len() / 2];
        meter
    }

    pub(super) fn read(&mut self) -> u64 {
        (self.clock)()
    }

    /// The rule that a candidate is counted for: of a shared detector the rule that has the anchor,
    /// or else the first that uses the detector.
    pub(super) fn owner(&self, rules: &RuleSet, target: Target, anchor: &[u8]) -> Option<RuleId> {
        let name = target.detector();
        if let Target::Token(id) = target {
            return Some(id);
        }
        let any = || rules.iter().find(|(_, rule)| rule.recogniser() == name).map(|(id, _)| id);
        self.owners.get(&(name, anchor.to_ascii_lowercase().into())).copied().or_else(any)
    }

    /// Calls a detector by `ask`, and counts for `owner` what that cost.
    pub(super) fn measure(
        &mut self,
        owner: Option<RuleId>,
        context: &mut Context<'_>,
        ask: impl FnOnce(&mut Context<'_>) -> Result<(), Rejection>,
    ) -> Result<(), Rejection> {
        let before = effort(context);
        let begin = self.read();
        let verdict = ask(context);
        let end = self.read();
        if let Some(owner) = owner {
            let cost = &mut self.costs[owner.index()];
            cost.candidates += 1;
            cost.confirmations += u64::from(effort(context) != before);
            cost.nanoseconds += (end - begin).saturating_sub(self.overhead);
        }
        verdict
    }
}

/// How much expensive work detectors have done. It changes with every confirmation.
fn effort(context: &Context<'_>) -> [u64; 6] {
    let memory = &*context.memory;
    [
        context.findings.len() as u64,
        memory.token.n_tried,
        memory.key_value.effort(),
        memory.url.n_examined,
        memory.email.n_examined,
        memory.private_key as u64,
    ]
}
