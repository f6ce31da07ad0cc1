//! The report of a batch run as one HTML page: no scripts, no network access, light and dark,
//! printable. It contains counts, names and reasons, never what was found.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{batch::Report, bytes};
use crate::tally::Day;

/// How many of the files with the most findings are listed.
const MOST_FILES: usize = 50;

/// The most bars of the timeline by day; longer periods are shown by month.
const MOST_DAYS: i64 = 400;

/// The content security policy: nothing is loaded and nothing runs, whatever a file name contains.
/// Only the page's own styles are allowed.
const POLICY: &str = "script-src 'none'; img-src 'none'; connect-src 'none'; font-src 'none'; media-src 'none'; object-src 'none'; \
                      frame-src 'none'; worker-src 'none'; form-action 'none'; base-uri 'none'";

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2733;--dim:#5b6b7b;--paper:#fff;--rule:#d9e0e7;--tile:#f5f7f9;--bar:#2b6cb0}\
@media(prefers-color-scheme:dark){:root{--ink:#e4eaf0;--dim:#9aa8b5;--paper:#14191f;--rule:#2c3640;--tile:#1c232b;--bar:#63a4e8}}\
@media print{:root{--ink:#000;--dim:#444;--paper:#fff;--rule:#bbb;--tile:#fff;--bar:#555}tr,li,div,svg{break-inside:avoid}h2{break-after:avoid}}\
*{box-sizing:border-box}body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem;padding-bottom:.25rem;border-bottom:1px solid var(--rule)}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.22rem .8rem .22rem 0;vertical-align:baseline;font-weight:400}\
th{color:var(--dim);font-size:.85rem}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.w,td.y{width:40%;padding-right:0}\
td.p{overflow-wrap:anywhere}.dim{color:var(--dim)}.bar{display:block;height:.7rem;background:var(--bar);border-radius:2px;min-width:2px;print-color-adjust:exact}\
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.6rem;margin:1.2rem 0}dl div{background:var(--tile);border:1px solid var(--rule);\
border-radius:6px;padding:.5rem .8rem}dt{color:var(--dim);font-size:.85rem}dd{margin:0;font-size:1.3rem;font-variant-numeric:tabular-nums}\
svg{display:block;width:100%;height:auto}svg rect{fill:var(--bar)}svg text{fill:var(--dim);font:13px system-ui,sans-serif}svg line{stroke:var(--rule)}\
p{margin:.4rem 0}code{font-size:.85rem;overflow-wrap:anywhere}";

/// The whole page. Writing to a `String` cannot fail.
pub(crate) fn page(report: &Report<'_>) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"><title>logscrub report</title>\
         <style>{STYLE}</style></head><body><h1>logscrub report</h1>"
    );
    totals(&mut page, report);
    let rules = report.by_rule();
    let rows: Vec<(String, u64)> = rules
        .into_iter()
        .map(|(class, rule, n_findings)| {
            (format!("{rule} <span class=\"dim\">{class}</span>"), n_findings)
        })
        .collect();
    bars(&mut page, "Findings by rule", &rows);
    timeline(&mut page, report);
    let files: Vec<(String, u64)> = report
        .files
        .iter()
        .take(MOST_FILES)
        .map(|(path, n_findings)| (escaped(path), *n_findings))
        .collect();
    bars(&mut page, "Files with the most findings", &files);
    reasons(&mut page, "Not examined", report.unexamined);
    reasons(&mut page, "Skipped", report.skipped);
    let version = env!("CARGO_PKG_VERSION");
    let digest = report.digest;
    let _ = writeln!(
        page,
        "<h2>Rules</h2><p>logscrub {version}, rules and settings <code>{digest}</code></p></body></html>"
    );
    page
}

