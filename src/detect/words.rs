//! Word lists: text in the source, a hash table of numbers in the program.
//!
//! Word lists are consulted for every candidate of a weak anchor, in clean logs too. Comparing word
//! by word took half the time of a clean block, and a binary search over packed words still a
//! tenth. So the compiler builds one table of the lists that are consulted together. A word is
//! packed into a number, and one probe, rarely two, tells which lists hold it.
//!
//! Tables that are built at run time use [`crate::text::open_table`] instead.

/// The longest word.
pub(super) const MAX_WORD: usize = 16;

/// Up to eight lists of words in lower case. Each list is one bit of the answer.
pub(super) struct WordTable<const SLOTS: usize> {
    /// Packed words, each at its hash or in the next free slot after it; 0 marks a free slot.
    words: [u128; SLOTS],
    /// The lists that hold the word in the same slot.
    lists: [u8; SLOTS],
}

impl<const SLOTS: usize> WordTable<SLOTS> {
    /// Each list is a bit and words separated by single spaces. A word may be in several lists.
    pub(super) const fn new(lists: &[(u8, &str)]) -> WordTable<SLOTS> {
        assert!(SLOTS.is_power_of_two(), "a hash is cut to bits");
        let mut table = WordTable { words: [0; SLOTS], lists: [0; SLOTS] };
        let mut n_words = 0;
        let mut list = 0;
        while list < lists.len() {
            let (bit, text) = (lists[list].0, lists[list].1.as_bytes());
            let mut at = 0;
            while at < text.len() {
                let (mut word, mut length) = (0_u128, 0);
                while at < text.len() && text[at] != b' ' {
                    assert!(length < MAX_WORD, "the lists of this program hold short words");
                    word |= (text[at].to_ascii_lowercase() as u128) << (8 * length);
                    length += 1;
                    at += 1;
                }
                assert!(length > 0, "one space between words");
                at += 1;
                let slot = table.slot(word);
                n_words += if table.words[slot] == 0 { 1 } else { 0 };
                table.words[slot] = word;
                table.lists[slot] |= bit;
            }
            list += 1;
        }
        assert!(n_words * 2 <= SLOTS, "a table that is half empty is looked at once");
        table
    }

    /// The slot of `word`, or the free slot where it would be.
    #[inline]
    const fn slot(&self, word: u128) -> usize {
        let mixed = (word as u64) ^ ((word >> 64) as u64).rotate_left(29);
        let hash = mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut slot = (hash >> (64 - SLOTS.trailing_zeros())) as usize;
        while self.words[slot] != word && self.words[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        slot
    }

    /// The lists that hold `word`, ignoring case.
    #[inline]
    pub(super) fn lists(&self, word: &[u8]) -> u8 {
        pack(word).map_or(0, |word| self.lists[self.slot(word)])
    }

    /// Whether `list` holds `word`, ignoring case.
    #[inline]
    pub(super) fn holds(&self, list: u8, word: &[u8]) -> bool {
        self.lists(word) & list != 0
    }
}

/// The word's bytes in lower case as a number, the first byte lowest. `None` for the empty word and
/// for words longer than [`MAX_WORD`]. NUL bytes at the end of a word do not count.
#[inline]
pub(super) fn pack(word: &[u8]) -> Option<u128> {
    let length = word.len();
    let packed = match length {
        8..=MAX_WORD => {
            let (first, last) = (word.first_chunk::<8>()?, word.last_chunk::<8>()?);
            // The halves overlap in the middle, where they hold the same bytes.
            u128::from(u64::from_le_bytes(*first))
                | u128::from(u64::from_le_bytes(*last)) << (8 * (length - 8))
        }
        4..8 => {
            let (first, last) = (word.first_chunk::<4>()?, word.last_chunk::<4>()?);
            u128::from(u32::from_le_bytes(*first))
                | u128::from(u32::from_le_bytes(*last)) << (8 * (length - 4))
        }
        1..4 => {
            let [first, middle, last] =
                [word[0], word[length / 2], word[length - 1]].map(u128::from);
            first | middle << (8 * (length / 2)) | last << (8 * (length - 1))
        }
        _ => return None,
    };
    Some(lower(packed))
}

/// Sixteen bytes in lower case. Only ASCII letters change, by their bit 0x20.
#[inline]
fn lower(bytes: u128) -> u128 {
    const ONES: u128 = u128::from_ne_bytes([1; 16]);
    const HIGH: u128 = ONES << 7;
    let low = bytes & !HIGH;
    let from_a = low + ONES * (0x80 - b'A' as u128);
    let behind_z = low + ONES * (0x7f - b'Z' as u128);
    let is_upper = from_a & !behind_z & !bytes & HIGH;
    bytes | is_upper >> 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_holds_its_words_and_no_others() {
        static TABLE: WordTable<16> = WordTable::new(&[
            (
                1,
                "b alpha \
            gamma sixteen-letters-",
            ),
            (2, "Delta b to"),
        ]);
        for (word, lists) in
            [("alpha", 1), ("b", 3), ("GAMMA", 1), ("delta", 2), ("tO", 2), ("sixteen-letters-", 1)]
        {
            assert_eq!(TABLE.lists(word.as_bytes()), lists, "{word}");
        }
        for word in
            [&b""[..], b"a", b"alph", b"alphas", b"t", b"two", &[b'b'; 17], b"\0", b"\x01lpha"]
        {
            assert_eq!(TABLE.lists(word), 0, "{word:?}");
        }
        assert!(TABLE.holds(2, b"b") && !TABLE.holds(2, b"alpha"));
    }

    #[test]
    fn a_word_is_packed_in_lower_case_byte_by_byte() {
        let mut seed = 1_u32;
        for length in (0..=MAX_WORD + 1).cycle().take(5000) {
            let word: Vec<u8> = std::iter::repeat_with(|| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .take(length)
            .collect();
            let naive = word
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u128::from(byte.to_ascii_lowercase()));
            assert_eq!(pack(&word), (1..=MAX_WORD).contains(&length).then_some(naive), "{word:?}");
        }
    }
}
