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
    /// Texts that were masked because they are encoded deeper than what is looked into.
    pub too_deep: u64,
    /// Findings that lay behind an encoding, by its name; one behind several counts for each.
    pub by_encoding: BTreeMap<&'static str, u64>,
    findings: Counts,
    allowed: Counts,
}

/// A number for each rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts(Vec<u64>);

impl Counts {
    fn add(&mut self, index: usize, number: u64) {
        if self.0.len() <= index {
            self.0.resize(index + 1, 0);
        }
        self.0[index] += number;
    }

    fn of(&self, rule: RuleId) -> u64 {
        self.0.get(rule.index()).copied().unwrap_or(0)
    }

    fn merge(&mut self, other: &Counts) {
        other.0.iter().enumerate().for_each(|(index, number)| self.add(index, *number));
    }
}

impl Tally {
    /// Counts one replaced span of `rule`.
    pub fn count(&mut self, rule: RuleId) {
        self.findings.add(rule.index(), 1);
    }

    /// Counts one span of `rule` that stays because the user says that it is no secret.
    pub fn count_allowed(&mut self, rule: RuleId) {
        self.allowed.add(rule.index(), 1);
    }

    /// Counts one finding behind an encoding of that name.
    pub fn count_encoding(&mut self, name: &'static str) {
        *self.by_encoding.entry(name).or_default() += 1;
    }

    /// Replaced spans of `rule`.
    #[must_use]
    pub fn of(&self, rule: RuleId) -> u64 {
        self.findings.of(rule)
    }

    /// Spans of `rule` that stay because the user says that they are no secrets.
    #[must_use]
    pub fn allowed_of(&self, rule: RuleId) -> u64 {
        self.allowed.of(rule)
    }

    /// Replaced spans of all rules.
    #[must_use]
    pub fn findings(&self) -> u64 {
        self.findings.0.iter().sum()
    }

    /// Spans of all rules that stay because the user says that they are no secrets.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.allowed.0.iter().sum()
    }

    /// Records that were masked or left out, as a whole or in part, because they could not be examined or did not hold: coverage is
    /// incomplete where there are any.
    #[must_use]
    pub fn incomplete(&self) -> u64 {
        self.withheld + self.broken + self.torn + self.too_deep
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
        self.too_deep += other.too_deep;
        for (encoding, n_findings) in &other.by_encoding {
            *self.by_encoding.entry(encoding).or_default() += n_findings;
        }
        self.findings.merge(&other.findings);
        self.allowed.merge(&other.allowed);
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
        other.count_allowed(RuleId(1));
        one.merge(&other);
        assert_eq!((one.bytes_in, one.records_out, one.withheld), (12, 2, 1));
        assert_eq!((one.of(RuleId(0)), one.of(RuleId(3)), one.of(RuleId(9))), (1, 2, 0));
        assert_eq!((one.findings(), one.allowed(), one.allowed_of(RuleId(1)), one.allowed_of(RuleId(3))), (3, 1, 1, 0));
    }
}
