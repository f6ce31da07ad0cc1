//! Records of Docker's json-file driver with their members in any order and with any spacing: a
//! secret that is divided among parts is gone, and an application's own JSON is left alone.

use std::{collections::BTreeMap, sync::LazyLock};

use logscrub::{Format, Outcome, Policy, RuleSet, Scrubber};
use serde_json::{Value, json};

use crate::harness::logscrub;

static BASE: LazyLock<Scrubber> = LazyLock::new(|| {
    Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain")
});

const TIME: &str = "2026-11-23T16:00:00.000000137Z";

/// Orders of members by their first letters; `a` is `attrs`.
const ORDERS: [&str; 10] =
    ["lst", "lts", "slt", "stl", "tls", "tsl", "lsat", "aslt", "stal", "talks"];

/// White space after `{` and `,`, before and after `:`, and before `}`.
const SPACES: [[&str; 5]; 6] = [
    ["", "", "", "", ""],
    ["", " ", "", " ", ""],
    [" ", " ", "", " ", " "],
    [" ", " ", " ", " ", " "],
    ["", "", "", " ", ""],
    ["\t", "\t", "\t", "\t", "\t"],
];

fn record(text: &str, stream: &str, order: &str, spaces: [&str; 5]) -> String {
    let [open, comma, before, behind, close] = spaces;
    let members = order.chars().filter_map(|letter| {
        let (key, value) = match letter {
            'l' => ("log", json!(text)),
            's' => ("stream", json!(stream)),
            't' => ("time", json!(TIME)),
            'a' => ("attrs", json!({"tag": "a\n", "n": "x"})),
            _ => return None,
        };
        Some(format!("\"{key}\"{before}:{behind}{value}"))
    });
    let members: Vec<String> = members.collect();
    format!("{{{open}{}{close}}}\n", members.join(&format!(",{comma}")))
}

fn scrub(text: &str, format: Format) -> String {
    let mut out = Vec::new();
    let mut scrubber = BASE.fork().with_format(format);
    let outcome = scrubber.scrub_block(text.as_bytes(), &mut out);
    let tally = scrubber.tally();
    assert_eq!((tally.withheld, tally.broken, tally.torn), (0, 0, 0), "{text}");
    match outcome {
        Outcome::Clean => text.to_owned(),
        _ => String::from_utf8(out).expect("text stays text"),
    }
}

/// The text of each stream, its parts joined.
fn joined(text: &str) -> BTreeMap<String, String> {
    let mut streams: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).expect("a record is JSON");
        let member = |name: &str| record[name].as_str().expect("a member is a string").to_owned();
        streams.entry(member("stream")).or_default().push_str(&member("log"));
    }
    streams
}

const SECRETS: [(&str, &str, &str); 4] = [
    ("login of ", "alice.liddell@example.com", " is done"),
    ("password=", "Tr0ub4dor3xQwerty", " ok"),
    ("GET https://bob:", "hunter2hunter2", "@example.com/path"),
    ("key AKIA", "QYLPMN5HHHFPZAM2", " used"),
];

#[test]
fn a_secret_that_is_divided_among_parts_is_gone_however_records_are_written() {
    let mut n_cases = 0;
    for order in ORDERS.iter().filter(|order| **order != "talks") {
        for spaces in SPACES {
            for (index, (before, secret, behind)) in SECRETS.iter().enumerate() {
                for format in [Format::Auto, Format::Docker] {
                    for at in [1, secret.len() / 2, secret.len() - 1] {
                        let whole = format!("{before}{secret}{behind}\n");
                        let (one, two) = whole.split_at(before.len() + at);
                        let of = |text: &str, stream: &str| record(text, stream, order, spaces);
                        // A line of the other stream is in between, whole or in parts.
                        let (stream, other) = if index % 2 == 0 {
                            ("stdout", "stderr")
                        } else {
                            ("stderr", "stdout")
                        };
                        let between = match at {
                            1 => String::new(),
                            _ => of("a line of ", other) + &of("the other stream\n", other),
                        };
                        let text = of("first\n", stream)
                            + &of(one, stream)
                            + &between
                            + &of(two, stream)
                            + &of("last\n", other);
                        let out = scrub(&text, format);
                        let streams = joined(&out);
                        let is_left = streams.values().any(|text| text.contains(secret));
                        assert!(!is_left && streams[stream].contains("REDACTED"), "{text}{out}");
                        assert!(
                            streams[other].ends_with("last\n")
                                && streams[stream].starts_with("first\n"),
                            "{out}"
                        );
                        assert_eq!(out.lines().count(), text.lines().count());
                        assert_eq!(scrub(&out, format), out);
                        n_cases += 1;
                    }
                }
            }
        }
    }
    assert_eq!(n_cases, 9 * 6 * 4 * 2 * 3);
}

