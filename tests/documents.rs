//! A hundred thousand lines of JSON: all still parse, have the same members, contain no secret, and
//! are otherwise unchanged.
//!
//! The lines are made from a seed, so that a failure comes from a change and not from chance. The
//! output is read by serde_json and, if it is installed, by Python's parser.

use std::{fs, io::Read as _, process::Command};

use logscrub::{Policy, RuleSet, ScrubReader, Scrubber};
use serde_json::{Map, Value};

const N_LINES: usize = 100_000;

/// The beginning of every secret, which occurs nowhere else.
const CANARY: &str = "cnq7";

/// Keys that are secret for every rule, in every style.
const SECRET_KEYS: [&str; 8] = [
    "password",
    "dbPassword",
    "DB_PASSWORD",
    "db-password",
    "spring.datasource.password",
    "x_client_secret",
    "userPassphrase",
    "Pwd",
];

/// Keys that only look similar, and others.
const PLAIN_KEYS: [&str; 14] = [
    "msg",
    "user",
    "token_count",
    "passwordResetRequired",
    "max_size",
    "secretary",
    "author",
    "n",
    "path",
    "é",
    "a\"b",
    "trace.id",
    "labels",
    "x\\y",
];

/// Xorshift, from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    fn pick<'t>(&mut self, texts: &[&'t str]) -> &'t str {
        texts[self.below(texts.len())]
    }

    fn canary(&mut self) -> String {
        format!("{CANARY}{:010x}x9", self.below(1 << 40))
    }

    fn text(&mut self) -> String {
        let words = [
            "GET",
            "/index.html",
            "<a&b>",
            "200",
            "user=bob",
            "naïve",
            "\u{1f600}",
            "\"quoted\"",
            "C:\\dir",
            "a\tb",
            "1.5ms",
            "[x]",
        ];
        (0..self.below(6)).map(|_| self.pick(&words)).collect::<Vec<_>>().join(" ")
    }

    /// A text with a secret that is recognized by its shape.
    fn message(&mut self) -> String {
        let (before, after, canary) = (self.text(), self.text(), self.canary());
        let secret = match self.below(4) {
            0 => format!("{canary}@example.com"),
            1 => format!("https://bob:{canary}@db.example.com/x?y=1"),
            2 => format!("password={canary}"),
            _ => format!("https://api.example.com/x?a=1&access_token={canary}&b=2"),
        };
        format!("{before} {secret} {after}")
    }

    /// The value of a secret key, of any type.
    fn secret(&mut self, depth: usize) -> Value {
        match self.below(8) {
            0 => self.below(100_000).into(),
            1 => (self.below(2) == 0).into(),
            2 if depth > 0 => (0..self.below(3)).map(|_| self.secret(0)).collect::<Vec<_>>().into(),
            3 if depth > 0 => Value::from(Map::from_iter([
                ("inner".to_owned(), self.secret(depth - 1)),
                ("m".to_owned(), self.secret(0)),
            ])),
            4 => format!("{}\"\\/ñ", self.canary()).into(),
            _ => self.canary().into(),
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(10) {
            0 | 1 if depth > 0 => self.object(depth - 1).into(),
            2 if depth > 0 => {
                (0..self.below(4)).map(|_| self.value(depth - 1)).collect::<Vec<_>>().into()
            }
            // JSON in a string, also nested.
            3 if depth > 0 => Value::from(self.object(depth - 1)).to_string().into(),
            4 => self.message().into(),
            5 => self.below(1 << 40).into(),
            6 => [Value::Null, true.into(), (-1.5e-3).into()][self.below(3)].clone(),
            _ => self.text().into(),
        }
    }

    fn object(&mut self, depth: usize) -> Map<String, Value> {
        let mut members = Map::new();
        for _ in 0..self.below(5) {
            match self.below(12) {
                0 | 1 => {
                    drop(members.insert(self.pick(&SECRET_KEYS).to_owned(), self.secret(depth)))
                }
                // At most one, because two would become the same.
                2 if members.keys().all(|key| !key.contains(CANARY)) => {
                    members.insert(format!("{}@example.com", self.canary()), self.text().into());
                }
                _ => drop(members.insert(self.pick(&PLAIN_KEYS).to_owned(), self.value(depth))),
            }
        }
        members
    }

    /// The object as one line, escaped as different writers do.
    fn line(&mut self) -> String {
        let line = Value::from(self.object(4)).to_string();
        match self.below(4) {
            0 => line.replace('/', "\\/"),
            1 => line.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e"),
            2 => line
                .chars()
                .map(|letter| match letter.is_ascii() {
                    true => letter.to_string(),
                    false => letter
                        .encode_utf16(&mut [0; 2])
                        .iter()
                        .map(|unit| format!("\\u{unit:04x}"))
                        .collect(),
                })
                .collect(),
            _ => line,
        }
    }
}

