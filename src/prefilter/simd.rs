//! Vector kernels: one pass over a block that reports where a fingerprint may begin.
//!
//! Each probe belongs to a bucket, and each bucket is one bit. For each byte of a fingerprint there
//! is a table that maps a value to the buckets that allow it. A position is reported where all
//! bytes of a fingerprint agree on a bucket. (Teddy, published in the Hyperscan project, works in
//! the same way.) With AVX-512 VBMI, tables have an entry for each seven-bit byte. AVX2 looks up
//! only sixteen entries, so its tables work on features, which are nibbles and mixes of neighbours
//! ([`Fingerprint::features`]).
//!
//! The kernels are generic over a few vector operations ([`NibbleOps`], [`ByteOps`]). Each
//! operation has a model in plain Rust ([`Model`]). So the logic of both kernels is tested on every
//! machine, and the instructions on every CPU that has them.
//!
//! The engine has no other file with `unsafe`.

#![allow(
    unsafe_code,
    reason = "vector instructions, and loads that the loop's bounds were checked for once"
)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

#[cfg(test)]
use super::fingerprint::{high, low};
use super::{
    fingerprint::{FEATURES, Fingerprint, N_SINGLES, WIDTH},
    marks::{self, WORD, Word},
};
use crate::rules::ByteSet;

/// Groups of eight buckets, in either kind of table.
pub(crate) const N_EIGHTS: usize = 4;

/// Buckets in either kind of table.
pub(crate) const N_BUCKETS: usize = 8 * N_EIGHTS;

/// Entries of a table by bytes.
const N_SEVEN_BIT: usize = 128;

/// A kernel may write this many positions at once, so the caller's array needs this much free
/// space.
pub(super) const SLACK: usize = 64;

/// Offset of a one-byte anchor in its fingerprint.
pub(super) const SINGLE_AT: usize = 1;

/// Tables by features, for AVX2.
#[derive(Clone)]
pub(super) struct NibbleTables {
    buckets: [[[u8; 16]; FEATURES]; N_EIGHTS],
    singles: [u8; N_SINGLES],
    starts: NibbleSet,
    letters: NibbleSet,
}

/// A set of bytes, split into nibbles: a byte is in the set if the entries of its two nibbles have
/// a bit in common.
#[derive(Clone)]
struct NibbleSet {
    low: [u8; 16],
    upper: [u8; 16],
}

impl NibbleSet {
    /// Equal rows share a bit.
    fn new(set: ByteSet) -> NibbleSet {
        let mut rows = [0_u16; 16];
        set.iter().for_each(|byte| rows[usize::from(byte >> 4)] |= 1 << (byte & 15));
        let mut known: Vec<u16> = rows.into_iter().filter(|row| *row != 0).collect();
        known.sort_unstable();
        known.dedup();
        assert!(known.len() <= 8, "a set of bytes has rows of at most eight kinds");
        let mut nibbles = NibbleSet { low: [0; 16], upper: [0; 16] };
        for (bit, row) in known.iter().enumerate() {
            for (nibble, upper) in rows.iter().enumerate() {
                nibbles.low[nibble] |= u8::from(row & 1 << nibble != 0) << bit;
                nibbles.upper[nibble] |= u8::from(upper == row) << bit;
            }
        }
        nibbles
    }
}

/// Tables by bytes, for AVX-512.
#[derive(Clone)]
pub(super) struct ByteTables {
    buckets: [[[u8; N_SEVEN_BIT]; WIDTH]; N_EIGHTS],
    singles: [u8; N_SINGLES],
    /// For each seven-bit byte. Bits 0 and 1: whether it, or the same byte with the high bit set,
    /// may begin an escape. Bits 2 and 3: whether it belongs to the base64 alphabet.
    marks: [u8; N_SEVEN_BIT],
}

/// A fingerprint and its bucket. Anchors of one byte have no bucket.
pub(super) type Bucketed<'w> = (&'w Fingerprint, u8);

