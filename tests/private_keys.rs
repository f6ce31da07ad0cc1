//! Private keys, coloured or not: no line of a key is left, whatever carries it, and text that only
//! looks like one stays.
//!
//! Keys are random, from a fixed seed. `LOGSCRUB_TEST_CASES` is the number of keys and of innocent
//! texts (default: 4,000).

use std::{env, sync::LazyLock};

use logscrub::{Outcome, Policy, RuleSet, Scrubber};
use serde_json::json;

static BASE: LazyLock<Scrubber> = LazyLock::new(|| {
    Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain")
});

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(self.of(alphabet))).collect()
    }
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const HEX: &[u8] = b"0123456789abcdef";

fn n_cases() -> usize {
    env::var("LOGSCRUB_TEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(4000)
}

fn scrub_with(scrubber: &mut Scrubber, text: &str) -> String {
    let mut out = Vec::new();
    match scrubber.scrub_block(text.as_bytes(), &mut out) {
        Outcome::Clean => text.to_owned(),
        _ => String::from_utf8(out).expect("text stays text"),
    }
}

fn scrub(text: &str) -> String {
    let mut scrubber = BASE.fork();
    let out = scrub_with(&mut scrubber, text);
    let tally = scrubber.tally();
    assert_eq!((tally.withheld, tally.broken), (0, 0), "{text}");
    out
}

struct Key {
    head: Vec<String>,
    body: Vec<String>,
    end: String,
}

fn key(random: &mut Random) -> Key {
    let width = random.of(&[16, 20, 24, 32, 36, 39, 40, 64, 70, 76]);
    let n_lines = 2 + random.below(6);
    let mut body: Vec<String> = (0..n_lines).map(|_| random.text(BASE64, width)).collect();
    let length = 1 + random.below(width);
    body.push(random.text(BASE64, length) + random.of(&["", "=", "=="]));
    let name = random.of(&[
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "DSA PRIVATE KEY",
    ]);
    let begin = |name: &str| format!("-----BEGIN {name}-----");
    let end = |name: &str| format!("-----END {name}-----");
    let name_of_pgp = "PGP PRIVATE KEY BLOCK";
    match random.below(5) {
        0 => {
            let head = vec![
                "PuTTY-User-Key-File-3: ssh-rsa".to_owned(),
                format!("Private-Lines: {}", body.len()),
            ];
            Key { head, body, end: format!("Private-MAC: {}", random.text(HEX, 40)) }
        }
        1 => {
            body.push(format!("={}", random.text(BASE64, 4)));
            let head = vec![begin(name_of_pgp), "Version: GnuPG v2".to_owned(), String::new()];
            Key { head, body, end: end(name_of_pgp) }
        }
        2 => {
            let info = format!("DEK-Info: AES-256-CBC,{}", random.text(b"0123456789ABCDEF", 32));
            Key {
                head: vec![begin(name), "Proc-Type: 4,ENCRYPTED".to_owned(), info, String::new()],
                body,
                end: end(name),
            }
        }
        _ => Key { head: vec![begin(name)], body, end: end(name) },
    }
}

const SEQUENCES: [&str; 11] = [
    "\x1b[31m",
    "\x1b[1;38;5;12m",
    "\x1b[0m",
    "\x1b[m",
    "\x1b[K",
    "\x1b[2K",
    "\x1b]0;a title\x07",
    "\x1b]8;;http://h/x\x1b\\",
    "\x1bc",
    "\x1b(B\x1b[m",
    "\x1b[0m\x1b[K",
];

/// The lines of a key with control sequences in some places, and the pieces that must also be gone.
fn coloured(key: &Key, random: &mut Random) -> (Vec<String>, Vec<String>) {
    let (mut head, mut body, mut end) = (key.head.clone(), key.body.clone(), key.end.clone());
    let first = head
        .iter()
        .position(|line| line.contains("BEGIN") || line.contains("Private-Lines"))
        .expect("it begins");
    let places = random.below(64);
    let has = |bit: usize| places & 1 << bit != 0;
    let mut code = || random.of(&SEQUENCES);
    if has(0) {
        head[first] += code();
    }
    if has(1) {
        head[first].insert_str(0, code());
    }
    let mut pieces = body.clone();
    if has(2) && has(3) {
        pieces = body
            .iter()
            .flat_map(|line| [&line[..line.len() / 2], &line[line.len() / 2..]])
            .map(str::to_owned)
            .collect();
        body.iter_mut().for_each(|line| line.insert_str(line.len() / 2, code()));
    }
    if has(3) {
        body.iter_mut().for_each(|line| line.insert_str(0, code()));
    }
    if has(4) {
        body.iter_mut().for_each(|line| *line += code());
    }
    if has(5) {
        end = format!("{}{end}{}", code(), code());
    }
    (head.into_iter().chain(body).chain([end]).collect(), pieces)
}

fn time(random: &mut Random) -> String {
    let n_digits = random.of(&[0, 1, 3, 6, 9]);
    let fraction = if n_digits > 0 {
        format!(".{}", random.text(b"123456789", n_digits))
    } else {
        String::new()
    };
    let (day, hour, second) = (1 + random.below(28), random.below(24), random.below(60));
    format!("2026-11-{day:02}T{hour:02}:00:{second:02}{fraction}Z")
}

/// A number of one to six digits.
fn number(random: &mut Random) -> usize {
    let n_digits = 1 + random.below(6) as u32;
    random.below(10_usize.pow(n_digits))
}

fn cut(line: &str, random: &mut Random) -> String {
    let at = if line.is_ascii() && line.len() > 20 && random.below(2) == 0 {
        1 + random.below(line.len() - 1)
    } else {
        0
    };
    let part = |tag: &str, text: &str, random: &mut Random| {
        format!("{} stdout {tag} {text}\n", time(random))
    };
    let first = if at > 0 { part("P", &line[..at], random) } else { String::new() };
    first + &part("F", &line[at..], random)
}

fn spaced(text: &str) -> String {
    text.replace("\":\"", "\": \"").replace(",\"", ", \"")
}

type Carry = fn(&str, &mut Random) -> String;
type CarryAll = fn(&[String]) -> String;

/// Ways to write lines, each in a record of its own.
const LINES: [(&str, Carry); 21] = [
    ("raw", |line, _| format!("{line}\n")),
    ("crlf", |line, _| format!("{line}\r\n")),
    ("indented", |line, _| format!("    {line}\n")),
    ("diff", |line, _| format!("+{line}\n")),
    ("yaml list", |line, _| format!("  - \"{line}\"\n")),
    ("quoted", |line, _| format!("> {line}\n")),
    ("json", |line, random| {
        format!("{}\n", json!({"at": number(random), "level": "info", "msg": line}))
    }),
    ("json with members behind", |line, _| {
        format!("{}\n", json!({"msg": line, "zcaller": "main.go:12"}))
    }),
    ("json, x1b", |line, _| {
        format!("{}\n", json!({"msg": line}))
            .replace("\\u001b", "\\x1b")
            .replace("\\u0007", "\\x07")
    }),
    ("json, e", |line, _| {
        format!("{}\n", json!({"msg": line})).replace("\\u001b", "\\e").replace("\\u0007", "\\a")
    }),
    ("json, octal", |line, _| {
        format!("{}\n", json!({"msg": line}))
            .replace("\\u001b", "\\033")
            .replace("\\u0007", "\\007")
    }),
    ("json with escaped slashes", |line, _| {
        format!("{}\n", json!({"msg": line})).replace('/', "\\/")
    }),
    ("json with escaped plus", |line, _| {
        format!("{}\n", json!({"msg": line})).replace('+', "\\u002B")
    }),
    ("cri", |line, random| format!("{} stderr F {line}\n", time(random))),
    ("cri in parts", cut),
    ("docker", |line, random| {
        let log = json!(format!("{line}\n"));
        format!("{{\"log\":{log},\"stream\":\"stdout\",\"time\":\"{}\"}}\n", time(random))
    }),
    ("docker, spaced and in another order", |line, random| {
        let log = json!(format!("{line}\n"));
        format!("{{\"time\" : \"{}\", \"stream\" : \"stderr\", \"log\" : {log}}}\n", time(random))
    }),
    ("time and process", |line, random| {
        format!("{} app[{}]: {line}\n", time(random), number(random))
    }),
    ("uptime", |line, random| {
        format!("[{}.{:06}] {line}\n", number(random), random.below(1_000_000))
    }),
    ("syslog", |line, random| {
        let line = line.replace('\x1b', "#033").replace('\x07', "#007");
        format!("Nov {:2} 10:00:00 host app[{}]: {line}\n", 1 + random.below(30), number(random))
    }),
    ("logfmt", |line, random| {
        format!("ts={} level=info msg=\"{line}\" caller=x.go:{}\n", number(random), number(random))
    }),
];

/// Ways to write all lines in one record or as one value.
const WHOLES: [(&str, CarryAll); 8] = [
    ("array", |lines| format!("{}\n", json!({"a": 1, "private_key": lines, "z": "the end"}))),
    ("spaced array", |lines| {
        format!("{}\n", spaced(&json!({"private_key": lines, "z": ["end"]}).to_string()))
    }),
    ("array of lines with their ends", |lines| {
        let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        format!("{}\n", json!({"private_key": lines}))
    }),
    ("pretty array", |lines| {
        serde_json::to_string_pretty(&json!({"private_key": lines})).expect("it is JSON") + "\n"
    }),
    ("array in a string", |lines| {
        format!("{}\n", json!({"msg": json!({"key": lines}).to_string()}))
    }),
    ("string", |lines| format!("{}\n", json!({"private_key": lines.join("\n")}))),
    ("string in a string", |lines| {
        format!("{}\n", json!({"msg": json!({"key": lines.join("\n")}).to_string()}))
    }),
    ("array of a program", |lines| {
        let lines: Vec<String> = lines
            .iter()
            .map(|line| {
                format!(
                    "'{}'",
                    line.replace('\\', "\\\\").replace('\x1b', "\\x1b").replace('\x07', "\\x07")
                )
            })
            .collect();
        format!("{{'key': [{}]}}\n", lines.join(", "))
    }),
];

fn carried(lines: &[String], case: usize, random: &mut Random) -> (&'static str, String) {
    let index = case % (LINES.len() + WHOLES.len());
    match LINES.get(index) {
        Some((name, carry)) => (name, lines.iter().map(|line| carry(line, random)).collect()),
        None => {
            let (name, carry) = WHOLES[index - LINES.len()];
            (name, carry(lines))
        }
    }
}

/// Whether six characters in a row of `piece`, or all of a shorter one, are in `text`. Fewer than
/// four say nothing.
fn is_left(piece: &str, text: &str) -> bool {
    piece.len() >= 4
        && piece
            .as_bytes()
            .windows(piece.len().min(6))
            .any(|part| text.contains(std::str::from_utf8(part).expect("a key is ASCII")))
}

#[test]
fn no_line_of_a_key_is_left() {
    let mut random = Random(20_261_130);
    let mut leaks = Vec::new();
    for case in 0..n_cases() {
        let key = key(&mut random);
        let (lines, pieces) = coloured(&key, &mut random);
        let (name, text) = carried(&lines, case, &mut random);
        let text = format!("a line before\n{text}after it GET /index.html 200\n");
        let out = scrub(&text);
        let plain = out.replace("\\/", "/").replace("\\u002B", "+");
        let leaked = pieces.iter().any(|piece| is_left(piece, &plain));
        let is_kept =
            out.starts_with("a line before\n") && out.ends_with("after it GET /index.html 200\n");
        let n_lines = |text: &str| text.matches('\n').count();
        if leaked || !is_kept || n_lines(&out) != n_lines(&text) || scrub(&out) != out {
            leaks.push(format!(
                "{name}: {leaked} {is_kept}\n{}\n{}",
                text.escape_debug(),
                out.escape_debug()
            ));
        }
    }
    assert!(
        leaks.is_empty(),
        "{} of {}; {}",
        leaks.len(),
        n_cases(),
        leaks[..leaks.len().min(3)].join("\n\n")
    );
}

#[test]
fn where_a_coloured_key_is_cut_into_blocks_does_not_matter() {
    let mut random = Random(20_261_131);
    for case in 0..n_cases() / 20 {
        let key = key(&mut random);
        let (lines, _) = coloured(&key, &mut random);
        let index = case % LINES.len();
        if LINES[index].0 == "cri in parts" {
            continue;
        }
        let text: String = lines.iter().map(|line| (LINES[index].1)(line, &mut random)).collect();
        let whole = scrub(&text);
        let mut scrubber = BASE.fork();
        let by_line: String =
            text.split_inclusive('\n').map(|line| scrub_with(&mut scrubber, line)).collect();
        assert_eq!(by_line, whole, "{}", text.escape_debug());
    }
}

/// A log line that may follow a key but is not part of it.
fn log_line(random: &mut Random) -> String {
    match random.below(8) {
        0 => format!("GET /api/v{}/users 200 {}ms", random.below(9), random.below(1000)),
        1 => format!("request id={} done", random.text(HEX, 16)),
        2 => format!("digest {}", random.text(HEX, 32)),
        3 => "the server is listening on port 8080".to_owned(),
        4 => format!("\x1b[32mINFO\x1b[0m worker {} started", random.below(100)),
        5 => format!("at com.example.Handler.run(Handler.java:{})", random.below(500)),
        6 => "wrote /var/lib/app/data/segments/000123".to_owned(),
        _ => format!("cache hit ratio 0.{}", random.below(1000)),
    }
}

#[test]
fn what_only_looks_like_a_key_stays() {
    let mut random = Random(20_261_132);
    for case in 0..n_cases() {
        let key = key(&mut random);
        let (name, carry) = LINES[case % LINES.len()];
        let write = |lines: &[String], random: &mut Random| {
            lines.iter().map(|line| carry(line, random)).collect::<String>()
        };
        let body = &key.body;
        let kind = (case / LINES.len()) % 4;
        let (before, innocent) = match kind {
            0 => {
                let prose = [
                    "the -----BEGIN RSA PRIVATE KEY----- line comes first",
                    "BEGIN PRIVATE KEY and END PRIVATE KEY mark it",
                ];
                ([].to_vec(), [vec![random.of(&prose).to_owned()], body.clone()].concat())
            }
            1 => {
                let name = random.of(&[
                    "CERTIFICATE",
                    "PUBLIC KEY",
                    "RSA PUBLIC KEY",
                    "X509 CRL",
                    "CERTIFICATE REQUEST",
                ]);
                let code = random.of(&SEQUENCES);
                let (first, last) = (
                    format!("-----BEGIN {name}-----{code}"),
                    format!("{code}-----END {name}-----"),
                );
                ([].to_vec(), [vec![first], body.clone(), vec![last]].concat())
            }
            2 => {
                let lines = (0..4)
                    .map(|_| random.text(if case % 2 == 0 { HEX } else { BASE64 }, 40))
                    .collect();
                ([key.head, body.clone(), vec![key.end]].concat(), lines)
            }
            // A key without an end. Its last line was a full one, because a word alone could be the
            // rest of it.
            _ => {
                ([key.head, body.clone()].concat(), (0..6).map(|_| log_line(&mut random)).collect())
            }
        };
        let before = write(&before, &mut random);
        let innocent = write(&innocent, &mut random);
        let alone = scrub(&innocent);
        let out = scrub(&(before + &innocent));
        // Other rules may find something in random letters, and then they find it without a key
        // before them, too.
        assert!(
            out.ends_with(&alone),
            "{name}, {kind}:\n{}\n{}",
            innocent.escape_debug(),
            out.escape_debug()
        );
        if kind != 2 {
            assert!(!alone.contains("REDACTED-private-key"), "{name}, {kind}: {alone}");
        }
    }
}

#[test]
fn two_keys_in_one_record_both_go() {
    let mut random = Random(20_261_133);
    for _ in 0..50 {
        let (one, two) = (random.text(BASE64, 64), random.text(BASE64, 64));
        let pem = |body: &str| {
            format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
        };
        let out = scrub(&format!("{}\n", json!({"one": pem(&one), "two": pem(&two)})));
        assert!(!is_left(&one, &out) && !is_left(&two, &out), "{out}");
    }
}
