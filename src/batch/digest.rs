//! The BLAKE3 digest of bytes that are read or written in order.
//!
//! BLAKE3 hashes many chunks of 1 KiB in parallel if they start at an edge of its tree. Reads and
//! records rarely end at one, so bytes are gathered up to an edge. Without that, a quarter of the
//! time went into chunks hashed one by one (Zen 3, AVX2).

/// Sixteen chunks: two rounds of AVX2, one of AVX-512.
const GATHERED: usize = 16 << 10;

/// A digest in progress.
#[derive(Default)]
pub(super) struct Digest {
    hasher: blake3::Hasher,
    /// The bytes behind the last edge, which are not hashed yet.
    rest: Vec<u8>,
    len: u64,
}

impl Digest {
    /// The number of bytes so far.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.len += bytes.len() as u64;
        if !self.rest.is_empty() {
            let n_bytes = bytes.len().min(GATHERED - self.rest.len());
            self.rest.extend_from_slice(&bytes[..n_bytes]);
            bytes = &bytes[n_bytes..];
            if self.rest.len() < GATHERED {
                return;
            }
            self.hasher.update(&self.rest);
            self.rest.clear();
        }
        let (whole, rest) = bytes.split_at(bytes.len() - bytes.len() % GATHERED);
        self.hasher.update(whole);
        self.rest.extend_from_slice(rest);
    }

    /// The digest in hexadecimal.
    pub(super) fn digits(&self) -> String {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.rest);
        hasher.finalize().to_hex().to_string()
    }

    /// The digest in hexadecimal. It is `digits` if `other` has the same few bytes, which saves
    /// hashing: most files are short and clean.
    pub(super) fn digits_or(&self, other: &Digest, digits: &str) -> String {
        let is_same =
            self.len == other.len && self.len == self.rest.len() as u64 && self.rest == other.rest;
        if is_same { digits.to_owned() } else { self.digits() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_cut_the_digest_is_that_of_the_whole() {
        let bytes: Vec<u8> =
            (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for length in [0, 1, GATHERED - 1, GATHERED, GATHERED + 1, bytes.len()] {
            let expected = blake3::hash(&bytes[..length]).to_hex().to_string();
            for cut in [1000, GATHERED - 1, GATHERED, 3 * GATHERED + 7] {
                let mut digest = Digest::default();
                bytes[..length].chunks(cut).for_each(|piece| digest.update(piece));
                assert_eq!(
                    (digest.len(), digest.digits()),
                    (length as u64, expected.clone()),
                    "{length} by {cut}"
                );
            }
        }
    }

    #[test]
    fn digits_are_shared_by_the_same_bytes_alone() {
        let of = |bytes: &[u8]| {
            let mut digest = Digest::default();
            digest.update(bytes);
            digest
        };
        let long = vec![b'x'; GATHERED + 1];
        for (one, other) in
            [(&b"alike"[..], &b"alike"[..]), (b"alike", b"other"), (b"alike", b"a"), (&long, &long)]
        {
            let shared = of(one).digits_or(&of(other), "shared");
            let is_shared = one == other && one.len() < GATHERED;
            assert_eq!(shared, if is_shared { "shared".to_owned() } else { of(one).digits() });
        }
    }
}