impl NibbleTables {
    pub(super) fn new<'w>(
        assigned: impl Iterator<Item = Bucketed<'w>>,
        singles: [u8; N_SINGLES],
    ) -> NibbleTables {
        let mut buckets = [[[0; 16]; FEATURES]; N_EIGHTS];
        for (fingerprint, bucket) in assigned {
            let (eight, bit) = (usize::from(bucket / 8), 1 << (bucket % 8));
            for (table, values) in buckets[eight].iter_mut().zip(fingerprint.features()) {
                for (value, entry) in table.iter_mut().enumerate() {
                    *entry |= if values & 1 << value != 0 { bit } else { 0 };
                }
            }
        }
        let [starts, letters] = [marks::starts(), marks::letters()].map(NibbleSet::new);
        NibbleTables { buckets, singles, starts, letters }
    }
}

impl ByteTables {
    pub(super) fn new<'w>(
        assigned: impl Iterator<Item = Bucketed<'w>>,
        singles: [u8; N_SINGLES],
    ) -> ByteTables {
        let mut buckets = [[[0; N_SEVEN_BIT]; WIDTH]; N_EIGHTS];
        for (fingerprint, bucket) in assigned {
            let (eight, bit) = (usize::from(bucket / 8), 1 << (bucket % 8));
            for (table, set) in buckets[eight].iter_mut().zip(fingerprint.sets) {
                for byte in set.iter() {
                    table[usize::from(byte & 0x7f)] |= bit;
                }
            }
        }
        let (starts, letters) = (marks::starts(), marks::letters());
        let marks =
            std::array::from_fn(|byte| both(starts, byte as u8) | both(letters, byte as u8) << 2);
        ByteTables { buckets, singles, marks }
    }
}

/// Bit 0: whether the set contains `byte`; bit 1: the same with the high bit set.
fn both(set: ByteSet, byte: u8) -> u8 {
    u8::from(set.contains(byte)) | u8::from(set.contains(byte | 0x80)) << 1
}

/// The input and the output of a kernel.
pub(super) struct Run<'r> {
    pub(super) text: &'r [u8],
    /// The first position to test.
    pub(super) from: usize,
    /// The end of the positions to test.
    pub(super) to: usize,
    pub(super) found: &'r mut [u32],
    /// One word for each [`WORD`] positions from the first one on.
    pub(super) words: &'r mut [Word],
}

/// A kernel may leave fewer positions than this untested at the end of its text.
pub(super) const MAX_LEFT: usize = WIDEST + WIDTH;

/// The most positions that a kernel tests in one step.
pub(super) const WIDEST: usize = WORD;

impl Run<'_> {
    /// The number of steps of `width` positions for which every load is inside the text and all
    /// positions fit into `found`.
    fn n_steps(&self, width: usize) -> usize {
        let end = self.to.min(self.text.len().saturating_sub(WIDTH - 1));
        let room = self.found.len().saturating_sub(SLACK);
        (end.saturating_sub(self.from) / width).min(room / width)
    }
}

/// A vector of bytes.
trait Lanes: Copy {
    /// Bytes in a vector; at most 64.
    const WIDTH: usize;

    /// # Safety
    ///
    /// - As many bytes as a vector has can be read at `from`.
    /// - The CPU has the instructions.
    unsafe fn load(from: *const u8) -> Self;
    /// # Safety
    ///
    /// The CPU has the instructions; so for the rest, here and in the traits below.
    unsafe fn and(self, other: Self) -> Self;
    unsafe fn or(self, other: Self) -> Self;
    /// Non-zero for each byte that equals `byte`.
    unsafe fn equals(self, byte: u8) -> Self;
    /// One bit for each byte that is not zero.
    unsafe fn nonzero(self) -> u64;
}

/// Further operations for a kernel by nibbles.
trait NibbleOps: Lanes {
    type Table: Copy;

