//! `mixed`: contains letters and digits. A word or a number alone is refuted.

use super::Verdict;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let letters = secret.iter().any(u8::is_ascii_alphabetic);
    let digits = secret.iter().any(u8::is_ascii_digit);
    if letters && digits { Verdict::Unknown } else { Verdict::Refuted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_none() {
        assert_eq!(judge(b"API-COMPATIBILITYMODEWITHOUTIT"), Verdict::Refuted);
        assert_eq!(judge(b"12345678"), Verdict::Refuted);
        assert_eq!(judge(b"API-COMPATIBILITYMODE7"), Verdict::Unknown);
    }
}
