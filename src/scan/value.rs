//! What a value looks like, whoever found it: a stand-in that hides nothing, or something a machine made.
//!
//! Both answers are about the whole value, without the quotes around it. Neither is asked of a token, which is known by its
//! own shape; a URL and an assignment know only where a value stands, so they ask here. Both look at no more than the
//! first [`LOOK`] bytes and allocate nothing.

use std::sync::LazyLock;

use super::words::WordSet;

/// No template and no word list is longer; a value that goes on behind this is judged by its beginning.
const LOOK: usize = 256;

/// Words that stand where a value should, compared without separators and without case.
const STAND_INS: &str = "bool boolean bytes changeit changeme changethis char disabled dummy empty enabled encrypted example fake \
    false filtered fixme float hidden int integer invalid masked missing mock na nan nil no none notset null \
    nullptr number object off omitted on optional placeholder present redacted removed replaceme required \
    sample sanitized sensitive set string str tbd todo true type undefined unknown unset value yes";

static STAND_IN_WORDS: LazyLock<WordSet> = LazyLock::new(|| WordSet::new(STAND_INS));

/// What asks the reader to fill something in, at the beginning of a value of words.
const FILL_IN: &str = "your yourown insert replace change enter put add some example sample dummy fake placeholder";

/// Words that name a secret rather than being one, when a whole value in capitals is made of them: `DB_PASSWORD`.
const NAMES: &str = "PASSWORD PASSWD PASS PWD PW SECRET TOKEN KEY USER USERNAME API AUTH DB ACCESS CLIENT ID HERE VALUE \
    CREDENTIALS CREDENTIAL HASH SIGNATURE";

/// Beginnings of expressions that fetch a value from elsewhere.
const LOOKUPS: &str = "process.env os.environ os.getenv( getenv( env( env[ env. system.getenv( import.meta.env secrets. var. \
    vars. local. data.";

/// Which letters often follow each letter in words and names; 334 pairs, of 676, that make up 96 % of them.
const FOLLOWS: [&[u8]; 26] = [
    b"abcdefghiklmnprstuvwxy",
    b"aceijlorsuy",
    b"acdehiklmoprstuy",
    b"abcdefgilmorstuy",
    b"abcdefghiklmnopqrstuvwxy",
    b"aefilorstu",
    b"aeghilmnorsu",
    b"aeilnorstuy",
    b"abcdefgklmnoprstvxz",
    b"aeou",
    b"aeilosu",
    b"acdefiklmnopstuvy",
    b"abdeilmopsu",
    b"acdefgiklnoprstuvy",
    b"abcdefgiklmnoprstuvwxy",
    b"acehiloprstuy",
    b"u",
    b"abcdefgiklmnoprstuvy",
    b"acdefhiklmnoprstuwy",
    b"acdefhilmnoprstuwy",
    b"abcdefgilmnprst",
    b"aeio",
    b"aehinors",
    b"ceipt",
    b"aelmnpst",
    b"aei",
];

/// Whether the whole of `value` is a template or a stand-in, so that there is nothing to hide.
pub(super) fn is_template(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    if value.len() > LOOK {
        return false;
    }
    value.is_empty() || is_expansion(value) || is_fill(value) || is_stand_in(value) || is_lookup(value)
}

/// `${X}`, `$X`, `{{ x }}`, `<password>`, `[x]`, `%s`, `%(pw)s`, `%PW%`, `#{x}`, `__X__`, and `<x>` behind an escape.
fn is_expansion(value: &[u8]) -> bool {
    match value {
        [b'\\', rest @ ..] if rest.starts_with(b"$") => is_expansion(rest),
        [b'{', b'}'] | [b'$', b'{', b'{', .., b'}', b'}'] => true,
        [b'$', b'{', inner @ .., b'}'] => !inner.contains(&b'}') && !has_default(inner),
        [b'$', b'(', .., b')'] | [b'#', b'{', .., b'}'] | [b'{', b'{', .., b'}', b'}'] => true,
        [b'<', b'%', .., b'%', b'>'] | [b'{', b'%', .., b'%', b'}'] => true,
        [b'$', name @ ..] => is_variable(name),
        [b'<', inner @ .., b'>'] | [b'[', inner @ .., b']'] | [b'{', inner @ .., b'}'] => is_label(inner),
        [b'%', b'(', .., b')', b's' | b'd' | b'r'] => true,
        [b'%', b'+' | b'#', b'v'] | [b'%', b's' | b'd' | b'v' | b'q' | b'p' | b'@' | b'r' | b'i' | b'u'] => true,
        [b'%', b'{', .., b'}'] => true,
        [b'%', name @ .., b'%'] | [b'_', b'_', name @ .., b'_', b'_'] | [b'@', b'@', name @ .., b'@', b'@'] => {
            is_name(name)
        }
        [b'@', name @ .., b'@'] => is_name(name),
        _ => is_escaped_label(value),
    }
}

