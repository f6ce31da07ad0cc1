//! The library keeps the promises of the filter: nothing is lost or doubled when a writer fails,
//! `find` and `scrub_block` agree, one input does not influence the next, and invalid settings are
//! refused when they are built.

use std::{
    io::{self, ErrorKind, Read, Write},
    sync::LazyLock,
};

use logscrub::{
    Allow, Finding, Format, MIN_RECORD_LIMIT, OnError, Outcome, Policy, RuleSet, ScrubReader,
    ScrubWriter, Scrubber, Selection, Style,
};

/// Building a scrubber takes some milliseconds, a fork next to nothing.
static BASE: LazyLock<Scrubber> = LazyLock::new(|| {
    Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain")
});

fn scrubber() -> Scrubber {
    BASE.fork()
}

/// Pseudo-random numbers from a seed (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn word(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..length).map(|_| char::from(LETTERS[self.below(LETTERS.len())])).collect()
    }

    /// A private key of some lines.
    fn key(&mut self) -> String {
        let body: String = (0..6).map(|_| format!("{}\n", self.word(64))).collect();
        format!(
            "-----BEGIN RSA PRIVATE KEY-----\n{body}{}\n-----END RSA PRIVATE KEY-----\n",
            self.word(20)
        )
    }

    /// A log with secrets in some of its lines.
    fn log(&mut self, n_lines: usize) -> String {
        let mut log = String::new();
        for _ in 0..n_lines {
            match self.below(6) {
                0 => log.push_str(&format!("login password={} ok\n", self.word(14))),
                1 => log
                    .push_str(&format!("mail from {}@example.com\n", self.word(8).to_lowercase())),
                2 => log.push_str(&self.key()),
                _ => log.push_str("GET /index.html 200 in 17 ms, cache hit\n"),
            }
        }
        log
    }
}

/// Takes a few bytes at a time and fails at random, half of the time with an error that allows a
/// retry.
struct Failing {
    taken: Vec<u8>,
    numbers: Numbers,
    n_failures: usize,
}

impl Failing {
    fn new(seed: u64) -> Failing {
        Failing { taken: Vec::new(), numbers: Numbers(seed), n_failures: 0 }
    }
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const KINDS: [ErrorKind; 4] = [
            ErrorKind::Interrupted,
            ErrorKind::WouldBlock,
            ErrorKind::StorageFull,
            ErrorKind::TimedOut,
        ];
        if self.numbers.below(3) == 0 {
            self.n_failures += 1;
            return Err(KINDS[self.numbers.below(4)].into());
        }
        let n_bytes = bytes.len().min(1 + self.numbers.below(700));
        self.taken.extend_from_slice(&bytes[..n_bytes]);
        Ok(n_bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.numbers.below(3) == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(()) }
    }
}

#[test]
fn a_writer_that_fails_loses_doubles_and_leaks_nothing() {
    let mut n_failures = 0;
    for seed in 0..60 {
        let mut numbers = Numbers(seed);
        let log = numbers.log(80);
        let mut whole = ScrubWriter::new(Vec::new(), scrubber());
        whole.write_all(log.as_bytes()).expect("a vector takes everything");
        let n_findings = whole.scrubber().tally().findings();
        let expected = whole.finish().expect("a vector takes everything");

        let size = [64, 4096, 256 << 10][numbers.below(3)];
        let mut writer =
            ScrubWriter::with_capacity(size, MIN_RECORD_LIMIT, Failing::new(seed), scrubber());
        let mut rest = log.as_bytes();
        while !rest.is_empty() {
            let most = rest.len().min(1 + numbers.below(3000));
            // After an error nothing of this call was taken, so the same bytes come again.
            if let Ok(n_bytes) = writer.write(&rest[..most]) {
                assert!(n_bytes > 0, "a writer that takes nothing never ends");
                rest = &rest[n_bytes..];
            }
            if numbers.below(8) == 0 {
                let _again = writer.flush();
            }
        }
        let failing = loop {
            match writer.finish() {
                Ok(inner) => break inner,
                Err(failed) => writer = failed.into_parts().1,
            }
            assert_eq!(
                writer.scrubber().tally().findings(),
                n_findings,
                "findings are counted once"
            );
        };
        n_failures += failing.n_failures;
        assert!(
            failing.taken == expected,
            "seed {seed}: {}",
            String::from_utf8_lossy(&failing.taken)
        );
    }
    assert!(n_failures > 1000, "the inner writer failed {n_failures} times");
}