    unsafe fn table(entries: &[u8; 16]) -> Self::Table;
    /// [`low`] of each byte.
    unsafe fn low(self) -> Self;
    /// [`high`] of each byte.
    unsafe fn high(self) -> Self;
    /// The high nibble of each byte.
    unsafe fn upper(self) -> Self;
    /// The sum of two nibbles, modulo 16.
    unsafe fn sum(self, other: Self) -> Self;
    /// Looks up each byte, which is less than 16.
    unsafe fn look(self, table: Self::Table) -> Self;
}

/// Further operations for a kernel by bytes.
trait ByteOps: Lanes {
    type Table: Copy;

    unsafe fn table(entries: &[u8; N_SEVEN_BIT]) -> Self::Table;
    /// Looks up the low seven bits of each byte.
    unsafe fn look(self, table: Self::Table) -> Self;
    /// One bit for each byte that has any of `bits`.
    unsafe fn has(self, bits: u8) -> u64;
    /// One bit for each byte that has the high bit set.
    unsafe fn is_above(self) -> u64;
}

/// The positions in one vector, as bits.
///
/// This function must not use closures. A closure would not be compiled for the CPU features of the
/// caller, so it would be called instead of inlined.
///
/// # Safety
///
/// `V::WIDTH + WIDTH - 1` bytes are readable at `from`; the CPU has the instructions of `V`.
#[inline(always)]
unsafe fn by_nibbles<V: NibbleOps>(tables: &NibbleTables, from: *const u8) -> u64 {
    // SAFETY: each load begins at most `WIDTH - 1` bytes behind `from`; the rest is the caller's
    // promise.
    unsafe {
        let text =
            [V::load(from), V::load(from.add(1)), V::load(from.add(2)), V::load(from.add(3))];
        let lows = [text[0].low(), text[1].low(), text[2].low(), text[3].low()];
        let highs = [text[0].high(), text[1].high(), text[2].high(), text[3].high()];
        let mixes = [
            lows[0].sum(highs[1]),
            lows[1].sum(highs[2]),
            lows[2].sum(highs[3]),
            lows[3].sum(highs[0]),
        ];
        let mut any = text[SINGLE_AT].equals(tables.singles[0]);
        any = any.or(text[SINGLE_AT].equals(tables.singles[1]));
        for eight in &tables.buckets {
            any = any.or(eight_buckets_by_nibbles(eight, lows, mixes));
        }
        any.nonzero()
    }
}

/// The buckets of one group of eight that all features of each position allow.
///
/// # Safety
///
/// The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn eight_buckets_by_nibbles<V: NibbleOps>(
    tables: &[[u8; 16]; FEATURES],
    lows: [V; WIDTH],
    mixes: [V; WIDTH],
) -> V {
    // SAFETY: the caller's promise.
    unsafe {
        let mut all =
            lows[0].look(V::table(&tables[0])).and(mixes[0].look(V::table(&tables[WIDTH])));
        for index in 1..WIDTH {
            let own = lows[index].look(V::table(&tables[index]));
            all = all.and(own.and(mixes[index].look(V::table(&tables[WIDTH + index]))));
        }
        all
    }
}

/// The bitmaps of one vector.
///
/// # Safety
///
/// `V::WIDTH` bytes are readable at `from`; the CPU has the instructions of `V`.
#[inline(always)]
unsafe fn marks_by_nibbles<V: NibbleOps>(tables: &NibbleTables, from: *const u8) -> Word {
    // SAFETY: the caller's promise.
    unsafe {
        let text = V::load(from);
        let (low, upper) = (text.low(), text.upper());
        let starts =
            low.look(V::table(&tables.starts.low)).and(upper.look(V::table(&tables.starts.upper)));
        let letters = low
            .look(V::table(&tables.letters.low))
            .and(upper.look(V::table(&tables.letters.upper)));
        Word { starts: starts.nonzero(), letters: letters.nonzero() }
    }
}

