//! Records that a container runtime or a journal has cut: a secret that is in several parts is
//! gone, and the rest of every part is unchanged.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    sync::LazyLock,
};

use logscrub::{Format, Outcome, Policy, RuleSet, ScrubReader, Scrubber, lint::expand};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::RngSeed};
use serde_json::{Map, Value};

use crate::harness::{Slow, logscrub};

static BASE: LazyLock<Scrubber> = LazyLock::new(|| {
    Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain")
});

/// A text with a secret in it, of every fourth rule.
struct Case {
    rule: String,
    text: Vec<u8>,
    secret: (usize, usize),
}

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let rules = RuleSet::embedded();
    let cases = rules.rules().iter().filter_map(|rule| {
        let example = expand(&rule.hits()[0]);
        let secret = *example.spans.first()?;
        let is_line = !example.text.contains(&b'\n') && example.text.is_ascii();
        is_line.then(|| Case {
            rule: rule.id().to_owned(),
            text: example.text,
            secret: (secret.start, secret.end),
        })
    });
    cases.step_by(4).collect()
});

fn scrub(hay: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut scrubber = BASE.fork();
    let outcome = scrubber.scrub_block(hay, &mut out);
    let tally = scrubber.tally();
    assert_eq!((tally.withheld, tally.broken, tally.torn), (0, 0, 0), "{}", hay.escape_ascii());
    match outcome {
        Outcome::Clean => hay.to_vec(),
        _ => out,
    }
}

/// How a writer of container logs writes a part of a line.
struct Writer {
    name: &'static str,
    part: fn(text: &[u8], stream: &str, is_last: bool) -> Vec<u8>,
    /// The text of a record, or `None` if the rest of the record changed.
    text: fn(record: &[u8], was: &[u8]) -> Option<Vec<u8>>,
    /// The end of a record.
    end: &'static str,
}

const TIME: &str = "2026-11-23T16:00:00.000000137Z";

fn lossy(text: &[u8]) -> String {
    std::str::from_utf8(text).expect("examples are text").to_owned()
}

fn json(record: Value) -> Vec<u8> {
    record.to_string().into_bytes()
}

/// The text of a JSON record, if its other members are unchanged.
fn member(record: &[u8], was: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut is: Map<String, Value> = serde_json::from_slice(record).ok()?;
    let mut was: Map<String, Value> = serde_json::from_slice(was).ok()?;
    was.remove(name);
    let text = is.remove(name)?.as_str()?.trim_end_matches('\n').as_bytes().to_vec();
    (is == was).then_some(text)
}

const WRITERS: [Writer; 6] = [
    Writer {
        name: "cri",
        part: |text, stream, is_last| {
            [format!("{TIME} {stream} {} ", if is_last { "F" } else { "P" }).as_bytes(), text]
                .concat()
        },
        text: |record, was| {
            let head =
                was.splitn(4, |byte| *byte == b' ').take(3).map(<[u8]>::len).sum::<usize>() + 3;
            record.starts_with(&was[..head]).then(|| record[head..].to_vec())
        },
        end: "\n",
    },
    Writer {
        name: "docker",
        part: |text, stream, is_last| {
            let log = Value::from(lossy(text) + if is_last { "\n" } else { "" });
            format!("{{\"log\":{log},\"stream\":\"{stream}\",\"attrs\":{{\"tag\":\"x\"}},\"time\":\"{TIME}\"}}")
                .into_bytes()
        },
        text: |record, was| member(record, was, "log"),
        end: "\n",
    },
    Writer {
        name: "fluentd driver",
        part: |text, stream, is_last| {
            let last = if is_last { "true" } else { "false" };
            json(
                serde_json::json!({"container_id": "c0ffee", "source": stream, "log": lossy(text), "partial_message": "true",
                "partial_id": format!("id-{stream}"), "partial_last": last}),
            )
        },
        text: |record, was| member(record, was, "log"),
        end: "\n",
    },
    Writer {
        name: "fluent bit",
        part: |text, stream, is_last| {
            let tag = if is_last { "F" } else { "P" };
            json(
                serde_json::json!({"date": 1.5, "stream": stream, "logtag": tag, "message": lossy(text)}),
            )
        },
        text: |record, was| member(record, was, "message"),
        end: "\n",
    },
    Writer {
        name: "journal json",
        part: |text, stream, is_last| {
            let last = if is_last { "true" } else { "false" };
            json(
                serde_json::json!({"__CURSOR": "s=1", "MESSAGE": lossy(text), "CONTAINER_PARTIAL_MESSAGE": "true",
                "CONTAINER_PARTIAL_ID": format!("id-{stream}"), "CONTAINER_PARTIAL_LAST": last}),
            )
        },
        text: |record, was| member(record, was, "MESSAGE"),
        end: "\n",
    },
    Writer {
        name: "journal export",
        part: |text, stream, is_last| {
            let members = format!(
                "\nCONTAINER_PARTIAL_MESSAGE=true\nCONTAINER_PARTIAL_ID=id-{stream}\nCONTAINER_PARTIAL_LAST={is_last}\n"
            );
            [b"__CURSOR=s=1\nMESSAGE=", text, members.as_bytes()].concat()
        },
        text: |record, was| {
            let lines = |record: &[u8]| {
                record.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>()
            };
            let (mut is, mut was) = (lines(record), lines(was));
            was.remove(1);
            let text = (is.len() > 1).then(|| is.remove(1))?.strip_prefix(b"MESSAGE=")?.to_vec();
            (is == was).then_some(text)
        },
        end: "\n",
    },
];

