//! `macaroon`: `pypi-` is followed by a macaroon of version 2: its location, its identifier and at
//! least one caveat or the signature, each with its length.
//!
//! <https://docs.pypi.org/api/secrets/>,
//! <https://github.com/rescrv/libmacaroons/blob/master/doc/format.txt>

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::Verdict;

/// Field types: the location and the identifier.
const LOCATION: u8 = 1;
const IDENTIFIER: u8 = 2;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let body = secret.strip_prefix(b"pypi-").unwrap_or(secret);
    // The text after the identifier may be cut, so whole groups of four characters are enough.
    let whole = &body[..body.len() / 4 * 4];
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(whole) else { return Verdict::Unknown };
    if is_macaroon(&bytes) { Verdict::Confirmed } else { Verdict::Unknown }
}

fn is_macaroon(bytes: &[u8]) -> bool {
    let Some(rest) = bytes.strip_prefix(&[2]) else { return false };
    let Some(rest) = field(rest, LOCATION) else { return false };
    // The identifier, then the end of the section.
    field(rest, IDENTIFIER).is_some_and(|rest| rest.first() == Some(&0))
}

/// The bytes after a field of type `kind`. Locations and identifiers are shorter than 128 bytes.
fn field(bytes: &[u8], kind: u8) -> Option<&[u8]> {
    match bytes {
        [found, length, rest @ ..] if *found == kind && *length < 0x80 => {
            rest.get(usize::from(*length)..)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn location_and_identifier_confirm() {
        let bytes =
            [&[2, 1, 8][..], b"pypi.org", &[2, 36], &[b'7'; 36], &[0, 2, 3], b"abc", &[0; 40]]
                .concat();
        let token = format!("pypi-{}", URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(judge(token.as_bytes()), Verdict::Confirmed);
        assert_eq!(judge(&token.as_bytes()[..40]), Verdict::Unknown, "cut inside the identifier");
        assert_eq!(judge(b"pypi-AgEIcHlwaS5vcmcxxxxxxxx"), Verdict::Unknown);
    }
}
