//! A set of byte values in 256 bits.

use serde::{Deserialize, Serialize};

/// A set of byte values. Serialized as 64 hexadecimal digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct ByteSet([u64; 4]);

impl ByteSet {
    /// Every byte.
    pub(crate) const ALL: ByteSet = ByteSet([u64::MAX; 4]);

    /// The bytes that `is_member` accepts.
    pub(crate) fn of(is_member: impl Fn(u8) -> bool) -> ByteSet {
        let mut set = ByteSet::default();
        (0..=u8::MAX).filter(|byte| is_member(*byte)).for_each(|byte| set.insert(byte));
        set
    }

    pub(crate) fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    pub(crate) fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] & (1 << (byte & 63)) != 0
    }

    /// The bytes of the set, in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = u8> {
        self.0.into_iter().zip([0, 64, 128, 192]).flat_map(|(mut word, first)| {
            std::iter::from_fn(move || {
                let bit = u8::try_from(word.trailing_zeros()).ok().filter(|bit| *bit < 64)?;
                word &= word - 1;
                Some(first + bit)
            })
        })
    }

    /// One byte.
    pub(crate) fn one(byte: u8) -> ByteSet {
        let mut set = ByteSet::default();
        set.insert(byte);
        set
    }

    /// The set as sixteen rows. Row `n` has one bit for each byte whose high nibble is `n`, by its
    /// low nibble.
    pub(crate) fn rows(self) -> [u16; 16] {
        std::array::from_fn(|row| (self.0[row / 4] >> (16 * (row % 4)) & 0xffff) as u16)
    }

    pub(crate) fn union(self, other: ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|index| self.0[index] | other.0[index]))
    }

    /// The set with both cases of each ASCII letter in it.
    pub(crate) fn folded(self) -> ByteSet {
        ByteSet::of(|byte| {
            self.contains(byte.to_ascii_lowercase()) || self.contains(byte.to_ascii_uppercase())
        })
    }
}

impl std::fmt::Debug for ByteSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(|byte| byte.escape_ascii().to_string())).finish()
    }
}

impl From<ByteSet> for String {
    fn from(set: ByteSet) -> String {
        set.0.iter().map(|word| format!("{word:016x}")).collect()
    }
}

impl TryFrom<String> for ByteSet {
    type Error = String;

    fn try_from(text: String) -> Result<ByteSet, String> {
        let mut words = [0; 4];
        for (index, word) in words.iter_mut().enumerate() {
            let digits = text.get(16 * index..16 * (index + 1)).unwrap_or_default();
            *word = u64::from_str_radix(digits, 16)
                .map_err(|_| "a set of bytes has 64 hexadecimal digits".to_owned())?;
        }
        Ok(ByteSet(words))
    }
}