/// The bitmaps of two vectors: one word.
///
/// # Safety
///
/// As for [`marks_by_nibbles`], with 64 readable bytes.
#[inline(always)]
unsafe fn word_by_nibbles<V: NibbleOps>(tables: &NibbleTables, from: *const u8) -> Word {
    // SAFETY: the caller's promise.
    let (low, high) = unsafe {
        (marks_by_nibbles::<V>(tables, from), marks_by_nibbles::<V>(tables, from.add(V::WIDTH)))
    };
    Word {
        starts: low.starts | high.starts << V::WIDTH,
        letters: low.letters | high.letters << V::WIDTH,
    }
}

/// # Safety
///
/// As [`marks_by_nibbles`], of 64 bytes.
#[inline(always)]
unsafe fn marks_by_bytes<V: ByteOps>(tables: &ByteTables, from: *const u8) -> Word {
    // SAFETY: the caller's promise.
    unsafe {
        let text = V::load(from);
        let (marks, is_above) = (text.look(V::table(&tables.marks)), text.is_above());
        Word {
            starts: marks.has(1) & !is_above | marks.has(2) & is_above,
            letters: marks.has(4) & !is_above | marks.has(8) & is_above,
        }
    }
}

/// # Safety
///
/// As [`by_nibbles`], of 64 bytes.
#[inline(always)]
unsafe fn by_bytes<V: ByteOps>(tables: &ByteTables, from: *const u8) -> u64 {
    // SAFETY: each load begins at most `WIDTH - 1` bytes behind `from`; the rest is the caller's
    // promise.
    unsafe {
        let text =
            [V::load(from), V::load(from.add(1)), V::load(from.add(2)), V::load(from.add(3))];
        let mut any = text[SINGLE_AT].equals(tables.singles[0]);
        any = any.or(text[SINGLE_AT].equals(tables.singles[1]));
        for eight in &tables.buckets {
            let mut all = text[0].look(V::table(&eight[0]));
            for index in 1..WIDTH {
                all = all.and(text[index].look(V::table(&eight[index])));
            }
            any = any.or(all);
        }
        any.nonzero()
    }
}

/// Writes the positions for `bits` to `found[n_found..]` and returns the new number of positions.
///
/// Usually there are few bits. A loop with an unpredictable number of rounds costs more than a few
/// rounds in vain, so the first four are always written.
#[inline(always)]
fn append(mut bits: u64, at: usize, found: &mut [u32], n_found: usize) -> usize {
    const UNASKED: usize = 4;
    let n_bits = bits.count_ones() as usize;
    let (Some(room), Ok(at)) = (found.get_mut(n_found..n_found + SLACK), u32::try_from(at)) else {
        return n_found;
    };
    for entry in &mut room[..UNASKED] {
        *entry = at + bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
    }
    if n_bits > UNASKED {
        for entry in &mut room[UNASKED..n_bits] {
            *entry = at + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
    }
    n_found + n_bits
}

/// # Safety
///
/// The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn walk_by_nibbles<V: NibbleOps>(tables: &NibbleTables, run: Run<'_>) -> (usize, usize) {
    let width = 2 * V::WIDTH;
    let n_steps = run.n_steps(width);
    let mut n_found = 0;
    for step in 0..n_steps {
        let at = run.from + step * width;
        // SAFETY: `n_steps` leaves `WIDTH - 1` bytes behind the last vector.
        let (bits, marks) = unsafe {
            let from = run.text.as_ptr().add(at);
            let bits = by_nibbles::<V>(tables, from)
                | by_nibbles::<V>(tables, from.add(V::WIDTH)) << V::WIDTH;
            (bits, word_by_nibbles::<V>(tables, from))
        };
        if let Some(word) = run.words.get_mut(step) {
            *word = marks;
        }
        n_found = append(bits, at, run.found, n_found);
    }
    (run.from + n_steps * width, n_found)
}

