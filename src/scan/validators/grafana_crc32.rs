//! `grafana-crc32`: the last eight characters are the CRC-32 of all before their underscore, its bytes from the lowest, in
//! hexadecimal.
//!
//! <https://github.com/grafana/grafana/blob/main/pkg/components/satokengen/tokengen.go>

use super::{Verdict, hex_of};

pub(super) fn judge(secret: &[u8]) -> Verdict {
    let Some((body, checksum)) = secret.split_last_chunk::<8>() else { return Verdict::Unknown };
    let Some(body) = body.strip_suffix(b"_") else { return Verdict::Unknown };
    if *checksum == hex_of(crc32fast::hash(body).to_le_bytes()) { Verdict::Confirmed } else { Verdict::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_with_its_bytes_turned_confirms() {
        let body = ["glsa_", &"Ab3x".repeat(8)].concat();
        let checksum = crc32fast::hash(body.as_bytes());
        assert_eq!(judge(format!("{body}_{:08x}", checksum.swap_bytes()).as_bytes()), Verdict::Confirmed);
        assert_eq!(judge(format!("{body}_{checksum:08x}").as_bytes()), Verdict::Unknown);
        assert_eq!(judge(b"glsa_"), Verdict::Unknown);
    }
}
