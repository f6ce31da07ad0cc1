//! The report of a batch as one page: no script, no network, light and dark, printable. Counts, names and reasons; never what was found.

use std::fmt::Write as _;

use super::{batch::Report, bytes};

/// So many files with the most findings are listed.
const MOST_FILES: usize = 50;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c2733;--dim:#5b6b7b;--paper:#fff;--rule:#d9e0e7;--bar:#2b6cb0}\
@media(prefers-color-scheme:dark){:root{--ink:#e4eaf0;--dim:#9aa8b5;--paper:#14191f;--rule:#2c3640;--bar:#63a4e8}}\
@media print{:root{--ink:#000;--dim:#444;--paper:#fff;--rule:#bbb;--bar:#555}tr,li{break-inside:avoid}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid var(--rule)}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.2rem .6rem .2rem 0;vertical-align:top}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td.w{width:45%}\
td.p{overflow-wrap:anywhere}.dim{color:var(--dim)}svg rect{fill:var(--bar)}\
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:1rem}dt{color:var(--dim)}dd{margin:0;font-size:1.3rem}\
code{font-size:.85rem;overflow-wrap:anywhere}";

/// The whole page. Writing to a `String` cannot fail.
pub(crate) fn page(report: &Report<'_>) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>logscrub: what was done</title><style>{STYLE}</style></head><body><h1>What logscrub did</h1>"
    );
    totals(&mut page, report);
    let rules = report.by_rule();
    let rows: Vec<(String, u64)> = rules
        .into_iter()
        .map(|(class, rule, n_findings)| (format!("{rule} <span class=\"dim\">{class}</span>"), n_findings))
        .collect();
    bars(&mut page, "Findings by rule", &rows);
    let files: Vec<(String, u64)> =
        report.files.iter().take(MOST_FILES).map(|(path, n_findings)| (escaped(path), *n_findings)).collect();
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
        ("files done", report.n_done.to_string()),
        ("done before", report.n_before.to_string()),
        ("findings", report.tally.findings().to_string()),
        ("records", report.tally.records_in.to_string()),
        ("read", bytes(report.bytes_in as f64)),
        ("written", bytes(report.bytes_out as f64)),
        ("text", bytes(report.tally.bytes_in as f64)),
        ("seconds", format!("{:.1}", report.seconds)),
        ("text a second", bytes(report.rate())),
        ("records withheld", report.tally.incomplete().to_string()),
        ("not examined", report.unexamined.len().to_string()),
        ("skipped", report.skipped.len().to_string()),
    ];
    for (name, value) in cells {
        let _ = write!(page, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    page.push_str("</dl>");
}

/// Rows of a label, which is HTML, a count and a bar.
fn bars(page: &mut String, title: &str, rows: &[(String, u64)]) {
    if rows.is_empty() {
        return;
    }
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let _ = write!(page, "<h2>{title}</h2><table>");
    for (label, count) in rows {
        let width = (*count as f64 / most as f64 * 100.0).max(0.5);
        let _ = write!(
            page,
            "<tr><td class=\"p\">{label}</td><td class=\"n\">{count}</td><td class=\"w\"><svg width=\"100%\" height=\"12\" role=\"img\" \
             aria-label=\"{count}\"><rect width=\"{width:.1}%\" height=\"12\" rx=\"2\"/></svg></td></tr>"
        );
    }
    page.push_str("</table>");
}

fn reasons(page: &mut String, title: &str, entries: &[(String, String)]) {
    if entries.is_empty() {
        return;
    }
    let _ = write!(page, "<h2>{title}</h2><table>");
    for (path, reason) in entries {
        let _ = write!(page, "<tr><td class=\"p\">{}</td><td>{}</td></tr>", escaped(path), escaped(reason));
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
}