/// # Safety
///
/// The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn walk_by_bytes<V: ByteOps>(tables: &ByteTables, run: Run<'_>) -> (usize, usize) {
    let n_steps = run.n_steps(64);
    let mut n_found = 0;
    for step in 0..n_steps {
        let at = run.from + step * 64;
        // SAFETY: `n_steps` leaves `WIDTH - 1` bytes behind the last vector.
        let (bits, marks) = unsafe {
            let from = run.text.as_ptr().add(at);
            (by_bytes::<V>(tables, from), marks_by_bytes::<V>(tables, from))
        };
        if let Some(word) = run.words.get_mut(step) {
            *word = marks;
        }
        n_found = append(bits, at, run.found, n_found);
    }
    (run.from + n_steps * 64, n_found)
}

/// A kernel with its tables.
#[derive(Clone)]
pub(super) enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx2(Box<NibbleTables>),
    #[cfg(target_arch = "x86_64")]
    Avx512(Box<ByteTables>),
    /// The AVX2 kernel on the model.
    #[cfg(test)]
    NibbleModel(Box<NibbleTables>),
    /// The AVX-512 kernel on the model.
    #[cfg(test)]
    ByteModel(Box<ByteTables>),
}

impl Kernel {
    /// Tests the positions `from..to` of `text`. Writes those where a fingerprint may begin to
    /// `found`, in order, and the bitmaps of these bytes to `words`.
    ///
    /// Returns the position where the kernel stopped and the number of positions found. The kernel
    /// stops up to [`MAX_LEFT`] positions early, or when `found` could become full, always at a
    /// multiple of [`WORD`] from `from`.
    pub(super) fn positions(&self, run: Run<'_>) -> (usize, usize) {
        match self {
            // SAFETY: whoever made this variant asked the CPU whether it has the instructions
            // ([`super::Cpu`]).
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2(tables) => unsafe { avx2(tables, run) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512(tables) => unsafe { avx512(tables, run) },
            // SAFETY: the model needs no instructions.
            #[cfg(test)]
            Kernel::NibbleModel(tables) => unsafe { walk_by_nibbles::<Model<32>>(tables, run) },
            // SAFETY: as above.
            #[cfg(test)]
            Kernel::ByteModel(tables) => unsafe { walk_by_bytes::<Model<64>>(tables, run) },
        }
    }

    /// Computes the bitmaps of `text`, one word for each array.
    pub(super) fn marks(&self, text: &[[u8; WORD]], words: &mut [Word]) {
        match self {
            // SAFETY: as in [`Kernel::positions`].
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2(tables) => unsafe { avx2_marks(tables, text, words) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512(tables) => unsafe { avx512_marks(tables, text, words) },
            // SAFETY: as above.
            #[cfg(test)]
            Kernel::NibbleModel(tables) => unsafe {
                mark_by_nibbles::<Model<32>>(tables, text, words)
            },
            // SAFETY: as above.
            #[cfg(test)]
            Kernel::ByteModel(tables) => unsafe { mark_by_bytes::<Model<64>>(tables, text, words) },
        }
    }
}

/// # Safety
///
/// The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn mark_by_nibbles<V: NibbleOps>(
    tables: &NibbleTables,
    text: &[[u8; WORD]],
    words: &mut [Word],
) {
    for (bytes, word) in text.iter().zip(words) {
        // SAFETY: a word describes as many bytes as two vectors have.
        *word = unsafe { word_by_nibbles::<V>(tables, bytes.as_ptr()) };
    }
}

/// # Safety
///
/// The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn mark_by_bytes<V: ByteOps>(tables: &ByteTables, text: &[[u8; WORD]], words: &mut [Word]) {
    for (bytes, word) in text.iter().zip(words) {
        // SAFETY: a word describes as many bytes as a vector has.
        *word = unsafe { marks_by_bytes::<V>(tables, bytes.as_ptr()) };
    }
}

