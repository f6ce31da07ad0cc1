//! What was done, in numbers: never what was seen.
//!
//! Each worker keeps a tally of its own; tallies merge by addition, so the sum is the same however the work was cut.

use std::collections::BTreeMap;

use crate::span::RuleId;

/// Mergeable counters of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes examined.
    pub bytes_in: u64,
    /// Bytes handed on; counted by whoever wrote them, after they were written.
    pub bytes_out: u64,
    /// Records examined.
    pub records_in: u64,
    /// Records handed on.
    pub records_out: u64,
    /// Records that were masked or dropped because they could not be examined.
    pub withheld: u64,
    /// Records that were masked because what would have been handed on no longer was what they had been.
    pub broken: u64,
    /// Records whose rest did not come in time: they were scrubbed as they were, and what could be the beginning of a secret masked.
    pub torn: u64,
    /// Records that were changed, by the name of the format they are written in.
    pub by_format: BTreeMap<&'static str, u64>,
    findings: Vec<u64>,
}

impl Tally {
    /// Counts one replaced span of `rule`.
    pub fn count(&mut self, rule: RuleId) {
        let index = rule.index();
        if self.findings.len() <= index {
            self.findings.resize(index + 1, 0);
        }
        self.findings[index] += 1;
    }

    /// Replaced spans of `rule`.
    #[must_use]
    pub fn of(&self, rule: RuleId) -> u64 {
        self.findings.get(rule.index()).copied().unwrap_or(0)
    }

    /// Replaced spans of all rules.
    #[must_use]
    pub fn findings(&self) -> u64 {
        self.findings.iter().sum()
    }

    /// Adds another worker's counts.
    pub fn merge(&mut self, other: &Tally) {
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.records_in += other.records_in;
        self.records_out += other.records_out;
        self.withheld += other.withheld;
        self.broken += other.broken;
        self.torn += other.torn;
        for (format, n_records) in &other.by_format {
            *self.by_format.entry(format).or_default() += n_records;
        }
        if self.findings.len() < other.findings.len() {
            self.findings.resize(other.findings.len(), 0);
        }
        for (mine, theirs) in self.findings.iter_mut().zip(&other.findings) {
            *mine += theirs;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_adds_every_counter() {
        let mut one = Tally { bytes_in: 5, withheld: 1, ..Tally::default() };
        one.count(RuleId(0));
        let mut other = Tally { bytes_in: 7, records_out: 2, ..Tally::default() };
        other.count(RuleId(3));
        other.count(RuleId(3));
        one.merge(&other);
        assert_eq!((one.bytes_in, one.records_out, one.withheld), (12, 2, 1));
        assert_eq!((one.of(RuleId(0)), one.of(RuleId(3)), one.of(RuleId(9))), (1, 2, 0));
        assert_eq!(one.findings(), 3);
    }
}
