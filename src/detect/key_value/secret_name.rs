//! Names that programs give to secrets: `consumer_key`, `userPassword`, `config.token`.
//!
//! In the place of a value such a name is a variable, a member or a route, not the secret. Letters
//! that only contain a word for a secret, as `xqkeyzvbnm` does, are no such name.

use super::name;
use crate::detect::{
    byte_class::{self, Traits},
    value,
    words::WordTable,
};

/// Words for a secret, as parts of names.
pub(super) const SECRET_WORDS: &str = "pass passed passing bypass pwd pwds key keys keyring \
    keychain keyfile keystore keypass cred creds auth authn authz secret secrets token tokens \
    passfile passkey apikey authkey authtoken";

static SECRETS: WordTable<64> = WordTable::new(&[(1, SECRET_WORDS)]);

/// Beginnings and ends of words for a secret. No other words begin or end like this.
pub(super) const SECRET_STEMS: [&[u8]; 9] = [
    b"password",
    b"passwd",
    b"passphrase",
    b"passwort",
    b"secret",
    b"token",
    b"credential",
    b"authori",
    b"authtok",
];

/// Ends of words for a secret when the rest of the word is its owner: `dbpass`, `userkey`.
const OWNED: [&[u8]; 6] = [b"pass", b"pwd", b"pw", b"key", b"auth", b"creds"];

/// Letters and marks without a digit, of which one word names a secret.
pub(super) fn is_secret_name(bytes: &[u8], traits: Traits) -> bool {
    traits.all(byte_class::NAME) && names_a_secret(bytes)
}

/// Whether a word of the identifier names a secret: `tumblr_consumer_key`, `userPassword`.
pub(super) fn names_a_secret(bytes: &[u8]) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        let length = word_length(&bytes[at..]);
        if is_secret_word(&bytes[at..at + length]) {
            return true;
        }
        at += length.max(1);
    }
    false
}

/// The length of the word at the head of `bytes` in snake, kebab or camel case; 0 where no word
/// begins.
fn word_length(bytes: &[u8]) -> usize {
    let capitals = byte_class::run(bytes, byte_class::UPPER);
    let small = byte_class::run(&bytes[capitals..], byte_class::LOWER);
    match (capitals, small) {
        // `APIKey`: the last capital begins the next word.
        (2.., 2..) => capitals - 1,
        _ => capitals + small,
    }
}

fn is_secret_word(word: &[u8]) -> bool {
    if word.len() < 2 {
        return false;
    }
    SECRETS.holds(1, word)
        || SECRET_STEMS.iter().any(|stem| begins_with(word, stem) || ends_with(word, stem))
        || begins_with(word, b"authent")
        || OWNED
            .iter()
            .any(|end| ends_with(word, end) && name::is_owner(&word[..word.len() - end.len()]))
}

fn begins_with(word: &[u8], stem: &[u8]) -> bool {
    word.len() >= stem.len() && word[..stem.len()].eq_ignore_ascii_case(stem)
}

pub(super) fn ends_with(word: &[u8], stem: &[u8]) -> bool {
    word.len() >= stem.len() && word[word.len() - stem.len()..].eq_ignore_ascii_case(stem)
}

/// A member, a route or a selector that names a secret: `vm.user.newPassword`,
/// `sessions/passwords#update`, `#add-password`.
pub(super) fn is_reference(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, b'.' | b'#' | b'/'))
        && bytes.iter().all(|byte| byte.is_ascii_alphabetic() || b"_.-/#".contains(byte))
        && names_a_secret(bytes)
}

/// Names with dots between them: `config.token`, `user.password.value`.
pub(super) fn is_member(bytes: &[u8], traits: Traits) -> bool {
    traits.any(byte_class::DOT)
        && traits.all(byte_class::MEMBER)
        && !bytes.starts_with(b".")
        && !bytes.ends_with(b".")
        && bytes.windows(2).all(|pair| pair != b"..")
}

/// A member that a program fetches: without digits, or naming a secret.
pub(super) fn is_fetched_member(bytes: &[u8], traits: Traits) -> bool {
    is_member(bytes, traits)
        && (traits.none(byte_class::DIGIT)
            || bytes[0].is_ascii_alphabetic() && names_a_secret(bytes))
}

/// A member whose last name says that it is a secret, with digits before it too:
/// `layer1.aws_secret_access_key`.
pub(super) fn is_secret_member(bytes: &[u8], traits: Traits) -> bool {
    let Some(dot) = memchr::memrchr(b'.', bytes) else { return false };
    let name = &bytes[dot + 1..];
    is_member(bytes, traits)
        && (bytes[0].is_ascii_alphabetic() || bytes[0] == b'_')
        && name.contains(&b'_')
        && names_a_secret(name)
        && !value::is_random(name)
}
