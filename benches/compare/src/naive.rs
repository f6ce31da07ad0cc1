//! The plain program: every rule's regex over every line. `naive PATTERNS_FOLDER < log > clean`.
//!
//! It reads the same rule files as logscrub. Token rules bring their pattern; for the others stands the one regex that is
//! usually written for them. It does no more than that: no edges, no validators, no states, and for rules that ask for a word
//! nearby a look at the same 64 bytes. Reads and writes are buffered, the line and the vectors are reused, Unicode is off:
//! what makes it slow is the design and not carelessness.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, BufWriter, Write},
    ops::Range,
};

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;

#[derive(Deserialize)]
struct RuleFile {
    #[serde(default)]
    rule: Vec<Entry>,
}

/// What is needed of an entry; the rest is logscrub's.
#[derive(Deserialize)]
struct Entry {
    id: String,
    class: String,
    pattern: Option<String>,
    recogniser: Option<String>,
    #[serde(default)]
    near: Vec<String>,
    #[serde(default)]
    keys: Keys,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Keys {
    strong: Vec<String>,
    header: Vec<String>,
    cookie: Vec<String>,
    userinfo: bool,
    params: Vec<String>,
}

struct Rule {
    regex: Regex,
    secret: usize,
    near: Vec<Vec<u8>>,
    placeholder: Vec<u8>,
}

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).expect("usage: naive PATTERNS_FOLDER");
    let rules = read_rules(&folder)?;
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
    }
    wtr.flush()
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
    let stands = |word: &Vec<u8>| before.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    rule.near.is_empty() || rule.near.iter().any(stands)
}

fn read_rules(folder: &str) -> io::Result<Vec<Rule>> {
    let mut paths: Vec<_> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    let mut rules = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "toml")) {
        let file: RuleFile = toml::from_str(&fs::read_to_string(path)?).expect("logscrub's tests lint every rule file");
        rules.extend(file.rule.iter().filter(|entry| entry.class != "personal").filter_map(rule));
    }
    Ok(rules)
}

/// One entry as one regex; none where an entry has nothing that a plain regex could say.
fn rule(entry: &Entry) -> Option<Rule> {
    let pattern = match entry.recogniser.as_deref().unwrap_or("token") {
        "token" => entry.pattern.clone()?,
        "email" => {
            r"(?<secret> [A-Za-z0-9._%+-]+ @ [A-Za-z0-9-]+ (?: \. [A-Za-z0-9-]+ )* \. [A-Za-z]{2,24} )".to_owned()
        }
        "key_block" => r"-----BEGIN\x20 [A-Z\x20]* PRIVATE\x20KEY----- (?<secret> .* )".to_owned(),
        "url" => url(&entry.keys)?,
        "assign" => assign(&entry.keys)?,
        other => panic!("{}: unknown recogniser {other:?}", entry.id),
    };
    let regex = RegexBuilder::new(&pattern)
        .unicode(false)
        .ignore_whitespace(true)
        .size_limit(64 << 20)
        .build()
        .unwrap_or_else(|error| panic!("{}: {error}", entry.id));
    let secret = regex.capture_names().position(|name| name == Some("secret")).unwrap_or(0);
    let near = entry.near.iter().map(|word| word.as_bytes().to_vec()).collect();
    Some(Rule { regex, secret, near, placeholder: format!("REDACTED-{}", entry.id).into_bytes() })
}

fn url(keys: &Keys) -> Option<String> {
    if keys.userinfo {
        return Some(r"://[^\s/:@]* : (?<secret> [^\s/@]+ ) @".to_owned());
    }
    let params = alternatives(&keys.params)?;
    Some(format!(r#"(?i) [?&;\s] (?:{params}) = (?<secret> [^\s&\#"']+ )"#))
}

fn assign(keys: &Keys) -> Option<String> {
    let headers: Vec<String> = keys.header.iter().chain(&keys.cookie).cloned().collect();
    if let Some(headers) = alternatives(&headers) {
        return Some(format!(
            r#"(?i) (?:{headers}) ["']? \s* [:=] \s* ["']? (?: [A-Za-z]+ \x20 )? (?<secret> [^\s"',;]+ )"#
        ));
    }
    let words = alternatives(&keys.strong)?;
    Some(format!(r#"(?i) (?:{words}) ["']? \s* [:=] \s* ["']? (?<secret> [^\s"',;&*]+ )"#))
}

/// Words as alternatives, any separator where they have one.
fn alternatives(words: &[String]) -> Option<String> {
    let escaped = words.iter().map(|word| regex::escape(word).replace("\\-", "-").replace([' ', '-', '_'], "[-_.]?"));
    (!words.is_empty()).then(|| escaped.collect::<Vec<_>>().join("|"))
}
