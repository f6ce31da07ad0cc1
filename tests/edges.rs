//! Other characters beside and inside a value: none of them keeps the value of a weak key whole,
//! and none makes prose a secret.
//!
//! `LOGSCRUB_TEST_CASES` sets the number of cases of each test; the default takes a few seconds.

use logscrub::{Outcome, Policy, RuleSet, Scrubber};

/// Random numbers from a seed.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    pub(crate) fn pick<'i, T: ?Sized>(&mut self, items: &[&'i T]) -> &'i T {
        items[self.below(items.len())]
    }

    pub(crate) fn text(&mut self, alphabet: &str, length: usize) -> String {
        let letters = alphabet.as_bytes();
        (0..length).map(|_| char::from(letters[self.below(letters.len())])).collect()
    }
}

/// The number of cases of a test.
pub(crate) fn n_cases(default: usize) -> usize {
    std::env::var("LOGSCRUB_TEST_CASES")
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or(default)
}

/// The output for `lines`, scrubbed as one block.
pub(crate) fn scrub_lines(scrubber: &Scrubber, lines: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let hay = lines.join(&b'\n');
    let mut out = Vec::new();
    if scrubber.fork().scrub_block(&hay, &mut out) == Outcome::Clean {
        out = hay;
    }
    let scrubbed: Vec<Vec<u8>> = out.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    assert_eq!(scrubbed.len(), lines.len(), "the number of records stays");
    scrubbed
}

pub(crate) fn scrubber() -> Scrubber {
    Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain")
}

const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const SMALL: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
pub(crate) const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A machine-made value of one of ten kinds.
pub(crate) fn value(numbers: &mut Numbers) -> String {
    match numbers.below(10) {
        0 => numbers.text(LETTERS, 20),
        1 => numbers.text(LETTERS, 24),
        2 => numbers.text(LETTERS, 32),
        3 => numbers.text(LETTERS, 40),
        4 => numbers.text(HEX, 32),
        5 => numbers.text(HEX, 40),
        6 => numbers.text(HEX, 32).to_ascii_uppercase(),
        7 => numbers.text(&format!("{LETTERS}+/"), 43) + "=",
        8 => numbers.text(SMALL, 30),
        _ => {
            let parts = [8, 4, 4, 4, 12].map(|length| numbers.text(HEX, length));
            parts.join("-")
        }
    }
}

const KEYS: [&str; 14] = [
    "token",
    "api_key",
    "apiKey",
    "access_key",
    "secret",
    "auth",
    "session_key",
    "signature",
    "key",
    "access_token",
    "credentials",
    "private_key",
    "refreshToken",
    "CSRF-TOKEN",
];

/// A value between quotes: `K` is the key, `V` the value.
const QUOTED: [&str; 9] = [
    r#""K":"V""#,
    r#"{"K": "V"}"#,
    r#"K="V""#,
    "K='V'",
    r#"{"m":"{\"K\":\"V\"}"}"#,
    r#"K => "V""#,
    r#"{"a":1,"K":"V","b":2}"#,
    "{'K': 'V'}",
    r#"level=info K="V" user=bob"#,
];

const BARE: [&str; 11] = [
    "K=V",
    "K: V",
    "K = V",
    "--K V",
    "--K=V",
    "K:V",
    "<K>V</K>",
    "x K=V y",
    "GET /x?K=V&b=1 HTTP/1.1",
    "X-K: V",
    "at 12:00 K: V",
];

/// Characters that are neither white space nor control characters, as bytes and as JSON and URLs
/// write them.
const OTHERS: [&[u8]; 36] = [
    "é".as_bytes(),
    "ß".as_bytes(),
    "Ж".as_bytes(),
    "漢".as_bytes(),
    "😀".as_bytes(),
    "\u{a0}".as_bytes(),
    "\u{200b}".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{3000}".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{202f}".as_bytes(),
    "“".as_bytes(),
    "”".as_bytes(),
    "„".as_bytes(),
    "«".as_bytes(),
    "»".as_bytes(),
    "‘".as_bytes(),
    "’".as_bytes(),
    "‹".as_bytes(),
    "＂".as_bytes(),
    "「".as_bytes(),
    "。".as_bytes(),
    "…".as_bytes(),
    "–".as_bytes(),
    b"\xa0",
    b"\xff",
    b"\xc3",
    b"\x80",
    b"\xe2\x80",
    b"\\u00a0",
    b"\\u200b",
    b"\\u201c",
    b"\\ufffd",
    b"\\u00e9",
    b"%C2%A0",
    b"%C3%A9",
];

/// White space and control characters, which end an unquoted value.
const BLANKS: [&[u8]; 14] = [
    b" ", b"  ", b"\t", b"\r", b"\x0b", b"\x0c", b"\0", b"\x01", b"\x7f", b"\\t", b"\\n",
    b"\\r\\n", b"\\u0000", b"\\u0020",
];

