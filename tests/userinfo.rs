//! Passwords in the userinfo of URLs, whatever characters they have, and similar texts without a
//! password.
//!
//! Passwords are random over the bytes 33 to 126, 12 to 19 of them, from a fixed seed.
//! `LOGSCRUB_TEST_CASES` is their number (default: 12,000). Two kinds are counted separately:
//! passwords that the text around the URL ends (a quote or bracket that was opened before it, an
//! escape of the string around it), and passwords that read as the port of a host (digits and `/`,
//! `?` or `#`).

use logscrub::{Outcome, Policy, RuleSet, Scrubber};

use crate::numbers::{Numbers, cases};

const SCHEMES: [&str; 9] =
    ["postgres", "https", "redis", "amqp", "mongodb", "mongodb+srv", "ftp", "smb", "jdbc:mysql"];
const USERS: [&str; 7] = ["app", "u", "svc.account", "bob-7", "admin", "Admin_X", "token"];
const HOSTS: [&str; 8] = [
    "db.internal:5432",
    "cache:6379",
    "example.com",
    "10.0.0.7",
    "host",
    "h1:27017,h2:27017",
    "H1.Example.NET:80",
    "localhost:27017",
];
const PATHS: [&str; 6] = ["/orders", "", "/", "/a/b.git", "?x=1", "/db?sslmode=require"];

/// The text around the URL, and the characters of it that end the URL.
const CARRIERS: [(&str, &str, &str); 12] = [
    ("connecting to ", " failed", ""),
    ("", "", ""),
    ("url=\"", "\" status=500", "\""),
    ("dial '", "': timeout", "'"),
    ("dial (", ") failed", ")"),
    ("see <", "> now", ">"),
    ("[", "] x", "]"),
    ("DATABASE_URL=", "", ""),
    ("export DATABASE_URL=\"", "\"", "\""),
    ("{\"url\":\"", "\",\"n\":1}", "\""),
    ("url: ", "", ""),
    ("2024-01-01T00:00:00Z ERROR url=", " status=500", ""),
];

fn scrub(scrubber: &mut Scrubber, text: &str) -> String {
    let mut out = Vec::new();
    match scrubber.scrub_block(text.as_bytes(), &mut out) {
        Outcome::Changed => String::from_utf8(out).expect("text stays text"),
        _ => text.to_owned(),
    }
}

fn scrubber() -> Scrubber {
    Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain")
}

/// Whether the text around the password ends it, or it reads as the port of a host.
fn is_apart(password: &str, closing: &str) -> bool {
    let digits = password.bytes().take_while(u8::is_ascii_digit).count();
    let is_port = (1..=5).contains(&digits) && password[digits..].starts_with(['/', '?', '#']);
    let is_closed = !closing.is_empty() && password.contains(closing);
    let is_escaped =
        closing == "\"" && ["\\n", "\\r", "\\t"].iter().any(|escape| password.contains(escape));
    is_port || is_closed || is_escaped
}

#[derive(Default, Debug)]
struct Counts {
    all: usize,
    whole: usize,
    pieces: usize,
    masked: usize,
    hosts: usize,
    changing: usize,
}

impl Counts {
    fn add(&mut self, password: &str, host: &str, clean: &str, again: &str) {
        let written = password.as_bytes();
        self.all += 1;
        self.changing += usize::from(clean != again);
        if clean.contains("REDACTED-record") {
            self.masked += 1;
        } else if clean.contains(password) {
            self.whole += 1;
        } else if written
            .windows(5)
            .any(|piece| memchr::memmem::find(clean.as_bytes(), piece).is_some())
        {
            self.pieces += 1;
        } else if !clean.contains(host) {
            self.hosts += 1;
        }
    }
}

