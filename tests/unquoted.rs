//! Unquoted values behind a strong key: random passwords of all visible characters go, whatever is
//! around them; code, shell, templates, configuration and prose stay.
//!
//! `LOGSCRUB_TEST_CASES` is the number of passwords for each context (default: 10,000). A long run:
//! `LOGSCRUB_TEST_CASES=1000000 cargo test --test main unquoted`.

use std::{env, sync::LazyLock};

use logscrub::{Outcome, Policy, RuleSet, Scrubber};
use regex::Regex;

/// The text before and after a password.
const CONTEXTS: [(&str, &str); 12] = [
    ("DB_PASSWORD=", ""),
    ("password: ", ""),
    ("--password ", ""),
    ("Password=", ";"),
    ("{Password:", " Port:1}"),
    ("password is ", ""),
    ("login password=", " user=bob"),
    ("export PW=", ""),
    ("-e PASSWORD=", ""),
    ("passwd=", ",host=h"),
    ("[password=", "]"),
    ("<password>", "</password>"),
];

/// The length of a piece of a password that reveals too much of it.
const PIECE: usize = 5;

static BASE: LazyLock<Scrubber> = LazyLock::new(|| {
    Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain")
});

fn scrub(text: &str) -> String {
    let mut out = Vec::new();
    match BASE.fork().scrub_block(text.as_bytes(), &mut out) {
        Outcome::Clean => text.to_owned(),
        Outcome::Changed => String::from_utf8(out).expect("text stays text"),
        Outcome::Stopped => panic!("nothing stops under the default policy"),
    }
}

/// Numbers from a seed (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        let limit = u64::try_from(limit).expect("a small number");
        usize::try_from((mixed ^ mixed >> 31) % limit).expect("below a small number")
    }

    /// 12 to 19 of the letters.
    fn password(&mut self, letters: &[u8]) -> String {
        let length = 12 + self.below(8);
        (0..length).map(|_| char::from(letters[self.below(letters.len())])).collect()
    }
}

/// All visible characters.
fn graphic() -> Vec<u8> {
    (33..=126).collect()
}

