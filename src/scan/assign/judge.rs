//! Whether a value goes: the table of `docs/KEYS.md`.
//!
//! Behind a strong key everything goes but what is plainly none: stand-ins, code, prose, paths. Behind a weak one the value must
//! itself look like a secret.

use std::sync::LazyLock;

use super::{
    Strength,
    key::Key,
    place::{Form, Place},
};
use crate::{
    scan::{Hit, value, words::WordSet},
    span::Shape,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Goes,
    Stays,
}

/// A value is judged by its first so many bytes; nothing but a secret is longer.
const LOOK: usize = 512;

/// Words that prose goes on with behind a key's name.
const PROSE: &str = "a accepted again already an and any are at authentication be been being but by can cannot changed check contains \
    could declined denied did do does entered expired expires fail failed failure fails field file for found from generated \
    generation given granted had has have hash if in incorrect invalid is issued it lookup matched matches may mismatch missing must \
    needed never no not of ok on or out prompt protected provided received refused rejected request requested required reset reuse \
    revoked rotated set should so stored succeeded success successful supplied than that the then to too unknown update updated used \
    using valid validated validation verification verified was were when which will with without wrong yes you your";

static PROSE_WORDS: LazyLock<WordSet> = LazyLock::new(|| WordSet::new(PROSE));

pub(super) fn judge(hit: &Hit<'_>, key: &Key, strength: Strength, place: &Place, shape: Shape) -> Verdict {
    let bytes = place.value.of(hit.hay);
    let bytes = &bytes[..bytes.len().min(LOOK)];
    let is_secret = match (strength, shape) {
        (Strength::Strong, Shape::Scalar { .. }) => true,
        _ if bytes.is_empty() || value::is_template(bytes) || is_own_name(hit, key, bytes) || is_nothing(bytes) => {
            false
        }
        (Strength::Strong, Shape::Text) => is_strong(hit, key, place, bytes),
        (Strength::Weak, Shape::Scalar { .. }) => false,
        (Strength::Weak, Shape::Text) => is_weak(place, bytes),
    };
    if is_secret { Verdict::Goes } else { Verdict::Stays }
}

fn is_strong(hit: &Hit<'_>, key: &Key, place: &Place, bytes: &[u8]) -> bool {
    match place.form {
        Form::Quoted => !is_sentence(bytes) && !is_path(bytes) && !is_message(bytes),
        Form::Tight | Form::Element => {
            // In a connection string a semicolon follows, and the value is no variable of a program.
            let is_variable = hit.hay[..hit.record.end].get(place.value.end) != Some(&b';');
            let is_named = is_variable && is_name(bytes) && names_a_secret(bytes);
            !is_expression(bytes) && !is_path(bytes) && !is_named
        }
        Form::Argument => !is_path(bytes) && !bytes.starts_with(b"-") && !bytes.starts_with(b"$"),
        Form::Spaced => {
            !is_code(bytes) && !is_path(bytes) && (!is_name(bytes) || begins_line(hit, key) && !names_a_secret(bytes))
        }
        Form::Colon => {
            !is_code(bytes)
                && !is_path(bytes)
                && !is_prose(bytes)
                && (!is_word(bytes) || begins_line(hit, key) && ends_line(hit, place))
        }
        Form::Prose => {
            (is_telling(bytes) || is_login(hit, key) && !is_prose(bytes)) && !is_code(bytes) && !is_path(bytes)
        }
        Form::Structure => false,
    }
}

fn is_weak(place: &Place, bytes: &[u8]) -> bool {
    if is_path(bytes) || bytes.contains(&b' ') || value::is_filler(bytes) {
        return false;
    }
    match place.form {
        Form::Structure => false,
        Form::Quoted | Form::Element | Form::Tight | Form::Argument => value::is_random(bytes) || is_long_mix(bytes),
        Form::Spaced | Form::Colon | Form::Prose => value::is_random(bytes) && !is_code(bytes),
    }
}

/// Sixteen letters and digits or more, some of each, nothing else but `_`, `-`, `=`, `+`, `/`.
fn is_long_mix(bytes: &[u8]) -> bool {
    let digits = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let plain = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-=+/".contains(byte));
    let parts = bytes.split(|byte| b"_-/".contains(byte)).count();
    bytes.len() >= 16 && plain && digits >= 3 && letters >= 3 && parts <= 3
}

/// Too little to be a secret, the same character over and over, or the seam of two strings in a program.
fn is_nothing(bytes: &[u8]) -> bool {
    let digits = bytes.iter().all(u8::is_ascii_digit);
    let mut plain = bytes.iter().filter(|byte| **byte != b'-');
    let first = plain.next();
    let is_seam = b"\"'`".contains(&bytes[0]) && memchr::memmem::find(bytes, b" + ").is_some();
    bytes.len() <= 2 || bytes.len() <= 3 && digits || first == Some(&b'0') && plain.all(|byte| *byte == b'0') || is_seam
}

