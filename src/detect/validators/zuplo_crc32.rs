//! `zuplo-crc32`: the last eight characters are the CRC-32 of the text between the two underscores,
//! in hexadecimal.
//!
//! <https://zuplo.com/docs/articles/api-key-leak-detection>

use super::{Verdict, hex_of};

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let mut parts = secret.split(|byte| *byte == b'_').skip(1);
    let (Some(body), Some(checksum), None) = (parts.next(), parts.next(), parts.next()) else {
        return Verdict::Unknown;
    };
    let expected = hex_of(crc32fast::hash(body).to_be_bytes());
    if checksum == expected { Verdict::Confirmed } else { Verdict::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_the_body_confirms() {
        let body = "a1b2".repeat(8);
        let checksum = crc32fast::hash(body.as_bytes());
        assert_eq!(judge(format!("zpka_{body}_{checksum:08x}").as_bytes()), Verdict::Confirmed);
        assert_eq!(judge(format!("zpka_{body}x_{checksum:08x}").as_bytes()), Verdict::Unknown);
        assert_eq!(judge(b"zpka_"), Verdict::Unknown);
    }
}