/// # Safety
///
/// The CPU has AVX2, BMI1 and POPCNT.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,popcnt")]
unsafe fn avx2_marks(tables: &NibbleTables, text: &[[u8; WORD]], words: &mut [Word]) {
    // SAFETY: the caller's promise.
    unsafe { mark_by_nibbles::<__m256i>(tables, text, words) }
}

/// # Safety
///
/// The CPU has AVX-512 F, BW and VBMI, BMI1 and POPCNT.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,popcnt")]
unsafe fn avx512_marks(tables: &ByteTables, text: &[[u8; WORD]], words: &mut [Word]) {
    // SAFETY: the caller's promise.
    unsafe { mark_by_bytes::<__m512i>(tables, text, words) }
}

/// # Safety
///
/// The CPU has AVX2, BMI1 and POPCNT.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,popcnt")]
unsafe fn avx2(tables: &NibbleTables, run: Run<'_>) -> (usize, usize) {
    // SAFETY: the caller's promise.
    unsafe { walk_by_nibbles::<__m256i>(tables, run) }
}

/// # Safety
///
/// The CPU has AVX-512 F, BW and VBMI, BMI1 and POPCNT.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,popcnt")]
unsafe fn avx512(tables: &ByteTables, run: Run<'_>) -> (usize, usize) {
    // SAFETY: the caller's promise.
    unsafe { walk_by_bytes::<__m512i>(tables, run) }
}

// SAFETY of every operation below: it is one or two instructions that the caller promised the CPU
// has; only the loads touch memory, as much as the trait says.

#[cfg(target_arch = "x86_64")]
impl Lanes for __m256i {
    const WIDTH: usize = 32;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        unsafe { _mm256_loadu_si256(from.cast()) }
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        unsafe { _mm256_and_si256(self, other) }
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        unsafe { _mm256_or_si256(self, other) }
    }

    #[inline(always)]
    unsafe fn equals(self, byte: u8) -> Self {
        unsafe { _mm256_cmpeq_epi8(self, _mm256_set1_epi8(byte.cast_signed())) }
    }

    #[inline(always)]
    unsafe fn nonzero(self) -> u64 {
        let zeros =
            unsafe { _mm256_movemask_epi8(_mm256_cmpeq_epi8(self, _mm256_setzero_si256())) };
        u64::from(!zeros.cast_unsigned())
    }
}

#[cfg(target_arch = "x86_64")]
impl NibbleOps for __m256i {
    type Table = __m256i;

