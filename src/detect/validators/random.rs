//! `random`: the longest run of letters and digits mixes small letters, capitals and digits, and
//! looks machine-made.
//!
//! For prefixes that words begin with too: `sk-worker-deployment-7d9f` is a name, `sk-` and 48
//! characters of a generator are a key. Whether a run looks machine-made is decided as for the
//! value of a key ([`crate::detect::value`]).

use super::Verdict;
use crate::detect::value;

/// A shorter run says too little. Of 4,000 strings of 20 letters and digits from a generator 99.9 %
/// are taken, of 20 characters of base64url (whose runs `-` and `_` cut) 98 %.
const LEAST_RUN: usize = 10;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let runs = secret.split(|byte| !byte.is_ascii_alphanumeric());
    let longest = runs.max_by_key(|run| run.len()).unwrap_or_default();
    if is_mixed(longest) && is_random_run(longest) { Verdict::Unknown } else { Verdict::Refuted }
}

/// Whether a run of letters and digits is long and looks machine-made.
pub(super) fn is_random_run(run: &[u8]) -> bool {
    run.len() >= LEAST_RUN && value::is_random(run)
}

/// Two kinds of characters at least.
fn is_mixed(run: &[u8]) -> bool {
    let kinds = [u8::is_ascii_digit, u8::is_ascii_uppercase, u8::is_ascii_lowercase];
    kinds.iter().filter(|is_kind| run.iter().any(is_kind)).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_generator_made_stays_in_question_and_names_are_refuted() {
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