#[test]
fn every_byte_that_was_written_is_counted_once() {
    let log = Numbers(7).log(200);
    let mut writer = ScrubWriter::with_capacity(512, MIN_RECORD_LIMIT, Failing::new(7), scrubber());
    let mut rest = log.as_bytes();
    while !rest.is_empty() {
        if let Ok(n_bytes) = writer.write(rest) {
            rest = &rest[n_bytes..];
        }
    }
    while writer.flush().is_err() {}
    let taken = writer.get_ref().taken.len() as u64;
    assert_eq!(writer.scrubber().tally().bytes_out, taken);
    assert_eq!(writer.scrubber().tally().bytes_in, log.len() as u64);
}

#[test]
fn a_stream_that_was_refused_or_stopped_stays_so() {
    let gzip = b"\x1f\x8b\x08\0 password=hunter2\n";
    let mut writer = ScrubWriter::new(Vec::new(), scrubber());
    assert_eq!(writer.write(gzip).map_err(|error| error.kind()), Err(ErrorKind::InvalidData));
    for _ in 0..2 {
        assert_eq!(
            writer.write(b"text\n").map_err(|error| error.kind()),
            Err(ErrorKind::InvalidData)
        );
    }
    let failed = writer.finish().expect_err("nothing comes out any more");
    assert_eq!(failed.into_parts().1.get_ref().len(), 0);

    let mut stopping = scrubber_that(OnError::Stop);
    stopping.fail_on(b"BOOM");
    let log = b"one\ntwo\nBOOM password=hunter2\nthree\n";
    let mut reader = ScrubReader::with_capacity(8, MIN_RECORD_LIMIT, &log[..], stopping.fork());
    let mut out = Vec::new();
    let kind = |result: io::Result<usize>| result.map_err(|error| error.kind());
    assert_eq!(kind(reader.read_to_end(&mut out)), Err(ErrorKind::InvalidData));
    assert_eq!(out, b"one\ntwo\n");
    assert_eq!(
        kind(reader.read(&mut [0; 8])),
        Err(ErrorKind::InvalidData),
        "it does not go on behind the record"
    );

    let mut writer = ScrubWriter::with_capacity(8, MIN_RECORD_LIMIT, Vec::new(), stopping);
    assert!(writer.write_all(log).is_err() && writer.write(b"more\n").is_err());
    assert_eq!(writer.get_ref(), b"one\ntwo\n");
}

fn scrubber_that(on_error: OnError) -> Scrubber {
    Scrubber::new(&RuleSet::embedded(), &Policy::new().on_error(on_error))
        .expect("the policy is plain")
}

/// `hay` with the findings of `find` replaced, or `None` if `find` could not examine it.
fn spliced(scrubber: &mut Scrubber, hay: &[u8]) -> Option<Vec<u8>> {
    let findings: Vec<Finding> = scrubber.find(hay)?.to_vec();
    let (mut out, mut done) = (Vec::new(), 0);
    for finding in &findings {
        out.extend_from_slice(&hay[done..finding.span.start]);
        scrubber.replacement(hay, finding, &mut out);
        done = finding.span.end;
    }
    out.extend_from_slice(&hay[done..]);
    Some(out)
}

fn scrubbed(scrubber: &mut Scrubber, hay: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match scrubber.scrub_block(hay, &mut out) {
        Outcome::Clean => hay.to_vec(),
        Outcome::Changed => out,
        Outcome::Stopped => panic!("only under OnError::Stop"),
    }
}

#[test]
fn find_tells_what_scrub_block_replaces_in_every_format() {
    let mut numbers = Numbers(3);
    let mut n_told = 0;
    for _ in 0..200 {
        let secret = format!("{}9aZ", numbers.word(17));
        let (head, tail) = secret.split_at(1 + numbers.below(secret.len() - 1));
        let blocks = [
            (Format::Auto, format!("a line\npassword={secret}\nand one more\n")),
            (
                Format::Auto,
                format!(
                    "2026-11-30T00:00:00.000000000Z stdout P password={head}\n\
                     2026-11-30T00:00:00.000000001Z stdout F {tail} done\n"
                ),
            ),
            (
                Format::Auto,
                format!(
                    "{{\"log\":\"password={head}\",\"stream\":\"stdout\",\"time\":\"2026-11-30T00:00:00Z\"}}\n\
                     {{\"log\":\"{tail} done\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-30T00:00:01Z\"}}\n"
                ),
            ),
            (Format::Csv, format!("name,password,city\nbob,{secret},Rome\nann,,Oslo\n")),
            (Format::Tsv, format!("name\tapi_key\nbob\t{secret}\n")),
            (
                Format::Auto,
                format!("{{\"MESSAGE\":[{}]}}\n", bytes(&format!("password={secret} ok"))),
            ),
        ];
        for (format, text) in blocks {
            let fork = || scrubber().with_format(format);
            let expected = scrubbed(&mut fork(), text.as_bytes());
            assert!(
                !expected.windows(tail.len().max(4)).any(|window| window == tail.as_bytes()),
                "{text}"
            );
            let told = spliced(&mut fork(), text.as_bytes()).expect("all of it can be examined");
            assert_eq!(
                String::from_utf8_lossy(&told),
                String::from_utf8_lossy(&expected),
                "{text}"
            );
            n_told += 1;
        }
    }
    assert_eq!(n_told, 1200);
}