/// `%3Cpassword%3E`, `%7Bpw%7D`, `&lt;password&gt;`, `\u003cpassword\u003e`.
fn is_escaped_label(value: &[u8]) -> bool {
    const PAIRS: [(&[u8], &[u8]); 5] =
        [(b"%3c", b"%3e"), (b"%7b", b"%7d"), (b"%5b", b"%5d"), (b"&lt;", b"&gt;"), (b"\\u003c", b"\\u003e")];
    PAIRS.iter().any(|(open, close)| {
        value.len() > open.len() + close.len()
            && value[..open.len()].eq_ignore_ascii_case(open)
            && value[value.len() - close.len()..].eq_ignore_ascii_case(close)
            && is_label(&value[open.len()..value.len() - close.len()])
    })
}

/// `X:-hunter2` carries a value of its own; `X:-`, `X:?not set` do not.
fn has_default(inner: &[u8]) -> bool {
    let default = inner.windows(2).position(|pair| matches!(pair, b":-" | b":="));
    default.is_some_and(|at| !is_template(&inner[at + 2..]))
}

/// The name behind a `$`: `1`, `DB_PASSWORD`, `env:PW`, `password`. A name with digits must be in capitals: a password may
/// begin with `$` too.
fn is_variable(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"env:").unwrap_or(name);
    let capitals = name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
    let letters = name.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.'));
    matches!(name, [b'0'..=b'9']) || is_name(name) && (capitals || letters)
}

fn is_name(name: &[u8]) -> bool {
    matches!(name, [b'A'..=b'Z' | b'a'..=b'z' | b'_', ..])
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'))
}

/// What stands between brackets: words or a call, not a secret that happens to be bracketed.
fn is_label(inner: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b" _-.:*/$()[]'!".contains(byte);
    !inner.is_empty() && inner.iter().all(is_word) && !is_random(inner)
}

/// One filling character again and again: `xxxx`, `XXX-XXX`, `****`, `...`, `____`.
fn is_fill(value: &[u8]) -> bool {
    if value == "\u{2026}".as_bytes() || is_repeated(value, "\u{2022}") || is_repeated(value, "\u{25cf}") {
        return true;
    }
    let fill = |byte: u8| matches!(byte, b'x' | b'X' | b'*' | b'.' | b'-' | b'_' | b'#' | b'?');
    value.iter().all(|byte| fill(*byte)) && !matches!(value, [b'#' | b'?'])
}

/// Whether the second half is one filling character over and over, whatever its case, marks between, as people write secrets
/// that are none: `ghp_xxxxxxxx`, `xoxb-xxxx-xxxx`, `0a1baaaaaaaa`.
pub(super) fn is_filler(value: &[u8]) -> bool {
    let half = &value[value.len() / 2..];
    let mut plain = half.iter().filter(|byte| !b"-_.=".contains(byte)).map(u8::to_ascii_lowercase);
    let first = plain.next();
    half.len() >= 4 && first.is_none_or(|first| b"xabcf01*#?z".contains(&first) && plain.all(|byte| byte == first))
}

fn is_repeated(value: &[u8], piece: &str) -> bool {
    value.chunks(piece.len()).all(|chunk| chunk == piece.as_bytes())
}

fn is_stand_in(value: &[u8]) -> bool {
    // No word of the lists has a digit or a mark, which is what most values have.
    let is_plain = value.iter().all(|byte| byte.is_ascii_alphabetic() || is_separator(*byte) || *byte == b'\'');
    is_plain && (is_stand_in_word(value) || is_fill_in(value) || is_capital_name(value))
}

/// Whether `value` is one of the stand-ins, separators and case apart.
fn is_stand_in_word(value: &[u8]) -> bool {
    let mut letters = [0; 16];
    let mut n_letters = 0;
    for byte in value.iter().filter(|byte| !is_separator(**byte)) {
        let Some(letter) = letters.get_mut(n_letters) else { return false };
        *letter = byte.to_ascii_lowercase();
        n_letters += 1;
    }
    STAND_IN_WORDS.holds(&letters[..n_letters])
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'_' | b'-' | b' ' | b'.' | b'/' | b'!')
}

