//! UTF-16 and compressed data behind text: such records are masked and counted, whatever the reads,
//! and text that only looks similar stays.
//!
//! The data is made by real programs if they are installed; a missing program is reported as
//! SKIPPED. `LOGSCRUB_TEST_CASES` is the number of random texts for each kind (default: 40).

use std::{
    env,
    io::{Read as _, Write as _},
    process::{Command, Stdio},
    sync::LazyLock,
};

use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use logscrub::{Outcome, Policy, RuleSet, ScrubReader, ScrubWriter, Scrubber};

use crate::harness::{Slow, logscrub};

static BASE: LazyLock<Scrubber> = LazyLock::new(|| {
    Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain")
});

const MASK: &[u8] = b"REDACTED-record";

fn n_cases() -> usize {
    env::var("LOGSCRUB_TEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(40)
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn log(&mut self, n_lines: usize) -> String {
        let line = |random: &mut Random| {
            let word: String = (0..12).map(|_| char::from(b'a' + random.below(26) as u8)).collect();
            format!(
                "user{} password=Zq{}x{word} from 10.0.0.{}\n",
                random.below(1000),
                random.below(1000),
                random.below(256)
            )
        };
        (0..n_lines).map(|_| line(self)).collect()
    }
}

fn scrub(hay: &[u8]) -> (Vec<u8>, u64) {
    let (mut out, mut scrubber) = (Vec::new(), BASE.fork());
    if scrubber.scrub_block(hay, &mut out) == Outcome::Clean {
        out = hay.to_vec();
    }
    (out, scrubber.tally().withheld)
}

/// The output of `program` for `text`.
fn packed_by(program: &[&str], text: &[u8]) -> Option<Vec<u8>> {
    let mut command = Command::new(program[0]);
    let child = command
        .args(&program[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("SKIPPED: {} is not there", program[0]);
        return None;
    };
    child.stdin.take().expect("a pipe").write_all(text).expect("the program reads");
    let mut out = Vec::new();
    child.stdout.take().expect("a pipe").read_to_end(&mut out).expect("the program writes");
    child.wait().expect("it ends").success().then_some(out)
}

fn utf16(text: &str, is_big: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() })
        .collect()
}

fn zlib(text: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(text).expect("a vector takes all");
    encoder.finish().expect("a vector takes all")
}

/// The records of UTF-16 in `out`, between `before` and `behind`, are masked.
fn check_wide(before: &str, behind: &str, wide: &[u8]) {
    let hay = [before.as_bytes(), wide, behind.as_bytes()].concat();
    let (out, withheld) = scrub(&hay);
    let middle = out.strip_prefix(before.as_bytes()).expect("what stands before stays");
    let middle = middle.strip_suffix(behind.as_bytes()).expect("what stands behind stays");
    let is_masked = |line: &[u8]| line == MASK || matches!(line, b"" | b"\0");
    assert!(middle.split(|byte| *byte == b'\n').all(is_masked), "{}", middle.escape_ascii());
    assert!(withheld > 0 && scrub(&out).0 == out);
}

#[test]
fn utf16_behind_text_is_masked_until_text_returns() {
    let mut random = Random(20_261_130);
    for case in 0..n_cases() {
        for is_big in [false, true] {
            for mark in ["", "\u{feff}"] {
                for eol in ["\n", "\r\n"] {
                    let n_lines = 1 + random.below(5);
                    let mut text = mark.to_owned() + &random.log(n_lines).replace('\n', eol);
                    // Everything behind the first record is UTF-16.
                    text += [
                        "",
                        "ok\r\n",
                        "\r\n",
                        "\u{4e2d}\u{6587} \u{65e5}\u{5fd7}\r\n",
                        "\u{416}\u{438}\r\n",
                    ][case % 5];
                    let behind = ["", "and text again\n", "user=x\nlast line"][case % 3];
                    check_wide("the first line\n", behind, &utf16(&text, is_big));
                }
            }
        }
    }
}

#[test]
fn python_writes_it_as_well() {
    let script = "import sys; sys.stdout.buffer.write(sys.stdin.read().encode(sys.argv[1]))";
    for encoding in ["utf-16", "utf-16-le", "utf-16-be"] {
        if let Some(wide) =
            packed_by(&["python3", "-c", script, encoding], Random(7).log(9).as_bytes())
        {
            check_wide("one\n", "two\n", &wide);
        }
    }
}