/// `password=password`, `token: token`: the key's own name, or one made of words like it.
fn is_own_name(hit: &Hit<'_>, key: &Key, bytes: &[u8]) -> bool {
    let letters = |text: &[u8]| -> usize { text.iter().filter(|byte| byte.is_ascii_alphanumeric()).count() };
    let name = key.name.of(hit.hay);
    let same = |one: &[u8], other: &[u8]| {
        let one = one.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
        one.eq(other.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase))
    };
    letters(bytes) > 0 && same(name, bytes)
}

/// An identifier whose words name a secret: `tumblr_consumer_key`, `userPassword`.
pub(super) fn names_a_secret(bytes: &[u8]) -> bool {
    let lower = |word: &[u8]| bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    [&b"pass"[..], b"secret", b"token", b"key", b"pwd", b"cred", b"auth"].iter().any(|word| lower(word))
}

/// Letters, `_`, `.`, `$`, `-` and no digit: a name rather than a value.
pub(super) fn is_name(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_alphabetic() || b"_.$->:@&*?!".contains(byte))
}

fn is_word(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_alphabetic)
}

/// A word that prose goes on with, or one that says so itself.
fn is_prose(bytes: &[u8]) -> bool {
    let mut word = [0; 16];
    let Some(lower) = word.get_mut(..bytes.len()) else { return false };
    lower.copy_from_slice(bytes);
    lower.make_ascii_lowercase();
    PROSE_WORDS.holds(lower)
}

/// Behind white space only what no word is: a digit or a mark among at least five characters.
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
}

/// `login bob password x`, as in `.netrc`.
fn is_login(hit: &Hit<'_>, key: &Key) -> bool {
    let before = &hit.hay[hit.record.start.max(key.name.start.saturating_sub(128))..key.name.start];
    let mut words = before.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).rev();
    let user = words.next();
    let word = words.next().unwrap_or_default();
    user.is_some() && [&b"login"[..], b"user", b"username"].iter().any(|login| word.eq_ignore_ascii_case(login))
}

/// Calls, members, subscripts, operators: what fetches a value is none.
fn is_code(bytes: &[u8]) -> bool {
    is_expression(bytes) || is_member(bytes) && !bytes.iter().any(u8::is_ascii_digit)
}

/// `getPassword()`, `os.environ['X']`, `a::b`, `self->pw`, `await x`.
fn is_expression(bytes: &[u8]) -> bool {
    let call = memchr::memchr(b'(', bytes).is_some_and(|open| open > 0 && is_name_or_digits(&bytes[..open]));
    let subscript = memchr::memchr(b'[', bytes)
        .is_some_and(|open| open > 0 && is_name_or_digits(&bytes[..open]) && bytes.ends_with(b"]"));
    let path = memchr::memmem::find(bytes, b"::").is_some() || memchr::memmem::find(bytes, b"->").is_some();
    call || subscript
        || path
        || bytes.starts_with(b"$(")
        || bytes.starts_with(b"${")
        || bytes.starts_with(b"{{")
        || bytes.starts_with(b"<%")
}

fn is_name_or_digits(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.$:>-".contains(byte))
}

/// `config.token`, `user.password.value`.
fn is_member(bytes: &[u8]) -> bool {
    bytes.contains(&b'.') && is_name_or_digits(bytes) && bytes.split(|byte| *byte == b'.').all(|part| !part.is_empty())
}

/// A file, a folder or a URL.
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
    starts.iter().any(|start| bytes.starts_with(start))
        && (slashes != 1 || bytes.starts_with(b"/") && !value::is_random(bytes))
        && !value::is_random(&bytes[memchr::memrchr(b'/', bytes).map_or(0, |at| at + 1)..])
}

/// Words with spaces that tell a reader something: `Please enter your password`.
fn is_sentence(bytes: &[u8]) -> bool {
    let words = bytes.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let plain = |word: &[u8]| word.iter().all(|byte| byte.is_ascii_alphabetic() || b".,:;!?'()-".contains(byte));
    let n_words = words.clone().count();
    n_words >= 2
        && words.clone().all(plain)
        && (n_words >= 5
            || words.clone().any(is_prose)
            || n_words >= 3 && bytes.first().is_some_and(u8::is_ascii_uppercase))
}

/// One word of a form or a status: `required`, `Invalid`.
fn is_message(bytes: &[u8]) -> bool {
    is_prose(bytes) && bytes.len() > 3
}

/// Whether nothing but white space, a list's dash or a comment's mark stands before the key.
fn begins_line(hit: &Hit<'_>, key: &Key) -> bool {
    let before = &hit.hay[hit.record.start..key.name.start];
    before.len() <= 64 && before.iter().all(|byte| b" \t-#;".contains(byte))
}

fn ends_line(hit: &Hit<'_>, place: &Place) -> bool {
    let rest = &hit.hay[place.value.end..hit.record.end];
    let next = rest.iter().take(64).find(|byte| !byte.is_ascii_whitespace());
    next.is_none_or(|byte| *byte == b'#')
}
