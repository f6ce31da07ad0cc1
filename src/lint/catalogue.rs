//! The rule catalogue, `docs/PATTERNS.md`. It is generated, and a test fails if it is out of date.

use std::fmt::Write as _;

use crate::rules::{Class, Rule, RuleSet};

/// The rules as Markdown: one table for each rule file.
#[must_use]
pub fn catalogue(rules: &RuleSet) -> String {
    let mut text = String::from(
        "# Rule catalogue\n\nGenerated from `patterns/*.toml`; do not edit. `logscrub rules show ID` shows all of a rule.\n\n",
    );
    let n_of = |class: Class| rules.rules().iter().filter(|rule| rule.class == class).count();
    let counts = Class::ALL.map(|class| format!("{} {}", n_of(class), class.name()));
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "{} rules: {}. Rules of the class `personal` are off without `--also personal`.",
        rules.rules().len(),
        counts.join(", ")
    );
    let mut file = "";
    for rule in rules.rules() {
        if rule.origin.file != file {
            file = &rule.origin.file;
            let name = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".toml");
            let _ = writeln!(
                text,
                "\n## {name}\n\n| rule | what | class | severity | anchors |\n|---|---|---|---|---|"
            );
        }
        let _ = writeln!(text, "{}", row(rule));
    }
    text
}

fn row(rule: &Rule) -> String {
    let anchors = rule
        .anchors
        .iter()
        .map(|anchor| format!("`{}`", anchor.text.escape_ascii().to_string().replace('|', "\\|")));
    let anchors = anchors.collect::<Vec<_>>().join(" ");
    let link = rule.links.first().map(|link| format!(" [source]({link})")).unwrap_or_default();
    let about = rule.about.replace('|', "\\|");
    format!(
        "| `{}` | {}. {about}{link} | {} | {} | {anchors} |",
        rule.id,
        rule.title,
        rule.class.name(),
        rule.severity.name()
    )
}
