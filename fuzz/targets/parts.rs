//! A line that a container runtime has cut comes out like the whole line, wherever the cuts are.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::{Corpus, fuzz_target};
use logscrub::{Outcome, Policy, RuleSet, Scrubber, lint::expand};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// An example of a rule is in the line, at this place.
    example: u16,
    place: u8,
    cuts: [u16; 2],
    is_docker: bool,
    /// Whether records of the other stream are in between.
    has_other: bool,
    text: &'a str,
}

thread_local! {
    static FIRST: Scrubber = Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
    static EXAMPLES: Vec<Vec<u8>> = {
        let rules = RuleSet::embedded();
        rules.rules().iter().flat_map(|rule| rule.hits()).map(|hit| expand(hit).text).collect()
    };
}

fn scrub(hay: &[u8]) -> Vec<u8> {
    let mut scrubber = FIRST.with(Scrubber::fork);
    let mut out = Vec::new();
    let outcome = scrubber.scrub_block(hay, &mut out);
    let tally = scrubber.tally();
    assert_eq!((tally.withheld, tally.broken, tally.torn), (0, 0, 0), "something was masked");
    match outcome {
        Outcome::Clean => hay.to_vec(),
        Outcome::Changed => out,
        Outcome::Stopped => panic!("the policy masks"),
    }
}

const TIME: &str = "2026-11-23T16:00:00.000000137Z";

fn record(input: &Input<'_>, text: &str, stream: &str, is_last: bool) -> String {
    if input.is_docker {
        let log = serde_json::Value::from(text.to_owned() + if is_last { "\n" } else { "" });
        return format!("{{\"log\":{log},\"stream\":\"{stream}\",\"time\":\"{TIME}\"}}\n");
    }
    format!("{TIME} {stream} {} {text}\n", if is_last { "F" } else { "P" })
}

/// The joined texts of the records of standard output.
fn joined(input: &Input<'_>, out: &[u8]) -> String {
    let out = std::str::from_utf8(out).expect("text stays text");
    let mut text = String::new();
    for line in out.lines() {
        if input.is_docker {
            let record: serde_json::Value = serde_json::from_str(line).expect("JSON stays JSON");
            if record["stream"] == "stdout" {
                text += record["log"].as_str().expect("a text stays one");
            }
        } else {
            let mut words = line.splitn(4, ' ');
            assert_eq!(words.next(), Some(TIME));
            if words.next() == Some("stdout") {
                text += words.nth(1).expect("a head stays whole");
            }
        }
    }
    text
}

fn check(input: &Input<'_>) -> Corpus {
    let example = EXAMPLES.with(|examples| examples[usize::from(input.example) % examples.len()].clone());
    let Ok(example) = String::from_utf8(example) else { return Corpus::Reject };
    let mut text = input.text.to_owned();
    let edge = |text: &str, at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.insert_str(edge(&text, input.place.into()), &example);
    if text.contains(['\n', '\r']) {
        return Corpus::Reject;
    }
    let mut cuts = input.cuts.map(|at| edge(&text, usize::from(at) % (text.len() + 1)));
    cuts.sort_unstable();
    let mut hay = String::new();
    let mut start = 0;
    for (end, is_last) in [(cuts[0], false), (cuts[1], false), (text.len(), true)] {
        hay += &record(input, &text[start..end], "stdout", is_last);
        if input.has_other {
            hay += &record(input, "beside", "stderr", is_last);
        }
        start = end;
    }
    let whole = joined(input, &scrub(record(input, &text, "stdout", true).as_bytes()));
    let out = scrub(hay.as_bytes());
    assert_eq!(joined(input, &out).escape_debug().to_string(), whole.escape_debug().to_string(), "cut at {cuts:?}");
    assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), hay.matches('\n').count());
    Corpus::Keep
}

fuzz_target!(|input: Input<'_>| -> Corpus { check(&input) });