/// `your_token_here`, `YOUR-API-KEY`, `insert token here`, `example_password`, `token-goes-here`.
fn is_fill_in(value: &[u8]) -> bool {
    let parts = || value.split(|byte| is_separator(*byte)).filter(|part| !part.is_empty());
    let begins = parts().next().is_some_and(|part| {
        FILL_IN.split(' ').any(|word| part.eq_ignore_ascii_case(word.as_bytes()))
            || part.len() > 4 && part[..4].eq_ignore_ascii_case(b"your")
    });
    let ends = parts().next_back().is_some_and(|part| {
        part.eq_ignore_ascii_case(b"here") || part.eq_ignore_ascii_case(b"placeholder") || part == b"EXAMPLE"
    });
    let n_parts = parts().count();
    (begins || ends) && (n_parts > 1 || value.len() > 4 && value[..4].eq_ignore_ascii_case(b"your"))
}

/// `DB_PASSWORD`, `API_KEY`: a constant's name in a constant's place.
fn is_capital_name(value: &[u8]) -> bool {
    value.split(|byte| matches!(byte, b'_' | b'-')).all(|part| NAMES.split(' ').any(|name| part == name.as_bytes()))
}

/// `process.env.TOKEN`, `os.environ["TOKEN"]`, `var.token`.
fn is_lookup(value: &[u8]) -> bool {
    let name = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'[' | b']' | b'(' | b')' | b'\'' | b'"' | b'\\')
    };
    LOOKUPS.split(' ').any(|lookup| {
        value.len() > lookup.len()
            && value[..lookup.len()].eq_ignore_ascii_case(lookup.as_bytes())
            && value[lookup.len()..].iter().all(name)
            && !is_random(&value[lookup.len()..])
    })
}

/// Whether `value` looks machine-made: no word, name, version, path, date or short number is.
pub(super) fn is_random(value: &[u8]) -> bool {
    let value = &value[..value.len().min(LOOK)];
    if value.len() < 8 || value.iter().any(|byte| !byte.is_ascii_graphic()) {
        return false;
    }
    if is_uuid(value) || runs(value).any(is_digest) {
        return true;
    }
    if is_address(value) {
        return false;
    }
    let surprise: u32 = runs(value).map(surprise).sum();
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    let punctuation = value.iter().filter(|byte| matches!(byte, b'!' | b'^' | b'&' | b'*' | b'#' | b'$')).count();
    let surprise = surprise + if surprise > 0 { 4 * u32::try_from(punctuation.min(3)).unwrap_or(0) } else { 0 };
    surprise >= 20 && surprise >= length * 3 / 2
}

/// The runs of letters and digits, without those that a percent escape is written with.
fn runs(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b'%').enumerate().flat_map(|(index, part)| {
        let part = match part {
            [high, low, rest @ ..] if index > 0 && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest,
            _ => part,
        };
        part.split(|byte| !byte.is_ascii_alphanumeric())
    })
}

/// `0x7fee5c0358f0`: where something lies in memory, or a status code.
fn is_address(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"0x").or_else(|| value.strip_prefix(b"0X"));
    digits.is_some_and(|digits| digits.len() <= 16 && digits.iter().all(u8::is_ascii_hexdigit))
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Sixteen hexadecimal digits or more of one case, digits and letters among them; or more digits than any number has.
fn is_digest(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let lower = value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let upper = value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    value.len() >= 16 && (lower || upper) && digits > 0 && (digits < value.len() || digits > 24)
}

/// How little a run of letters and digits looks like words and numbers: some four for each character of a random one.
fn surprise(run: &[u8]) -> u32 {
    let mut total = 0;
    for (index, pair) in run.windows(2).enumerate() {
        let [left, right] = [pair[0], pair[1]];
        total += match (kind(left), kind(right)) {
            (Kind::Digit, Kind::Digit) => 0,
            (Kind::Digit, _) => 6,
            (_, Kind::Digit) => 2,
            // `parseJson`: a capital that begins a word is no surprise, one in the middle of nowhere is.
            (Kind::Lower, Kind::Upper) => match run.get(index + 2..index + 4) {
                Some(next) if next.iter().all(u8::is_ascii_lowercase) => 1,
                _ => 6,
            },
            (Kind::Upper, Kind::Lower) if index > 0 && kind(run[index - 1]) == Kind::Upper => 4,
            _ if follows(left, right) => 0,
            _ => 5,
        };
    }
    total
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Digit,
    Lower,
    Upper,
}