fn n_cases() -> usize {
    env::var("LOGSCRUB_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(10_000)
}

/// How many passwords were left whole, how many left a piece, and how many there were.
#[derive(Debug, Default)]
struct Left {
    whole: usize,
    piece: usize,
    all: usize,
}

impl Left {
    fn count(&mut self, password: &str, out: &str) {
        self.all += 1;
        let is_whole = out.contains(password);
        self.whole += usize::from(is_whole);
        let mut pieces = password.as_bytes().windows(PIECE);
        let holds = |piece: &[u8]| memchr::memmem::find(out.as_bytes(), piece).is_some();
        self.piece += usize::from(!is_whole && pieces.any(holds));
    }

    fn is_at_most(&self, whole_per_mille: usize, piece_per_mille: usize) -> bool {
        self.whole * 1000 <= self.all * whole_per_mille
            && self.piece * 1000 <= self.all * piece_per_mille
    }
}

#[test]
fn random_passwords_go() {
    // A password that is itself a pair, or contains one after a separator of pairs, may be read as
    // a pair.
    let reads_as_pair = Regex::new(r#"(^|[,;&|])["'\\]*[A-Za-z_][A-Za-z0-9_.-]+[=:]"#)
        .expect("the pattern is valid");
    let mut numbers = Numbers(17);
    let passwords: Vec<String> = (0..n_cases()).map(|_| numbers.password(&graphic())).collect();
    let mut faults = Vec::new();
    for (before, behind) in CONTEXTS {
        let (mut plain, mut pairs) = (Left::default(), Left::default());
        let mut n_frames = 0;
        for block in passwords.chunks(1000) {
            let text: String =
                block.iter().map(|password| format!("{before}{password}{behind}\n")).collect();
            let out = scrub(&text);
            assert_eq!(out.lines().count(), block.len(), "lines stay lines");
            for (password, out) in block.iter().zip(out.lines()) {
                let left = if reads_as_pair.is_match(password) { &mut pairs } else { &mut plain };
                left.count(password, out);
                // The text before the key and after white space is not part of the value.
                assert!(out.starts_with(before.trim_end()), "{before}{behind}");
                // A password may end with a key of its own: `…pw Port:1`.
                n_frames += usize::from(!behind.starts_with(' ') || out.ends_with(behind));
            }
        }
        eprintln!("{before}X{behind}: left {plain:?}; of those that read as pairs {pairs:?}");
        if !plain.is_at_most(5, 10)
            || !pairs.is_at_most(400, 200)
            || pairs.all * 20 > passwords.len()
            || n_frames * 1000 < passwords.len() * 998
        {
            faults.push(format!("{before}X{behind}: {plain:?}, pairs {pairs:?}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn letters_that_only_hold_a_word_for_a_secret_go() {
    let mut numbers = Numbers(18);
    for word in ["key", "pwd", "cred", "auth", "Key", "PWD"] {
        for _ in 0..200 {
            let mut password = numbers.password(b"bcdfghjklmnpqrstvwxz");
            password.insert_str(4 + numbers.below(4), word);
            // A capital letter that begins a new word belongs to a name.
            let text = format!("db_password={}", password.to_ascii_lowercase());
            assert_eq!(scrub(&text), "db_password=REDACTED-password");
        }
    }
    for name in [
        "userPassword",
        "db_pwd",
        "my_secret_key",
        "args.password",
        "self.auth_token",
        "dbpass",
        "APIKey",
        "newUserPwd",
    ] {
        let text = format!("db_password={name}");
        assert_eq!(scrub(&text), text);
    }
}

#[test]
fn a_symbol_at_the_beginning_is_no_reason_to_stay() {
    let mut numbers = Numbers(19);
    for symbol in (33..=126_u8).filter(u8::is_ascii_punctuation) {
        for (before, behind) in CONTEXTS {
            let mut left = Left::default();
            for _ in 0..40 {
                let letters =
                    numbers.password(b"ABCDEFGHKLMNPQRSTUVWXYZabcdefghkmnpqrstuvwxyz23456789");
                let password = format!("{}{letters}", char::from(symbol));
                left.count(&letters, &scrub(&format!("{before}{password}{behind}")));
            }
            // `-Name9` may be a flag, `$Name` a variable, `&Name` a reference, `/Ab3` a path.
            let is_form = matches!(symbol, b'-' | b'$' | b'&' | b'/' | b'(');
            assert!(
                left.whole + left.piece <= if is_form { 6 } else { 1 },
                "{before} {} {left:?}",
                char::from(symbol)
            );
        }
    }
}

/// `«»` marks what goes.
fn assert_goes(text: &str) {
    let plain = text.replace(['«', '»'], "");
    let mut expected = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('«') {
        let (_, behind) = behind.split_once('»').expect("each mark is closed");
        expected.push_str(before);
        expected.push_str("REDACTED-password");
        rest = behind;
    }
    expected.push_str(rest);
    let out = scrub(&plain);
    // A parameter of a URL has a rule of its own.
    assert_eq!(
        out.replace("REDACTED-url-parameter-password", "REDACTED-password"),
        expected,
        "{text}"
    );
    assert_eq!(scrub(&out), out, "twice is once: {text}");
}

#[test]
fn structures_keep_their_ends() {
    for text in [
        "{Password:«a}B9(c» Port:1}",
        "map[password:«a]B9c» user:x]",
        "connect(user=x, password=«a)B9c»)",
        "connect(user=x, password=«a)B9c»), retry",
        "[x password=«a]B9c»][user=x]",
        "<x password=«a>B9c»>",
        "Server=h;Uid=x;Pwd=«a;B9c»;Initial Catalog=app",
        "Server=h;Pwd=«a;B9c»;User ID=x",
        "user=x,password=«a,B9c»,host=h",
        "user=x|password=«a|B9c»|host=h",
        "user=x&password=«aB9c»&host=h",
        "GET /x?password=«aB9c»&host=h#top",
        "see (http://h/x?password=«aB9c»)",
        r#"{"m":"login password=«aB9c»","n":1}"#,
        r#"{"m":"{\"c\":\"x --password=«aB9c»\"}","n":1}"#,
        r#"{"m":"password=«a\"B9c» x","n":1}"#,
        r#"{"m":"password=«aB9c»\nx","n":1}"#,
        "<p>password=«a<B9c»</p>",
        "<password>«a<B9c»</password><user>x</user>",
        "docker run -e 'PASSWORD=«aB9c»' x",
        "`x --password «aB9c»`",
        "the password is «a,B9(c»",
        "(the password is «aB9cd»).",
        r#"DB_PASSWORD=«"ab"cd9»"#,
        "password==«aB9(c]dE%f»",
    ] {
        assert_goes(text);
    }
}

#[test]
fn an_empty_value_takes_no_pair() {
    for text in [
        "password= status=401 ip=10.0.0.1",
        "ip=10.0.0.1 password= status=401",
        "password: user:x host:h",
        "user= password= host= port=",
        "level=info passwd= attempt=3 dur=5ms",
    ] {
        assert_eq!(scrub(text), text);
    }
    for text in [
        "password= «hunter2» ip=10.0.0.1",
        "password= «aB9c=d!» ip: 10.0.0.1",
        "password = «status=401»",
        "password: «status=401» ip=10.0.0.1",
    ] {
        assert_goes(text);
    }
}

#[test]
fn what_only_looks_like_a_value_stays() {
    for text in [
        "password = getPassword()",
        "password=os.environ[\"X\"]",
        "password=os.environ.get(\"X\", default)",
        "pw=$(cat f)",
        "password: str",
        "password: Option<String>,",
        "password: &'a str,",
        "pub passwd: *mut passwd,",
        "password=***) and",
        "password=<redacted>, then",
        "password=$1)",
        "password=${X}, y",
        "password={{ x }}!",
        "password=%s)",
        "printf(\"password=%s)\\n\", x)",
        "password=<your own password>",
        "--password -x --password --name=v",
        "--password $PASSWORD --password \"$X\"",
        "--password options can be given twice",
        "password=/run/secrets/pw)",
        "passwd: files systemd",
        "pwd 2>/dev/null",
        "login and password to use",
        "Access denied (using password: YES)",
        "password: required",
        "password is incorrect",
        "the password: must be long",
        "password=string|null",
        "password: new Secret(x)",
        "password = config['password']",
        "password = cfg.get('db_secret')",
        "password = getpass.getpass('Password: ')",
        "kpasswd 464/udp",
        "proxyPassword: OAuth2 of the proxy",
    ] {
        assert_eq!(scrub(text), text);
    }
}

#[test]
fn lines_of_installed_programs_stay() {
    const LINES: &str = include_str!("data/innocent.txt");
    let lines: Vec<Vec<&str>> = LINES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.splitn(3, '\t').collect())
        .collect();
    assert!(lines.len() >= 300, "{} lines", lines.len());
    for kind in ["code", "shell", "templates", "configuration"] {
        assert!(lines.iter().filter(|line| line[0] == kind).count() >= 30, "{kind}");
    }
    let changed = lines.iter().filter(|line| scrub(line[2]) != line[2]);
    let changed: Vec<String> =
        changed.map(|line| format!("{}: {} -> {}", line[1], line[2], scrub(line[2]))).collect();
    assert!(changed.is_empty(), "{changed:#?}");
}
