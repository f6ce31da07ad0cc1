//! Tests that a pattern cannot make, one file each.
//!
//! A checksum that holds confirms a finding; one that fails does not refute it, since an edited or
//! truncated token still leaks most of itself. Tests of randomness refute, and so do those of
//! numbers, which half of all logs are made of.

mod atlassian_crc32;
mod aws_key_id;
mod e164;
mod entropy;
mod github_crc32;
mod gitlab_crc32;
mod grafana_crc32;
mod iban;
mod ip_address;
mod jwt;
mod luhn;
mod mac_address;
mod macaroon;
mod mixed;
mod random;
mod us_ssn;
mod zuplo_crc32;

pub(crate) use self::github_crc32::checksum_of;
use crate::{rules::Validator, text::visits};

/// What a validator says of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Certainly one: no context is needed.
    Confirmed,
    /// It may be one.
    Unknown,
    /// Certainly none.
    Refuted,
}

/// Asks `validator` about `secret`.
pub(crate) fn judge(validator: &Validator, secret: &[u8]) -> Verdict {
    visits::add(secret.len());
    match validator {
        Validator::AwsKeyId => aws_key_id::judge(secret),
        Validator::Entropy(bits) => entropy::judge(secret, *bits),
        Validator::GithubCrc32 => github_crc32::judge(secret),
        Validator::Jwt => jwt::judge(secret),
        Validator::Mixed => mixed::judge(secret),
        Validator::Random => random::judge(secret),
        Validator::GitlabCrc32 => gitlab_crc32::judge(secret),
        Validator::AtlassianCrc32 => atlassian_crc32::judge(secret),
        Validator::GrafanaCrc32 => grafana_crc32::judge(secret),
        Validator::ZuploCrc32 => zuplo_crc32::judge(secret),
        Validator::Macaroon => macaroon::judge(secret),
        Validator::Luhn => luhn::judge(secret),
        Validator::Iban => iban::judge(secret),
        Validator::UsSsn => us_ssn::judge(secret),
        Validator::E164 => e164::judge(secret),
        Validator::IpAddress => ip_address::judge(secret),
        Validator::MacAddress => mac_address::judge(secret),
    }
}

/// Whether `validator` refutes `secret`: all that is asked where a confirmation changes nothing,
/// and much cheaper to tell.
pub(crate) fn refutes(validator: &Validator, secret: &[u8]) -> bool {
    let may_refute = match validator {
        // A checksum never refutes, and neither does a macaroon.
        Validator::GithubCrc32
        | Validator::GitlabCrc32
        | Validator::AtlassianCrc32
        | Validator::ZuploCrc32 => false,
        Validator::Macaroon => false,
        Validator::Jwt => jwt::may_refute(secret),
        _ => true,
    };
    may_refute && judge(validator, secret) == Verdict::Refuted
}

/// Whether a run of letters and digits looks as [`Validator::Random`] wants it, but for the kinds
/// of its characters.
pub(super) fn is_random_run(run: &[u8]) -> bool {
    random::is_random_run(run)
}

/// Four bytes as hexadecimal digits, in small letters.
fn hex_of(bytes: [u8; 4]) -> [u8; 8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|index| {
        let byte = bytes[index / 2];
        DIGITS[usize::from(if index % 2 == 0 { byte >> 4 } else { byte & 15 })]
    })
}
