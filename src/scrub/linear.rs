//! Linear time, measured by counting visits.
//!
//! Every anchor of every rule is repeated in every way that a line may repeat it, and so is
//! everything that may follow the beginning of a secret. Scrubbing such a line takes at most
//! [`MAX_VISITS`] visits a byte, and a line of twice the length at most [`MAX_RATIO`] times as
//! many.
//!
//! [`visits`] defines a visit; the prefilter's own pass adds one visit a byte here. The lines have
//! 64 and 128 KiB. `LOGSCRUB_TEST_LINE` sets the shorter length in KiB (`fuzz/linear` runs 512, and
//! so 1 MiB), `LOGSCRUB_TEST_ONLY` selects the lines that contain a text, and `LOGSCRUB_TEST_WORST`
//! prints that many lines with the most visits.

// The long form is configured by the environment and prints its results.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

use std::{collections::BTreeSet, env, num::NonZero, thread};

use super::{Outcome, Scrubber};
use crate::{
    frame::partial_marker,
    policy::Policy,
    rules::{Recogniser, RuleSet, Selection},
    text::{encoding, visits},
};

/// Most lines take fewer than ten.
const MAX_VISITS: f64 = 100.0;

const MAX_RATIO: f64 = 2.1;

/// The shorter line, in KiB.
const LINE: usize = 64;

/// Forty random letters, as a token has them after its prefix.
const LETTERS: &str = "qZ7kTx2mVb9LrWd4HsYc8NfPj3GaXe6KtRw5MvBz";

/// Texts that are no rule's anchor: escapes, quotes, brackets, encodings, nested syntax.
const OTHERS: &[&str] = &[
    "{",
    "[",
    "(",
    "\"",
    "\\",
    "\\\"",
    "=",
    ":",
    "%",
    "%40",
    "%25",
    "\\u0040",
    "\\/",
    "&#64;",
    "\x1b[0m",
    "\x1b",
    "aGVsbG8gd29ybGQg",
    "68656c6c6f",
    "REDACTED-password",
    "REDACTED-",
    "***",
    "<redacted>",
    "http://user:pw@",
    "password=$(",
    "password='",
    "password=\"",
    "password: \"x\",",
    "{\"a\":1,\"password\":[1,2],",
    "\"token\":{\"value\":[",
    "Cookie: a=b; ",
    "Set-Cookie: a=b, ",
    "Authorization: Digest a=\"b\", ",
    "Authorization: Bearer ",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----BEGIN RSA PRIVATE KEY-----\\n",
    "-----END RSA PRIVATE KEY-----",
    ":password>",
    "<password>x</password>",
    "curl -u a:b ",
    "a@b.co",
    "a@b.co@",
    "?token={{",
    "?token=a.",
    "&lt;password&gt;",
];

/// The texts to repeat: anchors, words of keys, names of parameters, paths, the signs of container
/// formats, and [`OTHERS`].
fn probes(rules: &RuleSet) -> BTreeSet<Vec<u8>> {
    let mut probes: BTreeSet<Vec<u8>> =
        OTHERS.iter().map(|text| text.as_bytes().to_vec()).collect();
    for rule in rules.rules() {
        probes.extend(rule.anchors().iter().map(|anchor| anchor.text.to_vec()));
        let (Recogniser::Assign(keys) | Recogniser::Url(keys)) = &rule.recogniser else { continue };
        let lists = [
            &keys.strong,
            &keys.weak,
            &keys.service,
            &keys.header,
            &keys.cookie,
            &keys.flag,
            &keys.params,
            &keys.paths,
        ];
        probes.extend(lists.into_iter().flatten().map(|word| word.as_bytes().to_vec()));
    }
    probes.extend(partial_marker::texts().map(|(text, _)| text.to_vec()));
    probes.extend(encoding::markers().map(|marker| marker.as_bytes().to_vec()));
    probes
}

/// The ways to repeat a text: alone, with a separator, as a token, and nested.
fn units(probe: &[u8]) -> Vec<Vec<u8>> {
    let spaced = format!("{LETTERS} ");
    let ways = [
        ("", ""),
        ("", " "),
        ("", ","),
        ("", "="),
        ("", ":"),
        ("", LETTERS),
        ("", &spaced),
        ("[", ""),
        ("{", ""),
        ("(", ""),
        ("{\"", "\":"),
        ("\"", "\":["),
        ("", "\":\""),
    ];
    ways.iter()
        .map(|(before, behind)| [before.as_bytes(), probe, behind.as_bytes()].concat())
        .collect()
}

