//! Bitmaps of a block, made in the prefilter's pass: which bytes may begin an escape, and which
//! belong to the base64 alphabet.
//!
//! The search for encoded runs reads these bitmaps instead of the block, so that it costs nothing
//! where a block has no escape and no long run of base64 letters.

use crate::{
    rules::ByteSet,
    text::{base64, encoding, span::Span},
};

/// Bytes that one word describes.
pub(super) const WORD: usize = 64;

/// A run of base64 letters is reported if it contains this many of them from a multiple of [`STEP`]
/// on.
pub(crate) const CHUNK: usize = 16;

/// Alignment of a [`CHUNK`].
const STEP: usize = 8;

/// Every run of this length contains an aligned chunk, wherever the run begins.
pub(crate) const SURE_RUN: usize = CHUNK + STEP - 1;

/// One bit for each of 64 bytes; the lowest bit is the first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// The bytes that may begin an escape.
    pub(super) starts: u64,
    /// The bytes of the base64 alphabet, standard or URL-safe.
    pub(super) letters: u64,
}

/// The bitmaps of a block.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    words: Vec<Word>,
}

/// The bytes that may begin an escape.
pub(super) fn starts() -> ByteSet {
    ByteSet::of(encoding::is_start)
}

/// The base64 alphabet, standard and URL-safe.
pub(super) fn letters() -> ByteSet {
    ByteSet::of(base64::is_in)
}

impl Marks {
    /// Resizes to a block of `n_bytes` and returns the words, for the caller to overwrite.
    pub(super) fn begin(&mut self, n_bytes: usize) -> &mut [Word] {
        self.words.resize(n_bytes.div_ceil(WORD), Word::default());
        &mut self.words
    }

    /// Computes the bitmaps byte by byte, on any CPU. The vector kernels are tested against this.
    pub(crate) fn read(&mut self, hay: &[u8]) {
        for (word, bytes) in self.begin(hay.len()).iter_mut().zip(hay.chunks(WORD)) {
            let (mut starts, mut letters) = (0, 0);
            for (bit, byte) in bytes.iter().enumerate() {
                starts |= u64::from(encoding::is_start(*byte)) << bit;
                letters |= u64::from(base64::is_in(*byte)) << bit;
            }
            *word = Word { starts, letters };
        }
    }

    /// Copies the bitmaps of `part` from those of the whole block.
    pub(crate) fn take_part(&mut self, all: &Marks, part: Span) {
        let n_words = part.len().div_ceil(WORD);
        self.words.clear();
        self.words.extend((0..n_words).map(|index| all.word_at(part.start + index * WORD)));
        if let Some(last) = self.words.last_mut().filter(|_| !part.len().is_multiple_of(WORD)) {
            let inside = u64::MAX >> (WORD - part.len() % WORD);
            *last = Word { starts: last.starts & inside, letters: last.letters & inside };
        }
    }

