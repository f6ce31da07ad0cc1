//! The classes of values in plain code, byte by byte: what the fast predicates are held to, on
//! generated values.

use super::{
    classify::{Value, is_string_seam, is_too_short},
    code, machine_made,
    name::{self, KeyStrength},
    path, prose,
    secret_name::{self, SECRET_STEMS, SECRET_WORDS},
    syntax::ValueSyntax,
    verdict::{self, TABLE, Verdict},
};
use crate::detect::{
    byte_class::{self, Traits},
    oracle::{Numbers, generated},
    value,
};

/// Trims from behind, and counts anew for each byte.
fn core(value: &[u8]) -> &[u8] {
    let Some((last, before)) = value.split_last() else { return value };
    let count = |byte: u8| value.iter().filter(|one| **one == byte).count();
    let is_outside = match last {
        b',' | b';' | b'.' | b':' | b'!' | b'?' => true,
        b'"' | b'\'' | b'`' => count(*last) == 1,
        b')' => count(b')') > count(b'('),
        b']' => count(b']') > count(b'['),
        b'}' => count(b'}') > count(b'{'),
        b'>' => count(b'>') > count(b'<'),
        _ => false,
    };
    if is_outside { core(before) } else { value }
}

fn is_option(bytes: &[u8]) -> bool {
    let text = bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    let is_random = !text.starts_with("--") && value::is_random(bytes.get(1..).unwrap_or_default());
    let (name, least) = match (text.strip_prefix("--"), text.strip_prefix('-')) {
        (Some(name), _) => (name, 2),
        (None, Some(name)) => (name, 1),
        _ => return false,
    };
    let name = name.split('=').next().unwrap_or_default();
    let is_name =
        name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    !is_random
        && is_name
        && name.len() >= least
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// How many kinds of characters no words have.
fn n_kinds(bytes: &[u8]) -> u32 {
    let kinds: std::collections::BTreeSet<u8> = bytes
        .iter()
        .copied()
        .filter(|byte| b"!\"#$%&()*+;<=>?@[\\]^`{|}~".contains(byte))
        .collect();
    kinds.len().try_into().expect("fewer than 32")
}

fn is_long_mix(bytes: &[u8]) -> bool {
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let plain = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-=+/".contains(byte));
    let parts = bytes.split(|byte| b"_-/".contains(byte)).count();
    bytes.len() >= 16 && plain && digits >= 3 && letters >= 3 && parts <= 3
}

fn is_nothing(bytes: &[u8]) -> bool {
    let digits = bytes.iter().all(u8::is_ascii_digit);
    let mut plain = bytes.iter().filter(|byte| **byte != b'-');
    let first = plain.next();
    let is_seam = b"\"'`".contains(&bytes[0]) && memchr::memmem::find(bytes, b" + ").is_some();
    bytes.len() <= 2
        || bytes.len() <= 3 && digits
        || first == Some(&b'0') && plain.all(|byte| *byte == b'0')
        || is_seam
}

/// The words of a name: runs of letters of one case, a capital alone before small ones.
fn words(bytes: &[u8]) -> Vec<String> {
    let mut words = vec![String::new()];
    for (at, byte) in bytes.iter().enumerate() {
        let is_upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
        let is_lower = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
        let before = at.wrapping_sub(1);
        // `APIKey`: the last capital begins the next word.
        let is_hump = is_upper(at)
            && (is_lower(before) || is_upper(before) && is_lower(at + 1) && is_lower(at + 2));
        if is_hump || !byte.is_ascii_alphabetic() {
            words.push(String::new());
        }
        if byte.is_ascii_alphabetic() {
            words.last_mut().expect("there is one").push(byte.to_ascii_lowercase().into());
        }
    }
    words
}

fn names_a_secret(bytes: &[u8]) -> bool {
    words(bytes).iter().any(|word| {
        let stems = SECRET_STEMS.map(|stem| std::str::from_utf8(stem).expect("letters"));
        let is_owner = |owner: &str| name::is_owner(owner.as_bytes());
        SECRET_WORDS.split(' ').any(|known| known == word)
            || stems.iter().any(|stem| word.starts_with(stem) || word.ends_with(stem))
            || word.starts_with("authent")
            || ["pass", "pwd", "pw", "key", "auth", "creds"]
                .iter()
                .any(|stem| word.strip_suffix(stem).is_some_and(is_owner))
    })
}

fn is_name(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_alphabetic() || b"_.$->:@&*?!".contains(byte))
}

