//! `github-crc32`: the last six characters are the CRC-32 of the characters between the prefix and
//! them, in base 62.
//!
//! <https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>

use super::Verdict;

/// Digits, capitals, small letters.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const LENGTH: usize = 6;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let body = memchr::memrchr(b'_', secret).map_or(secret, |at| &secret[at + 1..]);
    let Some(length) = body.len().checked_sub(LENGTH) else { return Verdict::Unknown };
    let (body, checksum) = body.split_at(length);
    if checksum == checksum_of(body) { Verdict::Confirmed } else { Verdict::Unknown }
}

/// The checksum of `body`.
pub(crate) fn checksum_of(body: &[u8]) -> [u8; LENGTH] {
    let mut rest = crc32fast::hash(body) as usize;
    let mut text = [b'0'; LENGTH];
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[rest % 62];
        rest /= 62;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_that_holds_confirms_and_one_that_fails_says_nothing() {
        let body = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ".replace('z', "x");
        let checksum = checksum_of(body.as_bytes());
        let token = format!(
            "ghp_{body}{}",
            String::from_utf8(checksum.to_vec()).expect("letters and digits")
        );
        assert_eq!(judge(token.as_bytes()), Verdict::Confirmed);
        assert_eq!(judge(token.replace('Q', "R").as_bytes()), Verdict::Unknown);
        assert_eq!(judge(b"ghp_x"), Verdict::Unknown);
    }

    #[test]
    fn the_checksum_is_padded_with_zeros() {
        assert_eq!(&checksum_of(b""), b"000000");
        // CRC-32 of "123456789" is 0xCBF43926, as the catalogue of algorithms says: 3421780262 = 3
        // 46 35 27 49 ... in base 62.
        let value = checksum_of(b"123456789").iter().fold(0_u64, |value, digit| {
            value * 62 + DIGITS.iter().position(|known| known == digit).expect("a digit") as u64
        });
        assert_eq!(value, 0xCBF4_3926);
    }
}
