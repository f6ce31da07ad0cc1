//! Tests that a pattern cannot express, one file each.
//!
//! A correct checksum confirms a finding. A wrong one does not refute it, because an edited or
//! truncated token still leaks most of itself. Tests of randomness refute, and so do those of
//! numbers, which make up half of all logs.
//!
//! To add a validator: write its file with a function `judge`, and add it to the list below and,
//! with its name in rule files, to [`Validator`].

pub(crate) use self::github_crc32::checksum_of;
use crate::{rules::Validator, text::visits};

/// What a validator says about a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is one: no context is needed.
    Confirmed,
    /// It may be one.
    Unknown,
    /// It is none.
    Refuted,
}

/// Declares the module of each validator, and [`judge`], which calls the right one.
macro_rules! validators {
    ($($module:ident: $validator:pat => $judge:expr,)*) => {
        $(mod $module;)*

        /// Asks `validator` about `secret`.
        pub(crate) fn judge(validator: &Validator, secret: &[u8]) -> Verdict {
            visits::add(secret.len());
            match validator {
                $($validator => ($judge)(secret),)*
            }
        }
    };
}

validators! {
    atlassian_crc32: Validator::AtlassianCrc32 => atlassian_crc32::judge,
    aws_key_id: Validator::AwsKeyId => aws_key_id::judge,
    e164: Validator::E164 => e164::judge,
    entropy: Validator::Entropy(bits) => |secret| entropy::judge(secret, *bits),
    github_crc32: Validator::GithubCrc32 => github_crc32::judge,
    gitlab_crc32: Validator::GitlabCrc32 => gitlab_crc32::judge,
    grafana_crc32: Validator::GrafanaCrc32 => grafana_crc32::judge,
    iban: Validator::Iban => iban::judge,
    ip_address: Validator::IpAddress => ip_address::judge,
    jwt: Validator::Jwt => jwt::judge,
    luhn: Validator::Luhn => luhn::judge,
    mac_address: Validator::MacAddress => mac_address::judge,
    macaroon: Validator::Macaroon => macaroon::judge,
    mixed: Validator::Mixed => mixed::judge,
    random: Validator::Random => random::judge,
    us_ssn: Validator::UsSsn => us_ssn::judge,
    zuplo_crc32: Validator::ZuploCrc32 => zuplo_crc32::judge,
}

/// Whether `validator` refutes `secret`. Enough where a confirmation changes nothing, and much
/// cheaper: most validators with a checksum never refute.
pub(crate) fn refutes(validator: &Validator, secret: &[u8]) -> bool {
    let may_refute = match validator {
        Validator::GithubCrc32
        | Validator::GitlabCrc32
        | Validator::AtlassianCrc32
        | Validator::ZuploCrc32
        | Validator::Macaroon => false,
        Validator::Jwt => jwt::may_refute(secret),
        _ => true,
    };
    may_refute && judge(validator, secret) == Verdict::Refuted
}

/// Whether a run of letters and digits passes [`Validator::Random`], apart from the kinds of its
/// characters.
pub(super) fn is_random_run(run: &[u8]) -> bool {
    random::is_random_run(run)
}

/// Four bytes as lower-case hexadecimal digits.
fn hex_of(bytes: [u8; 4]) -> [u8; 8] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|index| {
        let byte = bytes[index / 2];
        DIGITS[usize::from(if index % 2 == 0 { byte >> 4 } else { byte & 15 })]
    })
}