fn is_telling(bytes: &[u8]) -> bool {
    let digits = bytes.iter().any(u8::is_ascii_digit);
    let letters = bytes.iter().any(u8::is_ascii_alphabetic);
    let marks = bytes.iter().any(|byte| b"!@#$%^&*".contains(byte));
    bytes.len() >= 5
        && letters
        && (digits || marks)
        && !bytes.contains(&b'=')
        && !bytes.starts_with(b"(")
        && !bytes.starts_with(b"HTTP/")
        && !is_version(bytes)
}

fn is_version(bytes: &[u8]) -> bool {
    let mut parts = bytes.strip_prefix(b"v").unwrap_or(bytes).split(|byte| *byte == b'.');
    let major = parts.next().unwrap_or_default();
    let is_number = !major.is_empty() && major.iter().all(u8::is_ascii_digit);
    is_number && parts.next().is_some_and(|minor| minor.first().is_some_and(u8::is_ascii_digit))
}

fn is_expression(bytes: &[u8]) -> bool {
    let call = memchr::memchr(b'(', bytes)
        .is_some_and(|open| open > 0 && is_name_or_digits(&bytes[..open]));
    let is_type = bytes.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'[');
    let is_subscript = bytes.ends_with(b"]") || is_type;
    let subscript = memchr::memchr(b'[', bytes)
        .is_some_and(|open| open > 0 && is_name_or_digits(&bytes[..open]) && is_subscript);
    let path = memchr::memmem::find(bytes, b"::").is_some()
        || memchr::memmem::find(bytes, b"->").is_some();
    let is_open = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || byte == b')';
    let opens = matches!(bytes, [.., before, b'(' | b'['] if is_open(*before));
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || b"_.$->:@&*?!".contains(byte);
    let is_literal = memchr::memchr(b'{', bytes)
        .is_some_and(|open| bytes[..open].contains(&b'.') && bytes[..open].iter().all(is_name));
    call || subscript
        || opens
        || is_literal
        || bytes.starts_with(b"[]")
        || path
        || bytes.starts_with(b"$(")
        || bytes.starts_with(b"${")
        || bytes.starts_with(b"{{")
        || bytes.starts_with(b"<%")
}

fn is_name_or_digits(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.$:>-".contains(byte))
}

fn is_member(bytes: &[u8]) -> bool {
    bytes.contains(&b'.')
        && is_name_or_digits(bytes)
        && bytes.split(|byte| *byte == b'.').all(|part| !part.is_empty())
}

fn is_path(bytes: &[u8]) -> bool {
    let starts = [
        &b"/"[..],
        b"./",
        b"../",
        b"~/",
        b"http://",
        b"https://",
        b"file:",
        b"arn:",
        b"C:\\",
        b"vault:",
        b"secret/",
        b"op://",
        b"ssm:",
    ];
    let slashes = bytes.iter().filter(|byte| **byte == b'/').count();
    if let Some(name) = bytes.strip_prefix(b"$") {
        let name = name.strip_prefix(b"{").map_or((name, &b"/"[..]), |name| (name, b"}/"));
        let is_part =
            |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
        let rest = &name.0[name.0.iter().take_while(|byte| is_part(byte)).count()..];
        return name.0.len() > rest.len() + 1
            && (rest.starts_with(name.1) || rest.starts_with(b"/"));
    }
    let has_marks = bytes
        .iter()
        .any(|byte| !byte.is_ascii_alphanumeric() && !b"._-/~+@%${}:=,\\".contains(byte));
    starts.iter().any(|start| bytes.starts_with(start))
        && !(b"/.~".contains(&bytes[0]) && has_marks)
        && (slashes != 1 || bytes.starts_with(b"/") && !value::is_random(bytes))
        && !value::is_random(&bytes[memchr::memrchr(b'/', bytes).map_or(0, |at| at + 1)..])
}