/// The logical lines of `out` by stream. Panics if a record has changed otherwise.
fn joined(writer: &Writer, records: &[(Vec<u8>, usize)], out: &[u8], what: &str) -> [Vec<u8>; 2] {
    let mut texts = [Vec::new(), Vec::new()];
    let mut rest = out;
    for (record, stream) in records {
        let n_lines = record.iter().filter(|byte| **byte == b'\n').count() + 1;
        let length: usize =
            rest.split_inclusive(|byte| *byte == b'\n').take(n_lines).map(<[u8]>::len).sum();
        let is = &rest[..length.saturating_sub(1)];
        rest = &rest[length..];
        let text = (writer.text)(is, record);
        texts[*stream].extend(text.unwrap_or_else(|| {
            panic!("{what}: {} became {}", record.escape_ascii(), is.escape_ascii())
        }));
    }
    assert!(rest.is_empty(), "{what}: there are more lines");
    texts
}

/// Every run of four bytes of the secret that is in `out` and not in `clean`.
fn fragment<'s>(secret: &'s [u8], out: &[u8], clean: &[u8]) -> Option<&'s [u8]> {
    let is_in = |text: &[u8], part: &[u8]| text.windows(part.len()).any(|window| window == part);
    secret.windows(4).find(|part| is_in(out, part) && !is_in(clean, part))
}

/// The text cut at `cuts`, with a record for each part. With `other`, records of the other stream
/// are in between, also in parts.
fn records(writer: &Writer, text: &[u8], cuts: &[usize], other: bool) -> Vec<(Vec<u8>, usize)> {
    let mut records = Vec::new();
    let mut start = 0;
    for end in cuts.iter().copied().chain([text.len()]) {
        let is_last = end == text.len()
            && records.iter().filter(|(_, stream)| *stream == 0).count() == cuts.len();
        records.push(((writer.part)(&text[start..end], "stdout", is_last), 0));
        if other {
            records.push(((writer.part)(b"GET /index ", "stderr", is_last), 1));
        }
        start = end;
    }
    records
}

