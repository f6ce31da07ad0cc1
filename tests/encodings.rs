//! Each class of secret behind each encoding: it goes, the rest still decodes, and a text without a
//! secret stays.

use logscrub::{Outcome, Policy, RuleSet, ScrubReader, Scrubber, lint::expand};
use std::io::Read as _;

/// A secret, and the part of it that must be gone.
struct Secret {
    text: Vec<u8>,
    core: Vec<u8>,
}

/// One of each class, from the examples of the rules, filled from the seed.
fn secrets() -> Vec<Secret> {
    let templates = [
        "«ghp_{alnum:30}{crc32}»",
        "«AKIA{base32:16}»",
        "password=«Hunter2{alnum:12}»",
        "postgres://app:«Hunter2{alnum:8}»@db.internal/orders",
        "«alice@example.com»",
        "x-api-key: «{hex:40}»",
        "Cookie: sid=«{alnum:24}»",
        "Authorization: Bearer «{alnum:40}»",
        "curl -u deploy:«Hunter2{alnum:9}» https://host.internal/",
        "https://hooks.slack.com/services/«T{base32:8}/B{base32:8}/{alnum:24}»",
        "https://bucket.example.com/o?X-Amz-Signature=«{hex:64}»&x=1",
    ];
    let secret = |template: &&str| {
        let example = expand(template);
        let span = example.spans[0];
        // A rule may keep the first bytes of an anchor, and a letter or two alone say nothing.
        Secret { core: span.of(&example.text).to_vec(), text: example.text }
    };
    templates.iter().map(secret).collect()
}

type Encode = fn(&[u8]) -> Vec<u8>;

fn escape_all(text: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    text.iter().flat_map(|byte| write(*byte).into_bytes()).collect()
}

/// Escapes only characters that are neither letters nor digits.
fn escape_marks(text: &[u8], write: impl Fn(u8) -> String) -> Vec<u8> {
    escape_all(text, |byte| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { write(byte) }
    })
}

fn base64(text: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::new();
    for group in text.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        let characters = (0..4).map(|index| ALPHABET[(bits >> (18 - 6 * index)) as usize & 63]);
        out.extend(characters.take(group.len() + 1));
        out.extend(std::iter::repeat_n(b'=', 3 - group.len()));
    }
    out
}

/// Every run of base64 in a text, decoded.
fn base64_decoded(text: &[u8]) -> Vec<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let value =
        |byte: &u8| ALPHABET.iter().position(|known| known == byte).map(|value| value as u32);
    let runs = text.split(|byte| value(byte).is_none()).filter(|run| run.len() >= 16);
    runs.map(|run| {
        let groups = run.chunks(4).map(|group| {
            let bits = group.iter().filter_map(value).fold(0, |bits, value| bits << 6 | value);
            (bits << (6 * (4 - group.len()))).to_be_bytes()[1..group.len()].to_vec()
        });
        groups.flatten().collect()
    })
    .collect()
}

fn divided(text: &[u8], mark: &str) -> Vec<u8> {
    let (one, rest) = text.split_at(3);
    let (two, three) = rest.split_at(rest.len() / 2);
    [one, mark.as_bytes(), two, mark.as_bytes(), three].concat()
}

