//! `gitlab-crc32`: the last seven characters of a routable token are the CRC-32 of everything
//! before them, in base 36.
//!
//! <https://gitlab.com/gitlab-org/gitlab/-/blob/master/lib/authn/token_field/generator/routable_token.rb>

use super::Verdict;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

const LENGTH: usize = 7;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let Some((body, checksum)) = secret.split_last_chunk::<LENGTH>() else {
        return Verdict::Unknown;
    };
    if *checksum == checksum_of(body) { Verdict::Confirmed } else { Verdict::Unknown }
}

fn checksum_of(body: &[u8]) -> [u8; LENGTH] {
    let mut rest = crc32fast::hash(body) as usize;
    let mut text = [b'0'; LENGTH];
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[rest % 36];
        rest /= 36;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_a_routable_token_confirms() {
        let body = ["glpat-", &"Ab3-".repeat(9), ".01.10"].concat();
        let token = [body.as_bytes(), &checksum_of(body.as_bytes())].concat();
        assert_eq!(judge(&token), Verdict::Confirmed);
        assert_eq!(judge(&[b"x", &token[..]].concat()), Verdict::Unknown);
        assert_eq!(judge(b"glpat"), Verdict::Unknown);
    }

    #[test]
    fn the_checksum_is_padded_with_zeros() {
        // CRC-32 of "123456789" is 0xCBF43926, by the algorithm's own catalogue.
        let text =
            String::from_utf8(checksum_of(b"123456789").to_vec()).expect("digits and letters");
        assert_eq!(u64::from_str_radix(&text, 36), Ok(0xCBF4_3926));
        assert_eq!(&checksum_of(b""), b"0000000");
    }
}