fn check(writer: &Writer, case: &Case, cuts: &[usize], other: bool) {
    let what = format!(
        "{} in {}, cut at {cuts:?}{}",
        case.rule,
        writer.name,
        if other { ", interleaved" } else { "" }
    );
    let records = records(writer, &case.text, cuts, other);
    let hay: Vec<u8> = records
        .iter()
        .flat_map(|(record, _)| [&record[..], writer.end.as_bytes()].concat())
        .collect();
    let out = scrub(&hay);
    let whole = [((writer.part)(&case.text, "stdout", true), 0)];
    let hay_whole = [&whole[0].0[..], writer.end.as_bytes()].concat();
    let [expected, _] = joined(writer, &whole, &scrub(&hay_whole), &what);
    let [is, beside] = joined(writer, &records, &out, &what);
    assert_eq!(is.escape_ascii().to_string(), expected.escape_ascii().to_string(), "{what}");
    assert_eq!(
        beside,
        if other { b"GET /index ".repeat(cuts.len() + 1) } else { Vec::new() },
        "{what}"
    );
    let clean = scrub(&hay_whole);
    let secret = &case.text[case.secret.0..case.secret.1];
    let left = fragment(secret, &out, &[&clean[..], &hay[..0]].concat());
    assert!(left.is_none(), "{what}: {} bytes of the secret are left", left.map_or(0, <[u8]>::len));
}

/// Up to this many places to cut a secret; all of them if it is short.
fn places(case: &Case, most: usize) -> Vec<usize> {
    let (start, end) = case.secret;
    let all: Vec<usize> =
        (start..=end.min(case.text.len())).filter(|at| (1..case.text.len()).contains(at)).collect();
    let step = (all.len() / most).max(1);
    all.into_iter().step_by(step).collect()
}

#[test]
fn a_secret_in_two_parts_is_gone_wherever_it_is_cut() {
    assert!(CASES.len() >= 60, "{} secrets", CASES.len());
    for writer in &WRITERS {
        for case in CASES.iter() {
            let most = if case.secret.1 - case.secret.0 > 500 { 200 } else { 500 };
            for (index, at) in places(case, most).into_iter().enumerate() {
                check(writer, case, &[at], index % 2 == 1);
            }
        }
    }
}

#[test]
fn a_secret_in_three_parts_is_gone() {
    for writer in &WRITERS {
        for (index, case) in CASES.iter().enumerate() {
            let places = places(case, 12);
            for (at, first) in places.iter().enumerate() {
                for second in places[at + 1..].iter().step_by(3) {
                    check(writer, case, &[*first, *second], (index + at) % 2 == 0);
                }
            }
        }
    }
}

fn log() -> impl Strategy<Value = Vec<u8>> {
    let record = (
        0..WRITERS.len(),
        0..CASES.len(),
        0..100_usize,
        any::<bool>(),
        select(vec!["stdout", "stderr"]),
    );
    let record = record.prop_map(|(writer, case, cut, is_last, stream)| {
        let (writer, text) = (&WRITERS[writer], &CASES[case].text);
        let at = text.len() * cut / 100;
        let part = if is_last { &text[at..] } else { &text[..at] };
        [(writer.part)(part, stream, is_last), b"\n".to_vec()].concat()
    });
    let line = select(vec![
        "a line\n",
        "\n",
        "password=hunter2\r\n",
        "{\"a\":1}\n",
        "2026-11-23T16:00:00Z stdout P x\n",
    ]);
    let line = line.prop_map(|line: &str| line.as_bytes().to_vec());
    vec(prop_oneof![4 => record, 1 => line], 0..30).prop_map(|records| records.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(20_261_126), ..ProptestConfig::default() })]

    #[test]
    fn however_the_reads_are_cut_the_parts_come_out_the_same(log in log(), size in 1_usize..400, read in 1_usize..400) {
        let whole = scrub(&log);
        for buffer in [1, 7, size, 4096] {
            let mut out = Vec::new();
            ScrubReader::with_capacity(buffer, 0, Slow { rest: &log, read }, BASE.fork()).read_to_end(&mut out).expect("it is text");
            prop_assert_eq!(out.escape_ascii().to_string(), whole.escape_ascii().to_string());
        }
        prop_assert_eq!(scrub(&whole).escape_ascii().to_string(), whole.escape_ascii().to_string(), "twice is not once");
    }
}