/// Every encoding with its name, and whether it is used in a JSON record.
fn encodings() -> Vec<(&'static str, Encode, bool)> {
    vec![
        ("percent", |text| escape_marks(text, |byte| format!("%{byte:02X}")), true),
        ("percent, every character", |text| escape_all(text, |byte| format!("%{byte:02x}")), true),
        ("percent twice", |text| escape_marks(text, |byte| format!("%25{byte:02X}")), true),
        ("json", |text| escape_all(text, |byte| format!("\\u{byte:04x}")), true),
        ("json, some", |text| escape_marks(text, |byte| format!("\\u{byte:04X}")), true),
        ("json in json", |text| escape_marks(text, |byte| format!("\\\\u{byte:04x}")), true),
        (
            "slashes",
            |text| {
                escape_all(
                    text,
                    |byte| if byte == b'/' { "\\/".into() } else { char::from(byte).into() },
                )
            },
            true,
        ),
        ("html", |text| escape_marks(text, |byte| format!("&#{byte};")), true),
        ("html, hexadecimal", |text| escape_all(text, |byte| format!("&#x{byte:X};")), true),
        ("backslash", |text| escape_all(text, |byte| format!("\\x{byte:02x}")), false),
        ("backslash in json", |text| escape_marks(text, |byte| format!("\\\\x{byte:02x}")), true),
        ("colour", |text| divided(text, "\u{1b}[1;31m"), false),
        ("colour in json", |text| divided(text, "\\u001b[31m"), true),
        ("no width", |text| divided(text, "\u{200b}"), true),
        ("base64", |text| base64(text), true),
        ("base64, one more", |text| base64(&[b" ", text, b" and more"].concat()), true),
        ("base64, two more", |text| base64(&[b"m ", text, b" and more"].concat()), true),
        (
            "base64, glued",
            |text| [b"path/", base64(&[b"the value is ", text].concat()).as_slice()].concat(),
            true,
        ),
        (
            "base64 for urls",
            |text| {
                base64(&[b"~~? ", text, b" >>>"].concat())
                    .iter()
                    .map(|byte| match byte {
                        b'+' => b'-',
                        b'/' => b'_',
                        byte => *byte,
                    })
                    .filter(|byte| *byte != b'=')
                    .collect()
            },
            true,
        ),
        (
            "quoted-printable",
            |text| [b"=3D ".to_vec(), escape_marks(text, |byte| format!("={byte:02X}"))].concat(),
            true,
        ),
        ("base64 of json", |text| base64(&[b"{\"n\":17,\"m\":\"", text, b"\"}"].concat()), true),
        ("base64 of base64", |text| base64(&base64(text)), true),
        ("hexadecimal", |text| escape_all(text, |byte| format!("{byte:02x}")), true),
        (
            "hexadecimal with its mark",
            |text| [b"0x".to_vec(), escape_all(text, |byte| format!("{byte:02X}"))].concat(),
            true,
        ),
        (
            "colour in percent",
            |text| escape_all(&divided(text, "\u{1b}[1m"), |byte| format!("%{byte:02x}")),
            true,
        ),
        ("colour in base64", |text| base64(&divided(text, "\u{1b}[1m")), true),
        (
            "percent in base64",
            |text| base64(&escape_marks(text, |byte| format!("%{byte:02X}"))),
            true,
        ),
    ]
}

fn scrubber() -> Scrubber {
    Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain")
}

fn scrub(base: &Scrubber, hay: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match base.fork().scrub_block(hay, &mut out) {
        Outcome::Clean => hay.to_vec(),
        Outcome::Changed => out,
        Outcome::Stopped => panic!("nothing stops under the default policy"),
    }
}

/// Whether four bytes or more of `secret` are in `text`, plain or in base64 up to two deep.
fn leaks(text: &[u8], core: &[u8], encode: Encode) -> bool {
    let encoded = encode(core);
    let holds =
        |text: &[u8]| core.windows(6).any(|part| memchr::memmem::find(text, part).is_some());
    let inner = base64_decoded(text);
    let innermost = inner.iter().flat_map(|text| base64_decoded(text));
    encoded != core && memchr::memmem::find(text, &encoded).is_some()
        || holds(text)
        || inner.iter().any(|text| holds(text))
        || innermost.into_iter().any(|text| holds(&text))
}