const PAIRS: [(&str, &str); 14] = [
    ("“", "”"),
    ("„", "“"),
    ("”", "”"),
    ("«", "»"),
    ("»", "«"),
    ("‹", "›"),
    ("‘", "’"),
    ("‚", "‘"),
    ("＂", "＂"),
    ("「", "」"),
    ("〝", "〞"),
    ("« ", " »"),
    ("«\u{a0}", "\u{a0}»"),
    ("\u{a0}", "\u{a0}"),
];

/// A line, the same line without the other characters, and its value.
struct Case {
    line: Vec<u8>,
    plain: Vec<u8>,
    value: String,
}

fn fill(syntax: &str, key: &str, value: &[u8]) -> Vec<u8> {
    let (before, behind) = syntax.split_once('V').expect("a syntax has a value");
    [before.replace('K', key).as_bytes(), value, behind.replace('K', key).as_bytes()].concat()
}

fn beside(numbers: &mut Numbers, value: &str, other: &[u8]) -> Vec<u8> {
    let at = 4 + numbers.below(value.len() - 7);
    match numbers.below(4) {
        0 => [other, value.as_bytes()].concat(),
        1 => [value.as_bytes(), other].concat(),
        2 => [other, value.as_bytes(), other].concat(),
        _ => [&value.as_bytes()[..at], other, &value.as_bytes()[at..]].concat(),
    }
}

fn case(numbers: &mut Numbers) -> Case {
    let (value, key) = (value(numbers), numbers.pick(&KEYS));
    let (syntax, with) = match numbers.below(4) {
        0 => (numbers.pick(&QUOTED), {
            let other = numbers.pick(&BLANKS);
            beside(numbers, &value, other)
        }),
        1 => {
            let (open, close) = PAIRS[numbers.below(PAIRS.len())];
            let all = [&QUOTED[..], &BARE[..]].concat();
            (numbers.pick(&all), [open, &value, close].concat().into_bytes())
        }
        _ => {
            let all = [&QUOTED[..], &BARE[..]].concat();
            let other = numbers.pick(&OTHERS);
            (numbers.pick(&all), beside(numbers, &value, other))
        }
    };
    Case { line: fill(syntax, key, &with), plain: fill(syntax, key, value.as_bytes()), value }
}

/// The length of the longest piece of `value` that is left in `text`, if it has at least five
/// bytes.
pub(crate) fn longest_left(value: &[u8], text: &[u8]) -> usize {
    let is_left = |length: usize| {
        value.windows(length).any(|piece| memchr::memmem::find(text, piece).is_some())
    };
    (5..=value.len()).take_while(|length| is_left(*length)).last().unwrap_or(0)
}

#[test]
fn other_characters_keep_no_value_of_a_weak_key() {
    let scrubber = scrubber();
    let mut numbers = Numbers(20_261_130);
    let cases: Vec<Case> = (0..n_cases(20_000)).map(|_| case(&mut numbers)).collect();
    let lines: Vec<Vec<u8>> = cases.iter().map(|case| case.line.clone()).collect();
    let plain: Vec<Vec<u8>> = cases.iter().map(|case| case.plain.clone()).collect();
    let (scrubbed, plain) = (scrub_lines(&scrubber, &lines), scrub_lines(&scrubber, &plain));
    let (mut n_asked, mut whole, mut pieces) = (0, Vec::new(), Vec::new());
    for ((case, text), plain) in cases.iter().zip(&scrubbed).zip(&plain) {
        // A value that stays even alone says nothing about its neighbours.
        if longest_left(case.value.as_bytes(), plain) > 0 {
            continue;
        }
        n_asked += 1;
        match longest_left(case.value.as_bytes(), text) {
            0 => {}
            length if length * 5 >= case.value.len() * 3 => {
                whole.push(case.line.escape_ascii().to_string())
            }
            _ => pieces.push(case.line.escape_ascii().to_string()),
        }
    }
    let shown: Vec<&String> = whole.iter().chain(&pieces).take(20).collect();
    assert!(
        n_asked * 100 >= cases.len() * 97,
        "{n_asked} of {} values go by themselves",
        cases.len()
    );
    assert!(whole.len() * 200 <= n_asked, "{} of {n_asked} whole: {shown:#?}", whole.len());
    assert!(pieces.len() * 100 <= n_asked, "{} of {n_asked} in part: {shown:#?}", pieces.len());
    assert_eq!(scrub_lines(&scrubber, &scrubbed), scrubbed, "twice is once");
}

