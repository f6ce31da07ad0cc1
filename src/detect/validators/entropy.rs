//! `entropy:BITS`: at least this many bits of Shannon entropy per byte.

use super::Verdict;

pub(super) fn judge(secret: &[u8], bits: f64) -> Verdict {
    if shannon(secret) < bits { Verdict::Refuted } else { Verdict::Unknown }
}

/// The entropy in bits per byte, from the frequency of each byte value.
fn shannon(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = bytes.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
    -shares.map(|share| share * share.log2()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetition_has_little_entropy() {
        assert_eq!(judge(b"aaaaaaaaaaaaaaaa", 1.0), Verdict::Refuted);
        assert_eq!(judge(b"abcdefghijklmnop", 3.9), Verdict::Unknown);
        assert!((shannon(b"abab") - 1.0).abs() < 1e-9);
        assert_eq!(judge(b"", 0.5), Verdict::Refuted);
    }
}