#[test]
fn every_class_goes_behind_every_encoding() {
    let base = scrubber();
    let mut faults = Vec::new();
    for secret in secrets() {
        for (name, encode, fits_json) in encodings() {
            let encoded = encode(&secret.text);
            let plain = [b"msg ", encoded.as_slice(), b" end\n"].concat();
            let json = [b"{\"m\":\"v ", encoded.as_slice(), b" w\",\"n\":1}\n"].concat();
            for hay in std::iter::once(plain).chain(fits_json.then_some(json)) {
                let out = scrub(&base, &hay);
                let mut complain =
                    |what: &str| faults.push(format!("{name}: {what}: {}", out.escape_ascii()));
                if leaks(&out, &secret.core, encode) {
                    complain("leaks");
                }
                if scrub(&base, &out) != out {
                    complain("changes the second time");
                }
                if hay.starts_with(b"{")
                    && serde_json::from_slice::<serde_json::Value>(&out).is_err()
                {
                    complain("is no JSON any more");
                }
                let mut read = Vec::new();
                let mut reader = ScrubReader::with_capacity(7, 0, &hay[..], base.fork());
                if reader.read_to_end(&mut read).is_err() || read != out {
                    complain("comes out otherwise in small reads");
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn what_stays_in_base64_stays_and_decodes() {
    let base = scrubber();
    for n_before in 0..4 {
        let before = &b"abc "[4 - n_before..];
        let text = [before, b"mail alice@example.com now, and what follows stays."].concat();
        let out = scrub(&base, &base64(&text));
        let decoded = base64_decoded(&out).concat();
        assert!(
            decoded.starts_with(&[before, b"mail REDACTED-email"].concat()),
            "{}",
            decoded.escape_ascii()
        );
        assert!(decoded.ends_with(b" now, and what follows stays."), "{}", decoded.escape_ascii());
    }
}

#[test]
fn a_run_whose_first_character_is_escaped_is_looked_into() {
    let base = scrubber();
    let text = b"user alice@example.com has logged in";
    let digits = escape_all(text, |byte| format!("{byte:02x}"));
    for run in [digits, base64(text)] {
        for before in ["id=", "id: ", "(", ""] {
            for first in
                [format!("%{:02x}", run[0]), format!("\\u{:04x}", run[0]), format!("&#{};", run[0])]
            {
                let hay = [before.as_bytes(), first.as_bytes(), &run[1..], b" end\n"].concat();
                let clean = scrub(&base, &hay);
                assert!(clean != hay && clean.ends_with(b" end\n"), "{}", hay.escape_ascii());
            }
        }
    }
}

#[test]
fn a_record_over_the_limit_is_looked_through_as_well() {
    let base = scrubber();
    let limit = logscrub::MIN_RECORD_LIMIT;
    let filler = |n_bytes: usize| b"0123456 ".iter().cycle().take(n_bytes).copied();
    let encodings = encodings().into_iter().filter(|(name, _, _)| !name.contains("glued"));
    let mut faults = Vec::new();
    for (index, (name, encode, _)) in encodings.enumerate() {
        for secret in secrets() {
            let encoded = encode(&secret.text);
            // At several places, among them the seams of windows.
            for at in [
                1000,
                limit - (68 << 10) - encoded.len() + 7 * index,
                limit - 7 * index,
                limit + 9000,
            ] {
                let mut record: Vec<u8> = filler(at).collect();
                record.push(b' ');
                record.extend_from_slice(&encoded);
                record.push(b' ');
                record.extend(filler(2 * limit));
                record.push(b'\n');
                let mut out = Vec::new();
                let mut reader = ScrubReader::with_capacity(4096, limit, &record[..], base.fork());
                reader.read_to_end(&mut out).expect("the input is text");
                let stays =
                    filler(at).eq(out[..at].iter().copied()) && out.ends_with(b" 0123456 \n");
                if !stays || leaks(&out[at..out.len().min(at + 4000)], &secret.core, encode) {
                    faults.push(format!("{name} at {at}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn colours_stay_around_what_they_divided() {
    let base = scrubber();
    let clean = scrub(&base, b"\x1b[36mto=\x1b[0malice\x1b[1m@exam\x1b[0mple.com\n");
    assert_eq!(clean, b"\x1b[36mto=\x1b[0mREDACTED-email\x1b[1m\x1b[0m\n");
}

#[test]
fn every_part_of_what_is_divided_is_told() {
    let base = scrubber();
    let token = expand("«tk_{base36:29}»").text;
    let hay = [b"  - ", token.as_slice(), "\u{200b}the end\n".as_bytes()].concat();
    let (mut finder, mut told, mut at) = (base.fork(), Vec::new(), 0);
    for finding in finder.find(&hay).unwrap_or_default().to_vec() {
        told.extend_from_slice(&hay[at..finding.span.start]);
        finder.replacement(&hay, &finding, &mut told);
        at = finding.span.end;
    }
    told.extend_from_slice(&hay[at..]);
    assert!(told == scrub(&base, &hay), "{}", told.escape_ascii());
}

#[test]
fn what_is_encoded_without_a_secret_stays() {
    let base = scrubber();
    for text in [
        "GET /a%20b/c%2Fd?q=%C3%A9 200\n",
        "{\"html\":\"\\u003cb\\u003ehello\\u003c/b\\u003e\",\"u\":\"http:\\/\\/example.com\\/x\"}\n",
        "\u{1b}[32mINFO\u{1b}[0m \u{1b}[36mcaller=\u{1b}[0mmain.go:17 started\n",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n",
        "SGVsbG8gd29ybGQsIHRoaXMgaXMgYSBwbGFpbiB0ZXh0 48656c6c6f20776f726c642c2068656c6c6f\n",
        "&lt;b&gt; =3D \\x41\\x42 C:\\users\\xenia\n",
    ] {
        assert_eq!(scrub(&base, text.as_bytes()), text.as_bytes());
    }
}

#[test]
fn what_is_encoded_too_deep_is_masked_and_counted() {
    let mut text = b"some text that says nothing of interest to anybody".to_vec();
    for _ in 0..4 {
        text = base64(&text);
    }
    let base = scrubber();
    assert_eq!(scrub(&base, &text), text);
    let bomb = base64(&text);
    let (mut scrubber, mut out) = (base.fork(), Vec::new());
    assert_eq!(scrubber.scrub_block(&bomb, &mut out), Outcome::Changed);
    assert!(scrubber.tally().too_deep > 0);
    assert_eq!(scrub(&base, &out), out);
}
