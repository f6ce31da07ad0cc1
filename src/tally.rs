//! Counters of what was done. They never contain anything from the input.
//!
//! Each worker has its own tally. Tallies are merged by addition, so the result does not depend on
//! how the work was divided.

use std::collections::BTreeMap;

use crate::rules::RuleId;

/// Mergeable counters of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes examined.
    pub bytes_in: u64,
    /// Bytes written. The writer counts them after they were written.
    pub bytes_out: u64,
    /// Records examined.
    pub records_in: u64,
    /// Records passed on.
    pub records_out: u64,
    /// Records that were masked or dropped because they could not be examined.
    pub withheld: u64,
    /// Records that were masked because verification found the redacted record damaged.
    pub broken: u64,
    /// Partial records whose rest did not come in time. They were scrubbed as they were, and the
    /// end was masked where a secret could begin.
    pub torn: u64,
    /// Changed records by the name of their format.
    pub by_format: BTreeMap<&'static str, u64>,
    /// Texts that were masked because they are encoded more deeply than we decode.
    pub too_deep: u64,
    /// Findings in encoded text by the name of the encoding. A finding in several encodings counts
    /// once for each.
    pub by_encoding: BTreeMap<&'static str, u64>,
    /// Findings by the day in their record, if days are counted.
    pub(crate) by_day: BTreeMap<Day, u64>,
    findings: Counts,
    allowed: Counts,
    /// Findings, and allowed findings, of rules that were in force before the configuration was
    /// reloaded, by id.
    former: BTreeMap<String, (u64, u64)>,
}

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day {
    /// 0 if the record does not contain the year.
    pub(crate) year: u16,
    pub(crate) month: u16,
    pub(crate) day: u16,
}
impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}
impl Day {
    /// The day `n_days` after 1 January 1970.
    pub(crate) fn of_1970(n_days: u64) -> Option<Day> {
        // Days since 1 March of year 0, so that the leap day is the last day of a year. 400 years
        // have 146,097 days.
        let shifted = n_days.checked_add(719_468)?;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let (month, carry) =
            if shifted_month < 10 { (shifted_month + 3, 0) } else { (shifted_month - 9, 1) };
        let year = u16::try_from(era * 400 + year_of_era + carry).ok()?;
        Some(Day { year, month: u16::try_from(month).ok()?, day: u16::try_from(day).ok()? })
    }

    /// Days since the first of January 1970.
    pub(crate) fn since_1970(self) -> i64 {
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        365 * year + year / 4 - year / 100
            + year / 400
            + (153 * month + 2) / 5
            + i64::from(self.day)
            - 1
            - 719_468
    }

    /// The day with its year, for a record in a file that was last changed on the day `last`: the
    /// latest possible year. Clocks may differ by one day.
    pub(crate) fn before(self, last: Day) -> Day {
        if self.year > 0 {
            return self;
        }
        let is_later = (self.month, self.day) > (last.month, last.day + 1);
        Day { year: last.year - u16::from(is_later && last.year > 0), ..self }
    }
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

    /// Counts one span of `rule` that was allowed.
    pub fn count_allowed(&mut self, rule: RuleId) {
        self.allowed.add(rule.index(), 1);
    }

    /// Counts one finding in the encoding with that name.
    pub fn count_encoding(&mut self, name: &'static str) {
        *self.by_encoding.entry(name).or_default() += 1;
    }

    /// Replaced spans of `rule`.
    #[must_use]
    pub fn of(&self, rule: RuleId) -> u64 {
        self.findings.of(rule)
    }

    /// Allowed spans of `rule`.
    #[must_use]
    pub fn allowed_of(&self, rule: RuleId) -> u64 {
        self.allowed.of(rule)
    }

    /// Replaced spans of all rules.
    #[must_use]
    pub fn findings(&self) -> u64 {
        self.findings.0.iter().chain(self.former.values().map(|(findings, _)| findings)).sum()
    }

    /// Allowed spans of all rules.
    #[must_use]
    pub fn allowed(&self) -> u64 {
        self.allowed.0.iter().chain(self.former.values().map(|(_, allowed)| allowed)).sum()
    }

    /// Records that were masked or dropped, entirely or in part, because they could not be examined
    /// or failed verification. If there are any, coverage is incomplete.
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
        for (day, n_findings) in &other.by_day {
            *self.by_day.entry(*day).or_default() += n_findings;
        }
        self.findings.merge(&other.findings);
        self.allowed.merge(&other.allowed);
        for (id, (findings, allowed)) in &other.former {
            let former = self.former.entry(id.clone()).or_default();
            *former = (former.0 + findings, former.1 + allowed);
        }
    }

    /// Continues with another set of rules. `rules` gives, for each rule of the old set, its number
    /// in the new set and its id.
    pub(crate) fn renumber<'r>(&mut self, rules: impl Iterator<Item = (Option<RuleId>, &'r str)>) {
        let before = (std::mem::take(&mut self.findings), std::mem::take(&mut self.allowed));
        for (index, (number, id)) in rules.enumerate() {
            let counts =
                [&before.0, &before.1].map(|counts| counts.0.get(index).copied().unwrap_or(0));
            if counts == [0, 0] {
                continue;
            }
            match number {
                Some(rule) => {
                    self.findings.add(rule.index(), counts[0]);
                    self.allowed.add(rule.index(), counts[1]);
                }
                None => {
                    let former = self.former.entry(id.to_owned()).or_default();
                    *former = (former.0 + counts[0], former.1 + counts[1]);
                }
            }
        }
    }

    /// Findings, and allowed findings, of rules that are no longer in force, by id.
    pub(crate) fn former(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        self.former.iter().map(|(id, (findings, allowed))| (id.as_str(), *findings, *allowed))
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
        assert_eq!(
            (one.findings(), one.allowed(), one.allowed_of(RuleId(1)), one.allowed_of(RuleId(3))),
            (3, 1, 1, 0)
        );
    }
    #[test]
    fn counts_follow_their_rules_into_another_set() {
        let mut tally = Tally::default();
        [0, 1, 1, 2].into_iter().for_each(|rule| tally.count(RuleId(rule)));
        tally.count_allowed(RuleId(2));
        tally.renumber([(Some(RuleId(5)), "a"), (None, "b"), (Some(RuleId(0)), "c")].into_iter());
        assert_eq!([0, 1, 2, 5].map(|rule| tally.of(RuleId(rule))), [1, 0, 0, 1]);
        assert_eq!((tally.allowed_of(RuleId(0)), tally.findings(), tally.allowed()), (1, 4, 1));
        assert_eq!(tally.former().collect::<Vec<_>>(), [("b", 2, 0)]);
        let mut sum = Tally::default();
        sum.merge(&tally);
        assert_eq!(sum.findings(), 4);
    }
    #[test]
    fn days_are_counted_from_1970_and_get_the_year_that_fits() {
        let day = |year, month, day| Day { year, month, day };
        for (n_days, expected) in
            [(0, day(1970, 1, 1)), (11_016, day(2000, 2, 29)), (20_783, day(2026, 11, 26))]
        {
            assert_eq!(Day::of_1970(n_days), Some(expected));
            assert_eq!(expected.since_1970(), n_days.cast_signed());
        }
        let last = day(2026, 1, 3);
        assert_eq!(day(0, 12, 31).before(last), day(2025, 12, 31));
        assert_eq!(day(0, 1, 4).before(last), day(2026, 1, 4));
        assert_eq!(day(2020, 5, 5).before(last), day(2020, 5, 5));
    }
}