/// Compressed data of every kind that the installed programs write.
fn packed(text: &[u8], n_programs: usize) -> Vec<(String, Vec<u8>)> {
    let programs: [&[&str]; 9] = [
        &["gzip", "-c"],
        &["zstd", "-qc"],
        &["zstd", "-qc19"],
        &["xz", "-c"],
        &["xz", "--format=lzma", "-c"],
        &["bzip2", "-c"],
        &["lz4", "-c"],
        &[
            "python3",
            "-c",
            "import sys,zlib; sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read()))",
        ],
        &[
            "python3",
            "-c",
            "import sys,lzma; sys.stdout.buffer.write(lzma.compress(sys.stdin.buffer.read(), format=lzma.FORMAT_ALONE))",
        ],
    ];
    let mut all: Vec<(String, Vec<u8>)> =
        (0..=9).map(|level| (format!("zlib -{level}"), zlib(text, level))).collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text).expect("a vector takes all");
    all.push(("gzip".to_owned(), gzip.finish().expect("a vector takes all")));
    let made = programs
        .iter()
        .take(n_programs)
        .filter_map(|program| Some((program.join(" "), packed_by(program, text)?)));
    all.extend(made);
    all
}

#[test]
fn compressed_data_behind_text_is_masked_to_the_end() {
    let mut random = Random(20_261_131);
    for case in 0..n_cases() {
        let n_lines = 1 + random.below(if case % 4 == 0 { 2000 } else { 12 });
        let log = random.log(n_lines);
        for (name, data) in packed(log.as_bytes(), if case < 4 { 9 } else { 0 }) {
            let hay =
                [b"the first line\n", &data[..], b"\npassword=Zq9xkKlmno and text behind it\n"]
                    .concat();
            let (out, withheld) = scrub(&hay);
            let rest = out.strip_prefix(b"the first line\n").expect("what stands before stays");
            let is_masked = |line: &[u8]| {
                line == MASK
                    || line == b"REDACTED-record\r"
                    || line == b"{\"redacted\":\"REDACTED-record\"}"
            };
            let lines: Vec<&[u8]> =
                rest.strip_suffix(b"\n").unwrap_or(rest).split(|byte| *byte == b'\n').collect();
            assert!(
                lines.iter().all(|line| is_masked(line)),
                "{name}: {} of {}",
                rest.escape_ascii(),
                data.escape_ascii()
            );
            assert_eq!(withheld, lines.len() as u64, "{name}");
        }
    }
}

#[test]
fn reads_threads_and_writers_do_not_matter() {
    let mut random = Random(20_261_132);
    let log = random.log(60);
    let long = vec![b'x'; 300_000];
    let mixed = |data: &[u8]| {
        let wide = utf16(&random_wide(), false);
        [
            log.as_bytes(),
            &wide,
            b"text again alice@example.com\n",
            &long,
            b"\n",
            data,
            b"\nbehind\n",
        ]
        .concat()
    };
    let wide_in_long =
        [b"one\n", &long[..], &utf16(&log, true)[..], &long, b"\nlast bob@example.com\n"].concat();
    let noise: Vec<u8> = (0..700_000)
        .map(|_| random.below(255) as u8)
        .map(|byte| if byte == b'\n' { 255 } else { byte })
        .collect();
    let long_packed = [b"one\n\x1f\x8b\x08\0", &noise[..], b"\nbehind bob@example.com\n"].concat();
    for hay in [
        mixed(&zlib(log.as_bytes(), 6)),
        mixed(b"x\x9c"),
        mixed(&zlib(b"short", 9)),
        wide_in_long,
        long_packed,
    ] {
        let read = |size: usize, n_bytes: usize| {
            let mut out = Vec::new();
            let slow = Slow { rest: &hay, read: n_bytes };
            let mut reader = ScrubReader::with_capacity(size, 256 << 10, slow, BASE.fork());
            reader.read_to_end(&mut out).expect("the input begins as text");
            (out, reader.scrubber().tally().withheld)
        };
        let whole = read(1 << 20, usize::MAX);
        for (size, n_bytes) in [(1 << 20, 1), (64, 7), (4096, 1000), (4096, 64), (100_000, 33_333)]
        {
            assert!(read(size, n_bytes) == whole, "{size} {n_bytes}");
        }
        for step in [1, 13, 5000] {
            let mut writer = ScrubWriter::with_capacity(4096, 256 << 10, Vec::new(), BASE.fork());
            hay.chunks(step).for_each(|part| writer.write_all(part).expect("a vector takes all"));
            assert!(writer.finish().expect("a vector takes all") == whole.0, "{step}");
        }
        for jobs in ["1", "2", "4"] {
            let arguments = ["--config", "none", "--quiet", "-j", jobs, "--max-record", "256KiB"];
            let ran = logscrub().args(arguments).stdin(hay.clone()).run();
            let code = if whole.1 > 0 { 3 } else { 0 };
            assert!(ran.code(code).bytes() == whole.0, "{jobs} threads");
        }
    }
}

