//! Checks rules, for `rules lint` and `rules test`.
//!
//! `lint` checks each rule by itself: id, anchors (proved to be necessary), groups, dots, lengths,
//! links and the number of examples. `test` runs every example through the real scanner, alone and
//! between other lines, and compares the result to the byte. `cost` warns of slow rules.
//! `catalogue` prints the rules for people.

mod catalogue;
mod cost;
#[cfg(test)]
mod probe_table;
mod sample;
mod template;

use regex_syntax::{
    ast::{self, Ast, GroupKind},
    hir::Hir,
};

pub use self::{
    catalogue::catalogue,
    cost::expensive,
    template::{Example, expand},
};
use crate::{
    detect::token::MAX_LEAD,
    finding::Finding,
    policy::Policy,
    rules::{
        Class, Recogniser, Rule, RuleSet,
        anchors::{self, Unproved},
        pattern::Pattern,
    },
    scrub::Scrubber,
};

/// A problem with a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The file of the rule.
    pub file: String,
    /// The line where the entry begins.
    pub line: usize,
    /// The id of the rule.
    pub rule: String,
    /// Description of the problem.
    pub message: String,
    /// Whether the rule works in spite of the problem.
    pub is_warning: bool,
}

/// An example with an unexpected result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The file of the rule.
    pub file: String,
    /// The line where the entry begins.
    pub line: usize,
    /// The id of the rule.
    pub rule: String,
    /// The example as written, with placeholders instead of values.
    pub example: String,
    /// The unexpected result.
    pub message: String,
}

/// Number of examples of each kind that a rule must have.
const N_EXAMPLES: usize = 3;

/// Anchors with fewer bytes occur so often that they cost time.
const CHEAP_ANCHOR: usize = 2;

/// Checks each rule by itself.
#[must_use]
pub fn lint(rules: &[Rule]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for rule in rules {
        let mut say = |message: String, is_warning: bool| {
            let (file, line) = (rule.origin.file.clone(), rule.origin.line);
            complaints.push(Complaint { file, line, rule: rule.id.clone(), message, is_warning });
        };
        let mut wrong = |message: &str| say(message.to_owned(), false);
        if rule.title.trim().is_empty() || rule.about.trim().is_empty() {
            wrong("title and about must say something");
        }
        if rule.links.is_empty() || rule.links.iter().any(|link| !link.starts_with("https://")) {
            wrong("links must hold the provider's own page, by https");
        }
        if rule.hit.len() < N_EXAMPLES || rule.miss.len() < N_EXAMPLES {
            wrong("fewer than three hits or three misses");
        }
        if rule.hit.iter().any(|hit| expand(hit).spans.is_empty()) {
            wrong("a hit marks nothing: put « and » around the exact bytes that go");
        }
        if rule.miss.iter().any(|miss| !expand(miss).spans.is_empty()) {
            wrong("a miss marks something that goes");
        }
        if let Recogniser::Token(pattern) = &rule.recogniser {
            for message in pattern_faults(rule, pattern) {
                say(message, false);
            }
            if rule.near.is_empty()
                && rule.anchors.iter().any(|anchor| anchor.text.len() < CHEAP_ANCHOR)
            {
                say(
                    "an anchor of one character is seen so often that it costs: name a longer one, or near".into(),
                    true,
                );
            }
        }
        for allow in &rule.allow {
            for message in syntax_faults(allow) {
                say(format!("allow: {message}"), false);
            }
        }
    }
    complaints
}