/// Words and texts of other languages, and meaningless texts, as they follow the name of a key.
const INNOCENT: [&str; 48] = [
    "abgelaufen",
    "Ungültig ",
    "ungültig",
    "für Benutzer müller abgelaufen",
    "gültig bis 31.12.2026",
    "größer als 4096 Zeichen",
    "Schlüssel nicht gefunden",
    "schlüsselübergabe",
    "expiré",
    "invalide ou expiré",
    "clé non trouvée dans le dépôt",
    "jeton d’accès révoqué",
    "n’est pas défini",
    "inválido",
    "la sesión ha caducado",
    "não encontrado",
    "chave inválida: código 401",
    "недействителен",
    "срок действия истёк",
    "ключ не найден",
    "ошибка 403 при проверке",
    "nieprawidłowy",
    "wygasł wczoraj",
    "żądanie odrzucone",
    "neplatný klíč",
    "platnost vypršela",
    "geçersiz anahtar",
    "süresi doldu",
    "lỗi xác thực",
    "không hợp lệ",
    "无效",
    "已过期",
    "令牌无效，请重新登录",
    "期限切れ",
    "トークンが無効です",
    "만료되었습니다",
    "غير صالح",
    "לא תקין",
    "μη έγκυρο",
    " missing ",
    "not  set",
    "two words",
    "value one, value two",
    "not valid before 2026-11-30",
    "user bob, id 17",
    "Order 66 of the day",
    "page 3 of 12",
    "see section 4.2",
];

#[test]
fn prose_in_other_characters_stays_behind_a_weak_key() {
    let scrubber = scrubber();
    let mut numbers = Numbers(20_261_201);
    // In a query, only the names of parameters make a value secret.
    let bare = BARE.iter().copied().filter(|syntax| !syntax.starts_with("GET"));
    let all: Vec<&str> = QUOTED.iter().copied().chain(bare).collect();
    let lines: Vec<Vec<u8>> = (0..n_cases(20_000))
        .map(|_| {
            let (key, text) = (numbers.pick(&KEYS), numbers.pick(&INNOCENT));
            let syntax = numbers.pick(&all);
            let text = match numbers.below(4) {
                0 => {
                    let (open, close) = PAIRS[numbers.below(PAIRS.len())];
                    [open, text, close].concat().into_bytes()
                }
                1 => [text.as_bytes(), numbers.pick(&OTHERS)].concat(),
                2 => [numbers.pick(&OTHERS), text.as_bytes()].concat(),
                _ => text.as_bytes().to_vec(),
            };
            fill(syntax, key, &text)
        })
        .collect();
    let scrubbed = scrub_lines(&scrubber, &lines);
    let changed: Vec<String> = lines
        .iter()
        .zip(&scrubbed)
        .filter(|(line, text)| line != text)
        .map(|(line, text)| format!("{} became {}", line.escape_ascii(), text.escape_ascii()))
        .collect();
    assert!(
        changed.is_empty(),
        "{} of {} changed: {:#?}",
        changed.len(),
        lines.len(),
        &changed[..changed.len().min(20)]
    );
}

#[test]
fn a_token_is_found_beside_any_character() {
    let scrubber = scrubber();
    let mut numbers = Numbers(20_261_202);
    let kinds: [(&str, &str, usize); 6] = [
        ("ghp_", LETTERS, 36),
        ("AKIA", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16),
        ("glpat-", LETTERS, 20),
        ("xoxb-1234567890-1234567890-", LETTERS, 24),
        ("sk_live_", LETTERS, 24),
        ("AIza", LETTERS, 35),
    ];
    let (mut lines, mut plain, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..n_cases(6_000) {
        let (anchor, alphabet, length) = kinds[numbers.below(kinds.len())];
        let token = anchor.to_owned() + &numbers.text(alphabet, length);
        let all = [&OTHERS[..], &BLANKS[..]].concat();
        let (before, behind) = (numbers.pick(&all), numbers.pick(&all));
        lines.push([b"see ", before, token.as_bytes(), behind, b" x"].concat());
        plain.push(format!("see {token} x").into_bytes());
        tokens.push(token);
    }
    let (scrubbed, plain) = (scrub_lines(&scrubber, &lines), scrub_lines(&scrubber, &plain));
    let asked = || tokens.iter().zip(&plain).zip(scrubbed.iter().zip(&lines));
    let goes = |token: &str, text: &[u8]| longest_left(&token.as_bytes()[4..], text) == 0;
    let n_asked = asked().filter(|((token, plain), _)| goes(token, plain)).count();
    let left: Vec<String> = asked()
        .filter(|((token, plain), (text, _))| goes(token, plain) && !goes(token, text))
        .map(|(_, (_, line))| line.escape_ascii().to_string())
        .collect();
    assert!(
        n_asked * 100 >= tokens.len() * 80,
        "{n_asked} of {} tokens go by themselves",
        tokens.len()
    );
    assert!(
        left.is_empty(),
        "{} of {n_asked} stay: {:#?}",
        left.len(),
        &left[..left.len().min(20)]
    );
}

#[test]
fn digits_are_no_secret_for_what_stands_beside_them() {
    let scrubber = scrubber();
    let mut numbers = Numbers(20_261_203);
    let lines: Vec<Vec<u8>> = (0..n_cases(6_000))
        .map(|_| {
            let length = 3 + numbers.below(10);
            let text = numbers.text(DIGITS, length);
            let (key, syntax) = (numbers.pick(&KEYS), numbers.pick(&QUOTED));
            fill(
                syntax,
                key,
                &[text.as_bytes(), numbers.pick(&OTHERS), b" ", numbers.pick(&OTHERS)].concat(),
            )
        })
        .collect();
    assert_eq!(scrub_lines(&scrubber, &lines), lines);
}