/// Beginnings of a line, before a text that is repeated.
const HEADS: &[&str] = &[
    "password=",
    "password: ",
    "token=",
    "password=\"",
    "(password=[",
    "{\"password\":",
    "{\"password\":\"",
    "{\"token\":[",
    "<password>",
    "Authorization: ",
    "Authorization: Digest ",
    "Cookie: ",
    "curl -u ",
    "https://",
    "https://user:",
    "https%3A%2F%2Fuser%3A",
    "?token=",
    "sk-",
    "eyJ",
    "a@",
    "\"MESSAGE\":[",
    "-----BEGIN RSA PRIVATE KEY-----",
];

/// The texts to repeat after a head: every printable ASCII character, white space, and a few
/// sequences.
fn tails() -> Vec<Vec<u8>> {
    let others = [
        "\t", "\\\"", "\\n", "\\u0041", "%41", "%2", "a,", "a;", "a:", "a=", "a.", "1,", "()",
        "[]", "é", "\x1b[0m",
    ];
    let one = (b' '..=b'~').map(|byte| vec![byte]);
    one.chain(others.iter().map(|text| text.as_bytes().to_vec())).collect()
}

/// A line: its head, and the text that is repeated after it.
type Line = (&'static str, Vec<u8>);

/// The cost of scrubbing a line.
struct Cost<'l> {
    line: &'l Line,
    /// Visits for each byte of the longer line, or of its output where that is longer.
    visits: f64,
    /// The cost of the longer line, divided by that of the shorter one.
    ratio: f64,
}

fn cost<'l>(scrubber: &Scrubber, line: &'l Line, length: usize) -> Cost<'l> {
    let (head, unit) = line;
    let count = |length: usize| {
        // Whole units, so that lines of every length end alike.
        let line = [head.as_bytes(), &unit.repeat(length / unit.len())].concat();
        // A private key that one line opens must not reach into the next line.
        let mut scrubber = scrubber.fork();
        let mut out = Vec::new();
        visits::take();
        let outcome = scrubber.scrub_block(&line, &mut out);
        assert!(outcome != Outcome::Stopped, "nothing stops under the default policy");
        // A line of numbers becomes several times as long, and the result is examined again.
        ((visits::take() + length as u64) as f64, line.len().max(out.len()) as f64)
    };
    let ((short, _), (long, n_bytes)) = (count(length), count(2 * length));
    Cost { line, visits: long / n_bytes, ratio: long / short }
}

fn number(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn every_anchor_repeated_costs_what_it_is_long() {
    let rules = Selection { also: vec!["*".into()], ..Selection::default() }
        .load()
        .expect("the embedded rules load");
    let scrubber = Scrubber::new(&rules, &Policy::new()).expect("the policy is plain");
    let probes = probes(&rules);
    assert!(probes.len() > 1100, "{} probes", probes.len());
    let only = env::var("LOGSCRUB_TEST_ONLY").unwrap_or_default();
    let repeated = probes.iter().flat_map(|probe| units(probe)).map(|unit| ("", unit));
    let behind = HEADS.iter().flat_map(|head| tails().into_iter().map(move |tail| (*head, tail)));
    let is_picked = |(head, unit): &Line| {
        memchr::memmem::find(&[head.as_bytes(), unit].concat(), only.as_bytes()).is_some()
    };
    let lines: BTreeSet<Line> = repeated.chain(behind).filter(is_picked).collect();
    let lines: Vec<Line> = lines.into_iter().collect();
    let length = number("LOGSCRUB_TEST_LINE", LINE) << 10;
    let n_threads = thread::available_parallelism().map_or(1, NonZero::get);
    let shares = lines.chunks(lines.len().div_ceil(n_threads).max(1));
    let mut costs: Vec<Cost<'_>> = thread::scope(|scope| {
        let scrubber = &scrubber;
        let threads: Vec<_> = shares
            .map(|share| {
                scope.spawn(move || {
                    share.iter().map(|line| cost(scrubber, line, length)).collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no line makes it fail"))
            .collect()
    });
    costs.sort_by(|one, other| other.visits.total_cmp(&one.visits));
    let told = |Cost { line: (head, unit), visits, ratio }: &Cost<'_>| {
        format!("{visits:8.1} {ratio:5.2} {}|{}", head.escape_default(), unit.escape_ascii())
    };
    for cost in costs.iter().take(number("LOGSCRUB_TEST_WORST", 0)) {
        eprintln!("{}", told(cost));
    }
    let is_dear = |cost: &&Cost<'_>| cost.visits > MAX_VISITS || cost.ratio > MAX_RATIO;
    let dear: Vec<String> = costs.iter().filter(is_dear).map(told).collect();
    assert!(dear.is_empty(), "{} of {} lines:\n{}", dear.len(), costs.len(), dear.join("\n"));
}