fn pattern_faults(rule: &Rule, pattern: &Pattern) -> Vec<String> {
    let mut faults = syntax_faults(pattern);
    let hir = match pattern.hir() {
        Ok(hir) => hir,
        Err(_) => return faults,
    };
    if n_groups(pattern) != 1 {
        faults.push("exactly one group must be named secret".into());
    }
    match anchors::prove(&hir, &rule.anchors) {
        Ok(()) => {}
        Err(Unproved::TooLarge) => {
            faults.push("the pattern is too large for the proof of its anchors".into())
        }
        Err(Unproved::Without(text)) => {
            faults.push(format!(
                "the anchors are not in every match: \"{}\" holds none",
                text.escape_ascii()
            ));
        }
    }
    if !is_in_reach(&hir, rule, pattern) {
        faults.push(format!(
            "an anchor may begin more than {MAX_LEAD} bytes behind the start of a match"
        ));
    }
    faults
}

/// Whether the scanner finds every match. It searches only a limited distance before an anchor.
fn is_in_reach(hir: &Hir, rule: &Rule, pattern: &Pattern) -> bool {
    pattern.compiled().leads_with(&rule.anchors)
        || anchors::lead(hir, &rule.anchors).is_some_and(|lead| lead <= MAX_LEAD)
}

/// Problems that the written pattern shows: unescaped dots, alternatives without a group, syntax
/// errors.
fn syntax_faults(pattern: &Pattern) -> Vec<String> {
    if let Err(message) = pattern.check() {
        return vec![message];
    }
    let Some(ast) = parse(pattern) else { return Vec::new() };
    let mut faults = Vec::new();
    if matches!(ast, Ast::Alternation(_)) {
        faults.push("alternatives stand outside a group: (?: a | b )".into());
    }
    if holds(&ast, &|ast| matches!(ast, Ast::Dot(_))) {
        faults.push("a bare . matches anything: write \\. for a dot".into());
    }
    faults
}

fn n_groups(pattern: &Pattern) -> usize {
    let count = std::cell::Cell::new(0);
    if let Some(ast) = parse(pattern) {
        holds(&ast, &|ast| {
            if let Ast::Group(group) = ast
                && let GroupKind::CaptureName { name, .. } = &group.kind
                && name.name == "secret"
            {
                count.set(count.get() + 1);
            }
            false
        });
    }
    count.get()
}

fn parse(pattern: &Pattern) -> Option<Ast> {
    ast::parse::ParserBuilder::new().ignore_whitespace(true).build().parse(pattern.source()).ok()
}

/// Whether `is` holds for any part of the syntax tree.
fn holds(ast: &Ast, is: &dyn Fn(&Ast) -> bool) -> bool {
    is(ast)
        || match ast {
            Ast::Group(group) => holds(&group.ast, is),
            Ast::Repetition(repetition) => holds(&repetition.ast, is),
            Ast::Alternation(alternation) => alternation.asts.iter().any(|part| holds(part, is)),
            Ast::Concat(concat) => concat.asts.iter().any(|part| holds(part, is)),
            _ => false,
        }
}

/// Runs every example through a scanner with all of `rules` and compares the result to the byte.
#[must_use]
pub fn test(rules: &RuleSet) -> Vec<Failure> {
    let mut failures = Vec::new();
    let scrubber = match Scrubber::new(rules, &Policy::new()) {
        Ok(scrubber) => scrubber,
        Err(_) => return failures,
    };
    for rule in rules.rules() {
        for example in &rule.hit {
            failures.extend(check(&scrubber, rule, example, true));
        }
        for example in &rule.miss {
            failures.extend(check(&scrubber, rule, example, false));
        }
    }
    failures
}

/// The text before and after an example: none, other lines, the same line again.
const PLACES: [(&str, &str); 3] = [("", ""), ("first line\n", "\nlast line\n"), ("\n", "\r\n")];

