//! `aws-key-id`: the body after the four letters is base32, and not one letter repeated.

use super::Verdict;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let body = secret.get(4..).unwrap_or_default();
    let first = body.first();
    if body.iter().all(|byte| Some(byte) == first) { Verdict::Refuted } else { Verdict::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_letter_is_no_key() {
        assert_eq!(judge(b"AKIAAAAAAAAAAAAAAAAA"), Verdict::Refuted);
        assert_eq!(judge(b"AKIAABABABABABABABAB"), Verdict::Unknown);
    }
}
