//! Reports on what was done. They contain counts and names, never what was found.

#[cfg(feature = "batch")]
pub(crate) mod batch;
#[cfg(feature = "batch")]
pub(crate) mod html;
#[cfg(feature = "forward")]
pub(crate) mod prometheus;

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{
    rules::{RuleId, RuleSet},
    tally::Tally,
};

/// The summary for people.
pub(crate) fn human(rules: &RuleSet, tally: &Tally, seconds: f64) -> String {
    let mut text = String::new();
    let rate = if seconds > 0.0 { tally.bytes_in as f64 / seconds } else { 0.0 };
    let lines =
        [("in", tally.bytes_in, tally.records_in), ("out", tally.bytes_out, tally.records_out)];
    for (name, n_bytes, n_records) in lines {
        let _ = writeln!(text, "{name:<9}{:>12}  {n_records:>12} records", bytes(n_bytes as f64)); // a String takes everything
    }
    let _ = writeln!(text, "{:<9}{seconds:>10.3} s  {:>10}/s", "time", bytes(rate));
    let _ = writeln!(text, "{:<9}{:>12}", "findings", tally.findings());
    for (id, rule) in rules.iter().filter(|(id, _)| tally.of(*id) > 0) {
        let _ = writeln!(text, "  {:>10}  {}", tally.of(id), rule.id());
    }
    for (id, n_findings, _) in tally.former().filter(|(_, n_findings, _)| *n_findings > 0) {
        let _ = writeln!(text, "  {n_findings:>10}  {id} (rule no longer in force)");
    }
    if !tally.by_format.is_empty() {
        let formats =
            tally.by_format.iter().map(|(format, n_records)| format!("{n_records} {format}"));
        let _ = writeln!(text, "changed  {}", formats.collect::<Vec<_>>().join(", "));
    }
    if !tally.by_encoding.is_empty() {
        let encodings = tally
            .by_encoding
            .iter()
            .map(|(encoding, n_findings)| format!("{n_findings} {encoding}"));
        let _ = writeln!(text, "decoded  {}", encodings.collect::<Vec<_>>().join(", "));
    }
    if tally.allowed() > 0 {
        let _ = writeln!(text, "{:<9}{:>12}  by the configuration", "allowed", tally.allowed());
        for (id, rule) in rules.iter().filter(|(id, _)| tally.allowed_of(*id) > 0) {
            let _ = writeln!(text, "  {:>10}  {}", tally.allowed_of(id), rule.id());
        }
        for (id, _, n_allowed) in tally.former().filter(|(_, _, n_allowed)| *n_allowed > 0) {
            let _ = writeln!(text, "  {n_allowed:>10}  {id} (rule no longer in force)");
        }
    }
    if tally.withheld > 0 {
        let _ =
            writeln!(text, "withheld {:>12} records that could not be examined", tally.withheld);
    }
    if tally.broken > 0 {
        let _ = writeln!(text, "masked {:>14} records that failed verification", tally.broken);
    }
    if tally.torn > 0 {
        let _ =
            writeln!(text, "split {:>15} records whose rest did not arrive in time", tally.torn);
    }
    if tally.too_deep > 0 {
        let _ = writeln!(
            text,
            "masked {:>14} texts that are nested in too many encodings",
            tally.too_deep
        );
    }
    text
}

/// The summary as one JSON object.
pub(crate) fn json(rules: &RuleSet, tally: &Tally, seconds: f64) -> Value {
    let mut by_rule = by_rule(rules, |id| tally.of(id));
    let mut allowed_by_rule = self::by_rule(rules, |id| tally.allowed_of(id));
    for (id, n_findings, n_allowed) in tally.former() {
        let numbers = [(&mut by_rule, n_findings), (&mut allowed_by_rule, n_allowed)];
        for (map, number) in numbers.into_iter().filter(|(_, number)| *number > 0) {
            let before = map.get(id).and_then(Value::as_u64).unwrap_or(0);
            map.insert(id.to_owned(), (before + number).into());
        }
    }
    json!({
        "bytes_in": tally.bytes_in,
        "bytes_out": tally.bytes_out,
        "records_in": tally.records_in,
        "records_out": tally.records_out,
        "findings": tally.findings(),
        "by_rule": by_rule,
        "by_format": tally.by_format,
        "by_encoding": tally.by_encoding,
        "allowed": tally.allowed(),
        "allowed_by_rule": allowed_by_rule,
        "withheld": tally.withheld,
        "broken": tally.broken,
        "torn": tally.torn,
        "too_deep": tally.too_deep,
        "seconds": (seconds * 1e6).round() / 1e6,
    })
}

/// The rules with a number above 0.
fn by_rule(rules: &RuleSet, number: impl Fn(RuleId) -> u64) -> serde_json::Map<String, Value> {
    let numbers = rules.iter().map(|(id, rule)| (rule.id().to_owned(), number(id)));
    numbers.filter(|(_, number)| *number > 0).map(|(id, number)| (id, number.into())).collect()
}

/// A number of bytes with a unit.
pub(crate) fn bytes(n_bytes: f64) -> String {
    let mut value = n_bytes;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" {
                format!("{value:.0} {unit}")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_as_people_read_them() {
        assert_eq!(bytes(0.0), "0 B");
        assert_eq!(bytes(1536.0), "1.5 KiB");
        assert_eq!(bytes(3.0 * 1024.0 * 1024.0 * 1024.0), "3.0 GiB");
    }
}
