//! Words, sentences and technical terms that follow a key's name and are no secret.
//!
//! `password reset requested`, `"password": "Please enter your password"`, `token: sha256`. The
//! opposite question is here too: which text after white space is a password, because no sentence
//! has its mixture of characters.

use super::extent;
use crate::detect::{
    byte_class::{self, Traits},
    value,
    words::WordTable,
};

/// Words that prose goes on with after a key's name.
pub(crate) const PROSE: &str = "a accepted again already an and any are at authentication be been \
    being but by can cannot changed check contains could declined denied did do does entered \
    expired expires fail failed failure fails field file for found from generated generation \
    given granted had has have hash if in incorrect invalid is issued it lookup matched matches \
    may mismatch missing must needed never no not of ok on or out prompt protected provided \
    received refused rejected request requested required reset reuse revoked rotated set should \
    so stored succeeded success successful supplied than that the then to too unknown update \
    updated used using valid validated validation verification verified was were when which will \
    with without wrong yes you your";

static PROSE_WORDS: WordTable<256> = WordTable::new(&[(1, PROSE)]);

/// Standards and their versions, which descriptions of a password mention: `OAuth2 client secret`.
const STANDARDS: &str = "oauth2 oauth1 sha1 sha256 sha384 sha512 md5 base64 utf8 pkcs1 pkcs8 \
    pkcs12 x509 ipv4 ipv6 bcrypt2 argon2 pbkdf2 http2 socks4 socks5 tls12 tls13 saml2 ldap3 \
    rfc2617";

static STANDARD_WORDS: WordTable<64> = WordTable::new(&[(1, STANDARDS)]);

/// Nouns for a flag, with which a sentence about the flag goes on.
const FLAG_NOUNS: [&[u8]; 8] = [
    b"option",
    b"options",
    b"flag",
    b"flags",
    b"argument",
    b"arguments",
    b"parameter",
    b"parameters",
];

/// Nouns for a secret, which a sentence is about.
const SECRET_NOUNS: [&[u8]; 5] = [b"password", b"secret", b"passphrase", b"token", b"key"];

/// A word of [`PROSE`].
pub(super) fn is_prose(bytes: &[u8]) -> bool {
    PROSE_WORDS.holds(1, bytes)
}

/// Words with spaces that address a reader: `Please enter your password`.
pub(super) fn is_sentence(bytes: &[u8], traits: Traits) -> bool {
    if traits.none(byte_class::SPACE) {
        return false;
    }
    let words = || bytes.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let n_words = words().count();
    n_words >= 2
        && words().all(is_plain_word)
        && (n_words >= 5
            || words().any(is_prose)
            || n_words >= 3 && words().any(is_secret_noun)
            || n_words >= 3 && bytes[0].is_ascii_uppercase())
}

fn is_plain_word(word: &[u8]) -> bool {
    word.iter().all(|byte| byte.is_ascii_alphabetic() || b".,:;!?'()-".contains(byte))
}

pub(super) fn is_secret_noun(word: &[u8]) -> bool {
    SECRET_NOUNS.iter().any(|noun| word.eq_ignore_ascii_case(noun))
}

/// Whether `text` is a sentence about a flag, whose first `length` bytes stand where its argument
/// would: `--password options can't be used`.
pub(super) fn is_about_flag(text: &[u8], length: usize) -> bool {
    let word = &text[..length];
    let is_before_word = matches!(&text[length..], [b' ', next, ..] if next.is_ascii_lowercase());
    is_before_word && (FLAG_NOUNS.contains(&word) || is_prose(word))
}

/// Whether the text has a digit or a mark among at least five characters, which no word has.
pub(super) fn is_mixture(bytes: &[u8], traits: Traits) -> bool {
    bytes.len() >= 5
        && traits.any(byte_class::ALPHA)
        && traits.any(byte_class::DIGIT | byte_class::MARK)
        && traits.none(byte_class::EQUALS)
        && !bytes.starts_with(b"(")
        && !bytes.starts_with(b"HTTP/")
        && !is_version(bytes)
}