/// An unexpected difference between two documents.
fn difference(was: &Value, is: &Value, is_secret: bool) -> Option<String> {
    let fault = || Some(format!("{was} became {is}"));
    match (was, is) {
        (Value::Object(was), Value::Object(is)) if was.len() == is.len() => {
            was.iter().find_map(|(key, value)| {
                let is_secret = is_secret || SECRET_KEYS.contains(&&**key);
                if !key.contains(CANARY) {
                    return is.get(key).map_or_else(
                        || Some(format!("{key:?} is gone")),
                        |is| difference(value, is, is_secret),
                    );
                }
                let other = is
                    .iter()
                    .find(|(key, _)| !was.contains_key(*key))
                    .filter(|(key, _)| !key.contains(CANARY));
                other.map_or_else(fault, |(_, is)| difference(value, is, is_secret))
            })
        }
        (Value::Array(was), Value::Array(is)) if was.len() == is.len() => {
            was.iter().zip(is).find_map(|(was, is)| difference(was, is, is_secret))
        }
        (Value::String(was), Value::String(is)) if !is_secret && was.starts_with('{') => {
            let [was, is] = [was, is].map(|text| serde_json::from_str::<Value>(text).ok());
            was.zip(is).map_or_else(fault, |(was, is)| difference(&was, &is, false))
        }
        (Value::String(was), Value::String(is)) => {
            let secret = was.find(CANARY);
            let is_right = match secret {
                Some(at) => !is.contains(CANARY) && (is_secret || is.starts_with(&was[..at])),
                None => was == is,
            };
            if is_right { None } else { fault() }
        }
        (Value::Number(_) | Value::Bool(_), Value::String(_)) if is_secret => None,
        _ if was == is => None,
        _ => fault(),
    }
}

/// The same comparison in another implementation.
const PYTHON: &str = r#"
import json, sys
canary, keys = sys.argv[3], set(sys.argv[4:])
def differs(was, now, secret):
    if isinstance(was, dict):
        if not isinstance(now, dict) or len(was) != len(now):
            return True
        for (k, v), (k2, v2) in zip(was.items(), now.items()):
            if (canary in k2) or (canary not in k and k != k2) or differs(v, v2, secret or k in keys):
                return True
        return False
    if isinstance(was, list):
        return not isinstance(now, list) or len(was) != len(now) or any(differs(a, b, secret) for a, b in zip(was, now))
    if isinstance(was, str) and was.startswith('{') and not secret:
        return not isinstance(now, str) or differs(json.loads(was), json.loads(now), False)
    if isinstance(was, str) and canary in was:
        return not isinstance(now, str) or canary in now
    if secret and not isinstance(was, str) and was is not None:
        return not isinstance(now, str)
    return was != now or type(was) is not type(now)
with open(sys.argv[1], encoding='utf-8') as a, open(sys.argv[2], encoding='utf-8') as b:
    was, now = a.read().split('\n'), b.read().split('\n')
assert len(was) == len(now), 'the number of lines changed'
bad = [n for n, (x, y) in enumerate(zip(was, now)) if x and differs(json.loads(x), json.loads(y), False)]
sys.exit(f'{len(bad)} lines differ, the first is {bad[0]}' if bad else 0)
"#;

#[test]
fn a_hundred_thousand_lines_stay_what_they_are_but_for_their_secrets() {
    let mut random = Random(0x5eed_2026_1126);
    let lines: Vec<String> = (0..N_LINES).map(|_| random.line()).collect();
    let input = lines.join("\n") + "\n";
    let scrubber =
        Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
    let mut output = String::new();
    let mut reader = ScrubReader::new(input.as_bytes(), scrubber);
    reader.read_to_string(&mut output).expect("text stays text");
    let tally = reader.scrubber().tally();
    assert_eq!((tally.withheld, tally.broken), (0, 0));
    assert!(tally.findings() > N_LINES as u64 / 4, "{} findings", tally.findings());
    assert_eq!(output.lines().count(), N_LINES);
    let mut faults = Vec::new();
    for (was, is) in lines.iter().zip(output.lines()) {
        let before: Value = serde_json::from_str(was).expect("it was made so");
        let fault = match serde_json::from_str::<Value>(is) {
            Ok(after) => difference(&before, &after, false),
            Err(error) => Some(error.to_string()),
        };
        faults.extend(fault.map(|fault| format!("{fault}\n  in  {was}\n  out {is}\n")));
    }
    assert!(
        faults.is_empty(),
        "{} lines of {N_LINES}, as\n{}",
        faults.len(),
        faults[..faults.len().min(5)].concat()
    );
    by_python(&input, &output);
}

fn by_python(input: &str, output: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (was, is) = (folder.path().join("was"), folder.path().join("is"));
    fs::write(&was, input).expect("it can be written");
    fs::write(&is, output).expect("it can be written");
    let mut python = Command::new("python3");
    python.arg("-c").arg(PYTHON).arg(&was).arg(&is).arg(CANARY).args(SECRET_KEYS);
    match python.output() {
        Ok(said) => assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr)),
        Err(_) => eprintln!("SKIPPED Python's look at the lines: there is no python3"),
    }
}
