//! `random`: the longest run of letters and digits has at least two of small letters, capitals and
//! digits, and looks generated.
//!
//! For prefixes that are also the beginning of names: `sk-worker-deployment-7d9f` is a name, `sk-`
//! and 48 generated characters are a key. Whether a run looks generated is decided as for the value
//! of a key ([`crate::detect::value`]).

use super::Verdict;
use crate::detect::value;

/// The minimum length of a run. Of 4,000 generated strings of 20 letters and digits 99.9 % pass, of
/// 20 characters of base64url, which `-` and `_` cut into runs, 98 %.
const LEAST_RUN: usize = 10;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let runs = secret.split(|byte| !byte.is_ascii_alphanumeric());
    let longest = runs.max_by_key(|run| run.len()).unwrap_or_default();
    if is_mixed(longest) && is_random_run(longest) { Verdict::Unknown } else { Verdict::Refuted }
}

/// Whether a run of letters and digits is long enough and looks generated.
pub(super) fn is_random_run(run: &[u8]) -> bool {
    run.len() >= LEAST_RUN && value::is_random(run)
}

/// Whether a run has at least two kinds of characters.
fn is_mixed(run: &[u8]) -> bool {
    let kinds = [u8::is_ascii_digit, u8::is_ascii_uppercase, u8::is_ascii_lowercase];
    kinds.iter().filter(|is_kind| run.iter().any(is_kind)).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_secrets_pass_and_names_are_refuted() {
        for secret in [
            "sk-x7Kp2mQ9vB4nR8tLw3Zc6Yh1",
            "acme_live_u8jzPdeIgxLTeKdNnFRIB",
            "sk-9f86d081884c7d659a2feaa0c55ad015",
        ] {
            assert_eq!(judge(secret.as_bytes()), Verdict::Unknown, "{secret}");
        }
        for name in [
            "sk-worker-deployment-of-the-frontend-7d9f",
            "sk-administratorpassword",
            "acme_live_configuration_2024_01_02",
            "tk_messageboxdialogwithparent",
            "acme_live_XMLHttpRequestFilter",
        ] {
            assert_eq!(judge(name.as_bytes()), Verdict::Refuted, "{name}");
        }
    }
}