    /// The offsets in `part` where an escape may begin, in order.
    pub(crate) fn starts(&self, part: Span) -> Starts<'_> {
        let index = part.start / WORD;
        let inside =
            self.words.get(index).map_or(0, |word| word.starts & (u64::MAX << (part.start % WORD)));
        Starts { marks: self, index, inside, end: part.end }
    }

    /// The first multiple of [`STEP`] in `part` where [`CHUNK`] base64 letters begin.
    pub(crate) fn next_chunk(&self, part: Span) -> Option<usize> {
        let mut seen = u64::MAX << (part.start % WORD);
        for at in part.start / WORD..self.words.len().min(part.end.div_ceil(WORD)) {
            let chunks = self.chunks(at) & seen;
            if chunks != 0 {
                return Some(at * WORD + chunks.trailing_zeros() as usize)
                    .filter(|at| *at < part.end);
            }
            seen = u64::MAX;
        }
        None
    }

    /// The offsets in word `at` where chunks begin, as bits.
    fn chunks(&self, at: usize) -> u64 {
        const STEPS: u64 = 0x0101_0101_0101_0101;
        let own = self.words[at].letters;
        // First look for eight letters in a row at a multiple of eight. Most words have none.
        let mut eights = own & own >> 1;
        eights &= eights >> 2;
        eights &= eights >> 4;
        eights &= STEPS;
        if eights == 0 {
            return 0;
        }
        let next = self.words.get(at + 1).map_or(0, |word| word.letters) & 0xff;
        let follows = u64::from(next == 0xff) << (WORD - STEP);
        eights & (eights >> STEP | follows)
    }

    /// The bitmaps of the 64 bytes from offset `at`, which need not be aligned.
    fn word_at(&self, at: usize) -> Word {
        let (index, shift) = (at / WORD, at % WORD);
        let low = self.words.get(index).copied().unwrap_or_default();
        if shift == 0 {
            return low;
        }
        let high = self.words.get(index + 1).copied().unwrap_or_default();
        Word {
            starts: low.starts >> shift | high.starts << (WORD - shift),
            letters: low.letters >> shift | high.letters << (WORD - shift),
        }
    }
}

/// The iterator of [`Marks::starts`].
pub(crate) struct Starts<'m> {
    marks: &'m Marks,
    /// Index of the current word.
    index: usize,
    /// The bits of the current word that are still to be returned.
    inside: u64,
    end: usize,
}

impl Iterator for Starts<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.inside == 0 {
            self.index += 1;
            if self.index * WORD >= self.end {
                return None;
            }
            self.inside = self.marks.words.get(self.index)?.starts;
        }
        let at = self.index * WORD + self.inside.trailing_zeros() as usize;
        self.inside &= self.inside - 1;
        (at < self.end).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(n_bytes: usize) -> Vec<u8> {
        let mut seed = 0x5eed_u64;
        let mut random = || {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize
        };
        let pieces: [&[u8]; 7] =
            [b"abcdefgh", b"0123456789012345", b" ", b"%", b"\x1b[", b"\\", b"\xe2\x80\x8b-_+/"];
        let mut text = Vec::new();
        while text.len() < n_bytes {
            text.extend_from_slice(pieces[random() % pieces.len()]);
        }
        text.truncate(n_bytes);
        text
    }

    fn marks(hay: &[u8]) -> Marks {
        let mut marks = Marks::default();
        marks.read(hay);
        marks
    }

    #[test]
    fn starts_and_chunks_are_where_bytes_say() {
        for n_bytes in [0, 1, 15, 63, 64, 65, 128, 1000] {
            let hay = text(n_bytes);
            let marks = marks(&hay);
            for from in 0..=n_bytes {
                let part = Span::new(from, n_bytes);
                let end = from + (n_bytes - from) / 2;
                let starts = (from..end).filter(|at| encoding::is_start(hay[*at]));
                assert!(marks.starts(Span::new(from, end)).eq(starts));
                let is_chunk = |at: &usize| {
                    let chunk = hay.get(*at..*at + CHUNK);
                    at.is_multiple_of(STEP)
                        && chunk.is_some_and(|chunk| chunk.iter().all(|byte| base64::is_in(*byte)))
                };
                assert_eq!(
                    marks.next_chunk(part),
                    (from..n_bytes).find(is_chunk),
                    "{n_bytes} from {from}"
                );
            }
        }
    }

    #[test]
    fn a_part_is_told_as_a_block_of_its_own() {
        let hay = text(500);
        let all = marks(&hay);
        let mut own = Marks::default();
        for start in [0, 1, 63, 64, 100, 499] {
            for end in [start, start + 1, start + 64, start + 200, 500]
                .into_iter()
                .filter(|end| *end <= 500)
            {
                own.take_part(&all, Span::new(start, end));
                assert!(own == marks(&hay[start..end]), "{start}..{end}");
            }
        }
    }
}
