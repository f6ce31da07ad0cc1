//! Fingerprints: the four bytes by which the prefilter finds a probe.
//!
//! A fingerprint may be taken from anywhere in its anchor. If the anchor is shorter than four
//! bytes, the fingerprint also covers the bytes that the probe's context allows around it. Each
//! byte of a fingerprint is a set: one byte, a letter in both cases, or a class.
//!
//! The AVX2 kernel cannot look up whole bytes. It works on *features* instead: nibbles (half bytes)
//! and mixes of neighbouring bytes. This module computes both forms; the kernels in `simd` only
//! read tables that are made from them.

use crate::rules::{ByteSet, context::REACH, probe::Probe};

/// Bytes in a fingerprint.
pub(crate) const WIDTH: usize = 4;

/// Features of four bytes: the low nibble of each byte, and the [`mix`] of each byte with its
/// neighbour.
pub(crate) const FEATURES: usize = 2 * WIDTH;

/// How many anchors of one byte are compared directly. In a bucket, such an anchor would let
/// through every byte that shares its features.
pub(crate) const N_SINGLES: usize = 2;

/// The one-byte anchors among `probes` that are compared directly, at most [`N_SINGLES`]. Their
/// fingerprints begin one byte before them.
pub(crate) fn singles<'p>(probes: impl Iterator<Item = &'p Probe>) -> Vec<u8> {
    let mut singles: Vec<u8> = probes.filter_map(single).collect();
    singles.sort_unstable();
    singles.dedup();
    singles.truncate(N_SINGLES);
    singles
}

/// The byte that is the whole anchor of `probe`, if the anchor has one byte and no second case.
pub(crate) fn single(probe: &Probe) -> Option<u8> {
    match *probe.anchor.text {
        [byte] if !probe.anchor.fold || !byte.is_ascii_alphabetic() => Some(byte),
        _ => None,
    }
}

/// The bytes that are allowed in a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// Offset from the first byte of the anchor.
    pub(crate) offset: i8,
    pub(crate) sets: [ByteSet; WIDTH],
}

impl Fingerprint {
    /// The fingerprint of `probe` that begins at `offset`.
    pub(crate) fn new(probe: &Probe, offset: i8) -> Fingerprint {
        let sets =
            std::array::from_fn(|index| set_at(probe, isize::from(offset) + index.cast_signed()));
        Fingerprint { offset, sets }
    }

    /// Every fingerprint that `probe` can have.
    pub(crate) fn all(probe: &Probe) -> impl Iterator<Item = Fingerprint> + '_ {
        let length = i8::try_from(probe.anchor.text.len().min(64)).unwrap_or(64);
        let first = if length < 4 && probe.context.before != ByteSet::ALL { -1 } else { 0 };
        let last = (length - 4).max(0);
        (first..=last).map(|offset| Fingerprint::new(probe, offset))
    }

    /// For each feature, the values that the fingerprint allows, as bits.
    pub(crate) fn features(&self) -> [u16; FEATURES] {
        let mut features = [0; FEATURES];
        for (index, set) in self.sets.iter().enumerate() {
            let lows = set.rows().iter().fold(0, |all, row| all | row);
            features[index] = lows;
            let highs = highs(self.sets[(index + 1) % WIDTH]);
            for high in 0..16 {
                let is_there = highs & 1 << high != 0;
                features[WIDTH + index] |= if is_there { lows.rotate_left(high) } else { 0 };
            }
        }
        features
    }
}

/// The values of [`high`] over all bytes of `set`, as bits.
fn highs(set: ByteSet) -> u16 {
    let mut highs = 0;
    for (row, bits) in set.rows().into_iter().enumerate() {
        let byte = (row as u8) << 4;
        highs |= u16::from(bits & 0x00ff != 0) << high(byte);
        highs |= u16::from(bits & 0xff00 != 0) << high(byte | 8);
    }
    highs
}

/// The low nibble of a byte. It does not depend on the case of a letter.
#[cfg(test)]
pub(crate) fn low(byte: u8) -> u8 {
    byte & 15
}

/// Three of the high bits of a byte, without the case bit of letters.
pub(crate) fn high(byte: u8) -> u8 {
    byte >> 3 & 0b1011
}

/// A feature made from two neighbouring bytes. The high bits of one byte alone say almost nothing
/// about text, because all letters share two of them.
#[cfg(test)]
pub(crate) fn mix(byte: u8, next: u8) -> u8 {
    (low(byte) + high(next)) & 15
}

/// The features of four bytes of text.
#[cfg(test)]
pub(crate) fn features_of(text: [u8; WIDTH]) -> [u8; FEATURES] {
    std::array::from_fn(|index| match index.checked_sub(WIDTH) {
        None => low(text[index]),
        Some(index) => mix(text[index], text[(index + 1) % WIDTH]),
    })
}

/// The bytes allowed at offset `at` from the first byte of the anchor.
fn set_at(probe: &Probe, at: isize) -> ByteSet {
    let Ok(at) = usize::try_from(at) else {
        return if at == -1 { probe.context.before } else { ByteSet::ALL };
    };
    match probe.anchor.text.get(at) {
        Some(byte) if probe.anchor.fold => {
            ByteSet::one(byte.to_ascii_lowercase()).union(ByteSet::one(byte.to_ascii_uppercase()))
        }
        Some(byte) => ByteSet::one(*byte),
        None if at - probe.anchor.text.len() < REACH => {
            probe.context.after[at - probe.anchor.text.len()]
        }
        None => ByteSet::ALL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Anchor, context::Context};

    fn probe(text: &str, fold: bool) -> Probe {
        let digits = ByteSet::of(|byte| byte.is_ascii_digit());
        let context = Context { before: digits, after: [digits, ByteSet::ALL, ByteSet::ALL] };
        Probe { anchor: Anchor { text: text.as_bytes().into(), fold }, context }
    }

    #[test]
    fn a_short_anchor_has_a_window_that_begins_before_it() {
        let offsets = |text: &str| {
            Fingerprint::all(&probe(text, false))
                .map(|fingerprint| fingerprint.offset)
                .collect::<Vec<_>>()
        };
        assert_eq!(offsets("SK"), [-1, 0]);
        assert_eq!(offsets("abcd"), [0]);
        assert_eq!(offsets("abcdef"), [0, 1, 2]);
        let fingerprint = Fingerprint::new(&probe("SK", false), -1);
        assert!(
            fingerprint.sets[0].contains(b'7')
                && fingerprint.sets[3].contains(b'7')
                && !fingerprint.sets[3].contains(b'x')
        );
    }

    #[test]
    fn the_features_of_every_text_in_a_window_are_among_its_own() {
        let fingerprint = Fingerprint::new(&probe("Key", true), 0);
        let features = fingerprint.features();
        for text in [b"KEY1", b"key9", b"kEy0"] {
            let own = features_of(*text);
            assert!(
                own.iter().zip(features).all(|(value, bits)| bits & 1 << value != 0),
                "{own:?}"
            );
        }
        let other = features_of(*b"keyx");
        assert!(!other.iter().zip(features).all(|(value, bits)| bits & 1 << value != 0));
    }
}
