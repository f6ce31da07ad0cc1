//! Scrubbing again changes nothing where the reading of a line depends on the lines above it:
//! broken JSON with elements of XML and unescaped quotes.
//!
//! `LOGSCRUB_TEST_CASES` sets the number of records of each seed; 131,200 is the long form.

use crate::edges::{Numbers, n_cases, scrub_lines, scrubber};

/// Seeds whose records once changed the second time, and new seeds.
const SEEDS: [u64; 8] = [1, 2, 3, 5, 8, 13, 21, 34];

const PIECES: &str = r#"<password> </password> " \" { } [ ] : , a hunter2 \ \\ ' = secret < > / x7Kp2mQ9vT4n "a": "m": "password":
    "password":[ "token":{ password -u 1 null <token> \n @b.com ; & <password password> "} {" . ( ) *** REDACTED-password é %22 - true
    "api_key":["#;

const STARTS: [&str; 8] = ["{", r#"{"m":""#, r#"{""#, "[", r#"[""#, "", "password: ", "- "];
const ENDS: [&str; 8] = ["}", r#""}"#, r#""]"#, "]", "\"", "", r#""password":"#, "passwords:"];
const CLOSINGS: [&str; 3] = ["</password>", "<", ""];

/// A record with two elements among other pieces.
fn record(numbers: &mut Numbers, pieces: &[&str]) -> Vec<u8> {
    let n_parts = 2 + numbers.below(10);
    let mut parts: Vec<&str> = (0..n_parts).map(|_| numbers.pick(pieces)).collect();
    for _ in 0..2 {
        let at = numbers.below(parts.len() + 1);
        let element =
            ["<password>", numbers.pick(pieces), numbers.pick(pieces), numbers.pick(&CLOSINGS)];
        parts.splice(at..at, element);
    }
    let spaced = if numbers.below(4) == 0 { parts.join(" ") } else { parts.concat() };
    [numbers.pick(&STARTS), &spaced, numbers.pick(&ENDS)].concat().into_bytes()
}

#[test]
fn broken_json_with_elements_comes_out_once() {
    let scrubber = scrubber();
    let pieces: Vec<&str> = PIECES.split_ascii_whitespace().chain([" ", "curl -u a:"]).collect();
    let mut n_changed = 0;
    for seed in SEEDS {
        let mut numbers = Numbers(seed);
        let lines: Vec<Vec<u8>> =
            (0..n_cases(4_000)).map(|_| record(&mut numbers, &pieces)).collect();
        let once = scrub_lines(&scrubber, &lines);
        let twice = scrub_lines(&scrubber, &once);
        n_changed += lines.iter().zip(&once).filter(|(line, once)| line != once).count();
        let other: Vec<String> = lines
            .iter()
            .zip(once.iter().zip(&twice))
            .filter(|(_, (once, twice))| once != twice)
            .map(|(line, (once, twice))| {
                let [line, once, twice] = [line, once, twice].map(|text| text.escape_ascii());
                format!("{line} became {once} and then {twice}")
            })
            .collect();
        assert!(
            other.is_empty(),
            "seed {seed}: {} records: {:#?}",
            other.len(),
            &other[..other.len().min(5)]
        );
    }
    assert!(n_changed > 1_000, "{n_changed} records changed");
}

#[test]
fn lines_come_out_one_by_one_as_in_a_block() {
    let base = scrubber();
    let pieces: Vec<&str> = PIECES.split_ascii_whitespace().chain([" "]).collect();
    let mut numbers = Numbers(55);
    let lines: Vec<Vec<u8>> = (0..n_cases(4_000)).map(|_| record(&mut numbers, &pieces)).collect();
    let block = scrub_lines(&base, &lines);
    let mut by_line = base.fork();
    for (line, expected) in lines.iter().zip(&block) {
        let mut hay = line.clone();
        hay.push(b'\n');
        let mut out = Vec::new();
        if by_line.scrub_block(&hay, &mut out) == logscrub::Outcome::Clean {
            out = hay;
        }
        out.pop();
        assert_eq!(
            out.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{}",
            line.escape_ascii()
        );
    }
}
