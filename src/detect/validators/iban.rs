//! `iban`: with the first four characters moved to the end and letters read as 10 to 35, the number
//! is 1 modulo 97.
//!
//! ISO 13616,
//! <https://www.swift.com/standards/data-standards/iban-international-bank-account-number>. The
//! pattern checks the length for each country. A wrong remainder refutes, because 96 of 97 words
//! that only look like an IBAN have one.

use super::Verdict;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let digits = || secret.iter().filter(|byte| !byte.is_ascii_whitespace());
    let moved = digits().skip(4).chain(digits().take(4));
    let rest = moved.fold(0, |rest, byte| match char::from(*byte).to_digit(36) {
        Some(digit @ 0..=9) => (rest * 10 + digit) % 97,
        Some(letter) => (rest * 100 + letter) % 97,
        None => 0,
    });
    if rest == 1 { Verdict::Confirmed } else { Verdict::Refuted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remainder_decides() {
        // Examples from the registry.
        for iban in [
            "GB29 NWBK 6016 1331 9268 19",
            "DE89370400440532013000",
            "MT84MALT011000012345MTLCAST001S",
            "NO9386011117947",
        ] {
            assert_eq!(judge(iban.as_bytes()), Verdict::Confirmed, "{iban}");
        }
        for wrong in
            ["GB29 NWBK 6016 1331 9268 18", "DE89370400440532013001", "DE00000000000000000000"]
        {
            assert_eq!(judge(wrong.as_bytes()), Verdict::Refuted, "{wrong}");
        }
    }
}
