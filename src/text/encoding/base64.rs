//! Texts in base64 or base64url, four characters a group of three bytes.

use super::syntax::Blob;
use crate::text::base64;

pub(super) const BASE64: Blob =
    Blob { name: "base64", n_bytes: 3, n_characters: 4, decode, encode: base64::encode };

fn decode(characters: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    base64::decode(characters, &mut bytes);
    bytes
}
