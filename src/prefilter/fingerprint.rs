//! The four bytes that the prefilter looks at for a probe, and what they look like to it.
//!
//! A window lies anywhere in its anchor, and where the anchor is shorter it goes on with what must
//! stand around it. A byte of a window is a set: one byte, a letter in both cases, or a class.

use crate::rules::{ByteSet, context::REACH, probe::Probe};

/// Bytes in a window.
pub(crate) const WIDTH: usize = 4;

/// What the kernel for CPUs without a look-up of whole bytes tells apart: the low half of each
/// byte, and for each byte what it makes with its neighbour ([`mix`]).
pub(crate) const FEATURES: usize = 2 * WIDTH;

/// Anchors of one byte that are compared as they are: in a bucket they would let through whatever
/// looks like them.
pub(crate) const N_SINGLES: usize = 2;

/// The anchors of one byte that `probes` have, as many as are compared as they are. Their windows
/// begin one byte before them.
pub(crate) fn singles<'p>(probes: impl Iterator<Item = &'p Probe>) -> Vec<u8> {
    let mut singles: Vec<u8> = probes.filter_map(single).collect();
    singles.sort_unstable();
    singles.dedup();
    singles.truncate(N_SINGLES);
    singles
}

/// The one byte that the anchor of `probe` is.
pub(crate) fn single(probe: &Probe) -> Option<u8> {
    match *probe.anchor.text {
        [byte] if !probe.anchor.fold || !byte.is_ascii_alphabetic() => Some(byte),
        _ => None,
    }
}

/// The bytes that a window may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// Where it begins, counted from the anchor's first byte.
    pub(crate) offset: i8,
    pub(crate) sets: [ByteSet; WIDTH],
}

impl Window {
    /// The window of `probe` that begins at `offset`.
    pub(crate) fn new(probe: &Probe, offset: i8) -> Window {
        let sets =
            std::array::from_fn(|index| set_at(probe, isize::from(offset) + index.cast_signed()));
        Window { offset, sets }
    }

    /// Every window that `probe` may have.
    pub(crate) fn all(probe: &Probe) -> impl Iterator<Item = Window> + '_ {
        let length = i8::try_from(probe.anchor.text.len().min(64)).unwrap_or(64);
        let first = if length < 4 && probe.context.before != ByteSet::ALL { -1 } else { 0 };
        let last = (length - 4).max(0);
        (first..=last).map(|offset| Window::new(probe, offset))
    }

    /// The values that each feature may have, as bits.
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

/// What [`high`] may be of the bytes of `set`, as bits.
fn highs(set: ByteSet) -> u16 {
    let halves = |(row, bits): (usize, u16)| {
        let byte = (row as u8) << 4;
        let lower = if bits & 0x00ff != 0 { 1 << high(byte) } else { 0 };
        let upper = if bits & 0xff00 != 0 { 1 << high(byte | 8) } else { 0 };
        lower | upper
    };
    set.rows().into_iter().enumerate().map(halves).fold(0, |all, bits| all | bits)
}

/// The low half of a byte: the same in both cases of a letter.
pub(crate) fn low(byte: u8) -> u8 {
    byte & 15
}

/// Three of the high bits of a byte, that of a letter's case left out.
pub(crate) fn high(byte: u8) -> u8 {
    byte >> 3 & 0b1011
}

/// What two neighbours make: in text the high halves alone say next to nothing, since letters share
/// two of them.
pub(crate) fn mix(byte: u8, next: u8) -> u8 {
    (low(byte) + high(next)) & 15
}

/// The features of four bytes of text.
pub(crate) fn features_of(text: [u8; WIDTH]) -> [u8; FEATURES] {
    std::array::from_fn(|index| match index.checked_sub(WIDTH) {
        None => low(text[index]),
        Some(index) => mix(text[index], text[(index + 1) % WIDTH]),
    })
}

/// What may stand at `at`, counted from the anchor's first byte.
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
            Window::all(&probe(text, false)).map(|window| window.offset).collect::<Vec<_>>()
        };
        assert_eq!(offsets("SK"), [-1, 0]);
        assert_eq!(offsets("abcd"), [0]);
        assert_eq!(offsets("abcdef"), [0, 1, 2]);
        let window = Window::new(&probe("SK", false), -1);
        assert!(
            window.sets[0].contains(b'7')
                && window.sets[3].contains(b'7')
                && !window.sets[3].contains(b'x')
        );
    }

    #[test]
    fn the_features_of_every_text_in_a_window_are_among_its_own() {
        let window = Window::new(&probe("Key", true), 0);
        let features = window.features();
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
