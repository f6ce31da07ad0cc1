//! The plain program: every rule's regex over every line. `naive PATTERNS_FOLDER < log > clean`.
//!
//! For rules with words nearby it searches the same 64 bytes as logscrub. Reads and writes are
//! buffered, the line and the vectors are reused, and Unicode is off: it is slow by design, not by
//! carelessness.

use std::{
    env,
    io::{self, BufRead, BufReader, BufWriter, Write},
    ops::Range,
};

use regex::bytes::{Regex, RegexBuilder};

struct Rule {
    regex: Regex,
    secret: usize,
    near: Vec<String>,
    placeholder: Vec<u8>,
}

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).expect("usage: naive PATTERNS_FOLDER");
    let rules: Vec<Rule> = rules::read(&folder)?.into_iter().map(compile).collect();
    if env::args().nth(2).is_some_and(|argument| argument == "--count") {
        return writeln!(io::stdout(), "{}", rules.len());
    }
    let mut rdr = BufReader::with_capacity(128 << 10, io::stdin().lock());
    let mut wtr = BufWriter::with_capacity(128 << 10, io::stdout().lock());
    let (mut line, mut spare) = (Vec::new(), Vec::new());
    while rdr.read_until(b'\n', &mut line)? > 0 {
        for rule in &rules {
            replace(rule, &mut line, &mut spare);
        }
        wtr.write_all(&line)?;
        line.clear();
        // A line is passed on at once if no other has come yet.
        if rdr.buffer().is_empty() {
            wtr.flush()?;
        }
    }
    wtr.flush()
}

fn compile(rule: rules::Rule) -> Rule {
    let regex = RegexBuilder::new(&rule.pattern)
        .unicode(false)
        .ignore_whitespace(true)
        .size_limit(64 << 20)
        .build()
        .unwrap_or_else(|error| panic!("{}: {error}", rule.id));
    let secret = regex.capture_names().position(|name| name == Some("secret")).unwrap_or(0);
    Rule { regex, secret, near: rule.near, placeholder: format!("REDACTED-{}", rule.id).into_bytes() }
}

fn replace(rule: &Rule, line: &mut Vec<u8>, spare: &mut Vec<u8>) {
    let mut done = 0;
    spare.clear();
    for groups in rule.regex.captures_iter(line) {
        let secret = groups.get(rule.secret).expect("the group is part of every match").range();
        if secret.start >= done && is_near(rule, line, &secret) && !line[secret.clone()].starts_with(b"REDACTED-") {
            spare.extend_from_slice(&line[done..secret.start]);
            spare.extend_from_slice(&rule.placeholder);
            done = secret.end;
        }
    }
    if done > 0 {
        spare.extend_from_slice(&line[done..]);
        std::mem::swap(line, spare);
    }
}

fn is_near(rule: &Rule, line: &[u8], secret: &Range<usize>) -> bool {
    let before = &line[secret.start.saturating_sub(64)..secret.start];
    let stands = |word: &String| before.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()));
    rule.near.is_empty() || rule.near.iter().any(stands)
}