fn check(scrubber: &Scrubber, rule: &Rule, example: &str, is_hit: bool) -> Option<Failure> {
    let expanded = expand(example);
    for (before, after) in PLACES {
        let hay = [before.as_bytes(), &expanded.text, after.as_bytes()].concat();
        let mut fresh = scrubber.fork();
        let mut found = fresh.find(&hay).unwrap_or_default().to_vec();
        // Examples of all kinds contain addresses and numbers of the class that is off by default.
        found.retain(|finding| {
            rule.class() == Class::Personal
                || fresh.rules().get(finding.rule).class() != Class::Personal
        });
        let of_rule = |finding: &&Finding| fresh.rules().get(finding.rule).id() == rule.id();
        let message = if is_hit {
            let expected: Vec<_> = expanded
                .spans
                .iter()
                .map(|span| (span.start + before.len(), span.end + before.len()))
                .collect();
            let spans: Vec<_> =
                found.iter().map(|finding| (finding.span.start, finding.span.end)).collect();
            if spans != expected {
                Some(format!("{spans:?} goes instead of {expected:?}"))
            } else if found.iter().any(|finding| of_rule(&finding)) {
                None
            } else {
                Some("another rule takes it".to_owned())
            }
        } else {
            found
                .iter()
                .find(of_rule)
                .map(|finding| format!("{:?} goes", (finding.span.start, finding.span.end)))
        };
        if let Some(message) = message {
            let (file, line) = (rule.origin.file.clone(), rule.origin.line);
            return Some(Failure {
                file,
                line,
                rule: rule.id.clone(),
                example: example.to_owned(),
                message,
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(pattern: &str, anchors: &str, extra: &str) -> Vec<String> {
        let text = format!(
            "[[rule]]\nid = \"acme-token\"\ntitle = \"Acme\"\nclass = \"credential\"\nseverity = \"high\"\nabout = \"For tests.\"\n\
             links = [\"https://example.com/tokens\"]\nanchors = [{anchors}]\npattern = '''{pattern}'''\n\
             hit = ['«a»', '«b»', '«c»']\nmiss = ['a', 'b', 'c']\n{extra}"
        );
        let rules = RuleSet::parse(&text, "acme.toml").expect("the rules parse");
        lint(rules.rules()).into_iter().map(|complaint| complaint.message).collect()
    }

    #[test]
    fn a_sound_rule_gives_no_complaint() {
        assert_eq!(complaints("(?<secret> acme_ [a-z]{20} )", "'acme_'", ""), [""; 0]);
    }

    #[test]
    fn faults_seen_in_the_field_are_found() {
        for (pattern, anchors, extra, message) in [
            (
                "(?<secret> acme_ [a-z]{20} ) | x",
                "'acme_'",
                "",
                "alternatives stand outside a group",
            ),
            ("hooks.acme (?<secret> [a-z]{20} )", "'hooks'", "", "a bare . matches anything"),
            ("(?<secret> ac[mn]e_ [a-z]{20} )", "'acme_'", "", "not in every match: \"acne_"),
            ("(?<secret> [a-z]{200} acme_ )", "'acme_'", "", "more than 128 bytes behind"),
            (
                "(?<secret> acme_ [a-z]{20} )",
                "'acme_'",
                "allow = ['true|false']",
                "allow: alternatives stand outside",
            ),
        ] {
            let found = complaints(pattern, anchors, extra);
            assert!(found.iter().any(|found| found.contains(message)), "{pattern}: {found:?}");
        }
    }

    #[test]
    fn an_example_that_comes_out_otherwise_is_told_without_its_value() {
        let text = "[[rule]]\nid = \"acme-token\"\ntitle = \"Acme\"\nclass = \"credential\"\nseverity = \"high\"\nabout = \"x\"\n\
                    anchors = ['acme_']\npattern = '(?<secret> acme_ [a-z]{20} )'\nhit = ['a «acme_{lower:20}» b', 'acme_«{lower:20}»']\n\
                    miss = ['acme_{lower:3} is short', 'x acme_{lower:20}']\n";
        let failures = test(&RuleSet::parse(text, "acme.toml").expect("the rules parse"));
        let examples: Vec<_> = failures.iter().map(|failure| failure.example.as_str()).collect();
        assert_eq!(examples, ["acme_«{lower:20}»", "x acme_{lower:20}"]);
    }
}
