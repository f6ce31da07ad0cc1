//! Values that a machine made: what a weak key asks of its value.
//!
//! The first test is [`value::is_random`]. Where the syntax shows that there is a value at all,
//! mixtures of letters and digits count too. Characters outside ASCII, white space and escapes are
//! edges of such a value and not a part of it, so a value is judged as a whole, piece by piece, and
//! with its pieces joined.

use super::classify::LOOK;
use crate::detect::{
    byte_class::{self, Traits},
    edge, value,
};

/// Whether a piece of the value between edges `is_secret`, or all its pieces together are. A piece
/// must hold a digit: how words of other languages look is unknown.
fn holds(bytes: &[u8], traits: Traits, is_secret: fn(&[u8], Traits) -> bool) -> bool {
    if !may_hold_edges(traits) {
        return false;
    }
    let mut joined = [0; LOOK];
    let mut length = 0;
    for piece in edge::pieces(bytes) {
        if is_secret_piece(piece, is_secret) {
            return true;
        }
        joined[length..length + piece.len()].copy_from_slice(piece);
        length += piece.len();
    }
    is_secret_piece(&joined[..length], is_secret)
}

fn is_secret_piece(piece: &[u8], is_secret: fn(&[u8], Traits) -> bool) -> bool {
    let traits = Traits::of(piece);
    traits.any(byte_class::DIGIT) && is_secret(piece, traits)
}

/// Whether a value may hold characters that are edges, as they are or as escapes.
fn may_hold_edges(traits: Traits) -> bool {
    !traits.all(byte_class::GRAPHIC) || traits.any(byte_class::ESCAPE)
}

/// Whether the value holds something random between its edges.
pub(super) fn holds_random(bytes: &[u8], traits: Traits) -> bool {
    holds(bytes, traits, |piece, _| value::is_random(piece))
}

/// Whether the value is or holds a mixture of letters and digits.
pub(super) fn is_mixed(bytes: &[u8], traits: Traits) -> bool {
    is_mixed_piece(bytes, traits) || holds(bytes, traits, is_mixed_piece)
}

/// Whether the value is or holds a long run of letters and digits.
pub(super) fn is_long_run(bytes: &[u8], traits: Traits) -> bool {
    is_long_run_piece(bytes, traits) || holds(bytes, traits, is_long_run_piece)
}

/// Whether a piece of a value is random or a mixture.
pub(super) fn looks_secret(bytes: &[u8], traits: Traits) -> bool {
    value::is_random(bytes) || is_mixed_piece(bytes, traits)
}

fn is_mixed_piece(bytes: &[u8], traits: Traits) -> bool {
    traits.all(byte_class::MIX) && is_long_mix(bytes)
        || traits.all(byte_class::ALNUM) && is_mix(bytes)
        || traits.any(byte_class::COLON) && is_hex_pair(bytes)
}

/// Sixteen characters or more of [`byte_class::MIX`], three digits and three letters among them,
/// and at most three parts between `_`, `-` and `/`.
pub(super) fn is_long_mix(bytes: &[u8]) -> bool {
    let parts = 1 + bytes.iter().filter(|byte| matches!(byte, b'_' | b'-' | b'/')).count();
    bytes.len() >= 16
        && parts <= 3
        && count(bytes, byte_class::DIGIT) >= 3
        && count(bytes, byte_class::ALPHA) >= 3
}

/// Twelve letters and digits in one run, three of each.
fn is_mix(bytes: &[u8]) -> bool {
    let digits = count(bytes, byte_class::DIGIT);
    bytes.len() >= 12 && digits >= 3 && bytes.len() - digits >= 3
}

/// Twenty letters and digits or more, four of each, ten different ones. `abcd1234efgh5678ijkl`
/// shows no randomness, but no name and no number has so much of both: in 31 MB of real logs no
/// such run follows a key.
fn is_long_run_piece(bytes: &[u8], traits: Traits) -> bool {
    if !traits.all(byte_class::ALNUM) || bytes.len() < 20 {
        return false;
    }
    let digits = count(bytes, byte_class::DIGIT);
    let kinds = bytes.iter().fold(0_u128, |kinds, byte| kinds | 1 << (byte & 0x7f));
    digits >= 4 && bytes.len() - digits >= 4 && kinds.count_ones() >= 10
}

fn count(bytes: &[u8], classes: u64) -> usize {
    bytes.iter().filter(|byte| byte_class::is(**byte, classes)).count()
}

/// `ba0fedab:5c5881c2`: a user and a password from a generator of hexadecimal digits.
fn is_hex_pair(bytes: &[u8]) -> bool {
    memchr::memchr(b':', bytes)
        .is_some_and(|colon| is_hex_word(&bytes[..colon]) && is_hex_word(&bytes[colon + 1..]))
}

fn is_hex_word(bytes: &[u8]) -> bool {
    let traits = Traits::of(bytes);
    bytes.len() >= 8
        && traits.all(byte_class::HEX_LOWER)
        && traits.any(byte_class::DIGIT)
        && traits.any(byte_class::LOWER)
}

/// Whether some words look like secrets and no more of the others are plain words:
/// `x7Kp2mQ9 vT4nB8dL`, `Bearer x7Kp2mQ9vT4nB8dL`, but no sentence that names an identifier.
pub(super) fn holds_secret_words(bytes: &[u8]) -> bool {
    // Public keys, and blocks of PEM, whose body has a detector of its own.
    const KEYS: [&[u8]; 4] = [b"ssh-", b"sk-ssh-", b"ecdsa-", b"-----BEGIN"];
    if KEYS.iter().any(|name| bytes.starts_with(name)) {
        return false;
    }
    let (mut n_secret, mut n_plain) = (0, 0);
    for word in edge::pieces(bytes) {
        let traits = Traits::of(word);
        if traits.none(byte_class::DIGIT) {
            n_plain += 1;
        } else if looks_secret(word, traits) {
            n_secret += 1;
        }
    }
    n_secret > 0 && n_plain <= n_secret
}
