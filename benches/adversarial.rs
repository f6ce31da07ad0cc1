//! Hostile input (near-matches, repeated anchors, megabytes of `@`) must not cost much more than
//! plain text.
//!
//! Each case is a unit that is repeated, as one line of a mebibyte and as lines of 200 bytes. Every
//! output is checked first. Then each case is timed, in turn with plain text, and reported as a
//! multiple of its time. A multiple over [`LIMIT`] fails the run. `cargo bench --bench adversarial
//! -- --test` only checks outputs; a word selects the cases whose names contain it.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use logscrub::{Outcome, Policy, RuleSet, Scrubber};

/// The largest allowed multiple of the time of plain text.
const LIMIT: f64 = 5.0;

/// Bytes of each input.
const SIZE: usize = 1 << 20;

/// Bytes of a line in the second shape.
const LINE: usize = 200;

/// The number of runs, of which the fastest counts.
const N_RUNS: usize = 7;

/// The expected result of each line, including `head` and units.
#[derive(Clone, Copy)]
enum Expected {
    /// The line itself.
    Same,
    /// All of it is one finding, which becomes this.
    Whole(&'static str),
    /// All but the end, which the record cuts off: this many whole units, then this text.
    Cut(&'static str),
    /// Anything. The case only measures time; what is found among so many anchors is not promised.
    Any,
}

use Expected::{Any, Cut, Same, Whole};

struct Case {
    name: &'static str,
    /// The beginning of every line.
    head: &'static str,
    unit: &'static str,
    expected: Expected,
}

const fn same(name: &'static str, unit: &'static str) -> Case {
    Case { name, head: "", unit, expected: Same }
}

const fn case(name: &'static str, unit: &'static str, expected: Expected) -> Case {
    Case { name, head: "", unit, expected }
}

const CASES: &[Case] = &[
    same("at", "@"),
    same("at-spaced", "@ "),
    same("at-a", "a@"),
    same("at-percent", "%40"),
    same("at-escaped", r"\u0040"),
    same("at-version", "react@18.2.0 "),
    same("at-unit", "getty@tty1.service "),
    same("at-image", "icon@2x.png,"),
    same("at-labels", "a.b.c.d.e.f@x1."),
    same("at-quoted", "\"@b.co\""),
    same("scheme", "://"),
    same("scheme-host", "http://host/"),
    same("scheme-port", "http://a.example:8080/"),
    same("scheme-escaped", r":\/\/"),
    same("scheme-percent", "%3A%2F%2F"),
    same("scheme-twice", "%253A%252F%252F"),
    same("scheme-colon", "://:"),
    same("scheme-user", "://u:"),
    Case { name: "userinfo", head: "x://", unit: "user@", expected: Same },
    case("jwt", "eyJ", Any),
    case("jwt-dashed", "eyJ-", Any),
    same("jwt-dotted", ".eyJ"),
    same("quote", "\""),
    same("quote-escaped", "\\\""),
    same("backslash", "\\"),
    same("escape", "\x1b"),
    same("colour", "\x1b[31m"),
    same("percent", "%41"),
    same("ghp", "ghp_"),
    same("ghp-near", "ghp_0123456789abcdef "),
    same("ghp-run", "ghp_AAAAAAAAAAAAAAA"),
    case("akia", "AKIA", Whole("REDACTED-aws-access-key-id")),
    case("akia-near", "AKIA234567ABCDEF ", Cut("REDACTED-aws-access-key-id")),
    case("glpat", "glpat-", Whole("REDACTED-gitlab-personal-access-token")),
    case("slack", "xoxb-1-", Whole("REDACTED-slack-bot-token")),
    same("sendgrid", "SG."),
    same("discord", "MTA"),
    same("bar", "|"),
    same("digits-bar", "123456789012345|"),
    same("terraform", ".atlasv1."),
    same("begin", "-----BEGIN "),
    same("private-key", "PRIVATE KEY"),
    case("parameter", "?token=", Any),
    case("parameter-plain", "?token=1&", Same),
    same("parameter-weak", "&key=a"),
    // So many keys in one value that all of them stay; after sixteen, the next one goes.
    case("parameter-percent", "token%3D", Any),
    same("reset", "/reset/"),
    same("hooks", "hooks.slack.com/"),
    same("key", "key "),
    same("equals", "a="),
    same("equals-bare", "="),
    same("colon", "a:"),
    same("brace", "{"),
    same("json", "{\"a\":"),
    same("sk", "sk-"),
    same("sk-ant", "sk-ant-"),
    same("aact", "aact_"),
    same("pina", "pina_"),
    same("xoxd", "xoxd-"),
    same("essu", "essu_"),
    case("live", "ak_live_qZ7kTx2mVb9LrWd4HsYc8NfPj3GaXe6KtRw5MvBz", Any),
    case("live-shippo", "shippo_live_qZ7kTx2mVb9LrWd4HsYc8NfPj3GaXe6KtRw5MvBz", Any),
    case("notify", "gcntfy-", Any),
    case("nested-object", "{\"password\":", Any),
    case("nested-list", "\"password\":[", Any),
    same("nested-service", "\"imgur\":["),
    case("members", "{\"a\":1,\"password\":[1,2],", Any),
    case("cookie", "cookie=", Any),
    case("authorization", "authorization:", Any),
    same("scheme-mixed", "%3a//:"),
    case("parameter-bracket", "[sig=", Any),
    same("keys-pwd", "pwd"),
    same("keys-secret", "secret_"),
    case("keys-pass", "pass:", Any),
    case("element", ":password>", Any),
    case("begin-key", "-----BEGIN RSA PRIVATE KEY-----\\n", Any),
];

fn line(case: &Case, length: usize) -> Vec<u8> {
    let units = case.unit.bytes().cycle().take(length.saturating_sub(case.head.len()));
    case.head.bytes().chain(units).collect()
}

/// The two shapes of a case.
fn inputs(case: &Case) -> [(&'static str, Vec<u8>); 2] {
    let mut lines = line(case, LINE);
    lines.push(b'\n');
    [("line", line(case, SIZE)), ("lines", lines.repeat(SIZE / (LINE + 1)))]
}

fn expected(case: &Case, hay: &[u8]) -> Option<Vec<u8>> {
    let of_line = |line: &[u8]| match case.expected {
        Same | Any => line.to_vec(),
        Whole(placeholder) => placeholder.as_bytes().to_vec(),
        Cut(placeholder) => {
            [&line[..line.len() - line.len() % case.unit.len()], placeholder.as_bytes()].concat()
        }
    };
    let lines = hay
        .split(|byte| *byte == b'\n')
        .map(|line| if line.is_empty() { Vec::new() } else { of_line(line) });
    (!matches!(case.expected, Any)).then(|| lines.collect::<Vec<_>>().join(&b'\n'))
}

fn plain() -> Vec<u8> {
    const TEXT: &str = "the worker has read its part of the index and waits for what the others have to say about it; ";
    let mut line: Vec<u8> = TEXT.bytes().cycle().take(LINE).collect();
    line.push(b'\n');
    line.repeat(SIZE / (LINE + 1))
}

struct Bench {
    scrubber: Scrubber,
    out: Vec<u8>,
}

impl Bench {
    fn scrub(&mut self, hay: &[u8]) -> Outcome {
        self.out.clear();
        // A private key that one input opens must not continue in the next.
        self.scrubber.fork().scrub_block(hay, &mut self.out)
    }

    fn time(&mut self, hay: &[u8]) -> Duration {
        let mut scrubber = self.scrubber.fork();
        // Patterns are compiled at their first candidate.
        let _ = scrubber.scrub_block(hay, &mut self.out);
        self.out.clear();
        let begin = Instant::now();
        let _ = scrubber.scrub_block(hay, &mut self.out);
        begin.elapsed()
    }

    /// Whether the output is the expected one.
    fn is_right(&mut self, case: &Case, hay: &[u8]) -> bool {
        let outcome = self.scrub(hay);
        let Some(wanted) = expected(case, hay) else { return outcome != Outcome::Stopped };
        match outcome {
            Outcome::Clean => wanted == hay,
            Outcome::Changed => wanted == self.out,
            Outcome::Stopped => false,
        }
    }

    /// The time as a multiple of that of plain text. Runs of both alternate, so that a busy machine
    /// slows both.
    fn ratio(&mut self, hay: &[u8], plain: &[u8]) -> (f64, Duration) {
        let runs = (0..N_RUNS).map(|_| (self.time(hay), self.time(plain)));
        let (one, other) = runs.fold((Duration::MAX, Duration::MAX), |least, run| {
            (least.0.min(run.0), least.1.min(run.1))
        });
        let scale = plain.len() as f64 / hay.len() as f64;
        (one.as_secs_f64() * scale / other.as_secs_f64(), one)
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark reports there")]
fn main() -> ExitCode {
    let mut words: Vec<String> =
        std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let is_test = words.iter().any(|word| word == "--test");
    words.retain(|word| !word.starts_with('-'));
    let is_picked = |case: &&Case| {
        words.is_empty() || words.iter().any(|word| case.name.contains(word.as_str()))
    };
    let scrubber =
        Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
    let mut bench = Bench { scrubber, out: Vec::new() };
    let plain = plain();
    let mut n_faults = 0;
    for case in CASES.iter().filter(is_picked) {
        for (shape, hay) in inputs(case) {
            let name = format!("{} ({shape})", case.name);
            if !bench.is_right(case, &hay) {
                println!("{name:28} wrong output");
                n_faults += 1;
                continue;
            }
            if is_test {
                continue;
            }
            let (ratio, time) = bench.ratio(&hay, &plain);
            let speed = hay.len() as f64 / time.as_secs_f64() / 1e6;
            let verdict = if ratio > LIMIT { "  TOO SLOW" } else { "" };
            n_faults += usize::from(ratio > LIMIT);
            println!("{name:28} {ratio:7.2} x plain text  {speed:8.0} MB/s{verdict}");
        }
    }
    ExitCode::from(u8::from(n_faults > 0))
}