fn totals(page: &mut String, report: &Report<'_>) {
    page.push_str("<dl>");
    let cells = [
        ("files done", grouped(report.n_done)),
        ("done earlier", grouped(report.n_before)),
        ("findings", grouped(report.tally.findings())),
        ("records", grouped(report.tally.records_in)),
        ("read", bytes(report.bytes_in as f64)),
        ("written", bytes(report.bytes_out as f64)),
        ("text", bytes(report.tally.bytes_in as f64)),
        ("seconds", format!("{:.1}", report.seconds)),
        ("text per second", bytes(report.rate())),
        ("records withheld", grouped(report.tally.incomplete())),
        ("not examined", grouped(report.unexamined.len() as u64)),
        ("skipped", grouped(report.skipped.len() as u64)),
    ];
    for (name, value) in cells {
        let _ = write!(page, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    page.push_str("</dl>");
}

/// A table with a label (HTML), a count and a bar in each row.
fn bars(page: &mut String, title: &str, rows: &[(String, u64)]) {
    if rows.is_empty() {
        return;
    }
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let _ = write!(page, "<h2>{title}</h2><table>");
    for (label, count) in rows {
        let width = *count as f64 / most as f64 * 100.0;
        let _ = write!(
            page,
            "<tr><td class=\"p\">{label}</td><td class=\"n\">{}</td><td class=\"w\"><span class=\"bar\" \
             style=\"width:{width:.1}%\"></span></td></tr>",
            grouped(*count)
        );
    }
    page.push_str("</table>");
}

/// Findings by the day in their record, from the first day to the last.
fn timeline(page: &mut String, report: &Report<'_>) {
    let days = &report.tally.by_day;
    let (Some((first, _)), Some((last, _))) = (days.first_key_value(), days.last_key_value())
    else {
        return;
    };
    let n_days = last.since_1970() - first.since_1970() + 1;
    let (unit, first_bar, n_bars) = if n_days > MOST_DAYS {
        ("month", months(*first), months(*last) - months(*first) + 1)
    } else {
        ("day", first.since_1970(), n_days)
    };
    let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
    for (day, n_findings) in days {
        let at = if unit == "month" { months(*day) } else { day.since_1970() };
        *counts.entry(at - first_bar).or_default() += n_findings;
    }
    let _ = write!(page, "<h2>Findings by {unit}</h2>");
    chart(page, &counts, n_bars, (*first, *last), unit);
    let undated = report.tally.findings().saturating_sub(days.values().sum());
    if undated > 0 {
        let _ = write!(
            page,
            "<p class=\"dim\">{} more are in records without a date.</p>",
            grouped(undated)
        );
    }
}

fn months(day: Day) -> i64 {
    i64::from(day.year) * 12 + i64::from(day.month)
}

/// Bars over a line, with the highest count, and the first and last day below.
fn chart(
    page: &mut String,
    counts: &BTreeMap<i64, u64>,
    n_bars: i64,
    (first, last): (Day, Day),
    unit: &str,
) {
    const WIDTH: f64 = 960.0;
    const HEIGHT: f64 = 150.0;
    const TOP: f64 = 18.0;
    let most = counts.values().max().copied().unwrap_or(1).max(1);
    // Limits the width of the bars if there are few days.
    let step = (WIDTH / n_bars as f64).min(48.0);
    let _ = write!(
        page,
        "<svg viewBox=\"0 0 960 190\" role=\"img\" aria-label=\"findings by {unit}\">"
    );
    for (at, count) in counts {
        let height = (*count as f64 / most as f64 * HEIGHT).max(1.5);
        let (x, y) = (*at as f64 * step, TOP + HEIGHT - height);
        let (width, name) = ((step * 0.82).max(1.0), name_of(*at, first, unit));
        let _ = write!(
            page,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"><title>{name}: {}</title></rect>",
            grouped(*count)
        );
    }
    let base = TOP + HEIGHT;
    let end = (step * n_bars as f64).max(180.0);
    let _ = write!(page, "<line x1=\"0\" y1=\"{base}\" x2=\"{end:.1}\" y2=\"{base}\"/>");
    let _ = write!(page, "<text x=\"0\" y=\"11\">at most {} per {unit}</text>", grouped(most));
    let _ = write!(page, "<text x=\"0\" y=\"184\">{first}</text>");
    if n_bars > 1 {
        let _ = write!(page, "<text x=\"{end:.1}\" y=\"184\" text-anchor=\"end\">{last}</text>");
    }
    page.push_str("</svg>");
}

/// The day or month of a bar.
fn name_of(at: i64, first: Day, unit: &str) -> String {
    if unit == "month" {
        let month = months(first) - 1 + at;
        return format!("{:04}-{:02}", month.div_euclid(12), month.rem_euclid(12) + 1);
    }
    let day = u64::try_from(first.since_1970() + at).ok().and_then(Day::of_1970);
    day.map_or_else(String::new, |day| day.to_string())
}

/// A number with thousands separators.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

fn reasons(page: &mut String, title: &str, entries: &[(String, String)]) {
    if entries.is_empty() {
        return;
    }
    let _ = write!(page, "<h2>{title}</h2><table><tr><th>file</th><th>why</th></tr>");
    for (path, reason) in entries {
        let _ = write!(
            page,
            "<tr><td class=\"p\">{}</td><td class=\"y\">{}</td></tr>",
            escaped(path),
            escaped(reason)
        );
    }
    page.push_str("</table>");
}

fn escaped(text: &str) -> String {
    text.escape_debug()
        .to_string()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_write_on_the_page() {
        assert_eq!(escaped("<script>\"&\n"), "&lt;script&gt;\\&quot;&amp;\\n");
    }

    #[test]
    fn bars_have_names_and_numbers_have_groups() {
        let first = Day { year: 2025, month: 12, day: 30 };
        assert_eq!(
            (name_of(3, first, "day"), name_of(1, first, "month")),
            ("2026-01-02".to_owned(), "2026-01".to_owned())
        );
        assert_eq!(
            (grouped(999), grouped(1_234_567)),
            ("999".to_owned(), "1\u{202f}234\u{202f}567".to_owned())
        );
    }
}
