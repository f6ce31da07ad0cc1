//! Tests that a pattern cannot make, one file each.
//!
//! A checksum that holds confirms a finding; one that fails does not refute it, since an edited or truncated token still leaks
//! most of itself. Tests of randomness refute.

mod aws_key_id;
mod entropy;
mod github_crc32;
mod jwt;
mod mixed;
mod random;

pub(crate) use self::github_crc32::checksum_of;
use crate::rules::Validator;

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
    match validator {
        Validator::AwsKeyId => aws_key_id::judge(secret),
        Validator::Entropy(bits) => entropy::judge(secret, *bits),
        Validator::GithubCrc32 => github_crc32::judge(secret),
        Validator::Jwt => jwt::judge(secret),
        Validator::Mixed => mixed::judge(secret),
        Validator::Random => random::judge(secret),
    }
}