#[test]
fn passwords_of_any_characters_go_and_the_host_stays() {
    let mut scrubber = scrubber();
    let mut numbers = Numbers::new(12);
    let (mut counts, mut apart) = (Counts::default(), Counts::default());
    let printable: Vec<u8> = (33..=126).collect();
    for index in 0..cases(12_000) {
        let length = 12 + numbers.below(8);
        let password = numbers.text(&printable, length);
        let (before, behind, closing) = CARRIERS[index % CARRIERS.len()];
        let is_json = before.starts_with('{');
        let is_apart = is_apart(&password, if is_json { "" } else { closing });
        let password =
            if is_json { password.replace('\\', "\\\\").replace('"', "\\\"") } else { password };
        let (scheme, user) = (numbers.one(&SCHEMES), numbers.one(&USERS));
        let (host, path) = (numbers.one(&HOSTS), numbers.one(&PATHS));
        let text = format!("{before}{scheme}://{user}:{password}@{host}{path}{behind}");
        let clean = scrub(&mut scrubber, &text);
        let again = scrub(&mut scrubber, &clean);
        let counts = if is_apart { &mut apart } else { &mut counts };
        counts.add(&password, host, &clean, &again);
    }
    let Counts { all, whole, pieces, masked, hosts, changing } = counts;
    let said = format!("{counts:?}, apart: {apart:?}");
    assert!(apart.all * 5 < all, "few are counted apart: {said}");
    assert!(whole * 1000 <= all * 5, "at most 0.5 % stay whole: {said}");
    assert!(pieces * 100 <= all, "at most 1 % leave five characters: {said}");
    assert!(masked * 1000 <= all && hosts * 500 <= all, "records and hosts stay: {said}");
    assert!(changing + apart.changing == 0, "twice is once: {said}");
}

/// Texts that look like a password before a host but are not: `«»` marks what still goes. `¹` is a
/// word and `²` a number.
const ALIKE: [&str; 44] = [
    "https://¹/path@2x.png",
    "https://¹:²/a@b",
    "https://¹/?q=a@¹.",
    "http://¹/#a@¹",
    "git@¹:org/¹",
    "ssh://git@¹:org/¹@v1",
    "git://git.¹.org:org/¹@v1.2",
    "http://¹.example:80/a@b,http://¹.example/c@d",
    "https://¹.example/a,https://¹.example/b",
    "[¹](https://a.b/c@d) and [b](https://a.b/c?x=y@z)",
    "<https://¹.example/c> foo@bar",
    "<https://¹.example:²>foo@bar",
    "see https://¹.example/c, mail «foo@bar.example»",
    "https://¹.example:²/x «foo@bar.example»",
    r#"{"url":"http://¹:²/x@y","m":"¹"}"#,
    r#"{"url":"http://¹:²","mail":"foo@bar"}"#,
    r#"{"m":"{\"url\":\"http://¹:²\",\"mail\":\"foo@bar\"}"}"#,
    "<url>http://¹.example:²</url><x>foo@bar</x>",
    "<a href=http://¹.example:²>foo@bar</a>",
    "<a href=\"http://¹:²\">foo@bar</a>",
    "'http://¹:b','foo@bar'",
    "\"http://¹:port\",\"foo@bar\"",
    "(http://¹.example:²)@foo",
    "http://¹.example:²|foo@bar|x",
    "http://[::1]:²/a@¹",
    "http://[2001:db8::1]/x@¹",
    "docker://¹:²/x:tag@sha256:abc",
    "docker://¹:1.25@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "jdbc:sqlserver://¹:²;user=sa;x=p@ss;",
    "mongodb://¹:27017,h2:²/db?x=a@b",
    "http://¹:{port}/a@b.c",
    "http://¹:${PORT}/a@b.c",
    "http://¹:<port>/a@b.c",
    "https://token:²/¹",
    "https://password:²/¹?y=z",
    "http://secret:² is up",
    "file://c:/users/¹@y/z",
    "https://¹.example:²/@user/x",
    "https://¹.example/package/@scope/pkg@1.0",
    "https://¹/maps/@52.1,13.²",
    "Failed http://¹:²\\nfoo@bar",
    r#"{"m":"Failed http://¹:x\nfoo@bar"}"#,
    "https://¹.example/c;v=1.²/d@e",
    "AccountEndpoint=https://¹.example:443/;Foo=a/b==;",
];

#[test]
fn what_looks_like_a_password_stays() {
    let mut scrubber = scrubber();
    let mut numbers = Numbers::new(13);
    // No name of a secret consists of these letters.
    let small = b"abdeghilmnorsu";
    for index in 0..cases(12_000) {
        let length = 3 + numbers.below(8);
        let word = numbers.text(small, length);
        let number = (80 + numbers.below(9000)).to_string();
        let marked = ALIKE[index % ALIKE.len()].replace('¹', &word).replace('²', &number);
        let text = marked.replace(['«', '»'], "");
        let expected = match marked.split_once('«') {
            Some((before, rest)) => {
                let (_, behind) = rest.split_once('»').expect("an open mark is closed");
                format!("{before}REDACTED-email{behind}")
            }
            None => text.clone(),
        };
        assert_eq!(scrub(&mut scrubber, &text), expected, "{text}");
    }
}
