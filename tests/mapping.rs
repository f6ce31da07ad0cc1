//! Findings of a text that is not the block itself (the row of a table, a field with a length, a
//! record in parts) are carried back to the block: whatever they overlap, nothing is withheld, the
//! structure stays, and what only looks like a secret stays too.
//!
//! `LOGSCRUB_TEST_CASES` sets the number of inputs of each format.

use logscrub::{Format, Outcome, Policy, RuleSet, Scrubber};

use crate::numbers::{Numbers, cases};

/// What values are made of: keys, separators, quotes, parts of URLs, secrets.
const WORDS: [&str; 30] = [
    "password",
    "token",
    "=",
    ":",
    "\"",
    "'",
    "\\",
    "://",
    "u",
    "@",
    "<password>",
    "&authtoken==",
    "h.example",
    "/",
    "?",
    "&",
    "api_key=",
    "hunter2secret",
    "alice@example.com",
    " ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "%40",
    "\x1b[31m",
    "https://",
    "postgres://u:p4ssw0rdX@db/",
    "",
];

fn scrubber(format: Format) -> Scrubber {
    let scrubber = Scrubber::new(&RuleSet::embedded(), &Policy::new());
    scrubber.expect("the policy is plain").with_format(format)
}

/// The output; a fault withholds records, so none may be withheld.
fn scrub(base: &Scrubber, hay: &[u8]) -> Vec<u8> {
    let (mut scrubber, mut out) = (base.fork(), Vec::new());
    let outcome = scrubber.scrub_block(hay, &mut out);
    assert_eq!(scrubber.tally().withheld, 0, "{}", hay.escape_ascii());
    if outcome == Outcome::Clean { hay.to_vec() } else { out }
}

fn value(numbers: &mut Numbers) -> String {
    (0..numbers.below(9)).map(|_| *numbers.one(&WORDS)).collect()
}

fn field(name: &str, value: &[u8]) -> Vec<u8> {
    let length = (value.len() as u64).to_le_bytes();
    [name.as_bytes(), b"\n", &length, value, b"\n"].concat()
}

fn entry(field: &[u8]) -> Vec<u8> {
    [b"__CURSOR=s=1\n", field, b"_HOSTNAME=h1\n\n"].concat()
}

/// The value of the field between the fixed ones of an entry, if its length is right.
fn value_of<'e>(entry: &'e [u8], name: &str) -> Option<&'e [u8]> {
    let rest = entry.strip_prefix(b"__CURSOR=s=1\n")?.strip_prefix(name.as_bytes())?;
    let (length, rest) = rest.strip_prefix(b"\n")?.split_first_chunk::<8>()?;
    let (value, rest) = rest.split_at_checked(u64::from_le_bytes(*length) as usize)?;
    (rest == b"\n_HOSTNAME=h1\n\n").then_some(value)
}

#[test]
fn rows_of_tables_are_edited_whatever_overlaps() {
    let base = scrubber(Format::Csv);
    let mut numbers = Numbers::new(1);
    for _ in 0..cases(1000) {
        let mut hay = b",d,password\n".to_vec();
        for _ in 0..3 {
            let cells: Vec<String> =
                (0..3).map(|_| value(&mut numbers).replace('"', "\"\"")).collect();
            hay.extend_from_slice(
                format!("\"{}\",,\"{}\"\n", cells[0], cells[1..].concat()).as_bytes(),
            );
        }
        let out = scrub(&base, &hay);
        assert!(out.starts_with(b",d,password\n"), "{}", hay.escape_ascii());
        assert_eq!(out.split(|byte| *byte == b'\n').count(), 5, "{}", hay.escape_ascii());
    }
}

#[test]
fn fields_keep_their_lengths_whatever_overlaps() {
    let base = scrubber(Format::Auto);
    let mut numbers = Numbers::new(2);
    for _ in 0..cases(1000) {
        let lines: Vec<String> = (0..=numbers.below(3)).map(|_| value(&mut numbers)).collect();
        let hay = entry(&field("MESSAGE", lines.join("\n").as_bytes()));
        let out = scrub(&base, &hay);
        assert!(value_of(&out, "MESSAGE").is_some(), "{}", out.escape_ascii());
    }
}

#[test]
fn a_length_that_looks_like_a_line_end_is_none() {
    let base = scrubber(Format::Auto);
    // Before or after the edit, the length is every number up to 64: 10 and 13 are line ends.
    for n_bytes in 0..64 {
        for (secret, clean) in [
            ("alice@example.com", "REDACTED-email"),
            ("a@b.de", "REDACTED-email"),
            ("alice_example.com", "alice_example.com"),
        ] {
            let text = |word: &str| format!("{} {{\n{{\"m\":\"{word}\"}}", "x".repeat(n_bytes));
            let plain = |word: &str| format!("{} {word}", "x".repeat(n_bytes));
            for (was, is) in [(text(secret), text(clean)), (plain(secret), plain(clean))] {
                let out = scrub(&base, &entry(&field("MESSAGE", was.as_bytes())));
                let value = value_of(&out, "MESSAGE");
                assert_eq!(value, Some(is.as_bytes()), "{}", out.escape_ascii());
            }
        }
    }
}

#[test]
fn findings_that_touch_an_empty_one_are_merged() {
    let plain = scrubber(Format::Auto);
    let table = scrubber(Format::Csv);
    for (value, clean) in [
        ("://<password>@&authtoken==<", "REDACTED-url-token"),
        ("://<password>@", "://<password>@"),
        ("", ""),
    ] {
        let record = |value: &str| format!("{{\"password\":\"{value}\"}}\n");
        let row = |value: &str| format!(",d,password\n,,{value}\n");
        let outs = (scrub(&plain, record(value).as_bytes()), scrub(&table, row(value).as_bytes()));
        assert_eq!(outs, (record(clean).into_bytes(), row(clean).into_bytes()));
    }
}