    #[inline(always)]
    unsafe fn table(entries: &[u8; 16]) -> Self {
        unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(entries.as_ptr().cast())) }
    }

    #[inline(always)]
    unsafe fn low(self) -> Self {
        unsafe { _mm256_and_si256(self, _mm256_set1_epi8(0x0f)) }
    }

    #[inline(always)]
    unsafe fn high(self) -> Self {
        // AVX2 cannot shift bytes, so bits from the neighbouring byte are masked out.
        unsafe { _mm256_and_si256(_mm256_srli_epi16::<3>(self), _mm256_set1_epi8(0b1011)) }
    }

    #[inline(always)]
    unsafe fn upper(self) -> Self {
        unsafe { _mm256_and_si256(_mm256_srli_epi16::<4>(self), _mm256_set1_epi8(0x0f)) }
    }

    #[inline(always)]
    unsafe fn sum(self, other: Self) -> Self {
        unsafe { _mm256_and_si256(_mm256_add_epi8(self, other), _mm256_set1_epi8(0x0f)) }
    }

    #[inline(always)]
    unsafe fn look(self, table: Self) -> Self {
        unsafe { _mm256_shuffle_epi8(table, self) }
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for __m512i {
    const WIDTH: usize = 64;

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn and(self, other: Self) -> Self {
        unsafe { _mm512_and_si512(self, other) }
    }

    #[inline(always)]
    unsafe fn or(self, other: Self) -> Self {
        unsafe { _mm512_or_si512(self, other) }
    }

    #[inline(always)]
    unsafe fn equals(self, byte: u8) -> Self {
        unsafe {
            _mm512_movm_epi8(_mm512_cmpeq_epi8_mask(self, _mm512_set1_epi8(byte.cast_signed())))
        }
    }

    #[inline(always)]
    unsafe fn nonzero(self) -> u64 {
        unsafe { _mm512_test_epi8_mask(self, self) }
    }
}

#[cfg(target_arch = "x86_64")]
impl ByteOps for __m512i {
    type Table = [__m512i; 2];

    #[inline(always)]
    unsafe fn table(entries: &[u8; N_SEVEN_BIT]) -> [__m512i; 2] {
        unsafe {
            [
                _mm512_loadu_si512(entries.as_ptr().cast()),
                _mm512_loadu_si512(entries.as_ptr().add(64).cast()),
            ]
        }
    }

    #[inline(always)]
    unsafe fn look(self, table: [__m512i; 2]) -> Self {
        unsafe { _mm512_permutex2var_epi8(table[0], self, table[1]) }
    }

    #[inline(always)]
    unsafe fn has(self, bits: u8) -> u64 {
        unsafe { _mm512_test_epi8_mask(self, _mm512_set1_epi8(bits.cast_signed())) }
    }

    #[inline(always)]
    unsafe fn is_above(self) -> u64 {
        unsafe { _mm512_movepi8_mask(self) }
    }
}

/// A vector as an array: the meaning of each operation, byte by byte.
#[cfg(test)]
#[derive(Clone, Copy)]
struct Model<const N: usize>([u8; N]);

#[cfg(test)]
impl<const N: usize> Model<N> {
    fn each(self, change: impl FnMut(u8) -> u8) -> Self {
        Model(self.0.map(change))
    }

    fn both(self, other: Self, join: impl Fn(u8, u8) -> u8) -> Self {
        Model(std::array::from_fn(|index| join(self.0[index], other.0[index])))
    }
}

#[cfg(test)]
impl<const N: usize> Lanes for Model<N> {
    const WIDTH: usize = N;

    unsafe fn load(from: *const u8) -> Self {
        Model(unsafe { from.cast::<[u8; N]>().read_unaligned() })
    }

    unsafe fn and(self, other: Self) -> Self {
        self.both(other, |one, other| one & other)
    }

    unsafe fn or(self, other: Self) -> Self {
        self.both(other, |one, other| one | other)
    }

    unsafe fn equals(self, byte: u8) -> Self {
        self.each(|own| if own == byte { 0xff } else { 0 })
    }

    unsafe fn nonzero(self) -> u64 {
        self.0
            .iter()
            .enumerate()
            .fold(0, |bits, (index, byte)| bits | u64::from(*byte != 0) << index)
    }
}

#[cfg(test)]
impl NibbleOps for Model<32> {
    type Table = [u8; 16];

    unsafe fn table(entries: &[u8; 16]) -> [u8; 16] {
        *entries
    }

    unsafe fn low(self) -> Self {
        self.each(low)
    }

    unsafe fn high(self) -> Self {
        self.each(high)
    }

    unsafe fn upper(self) -> Self {
        self.each(|byte| byte >> 4)
    }

    unsafe fn sum(self, other: Self) -> Self {
        self.both(other, |one, other| (one + other) & 15)
    }

    unsafe fn look(self, table: [u8; 16]) -> Self {
        self.each(|half| table[usize::from(half)])
    }
}

#[cfg(test)]
impl ByteOps for Model<64> {
    type Table = [u8; N_SEVEN_BIT];

    unsafe fn table(entries: &[u8; N_SEVEN_BIT]) -> [u8; N_SEVEN_BIT] {
        *entries
    }

    unsafe fn look(self, table: [u8; N_SEVEN_BIT]) -> Self {
        self.each(|byte| table[usize::from(byte & 0x7f)])
    }

    unsafe fn has(self, bits: u8) -> u64 {
        unsafe { self.each(|byte| byte & bits).nonzero() }
    }

    unsafe fn is_above(self) -> u64 {
        unsafe { self.has(0x80) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All byte values, upwards and downwards.
    fn text() -> Vec<u8> {
        (0..=255).chain((0..=255).rev()).collect()
    }

    /// The bytes of a vector.
    fn bytes<V: Copy, const N: usize>(vector: V) -> [u8; N] {
        assert_eq!(size_of::<V>(), N);
        // SAFETY: a vector of that size is that many bytes, and all of them are set.
        unsafe { std::mem::transmute_copy(&vector) }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn each_operation_by_halves_does_what_its_model_does() {
        if !is_x86_feature_detected!("avx2") {
            return crate::prefilter::tests::skipped("avx2");
        }
        let text = text();
        let table: [u8; 16] = std::array::from_fn(|index| (index as u8).wrapping_mul(73));
        for at in 0..text.len() - 64 {
            let (one, other) = (text[at..].as_ptr(), text[at + 7..].as_ptr());
            // SAFETY: 32 bytes can be read behind either; the CPU was asked.
            unsafe {
                let same = |vector: __m256i, model: Model<32>| {
                    assert_eq!(bytes(vector), model.0);
                    assert_eq!(vector.nonzero(), model.nonzero());
                };
                let (v, w) = (__m256i::load(one).low(), __m256i::load(other).high());
                let (m, n) = (Model::<32>::load(one).low(), Model::<32>::load(other).high());
                same(v, m);
                same(w, n);
                same(__m256i::load(one).upper(), Model::<32>::load(one).upper());
                same(v.sum(w), m.sum(n));
                same(v.sum(w).look(__m256i::table(&table)), m.sum(n).look(table));
                same(v.and(w), m.and(n));
                same(v.or(w), m.or(n));
                same(v.equals(7), m.equals(7));
            }
        }
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn each_operation_by_whole_bytes_does_what_its_model_does() {
        if !(is_x86_feature_detected!("avx512bw") && is_x86_feature_detected!("avx512vbmi")) {
            return crate::prefilter::tests::skipped("avx512vbmi");
        }
        let text = text();
        let table: [u8; N_SEVEN_BIT] = std::array::from_fn(|index| (index as u8).wrapping_mul(73));
        for at in 0..text.len() - 80 {
            let (one, other) = (text[at..].as_ptr(), text[at + 7..].as_ptr());
            // SAFETY: 64 bytes can be read behind either; the CPU was asked.
            unsafe {
                let same = |vector: __m512i, model: Model<64>| {
                    assert_eq!(bytes(vector), model.0);
                    assert_eq!(vector.nonzero(), model.nonzero());
                };
                let (v, w) = (__m512i::load(one), __m512i::load(other));
                let (m, n) = (Model::<64>::load(one), Model::<64>::load(other));
                same(v.look(<__m512i as ByteOps>::table(&table)), m.look(table));
                same(v.and(w), m.and(n));
                same(v.or(w), m.or(n));
                same(v.equals(0x80), m.equals(0x80));
                assert_eq!((v.is_above(), v.has(0x11)), (m.is_above(), m.has(0x11)));
            }
        }
    }

    #[test]
    fn positions_are_appended_in_order_few_or_many() {
        for bits in [0, 1, 0b1011, u64::MAX, 1 << 63, 0xffff_0000_ffff_0001] {
            let mut found = vec![7; 3 * SLACK];
            let n_found = append(bits, 1000, &mut found, 5);
            let expected: Vec<u32> =
                (0..64).filter(|bit| bits & 1 << bit != 0).map(|bit| 1000 + bit).collect();
            assert_eq!(found[5..n_found], expected);
            assert!(found[..5].iter().all(|kept| *kept == 7));
        }
    }
}
