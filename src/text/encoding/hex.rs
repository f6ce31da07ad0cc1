//! Texts written as hexadecimal digits, two a byte.

use super::syntax::Blob;
use crate::text::hex;

pub(super) const HEX: Blob =
    Blob { name: "hex", n_bytes: 1, n_characters: 2, decode, encode: hex::encode };

fn decode(digits: &[u8]) -> Vec<u8> {
    hex::decode(digits).unwrap_or_default()
}