fn random_wide() -> String {
    Random(9).log(40).replace('\n', "\r\n")
}

#[test]
fn what_only_looks_so_stays() {
    let mut random = Random(20_261_133);
    let mut bytes = |n_bytes: usize, alphabet: &[u8]| {
        (0..n_bytes).map(|_| alphabet[random.below(alphabet.len())]).collect::<Vec<u8>>()
    };
    let latin: Vec<u8> = (b' '..=b'~').chain(0xa0..=0xff).collect();
    let text = b"2026-11-30 GET /index.html 200\n";
    for _ in 0..n_cases() {
        for look_alike in [
            [&[0; 4096][..], text].concat(),
            [&[0; 17][..], b"\n", &[0; 3], text].concat(),
            b"./src/main.rs\0./src/lib.rs\0./a\0./b/c\0\n".to_vec(),
            bytes(200, b"\0abcdefghijklmnopqrstuvwxyz \n"),
            bytes(300, &latin),
            [b"x\x9c", &bytes(100, &latin)[..], b"\n"].concat(),
            [b"x\xda", &bytes(8, &latin)[..], b"\n", &bytes(90, &latin), b"\n"].concat(),
            [b"x^", &bytes(60, b"0123456789 +-*/xy^")[..], b"\n"].concat(),
            b"x^2 + y^2 = 1\nx\nPK\nPK is the start of a zip file\nBZh is bzip2's\nBZh9\n]\n"
                .to_vec(),
            "\u{4e2d}\u{6587}\u{65e5}\u{5fd7} \u{1f600}\u{1f4a9} na\u{ef}ve \u{416}\n"
                .repeat(3)
                .into_bytes(),
            [&bytes(120, b"ABCDEFabcdef0123456789+/")[..], b"==\n"].concat(),
            [&b"\xc3\x28\xa0\xa1\xe2\x28\xa1 invalid UTF-8 \xff\xff\n"[..], text].concat(),
            b"MESSAGE\n\x05\0\0\0\0\0\0\0hello\n".to_vec(),
        ] {
            let hay = [text, &look_alike[..], text].concat();
            let mut scrubber = BASE.fork();
            let mut out = Vec::new();
            let outcome = scrubber.scrub_block(&hay, &mut out);
            assert_eq!(scrubber.tally().withheld, 0, "{}", look_alike.escape_ascii());
            assert!(outcome == Outcome::Clean || !out.windows(MASK.len()).any(|part| part == MASK));
        }
    }
}

#[test]
fn state_goes_on_behind_records_that_are_masked() {
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDabcdefghijklm";
    let key = ["-----BEGIN PRIVATE KEY-----\n", "UTF-16", body, "\n-----END PRIVATE KEY-----\n"];
    let wide = utf16("a line in UTF-16\r\n", true);
    let hay = [key[0].as_bytes(), &wide, key[2].as_bytes(), key[3].as_bytes()].concat();
    let (out, _) = scrub(&hay);
    assert!(
        !out.windows(20).any(|part| body.as_bytes().starts_with(part)),
        "{}",
        out.escape_ascii()
    );
    let part = |tag: &str, text: &str| {
        format!("2026-11-23T16:00:00.000000137Z stdout {tag} {text}\n").into_bytes()
    };
    let hay = [part("P", "mail alice.liddell@exam"), wide, part("F", "ple.com sent")].concat();
    let (out, withheld) = scrub(&hay);
    assert!(
        withheld == 1 && !out.windows(5).any(|part| part == b"alice"),
        "{}",
        out.escape_ascii()
    );
}

#[test]
fn the_policy_says_what_becomes_of_them() {
    let hay = [b"one alice@example.com\n", &utf16("in UTF-16\n", true)[..], b"two\n"].concat();
    let run = |action: &str, code: i32| {
        let arguments = ["--config", "none", "--quiet", "--on-error", action];
        logscrub().args(arguments).stdin(hay.clone()).run().code(code).out()
    };
    assert_eq!(run("mask", 3), "one REDACTED-email\nREDACTED-record\ntwo\n");
    assert_eq!(run("drop", 3), "one REDACTED-email\ntwo\n");
    assert_eq!(run("stop", 70), "one REDACTED-email\n");
    let explained = logscrub().args(["explain", "--config", "none"]).stdin(hay.clone()).run();
    explained.stdout_has("email").stdout_has("could not be examined");
}