fn bytes(text: &str) -> String {
    text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",")
}

#[test]
fn find_does_not_answer_where_no_rule_names_what_is_masked() {
    let mut failing = scrubber();
    failing.fail_on(b"BOOM");
    assert!(failing.find(b"one\nBOOM password=hunter2\n").is_none());
    assert!(failing.find(b"one\npassword=hunter2\n").is_some_and(|findings| findings.len() == 1));
}

#[test]
fn what_is_open_in_one_input_does_not_reach_into_the_next() {
    let mut numbers = Numbers(11);
    let line = format!("{}\n", numbers.word(64));
    let open = format!("-----BEGIN RSA PRIVATE KEY-----\n{line}");
    let mut one = scrubber();
    assert_ne!(scrubbed(&mut one, open.as_bytes()), open.as_bytes());
    assert_ne!(
        scrubbed(&mut one, line.as_bytes()),
        line.as_bytes(),
        "the key goes on in the next block"
    );
    let n_findings = one.tally().findings();
    one.reset();
    assert_eq!(scrubbed(&mut one, line.as_bytes()), line.as_bytes());
    assert_eq!(one.tally().findings(), n_findings, "counts stay");

    let mut table = scrubber().with_format(Format::Csv);
    assert_eq!(scrubbed(&mut table, b"id,password\n"), b"id,password\n");
    table.reset();
    assert_eq!(scrubbed(&mut table, b"id,note\n1,hunter2\n"), b"id,note\n1,hunter2\n");
}

#[test]
fn names_that_no_rule_has_are_refused_where_a_scrubber_is_built() {
    let built = |policy: Policy| {
        Scrubber::new(&RuleSet::embedded(), &policy).map(drop).map_err(|error| error.to_string())
    };
    for known in ["email", "credential", "github-oauth-token", "github-*", "personal", "password"] {
        assert_eq!(built(Policy::new().style_of(known, Style::Mask)), Ok(()), "{known}");
        let allow = Allow::new().value("x").rule(known).expect("it is a name");
        assert_eq!(built(Policy::new().allow(allow)), Ok(()), "{known}");
    }
    // A rule that is loaded but not in force may still be named.
    let personal = Selection { also: vec!["personal".into()], ..Selection::default() }
        .load()
        .expect("a class");
    let personal = personal
        .rules()
        .iter()
        .find(|rule| rule.class().name() == "personal")
        .expect("there is one");
    assert_eq!(built(Policy::new().style_of(personal.id(), Style::Mask)), Ok(()));
    for unknown in ["emial", "git-hub-*", "Email", ""] {
        let error =
            built(Policy::new().style_of(unknown, Style::Mask)).expect_err("it names no rule");
        assert!(error.contains(&format!("{unknown:?}: names no rule")), "{error}");
        let allow = Allow::new().value("x").rule(unknown).expect("it is a glob");
        let error = built(Policy::new().allow(allow)).expect_err("it names no rule");
        assert!(error.contains(&format!("{unknown:?}: names no rule")), "{error}");
    }
}

#[test]
fn a_pattern_must_say_which_part_is_the_secret() {
    let rules = |pattern: &str| {
        let text = format!(
            "[[rule]]\nid = 'acme'\ntitle = 'Acme'\nclass = 'credential'\nseverity = 'high'\nabout = 'For tests.'\n\
             anchors = ['acme_']\npattern = '{pattern}'\n"
        );
        RuleSet::parse(&text, "acme.toml").map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(rules("(?<secret> acme_ [a-z]{20} )"), Ok(()));
    assert_eq!(rules("id = (?<secret> acme_ [a-z]{20} ) ;"), Ok(()));
    for pattern in ["acme_ [a-z]{20}", "(acme_ [a-z]{20})", "(?<token> acme_ [a-z]{20} )"] {
        let error = rules(pattern).expect_err("nothing is named secret");
        assert!(
            error.starts_with("acme.toml:1:") && error.contains("no group named secret"),
            "{error}"
        );
    }
}
