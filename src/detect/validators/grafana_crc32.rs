//! `grafana-crc32`: the last eight characters are the CRC-32 of everything before their underscore,
//! in little-endian hexadecimal.
//!
//! <https://github.com/grafana/grafana/blob/main/pkg/components/satokengen/tokengen.go>

use super::{Verdict, entropy, hex_of};

/// If the checksum fails, the token must at least not be filler. Of 4,000 generated tokens none had
/// less than 4.2 bits per byte; a repeated word has less than 3.
const LEAST_BITS: f64 = 3.5;

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let is_confirmed = secret.split_last_chunk::<8>().is_some_and(|(body, checksum)| {
        body.strip_suffix(b"_")
            .is_some_and(|body| *checksum == hex_of(crc32fast::hash(body).to_le_bytes()))
    });
    if is_confirmed { Verdict::Confirmed } else { entropy::judge(secret, LEAST_BITS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_with_its_bytes_turned_confirms() {
        let body = ["glsa_", "Qb3xK9vTz1LmW7pR", "c5YhN2dGf8JsA4uE"].concat();
        let checksum = crc32fast::hash(body.as_bytes());
        assert_eq!(
            judge(format!("{body}_{:08x}", checksum.swap_bytes()).as_bytes()),
            Verdict::Confirmed
        );
        assert_eq!(judge(format!("{body}_{checksum:08x}").as_bytes()), Verdict::Unknown);
        assert_eq!(judge(format!("glsa_{}_00000000", "a".repeat(32)).as_bytes()), Verdict::Refuted);
    }
}
