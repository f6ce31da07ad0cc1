//! Warns of rules that will be slow.
//!
//! A rule costs time whenever one of its anchors occurs in a log that contains no secret. We count
//! these occurrences on log lines of many kinds, generated from a fixed seed. No clock is read, so
//! the result is the same on every machine.

use std::sync::OnceLock;

use regex_syntax::hir::{Hir, HirKind};

use super::{Complaint, sample::sample};
use crate::{
    detect::{Scanner, cost::Measure},
    prefilter::Cpu,
    redact::placeholder::Placeholders,
    rules::{Recogniser, Rule, RuleSet, pattern::Pattern},
};

/// Rules whose anchors occur more often than this per megabyte are called expensive. At 100 ns per
/// candidate that is 6 % of the prefilter's own time at 1 GB/s. The embedded token rules stay under
/// 500.
const MAX_CANDIDATES: u64 = 600;

/// Size of the sample in bytes.
const SAMPLE: usize = 1 << 20;

/// The longest optional run that a pattern may begin with.
const MAX_RUN: u32 = 8;

/// The rules that will be slow, with the reason.
///
/// The detectors for keys, URLs and addresses are built for anchors that occur everywhere. So of
/// the embedded rules only those with a pattern are checked.
#[must_use]
pub fn expensive(rules: &[Rule]) -> Vec<Complaint> {
    let asked: Vec<Rule> =
        rules.iter().filter(|rule| has_pattern(rule) || !rule.origin.embedded).cloned().collect();
    let mut complaints = Vec::new();
    for (rule, n_candidates) in asked.iter().zip(candidates(&asked)) {
        let mut warn = |message: String| {
            let (file, line) = (rule.origin.file.clone(), rule.origin.line);
            complaints.push(Complaint {
                file,
                line,
                rule: rule.id.clone(),
                message,
                is_warning: true,
            });
        };
        if n_candidates > MAX_CANDIDATES {
            warn(format!(
                "its anchors occur {n_candidates} times in a megabyte of ordinary log, which makes it expensive (more than \
                 {MAX_CANDIDATES}): name a longer anchor, or join a word such as key with what must follow it"
            ));
        }
        if let Recogniser::Token(pattern) = &rule.recogniser
            && begins_with_run(pattern)
        {
            warn("its pattern begins with a long optional run, which is tried again at every byte before an anchor: begin \
                 with what every match has"
                .into());
        }
    }
    complaints
}

fn has_pattern(rule: &Rule) -> bool {
    matches!(rule.recogniser, Recogniser::Token(_))
}

/// The number of candidates of each rule in the sample.
fn candidates(rules: &[Rule]) -> Vec<u64> {
    static TEXT: OnceLock<Vec<u8>> = OnceLock::new();
    let text = TEXT.get_or_init(|| sample(SAMPLE));
    let rules = RuleSet::new(rules.to_vec());
    let scanner = Scanner::new(rules.clone(), Placeholders::new(&rules, []), Cpu::best());
    let mut measure = Measure::new(scanner, Box::new(|| 0));
    measure.block(text);
    measure.costs().iter().map(|cost| cost.candidates * 1_000_000 / text.len() as u64).collect()
}

fn begins_with_run(pattern: &Pattern) -> bool {
    pattern.hir().is_ok_and(|hir| is_optional_run(&hir))
}

/// Whether the pattern begins with a part that is optional and can be long.
fn is_optional_run(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            repetition.min == 0 && repetition.max.is_none_or(|max| max > MAX_RUN)
                || is_optional_run(&repetition.sub)
        }
        HirKind::Capture(group) => is_optional_run(&group.sub),
        HirKind::Concat(parts) => parts.first().is_some_and(is_optional_run),
        HirKind::Alternation(parts) => parts.iter().any(is_optional_run),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(entry: &str) -> Vec<String> {
        let text = format!(
            "[[rule]]\nid = \"acme\"\ntitle = \"Acme\"\nclass = \"credential\"\nseverity = \"high\"\nabout = \"x\"\n{entry}\n"
        );
        let rules = RuleSet::parse(&text, "acme.toml").expect("the rules parse");
        expensive(rules.rules()).into_iter().map(|complaint| complaint.message).collect()
    }

    #[test]
    fn expensive_rules_are_warned_of() {
        for (entry, message) in [
            (
                "anchors = ['key']\npattern = '(?<secret> key [\\x20-\\x7e]{32} )'",
                "times in a megabyte",
            ),
            (
                "anchors = ['token']\nrecogniser = 'assign'\nkeys = { weak = ['token'] }",
                "times in a megabyte",
            ),
            ("anchors = ['=']\npattern = '(?<secret> = [0-9a-f]{64} )'", "times in a megabyte"),
            (
                "anchors = ['acme_']\npattern = '[a-z-]{0,40} (?<secret> acme_ [0-9a-f]{32} )'",
                "long optional run",
            ),
            (
                "anchors = ['acme_']\npattern = '(?<secret> [a-z]* acme_ [0-9a-f]{32} )'",
                "long optional run",
            ),
        ] {
            let found = warnings(entry);
            assert!(found.iter().any(|found| found.contains(message)), "{entry}: {found:?}");
        }
    }

    #[test]
    fn others_are_not() {
        for entry in [
            "anchors = ['acme_']\npattern = '(?<secret> acme_ [0-9a-f]{32} )'",
            "anchors = ['acme_key=']\npattern = 'acme_key= (?<secret> [0-9a-f]{32} )'",
            "anchors = ['-acme']\npattern = '(?<secret> [0-9a-f]{32} -acme )'",
            "anchors = ['acme_']\npattern = '(?<secret> -? acme_ [0-9a-f]{32} )'",
        ] {
            assert_eq!(warnings(entry), [""; 0], "{entry}");
        }
    }

    #[test]
    fn the_embedded_rules_are_cheap() {
        let rules = RuleSet::embedded();
        let found: Vec<_> =
            expensive(rules.rules()).into_iter().map(|found| (found.rule, found.message)).collect();
        assert_eq!(found, []);
    }
}
