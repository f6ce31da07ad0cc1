//! Tests that a pattern cannot make, one file each.
//!
//! A checksum that holds confirms a finding; one that fails does not refute it, since an edited or truncated token still leaks
//! most of itself. Tests of randomness refute.

mod aws_key_id;
mod entropy;
mod github_crc32;
mod jwt;
mod mixed;

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
    }
}

/// Whether `validator` refutes `secret`: all that is asked where a confirmation changes nothing, and much cheaper to tell.
pub(crate) fn refutes(validator: &Validator, secret: &[u8]) -> bool {
    let may_refute = match validator {
        Validator::GithubCrc32 => false,
        Validator::Jwt => jwt::may_refute(secret),
        Validator::AwsKeyId | Validator::Entropy(_) | Validator::Mixed => true,
    };
    may_refute && judge(validator, secret) == Verdict::Refuted
}