fn is_sentence(bytes: &[u8]) -> bool {
    let words = bytes.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let plain = |word: &[u8]| {
        word.iter().all(|byte| byte.is_ascii_alphabetic() || b".,:;!?'()-".contains(byte))
    };
    let n_words = words.clone().count();
    n_words >= 2
        && words.clone().all(plain)
        && (n_words >= 5
            || words.clone().any(prose::is_prose)
            || n_words >= 3 && words.clone().any(prose::is_secret_noun)
            || n_words >= 3 && bytes.first().is_some_and(u8::is_ascii_uppercase))
}

#[test]
fn fast_classes_answer_what_plain_ones_answer() {
    const CODE: &str = "( ) [ ] :: -> . .. a.b get() x[1] $( ${ {{ <% / ./ ../ ~/ http:// \
        https:// file: arn: C:\\ vault: secret/ op:// ssm: pass Secret token KEY pwd cred auth a,b \
        the not HTTP/ = 0 0-0 000 + / _ -x --name --n= ) }, ]. \" ' > < ; my db Api userPass APIKey \
        passwords keyed";
    let pieces: Vec<&str> = CODE.split(' ').collect();
    let mut numbers = Numbers(20_261_126);
    for _ in 0..60_000 {
        let mut value = if numbers.below(2) == 0 { generated(&mut numbers) } else { Vec::new() };
        for _ in 0..numbers.below(5) {
            let at = numbers.below(value.len() + 1);
            value.splice(at..at, pieces[numbers.below(pieces.len())].bytes());
            if numbers.below(4) == 0 {
                value.push(b' ');
            }
        }
        if value.is_empty() {
            continue;
        }
        let traits = Traits::of(&value);
        let answers = [
            is_too_short(&value, traits) || is_string_seam(&value),
            traits.all(byte_class::MIX) && machine_made::is_long_mix(&value),
            secret_name::names_a_secret(&value),
            traits.all(byte_class::NAME),
            prose::is_mixture(&value, traits),
            code::is_expression(&value, traits),
            secret_name::is_member(&value, traits),
            path::is_path(&value),
            prose::is_sentence(&value, traits),
            code::is_option(&value),
        ];
        let expected = [
            is_nothing(&value),
            is_long_mix(&value),
            names_a_secret(&value),
            is_name(&value),
            is_telling(&value),
            is_expression(&value),
            is_member(&value),
            is_path(&value),
            is_sentence(&value),
            is_option(&value),
        ];
        assert_eq!(answers, expected, "{}", value.escape_ascii());
        assert_eq!(verdict::core(&value), core(&value), "{}", value.escape_ascii());
        assert_eq!(prose::n_kinds(&value), n_kinds(&value), "{}", value.escape_ascii());
    }
}

/// The column of a key and a syntax is walked in [`verdict::decide`]; here the whole table.
#[test]
fn a_decision_is_that_of_the_first_row_of_the_table() {
    const WORDS: &str = "hunter2 token ${X} {{x}} /a/b x7Kp2mQ9vT4nB8dL1sR6 sha256:9f86d0 required \
        get() a.b 443/x y0ur_token your_token_here 0000 --name -x $X pass1 abcd1234efgh5678ijkl";
    let words: Vec<&str> = WORDS.split(' ').collect();
    let mut numbers = Numbers(18);
    for _ in 0..20_000 {
        let mut value = generated(&mut numbers);
        if numbers.below(3) > 0 {
            value = words[numbers.below(words.len())].as_bytes().to_vec();
        }
        if value.is_empty() {
            continue;
        }
        let judged = Value::alone(&value);
        for strength in [KeyStrength::Weak, KeyStrength::Strong] {
            for syntax in ValueSyntax::ALL {
                let first = TABLE
                    .iter()
                    .filter_map(|row| Some((row.class, row.verdict(strength, syntax)?)))
                    .find(|(class, _)| judged.is(*class));
                let expected = first.map(|(_, verdict)| verdict);
                let is_secret = verdict::decide(strength, syntax, &judged).is_ok();
                assert_eq!(Some(Verdict::Secret) == expected, is_secret, "{syntax:?} {first:?}");
            }
        }
    }
}
