//! `mac-address`: six pairs of hexadecimal digits with the same mark between them. Not all zeros
//! and not the broadcast address.
//!
//! IEEE Std 802, clause 8.

use super::Verdict;

/// The length: six pairs and five marks.
const LENGTH: usize = 17;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let is_shaped = secret.len() == LENGTH
        && secret.iter().enumerate().all(|(index, byte)| match index % 3 {
            2 => *byte == secret[2] && matches!(byte, b':' | b'-'),
            _ => byte.is_ascii_hexdigit(),
        });
    let all = |digit: u8| {
        secret.iter().all(|byte| byte.eq_ignore_ascii_case(&digit) || matches!(byte, b':' | b'-'))
    };
    if is_shaped && !all(b'0') && !all(b'f') { Verdict::Confirmed } else { Verdict::Refuted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_pairs_with_one_mark_are_an_address() {
        for address in ["00:1b:44:11:3A:B7", "00-1B-44-11-3A-B7"] {
            assert_eq!(judge(address.as_bytes()), Verdict::Confirmed, "{address}");
        }
        for other in [
            "00:00:00:00:00:00",
            "FF:ff:ff:ff:ff:ff",
            "00:1b:44-11:3a:b7",
            "00:1b:44:11:3a:b7:01",
            "2024-01-02-03-04",
        ] {
            assert_eq!(judge(other.as_bytes()), Verdict::Refuted, "{other}");
        }
    }
}
