//! Secrets beside and inside each other in URLs, headers, cookies and JSON: every secret of a pair
//! goes and the rest stays.
//!
//! Each kind of secret is put beside each other kind, in each carrier. The output must verify (no
//! record is masked as a whole), keep the host of every URL and the members of JSON, and not change
//! when it is scrubbed again. The seed is fixed. `LOGSCRUB_TEST_CASES` repeats all pairs with other
//! secrets (default: once).

use logscrub::{Outcome, Policy, RuleSet, Scrubber};
use serde_json::Value;

use crate::numbers::Numbers;

/// How a place in a carrier makes its content secret.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Secret, because of the grammar or the name before it.
    Secret,
    /// Secret if it looks random.
    Weak,
    /// Secret only by its own form.
    Open,
}

/// The form of a secret itself.
#[derive(Clone, Copy, PartialEq)]
enum Look {
    /// Recognized by its own form.
    Token,
    Random,
    Word,
}

const ALNUM: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const WORD: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-._~!*";

type Make = fn(&mut Numbers) -> String;

/// A dozen kinds of secret.
const KINDS: [(&str, Look, Make); 12] = [
    ("password", Look::Word, |numbers| format!("Pa5{}", numbers.text(WORD, 11))),
    ("passphrase", Look::Word, |numbers| format!("kor4-{}-9tundra", numbers.text(WORD, 6))),
    ("email", Look::Token, |numbers| format!("{}@mail.example", numbers.text(&HEX[10..], 9))),
    ("hex", Look::Random, |numbers| numbers.text(HEX, 32)),
    ("alnum", Look::Random, |numbers| numbers.text(ALNUM, 40)),
    ("github", Look::Token, |numbers| format!("ghs_{}", github(&numbers.text(ALNUM, 30)))),
    ("gitlab", Look::Token, |numbers| format!("glpat-{}", numbers.text(ALNUM, 20))),
    ("aws", Look::Token, |numbers| format!("AKIA{}", numbers.text(BASE32, 16))),
    ("slack", Look::Token, |numbers| {
        format!(
            "xoxb-{}-{}-{}",
            numbers.text(b"123456789", 12),
            numbers.text(b"123456789", 12),
            numbers.text(ALNUM, 24)
        )
    }),
    ("stripe", Look::Token, |numbers| format!("sk_live_{}", numbers.text(ALNUM, 24))),
    ("google", Look::Token, |numbers| format!("AIza{}", numbers.text(ALNUM, 35))),
    ("digitalocean", Look::Token, |numbers| format!("dop_v1_{}", numbers.text(HEX, 64))),
];

/// The random part and the checksum of a GitHub token: CRC-32 in base 62.
fn github(random: &str) -> String {
    let mut crc = u32::MAX;
    for byte in random.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc;
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut checksum = [0; 6];
    for digit in checksum.iter_mut().rev() {
        *digit = digits[(rest % 62) as usize];
        rest /= 62;
    }
    random.to_owned() + std::str::from_utf8(&checksum).expect("digits are ASCII")
}