#[test]
fn threads_join_what_one_joins() {
    let mut input = Vec::new();
    let filler = b"GET /index.html 200 ".repeat(700);
    for (index, case) in CASES.iter().enumerate() {
        let part = WRITERS[index % 2].part;
        for (text, is_last) in [
            (&[&filler[..], &case.text[..case.secret.0 + 2]].concat()[..], false),
            (&case.text[case.secret.0 + 2..], true),
        ] {
            input.extend(part(text, "stdout", is_last));
            input.push(b'\n');
        }
    }
    assert!(input.len() > 1 << 20, "more than a few blocks");
    let run = |threads| {
        logscrub().args(["--threads", threads]).stdin(input.clone()).run().success().bytes()
    };
    let one = run("1");
    assert!(one == scrub(&input), "a run is not what one block is");
    for threads in ["2", "4"] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

#[test]
fn a_key_line_by_line_in_records_between_those_of_another_stream() {
    let body = |n: usize| -> String {
        ('a'..='z').chain('A'..='Z').cycle().skip(n * 7).take(64).collect()
    };
    let key = [
        "-----BEGIN PRIVATE KEY-----".to_owned(),
        body(1),
        body(2),
        "q1W2e3R4=".to_owned(),
        "-----END PRIVATE KEY-----".to_owned(),
    ];
    let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    // The fluentd driver and similar writers identify parts, not records; here each line is whole.
    for writer in &WRITERS[..2] {
        let mut hay = Vec::new();
        let mut expected = Vec::new();
        for line in &key {
            let is_body = !line.starts_with('-');
            let clean = if is_body { "REDACTED-private-key" } else { line.as_str() };
            for (text, clean, stream) in
                [(line.as_str(), clean, "stdout"), (digest, digest, "stderr")]
            {
                hay.extend((writer.part)(text.as_bytes(), stream, true));
                hay.push(b'\n');
                expected.extend((writer.part)(clean.as_bytes(), stream, true));
                expected.push(b'\n');
            }
        }
        assert_eq!(
            scrub(&hay).escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{}",
            writer.name
        );
    }
}

#[test]
fn a_part_whose_rest_does_not_come_is_let_go_and_its_tail_masked() {
    let mut child = Command::new(crate::harness::binary())
        .args(["--config", "none", "--hold", "0.05"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let mut stdout = child.stdout.take().expect("standard output is a pipe");
    let head = format!("{TIME} stdout P login user=al");
    stdin
        .write_all(format!("{head}ice@exam\n{TIME} stderr F beside\n").as_bytes())
        .expect("it reads");
    // The input stays open, so the output comes because of the timeout.
    let expected = format!("{TIME} stdout P login REDACTED-record\n{TIME} stderr F beside\n");
    let mut got = vec![0; expected.len()];
    stdout.read_exact(&mut got).expect("it writes");
    assert_eq!(String::from_utf8(got).expect("text stays text"), expected);
    stdin.write_all(format!("{TIME} stdout F ple.com in\n").as_bytes()).expect("it reads");
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("it writes");
    assert_eq!(rest, format!("{TIME} stdout F REDACTED-email in\n"));
    assert_eq!(child.wait().expect("it ends").code(), Some(3));
}

#[test]
fn more_than_a_record_may_be_is_let_go_in_pieces_and_no_secret_with_it() {
    let secret = "hunter2-Zx81-canary";
    let mut hay = Vec::new();
    for index in 0..60 {
        let text = format!(
            "{}password=\"{secret}\" {}",
            "lorem ipsum ".repeat(800),
            "x".repeat(index * 331 % 977)
        );
        for part in text.as_bytes().chunks(8 << 10) {
            hay.extend((WRITERS[0].part)(part, "stdout", false));
            hay.push(b'\n');
        }
    }
    let read = |read: usize, buffer: usize| {
        let mut out = Vec::new();
        let mut reader =
            ScrubReader::with_capacity(buffer, 256 << 10, Slow { rest: &hay, read }, BASE.fork());
        reader.read_to_end(&mut out).expect("it is text");
        assert!(reader.scrubber().tally().torn > 0, "nothing was let go");
        out
    };
    let out = read(70_000, 64 << 10);
    let n_lines = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(n_lines(&out), n_lines(&hay));
    assert!(fragment(secret.as_bytes(), &out, b"").is_none(), "a piece of the secret is left");
    for (size, buffer) in [(usize::MAX, 1 << 20), (4097, 4096), (100_000, 300_000)] {
        assert!(read(size, buffer) == out, "reads of {size}");
    }
}

fn forced(format: Format, hay: &str) -> String {
    let mut out = Vec::new();
    let mut reader = ScrubReader::with_capacity(
        5,
        0,
        Slow { rest: hay.as_bytes(), read: 3 },
        BASE.fork().with_format(format),
    );
    reader.read_to_end(&mut out).expect("it is text");
    assert_eq!(reader.scrubber().tally().broken, 0);
    String::from_utf8(out).expect("text stays text")
}

#[test]
fn a_tables_columns_say_what_is_secret() {
    let table = "id,user,password,\"note, long\",api_key\r\n\
        1,bob,hunter2,\"said \"\"mail a@example.com\"\"\nand more\",k7Xp2mQ9vLw4\r\n\
        2,\"eve\",\"hun,ter\"\"2\",,\n\
        3,password,,\"password=hunter2\",\n";
    let clean = "id,user,password,\"note, long\",api_key\r\n\
        1,bob,REDACTED-password,\"said \"\"mail REDACTED-email\"\"\nand more\",REDACTED-api-key\r\n\
        2,\"eve\",\"REDACTED-password\",,\n\
        3,password,,\"password=REDACTED-password\",\n";
    assert_eq!(forced(Format::Csv, table), clean);
    assert_eq!(forced(Format::Tsv, "a\tpasswd\nx\thunter2\n"), "a\tpasswd\nx\tREDACTED-password\n");
}

#[test]
fn a_format_that_is_forced_joins_nothing_else() {
    let hay = format!("{TIME} stdout P user=bob pass\n{TIME} stdout F word=hunter2 x\n");
    assert_eq!(forced(Format::Line, &hay), hay);
    assert_eq!(forced(Format::Docker, &hay), hay);
    assert!(!forced(Format::Cri, &hay).contains("hunter2"));
    assert!(!forced(Format::Auto, &hay).contains("hunter2"));
}

/// Test vectors that are kept beside the project.
fn shared() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folders = ["../shared/corpora/containers", "../../shared/corpora/containers"];
    folders
        .map(|folder| root.join(folder))
        .into_iter()
        .find(|folder| folder.join("join.py").exists())
}

#[test]
fn the_shared_vectors_come_out_as_they_say() {
    let Some(folder) = shared() else {
        eprintln!("SKIPPED the vectors of ../shared/corpora/containers, which is not there");
        return;
    };
    let mut faults = Vec::new();
    let mut n_vectors = 0;
    for entry in fs::read_dir(&folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        if !name.starts_with('v') || name.ends_with(".expect") {
            continue;
        }
        n_vectors += 1;
        let out = logscrub()
            .args(["--config", "none"])
            .stdin(fs::read(&path).expect("it can be read"))
            .run()
            .bytes();
        let mut check = Command::new("python3");
        check
            .arg(folder.join("join.py"))
            .arg("--check")
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let Ok(mut child) = check.spawn() else {
            eprintln!("SKIPPED the vectors of ../shared/corpora/containers: there is no python3");
            return;
        };
        child.stdin.take().expect("a pipe").write_all(&out).expect("it reads");
        let said = child.wait_with_output().expect("it ends");
        let is_known = KNOWN.iter().any(|known| name.starts_with(known));
        if !said.status.success() && !is_known {
            faults.push(String::from_utf8_lossy(&said.stdout).into_owned());
        }
    }
    assert!(n_vectors >= 17, "{n_vectors} vectors");
    assert!(faults.is_empty(), "{}", faults.concat());
}

/// Vectors with a wrong expectation: in v13 and v14 the last letters of the filler are part of the
/// address (`ippeggy@…`), in v3 two letters touch an AWS key id, and `join.py` accepts no
/// placeholder with a hyphen for v6. In v16 a letter of an address is written as an escape.
const KNOWN: [&str; 5] = ["v3-", "v6-", "v13-", "v14-", "v16-"];