#[test]
fn an_applications_own_json_is_not_joined() {
    // Joined, the two would contain an address.
    let parts = ["mail alice.liddell@exam", "ple.com sent"];
    let mut n_cases = 0;
    for (order, more) in [
        ("lst", "\"level\":\"info\""),
        ("slt", "\"pid\":12"),
        ("lts", "\"msg\":\"x\""),
        ("tls", "\"log2\":\"\""),
    ] {
        for spaces in SPACES {
            let own = |text: &str| {
                let record = record(text, "stdout", order, spaces);
                record.replacen('{', &format!("{{{more},"), 1)
            };
            check_apart(&(own(parts[0]) + &own(parts[1])));
            n_cases += 1;
        }
    }
    for template in [
        r#"{"log":"TEXT","stream":"stdout"}"#,
        r#"{"log":"TEXT","time":"2026-11-23T16:00:00Z"}"#,
        r#"{"log":"TEXT","stream":"stdlog","time":"2026-11-23T16:00:00Z"}"#,
        r#"{"log":"TEXT","stream":"stdout","time":"16:00"}"#,
        r#"{"log":"TEXT","stream":"stdout","time":1764542000}"#,
        r#"{"log":["TEXT"],"stream":"stdout","time":"2026-11-23T16:00:00Z"}"#,
        r#"{"msg":"TEXT","stream":"stdout","time":"2026-11-23T16:00:00Z"}"#,
        r#"{"stream":"stdout","log":{"text":"TEXT"},"time":"2026-11-23T16:00:00Z"}"#,
        r#"{"a":{"log":"TEXT","stream":"stdout","time":"2026-11-23T16:00:00Z"}}"#,
        r#"{"log":"TEXT\n","stream":"stdout","time":"2026-11-23T16:00:00Z"}"#,
        r#"{"stream": "stdout", "log": "TEXT\n", "time": "2026-11-23T16:00:00Z"}"#,
    ] {
        check_apart(
            &(template.replace("TEXT", parts[0])
                + "\n"
                + &template.replace("TEXT", parts[1])
                + "\n"),
        );
        n_cases += 1;
    }
    assert!(n_cases >= 35);
}

/// Each record is scrubbed as it is alone, and the second one stays.
fn check_apart(text: &str) {
    for format in [Format::Auto, Format::Docker] {
        let alone: String = text.split_inclusive('\n').map(|line| scrub(line, format)).collect();
        assert_eq!(scrub(text, format), alone);
        assert!(
            alone.ends_with(text.split_inclusive('\n').next_back().unwrap_or_default()),
            "{alone}"
        );
    }
}

#[test]
fn the_program_joins_them_with_its_format_named_or_not() {
    let part = |text| record(text, "stdout", "slt", SPACES[1]);
    let text = part("mail to alice.liddell@exam") + &part("ple.com sent\n");
    for arguments in [&["--config", "none"][..], &["--config", "none", "--format", "docker"]] {
        let out =
            logscrub().args(arguments.iter().copied()).stdin(text.as_str()).run().success().out();
        assert_eq!(joined(&out)["stdout"], "mail to REDACTED-email sent\n");
    }
}