/// `¹` and `²` are the places of two secrets. The rest of a carrier stays unchanged.
const CARRIERS: &[(&str, Place, Place)] = &{
    use Place::{Open, Secret, Weak};
    [
        // Adjacent: in the parts of a URL.
        ("https://¹:²@host.example/p/q?a=1#top", Open, Secret),
        ("https://¹@host.example/p?access_token=²&b=1", Open, Secret),
        ("git clone https://x-access-token:¹@host.example/o/r.git ²", Secret, Open),
        ("fatal: 'https://gitlab-ci-token:¹@host.example/o/r.git/' ²", Secret, Open),
        ("https://api_key:¹@host.example:8443/o?api_key=²#x", Secret, Secret),
        ("https://password:¹@host.example/o;jsessionid=²?x=1", Secret, Weak),
        ("https://secret:¹@host.example/token=²/r", Secret, Weak),
        ("https://host.example/cb?token=¹&client_secret=²&state=1", Secret, Secret),
        ("https://host.example/cb?token=¹#id_token=²&state=1", Secret, Secret),
        ("https://host.example/a;jsessionid=¹?access_token=²", Weak, Secret),
        ("https://host.example/reset/¹?token=²", Weak, Secret),
        ("https://a.example/x?u=¹,https://token:²@host.example/y", Open, Secret),
        ("/login?next=https%3A%2F%2Fsecret%3A¹%40host.example%2Fp%26a%3D1&token=²", Secret, Secret),
        // Adjacent: in headers.
        ("Authorization: Bearer ¹\\r\\nX-Api-Key: ²\\r\\nHost: host.example", Secret, Weak),
        ("> Authorization: token ¹ for https://oauth2:²@host.example/", Secret, Secret),
        ("Cookie: sid=¹; remember=²; theme=dark", Secret, Secret),
        (
            "Set-Cookie: sid=¹; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/, remember=²; HttpOnly",
            Secret,
            Secret,
        ),
        ("curl -H 'X-Api-Key: ¹' 'https://bob:²@host.example/x?a=1'", Weak, Secret),
        ("curl -u bob:¹ https://host.example/x?password=²", Secret, Secret),
        // Adjacent: in JSON.
        (r#"{"password":"¹","passphrase":"²","n":1}"#, Secret, Secret),
        (r#"{"Set-Cookie":["sid=¹; Path=/","remember=²; HttpOnly"],"n":1}"#, Secret, Secret),
        (r#"{"Set-Cookie":"sid=¹; Path=/\nremember=²; HttpOnly","n":1}"#, Secret, Secret),
        (r#"{"headers":{"Authorization":"Bearer ¹","Cookie":"a=²"},"n":[1]}"#, Secret, Secret),
        (r#"{"url":"https://token:¹@host.example/x?secret=²"}"#, Secret, Secret),
        (r#"{"url":"https:\/\/token:¹@host.example\/x?a=1\u0026secret=²","n":1}"#, Secret, Secret),
        (
            r#"{"log":"{\"password\":\"¹\",\"url\":\"https://key:²@host.example/x\"}\n","n":1}"#,
            Secret,
            Secret,
        ),
        // Adjacent: in text, with separators between fields.
        ("password=¹ url=https://token:²@host.example/ status=401", Secret, Secret),
        ("db_password=¹;client_secret=²;n=1", Secret, Secret),
        ("token=¹|https://token:²@host.example/|x", Weak, Secret),
        ("(https://token:¹@host.example/) [https://secret:²@host.example]", Secret, Secret),
        // Nested: one secret is inside the value of another.
        (r#"{"password":"https://token:¹@host.example/?secret=²"}"#, Secret, Secret),
        (
            r#"{"Authorization":"Bearer ¹","next":"https%3A%2F%2Ftoken%3A²%40host.example%2F"}"#,
            Secret,
            Secret,
        ),
        ("Cookie: next=https://token:¹@host.example/x; sid=²", Secret, Secret),
        ("https://bob:token=¹@host.example/x?q=password=²&b=1", Secret, Secret),
        ("https://bob:password:¹@host.example/x?q=token:²&b=1", Secret, Open),
        ("https://token:api_key=¹&secret=²@host.example/x", Secret, Secret),
        ("https://bob:¹@host.example/x?next=https://token:²@host.example/y", Secret, Secret),
        ("redirect_uri=https://host.example/?code=¹&cookie=sid=²", Weak, Secret),
    ]
};

fn scrub(scrubber: &mut Scrubber, text: &str) -> String {
    let mut out = Vec::new();
    match scrubber.scrub_block(text.as_bytes(), &mut out) {
        Outcome::Clean => text.to_owned(),
        Outcome::Changed => String::from_utf8(out).expect("text stays text"),
        Outcome::Stopped => panic!("nothing stops under the default policy"),
    }
}

/// Whether a secret must be gone.
fn must_go(place: Place, look: Look) -> bool {
    look == Look::Token || place == Place::Secret || place == Place::Weak && look == Look::Random
}

fn members(value: &Value, names: &mut String) {
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| {
            names.push_str(name);
            names.push('{');
            members(value, names);
            names.push('}');
        }),
        Value::Array(array) => array.iter().for_each(|value| members(value, names)),
        _ => names.push('.'),
    }
}

fn shape(text: &str) -> Option<String> {
    let value = serde_json::from_str(text).ok()?;
    let mut names = String::new();
    members(&value, &mut names);
    Some(names)
}

/// The fault of the output for a carrier.
fn fault(
    carrier: &str,
    text: &str,
    clean: &str,
    again: &str,
    secrets: &[(String, bool)],
) -> Option<String> {
    if clean.contains("REDACTED-record") {
        return Some("the record is masked".into());
    }
    if let Some((secret, _)) =
        secrets.iter().find(|(secret, must_go)| *must_go && clean.contains(secret.as_str()))
    {
        return Some(format!("{secret} stays"));
    }
    let host = |text: &str| text.matches("host.example").count();
    // Everything inside a secret value goes with it.
    let is_nested =
        carrier.starts_with(r#"{"password":"https"#) || carrier.starts_with("Cookie: next=");
    if !is_nested && host(clean) != host(text) {
        return Some("a host is gone".into());
    }
    if shape(text) != shape(clean) {
        return Some("JSON is not what it was".into());
    }
    (clean != again).then(|| "the second run changes it".into())
}

#[test]
fn every_pair_of_secrets_goes_and_the_rest_stays() {
    let rounds = crate::numbers::cases(1);
    let mut scrubber =
        Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
    let mut numbers = Numbers::new(17);
    let mut faults = Vec::new();
    let mut n_cases = 0;
    for _ in 0..rounds {
        for (carrier, first, second) in CARRIERS {
            for (one, other) in
                KINDS.iter().flat_map(|one| KINDS.iter().map(move |other| (one, other)))
            {
                let (a, b) = ((one.2)(&mut numbers), (other.2)(&mut numbers));
                let in_url = |secret: &str| {
                    if carrier.contains("://¹") {
                        secret.replace('@', "%40")
                    } else {
                        secret.into()
                    }
                };
                let (a, b) = (in_url(&a), in_url(&b));
                let text = carrier.replace('¹', &a).replace('²', &b);
                let clean = scrub(&mut scrubber, &text);
                let again = scrub(&mut scrubber, &clean);
                n_cases += 1;
                let secrets = [(a, must_go(*first, one.1)), (b, must_go(*second, other.1))];
                if let Some(fault) = fault(carrier, &text, &clean, &again, &secrets) {
                    faults.push(format!(
                        "{}, {}: {fault}\n    {text}\n    {clean}\n    {again}",
                        one.0, other.0
                    ));
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} of {n_cases} pairs:\n{}",
        faults.len(),
        faults[..faults.len().min(40)].join("\n")
    );
}

/// `«»` marks what goes: values beside escapes, and cookies that a program joined.
const MARKED: [&str; 33] = [
    "password=«Tundra%262ru»",
    "password: «Tundra%262ru»",
    "password=«Tundra%20x2ru» user=bob",
    "--password «Tun%26dra%3D2ru» -v",
    "DB_PASSWORD=«%26Tundra2%20ru»",
    r#"{"m":"password=«Tun%26dra2» x"}"#,
    "?password=«Tundra%262ru»&x=1",
    "https://host.example/?password=«Tundra%262ru»&x=%20#%26",
    "next=%2Fcb%3Fpassword%3D«Tundra2ru»%26x%3D1&c=2",
    "q=x%20password%3D«Tundra2ru»%20y&c=2",
    "password%3D«Tundra2ru%2526x»%26user%3Dbob",
    "Set-Cookie: a=«Zx81kqPw9Lm2»; Path=/, b=«Zx81kqPw9Lm3»; HttpOnly",
    "Set-Cookie: a=«Zx81kqPw9Lm2»; Expires=Wed, 21 Oct 2026 07:28:00 GMT, b=«Zx81kqPw9Lm3»; HttpOnly",
    "Set-Cookie: a=«Zx81kqPw9Lm2»,b=«Zx81kqPw9Lm3»,c=«Zx81kqPw9Lm4»",
    "Set-Cookie: a=«Zx81,kqPw,9Lm2»; Path=/",
    "set-cookie: a=«Zx81kqPw9Lm2»; Max-Age=60, __Host-b.c=«Zx81kqPw9Lm3»; SameSite=Lax, d=«Zx81kqPw9Lm4»",
    "Cookie: a=«Zx81kqPw9Lm2»; b=«Zx81kqPw9Lm3», c=«Zx81kqPw9Lm4»",
    "Cookie: a=«Zx81kqPw9Lm2», and then the request failed",
    r#"{"Set-Cookie":["a=«Zx81kqPw9Lm2»; Path=/","b=«Zx81kqPw9Lm3»; Path=/"]}"#,
    r#"{"Set-Cookie": [ "a=«Zx81kqPw9Lm2»; Path=/" , "b=«Zx81kqPw9Lm3»" ], "n": 1}"#,
    r#"{"set-cookie":["a=«Zx81kqPw9Lm2»"],"b":["c=d1234567"]}"#,
    r#"{"Set-Cookie":"a=«Zx81kqPw9Lm2»; Path=/\nb=«Zx81kqPw9Lm3»; Path=/"}"#,
    r#"{"Set-Cookie":"a=«Zx81kqPw9Lm2»\r\nb=«Zx81kqPw9Lm3»","n":"b=c1234567"}"#,
    r#"{"Set-Cookie":"a=«Zx81kqPw9Lm2»; Path=/, b=«Zx81kqPw9Lm3»; Path=/"}"#,
    r#"{"log":"{\"Set-Cookie\":[\"a=«Zx81kqPw9Lm2»\",\"b=«Zx81kqPw9Lm3»\"]}\n","n":1}"#,
    r#"{"log":"{\"Set-Cookie\":\"a=«Zx81kqPw9Lm2»\\nb=«Zx81kqPw9Lm3»\"}\n","n":1}"#,
    r#"headers={'Set-Cookie': ['a=«Zx81kqPw9Lm2»; Path=/', 'b=«Zx81kqPw9Lm3»']}"#,
    r#"{"headers":"Cookie: a=«Zx81kqPw9Lm2»\r\nX-Id: b=c1234567\r\n"}"#,
    r#"{"Cookie":"a=«Zx81kqPw9Lm2»","x":"b=c1234567"}"#,
    "https://host.example/a;token=«Zx81kqPw9Lm2Vb7Tn4»/rest?x=1",
    "https://host.example/a/token=«Zx81kqPw9Lm2Vb7Tn4»/rest?x=1",
    "AccountEndpoint=https://host.example:443/;AccountKey=«Zx81kqPw9Lm2Vb7/Tn4Zx81kq+Pw9Lm2Vb7Tn4==»;",
    "jdbc:sqlserver://db:1433;user=sa;password=«p@ss/w#rd1»;encrypt=true",
];

#[test]
fn values_end_as_the_text_around_them_is_escaped() {
    let rules = RuleSet::embedded();
    let mut ids: Vec<String> =
        rules.rules().iter().map(|rule| format!("REDACTED-{}", rule.id())).collect();
    ids.sort_by_key(|id| std::cmp::Reverse(id.len()));
    let mut scrubber = Scrubber::new(&rules, &Policy::new()).expect("the policy is plain");
    for marked in MARKED {
        let text = marked.replace(['«', '»'], "");
        let mut wanted = String::new();
        let mut rest = marked;
        while let Some((before, behind)) = rest.split_once('«') {
            wanted.push_str(before);
            wanted.push('¤');
            rest = behind.split_once('»').expect("an open mark is closed").1;
        }
        wanted.push_str(rest);
        let clean = scrub(&mut scrubber, &text);
        let unnamed = ids.iter().fold(clean.clone(), |text, id| text.replace(id.as_str(), "¤"));
        assert_eq!(unnamed, wanted, "{text}");
        assert_eq!(scrub(&mut scrubber, &clean), clean, "twice is once: {text}");
    }
}