/// Whether no sentence holds the text, so that after white space it is a password. More than
/// digits and marks distinguish it: the mixture of cases, or several kinds of punctuation.
pub(super) fn is_password(bytes: &[u8], traits: Traits) -> bool {
    if bytes.len() < 8
        || bytes.starts_with(b"HTTP/")
        || is_version(bytes)
        || traits.none(byte_class::ALPHA)
    {
        return is_mixture(bytes, traits);
    }
    // `user=bob` is another pair. A text that begins like one and goes on as no value of a pair
    // does is a password.
    let is_pair = extent::is_pair(bytes, b'=');
    let rest = if is_pair { &bytes[byte_class::until(bytes, byte_class::EQUALS)..] } else { bytes };
    let has_mark = bytes[0] != b'(' && !is_pair && traits.any(byte_class::DIGIT | byte_class::MARK);
    value::is_random(rest)
        || has_mark
        || n_kinds(rest) >= least_kinds(bytes, traits, is_pair.then_some(rest))
}

/// How many kinds of punctuation make the text a password. `pair` is the value of the pair that it
/// begins with.
fn least_kinds(bytes: &[u8], traits: Traits, pair: Option<&[u8]>) -> u32 {
    let has_cases = traits.any(byte_class::LOWER) && traits.any(byte_class::UPPER);
    let is_long = has_cases && bytes.len() >= 12;
    let has_digit = traits.any(byte_class::DIGIT);
    match bytes[0] {
        b'(' if has_digit && is_long && !bytes.contains(&b')') => 1,
        b'(' if has_digit => 3,
        b'(' => 4,
        _ if pair.is_some() => 4,
        _ if is_long => 1,
        _ if has_cases => 2,
        _ => 4,
    }
}

/// How many different characters there are that are neither letters nor digits nor marks between
/// words.
pub(super) fn n_kinds(bytes: &[u8]) -> u32 {
    let is_kind = |byte: &&u8| byte.is_ascii_punctuation() && !b"-_./:,'".contains(byte);
    bytes.iter().filter(is_kind).fold(0_u128, |kinds, byte| kinds | 1 << (byte & 0x7f)).count_ones()
}

/// `v0.8.0`, `1.2.3-rc1`.
fn is_version(bytes: &[u8]) -> bool {
    let number = bytes.strip_prefix(b"v").unwrap_or(bytes);
    let digits = byte_class::run(number, byte_class::DIGIT);
    digits > 0
        && number.get(digits) == Some(&b'.')
        && number.get(digits + 1).is_some_and(u8::is_ascii_digit)
}

/// A standard, alone or as the last word of a name (`prefer-ipv4`), a type of numbers, or a port
/// as lists of services have it (`464/udp`).
pub(super) fn is_technical(bytes: &[u8]) -> bool {
    let start = memchr::memrchr(b'-', bytes).map_or(0, |dash| dash + 1);
    let port = byte_class::run(bytes, byte_class::DIGIT);
    STANDARD_WORDS.holds(1, &bytes[start..])
        || is_number_type(bytes)
        || port > 0 && matches!(&bytes[port..], b"/tcp" | b"/udp" | b"/sctp" | b"/dccp")
}

/// `__u32`, `int64_t`, `float32`: a type of numbers in a program.
fn is_number_type(bytes: &[u8]) -> bool {
    let name = bytes.strip_prefix(b"__").unwrap_or(bytes);
    let name = name.strip_suffix(b"_t").unwrap_or(name);
    let length = byte_class::run(name, byte_class::LOWER);
    matches!(&name[..length], b"u" | b"i" | b"s" | b"f" | b"int" | b"uint" | b"float")
        && matches!(&name[length..], b"8" | b"16" | b"32" | b"64" | b"128")
}

/// `1.2.840.113549.1.9.7`: an object identifier or an address.
pub(super) fn is_dotted_number(bytes: &[u8], traits: Traits) -> bool {
    traits.any(byte_class::DOT)
        && bytes.iter().all(|byte| byte_class::is(*byte, byte_class::DIGIT | byte_class::DOT))
        && bytes.iter().filter(|byte| **byte == b'.').count() > 2
}
