//! The report of a batch run, as a table and as JSON.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};

use super::bytes;
use crate::{rules::RuleSet, tally::Tally};

/// The most files with findings, and the most reasons, in the table.
const MOST_TOLD: usize = 20;

/// The content of the report.
pub(crate) struct Report<'r> {
    pub(crate) rules: &'r RuleSet,
    pub(crate) tally: &'r Tally,
    pub(crate) n_done: u64,
    /// Files that an earlier run finished.
    pub(crate) n_before: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    /// Files with findings, most findings first.
    pub(crate) files: &'r [(String, u64)],
    /// Files and entries that could not be examined, with the reason.
    pub(crate) unexamined: &'r [(String, String)],
    /// Links, devices, and files that could not be opened.
    pub(crate) skipped: &'r [(String, String)],
    pub(crate) digest: &'r str,
    pub(crate) seconds: f64,
}

impl Report<'_> {
    /// Rules with findings: class, id and count, most findings first.
    pub(super) fn by_rule(&self) -> Vec<(&'static str, &str, u64)> {
        let found =
            self.rules.iter().map(|(id, rule)| (rule.class().name(), rule.id(), self.tally.of(id)));
        let mut found: Vec<_> = found.filter(|(_, _, n_findings)| *n_findings > 0).collect();
        found.sort_by(|one, other| other.2.cmp(&one.2).then(one.1.cmp(other.1)));
        found
    }

    /// Bytes of text per second.
    pub(super) fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.tally.bytes_in as f64 / self.seconds } else { 0.0 }
    }
}

/// The table. Writing to a `String` cannot fail.
pub(crate) fn human(report: &Report<'_>) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "files    {:>12}  {:>12} done earlier", report.n_done, report.n_before);
    let _ = writeln!(
        text,
        "in       {:>12}  {:>12} of text, {} records",
        bytes(report.bytes_in as f64),
        bytes(report.tally.bytes_in as f64),
        report.tally.records_in
    );
    let _ = writeln!(text, "out      {:>12}", bytes(report.bytes_out as f64));
    let _ = writeln!(
        text,
        "time     {:>10.3} s  {:>12}/s of text",
        report.seconds,
        bytes(report.rate())
    );
    let _ = writeln!(text, "findings {:>12}", report.tally.findings());
    let mut classes: BTreeMap<&str, u64> = BTreeMap::new();
    report
        .by_rule()
        .iter()
        .for_each(|(class, _, n_findings)| *classes.entry(class).or_default() += n_findings);
    for (class, n_findings) in &classes {
        let _ = writeln!(text, "  {n_findings:>10}  {class}");
        for (_, rule, n_findings) in report.by_rule().iter().filter(|(of, _, _)| of == class) {
            let _ = writeln!(text, "    {n_findings:>10}  {rule}");
        }
    }
    if report.tally.incomplete() > 0 {
        let _ = writeln!(
            text,
            "withheld {:>12} records that could not be examined",
            report.tally.incomplete()
        );
    }
    list(&mut text, "unexamined", report.unexamined);
    list(&mut text, "skipped", report.skipped);
    text
}

fn list(text: &mut String, name: &str, entries: &[(String, String)]) {
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(text, "{name:<10} {:>10}", entries.len());
    for (path, reason) in entries.iter().take(MOST_TOLD) {
        let _ = writeln!(text, "  {}: {reason}", path.escape_debug());
    }
    if entries.len() > MOST_TOLD {
        let _ = writeln!(
            text,
            "  and {} more; see --summary json or --report for all",
            entries.len() - MOST_TOLD
        );
    }
}

/// The report as one JSON object.
pub(crate) fn json(report: &Report<'_>) -> Value {
    let by_rule: serde_json::Map<String, Value> = report
        .by_rule()
        .into_iter()
        .map(|(_, rule, n_findings)| (rule.to_owned(), n_findings.into()))
        .collect();
    let by_day = report
        .tally
        .by_day
        .iter()
        .map(|(day, n_findings)| (day.to_string(), Value::from(*n_findings)));
    let by_day: serde_json::Map<String, Value> = by_day.collect();
    json!({
        "files": report.n_done,
        "files_done_before": report.n_before,
        "bytes_in": report.bytes_in,
        "bytes_out": report.bytes_out,
        "text_bytes": report.tally.bytes_in,
        "records": report.tally.records_in,
        "findings": report.tally.findings(),
        "by_rule": by_rule,
        "by_day": by_day,
        "withheld": report.tally.incomplete(),
        "unexamined": pairs(report.unexamined),
        "skipped": pairs(report.skipped),
        "rules": report.digest,
        "seconds": (report.seconds * 1e6).round() / 1e6,
    })
}

fn pairs(entries: &[(String, String)]) -> Vec<Value> {
    entries.iter().map(|(path, reason)| json!({ "path": path, "reason": reason })).collect()
}
