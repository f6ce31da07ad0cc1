//! `atlassian-crc32`: the last eight characters are the CRC-32 of everything before them, including
//! the `=`, in upper-case hexadecimal.
//!
//! Not documented. It holds for the tokens that are published as examples.

use super::{Verdict, hex_of};

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let Some((body, checksum)) = secret.split_last_chunk::<8>() else { return Verdict::Unknown };
    let expected =
        hex_of(crc32fast::hash(body).to_be_bytes()).map(|digit| digit.to_ascii_uppercase());
    if *checksum == expected { Verdict::Confirmed } else { Verdict::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_behind_the_equals_sign_confirms() {
        let body = ["ATATT3", &"xF-g".repeat(40), "="].concat();
        let checksum = format!("{:08X}", crc32fast::hash(body.as_bytes()));
        assert_eq!(judge(format!("{body}{checksum}").as_bytes()), Verdict::Confirmed);
        assert_eq!(judge(format!("{body}00000000").as_bytes()), Verdict::Unknown);
        assert_eq!(judge(b"ATATT3"), Verdict::Unknown);
    }
}