fn kind(byte: u8) -> Kind {
    match byte {
        b'0'..=b'9' => Kind::Digit,
        b'A'..=b'Z' => Kind::Upper,
        _ => Kind::Lower,
    }
}

fn follows(left: u8, right: u8) -> bool {
    let index = usize::from(left.to_ascii_lowercase().wrapping_sub(b'a'));
    FOLLOWS.get(index).is_some_and(|letters| letters.contains(&right.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> impl Iterator<Item = &str> {
        text.split_ascii_whitespace()
    }

    #[test]
    fn templates_and_stand_ins_are_known() {
        for value in words(
            r#"
                ${DB_PASSWORD} ${X:-} ${{secrets.PW}} \${PW} {} {quote(pw)} $PASSWORD $1 $password $env:PW {{pw}} {password} <password> [PASSWORD] [x] %s
                %v %(pw)s %PW% #{pw} __PW__ xxxx XXXX-XXXX xxx **** ... … ••• changeme change_me null None nil true
                False undefined required example your_token_here YOUR-API-KEY yourpassword DB_PASSWORD PASSWORD
                API_KEY process.env.TOKEN os.environ["TOKEN"] %3Cpassword%3E &lt;pw&gt; \u003cpw\u003e N/A
            "#,
        )
        .chain([
            "",
            "${X:?not set}",
            "$(cat pw)",
            "{{ x }}",
            "<your password>",
            "insert token here",
            "not set",
        ]) {
            assert!(is_template(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn values_are_no_templates() {
        for value in words(
            r#"
                hunter2 password secret p@ss $ecret1 Pa$$word ${X:-hunter2} [REDACTED]hunter2 {"a":1} 1234 111111
                <aB3dE5gH7jK9mN1p> admin foo xX9 null0 a truecolor hereford sommersby environment
            "#,
        )
        .chain(["yes we can"])
        {
            assert!(!is_template(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn what_machines_make_is_random() {
        for value in words(
            r#"
                123e4567-e89b-12d3-a456-426614174000 9f86d081884c7d659a2feaa0c55ad015 9F86D081884C7D65 x7Kp2mQ9
                u8jzPde0IgxL d6GncfBAepfJBd0K h8oOOL8dKLzdocJ2 isAjIhKtJ0RlgLKOmxgJ TeKdNnFRIBXuDL7DxtpYlSXp
                fKtHF4vUCsMehGAkWvj7FAc9QeWJKY40 ORS/6ilI8ihN5KXSc7Tvo/hBKqFYY/kv5ZJr3J1T=
                WDtkwtDDb-xHKas1VOqg6YYZYn9ZhyiA4uoRgnatmUd enyjqwx4hh5344tfjgvq4k7bn7 lewrayqjucwiqlflyhrryqku
                4%2F0AY0e-g7bXk2mQ9Vn3Lp8
            "#,
        ) {
            assert!(is_random(value.as_bytes()), "{value} {}", surprise(value.as_bytes()));
        }
    }

    #[test]
    fn what_people_write_is_not() {
        for value in words(
            r#"
                password administrator parseJsonDocument XMLHttpRequest com.example.web.RequestFilter
                session_timeout_seconds 2024-01-02T03:04:05.123456Z 1700000000 1700000000123456789
                192.168.100.200:8080 1.2.3-beta.4+build.567 /usr/local/share/doc/README.md application/json
                user-service-account en_US.UTF-8 max-age=31536000 server12 node-17.internal.example.net
                x86_64-unknown-linux-gnu ubuntu22.04 TokenExpiredException invalid_grant aes-256-gcm sha256
                00:1b:44:11:3a:b7 kube-proxy-worker-1 authorization_code hunter2 INTERNAL_SERVER_ERROR v1.25.3+k3s1
                0x7fee5c0358f0 0x1bb2fe80 %2Fapp%2Fwz-home http%3A%2F%2F10.0.10.107%2Fa
                12345678 https://example.com/login Mozilla/5.0 SELECT getElementById utf8mb4_general_ci
            "#,
        )
        .chain(["foo bar baz"])
        {
            assert!(!is_random(value.as_bytes()), "{value} {}", surprise(value.as_bytes()));
        }
    }
}
