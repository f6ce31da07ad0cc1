//! The kernels: one pass over a block that says where the window of some probe may stand.
//!
//! Each probe sits in a bucket, a bit. A table a byte of the window says for each value that the
//! byte may have which buckets allow it; where all bytes of a window agree on a bucket is a
//! position. With AVX-512 VBMI a table has an entry for each seven-bit byte. AVX2 looks up sixteen
//! entries at a time, so there the tables go by [features](super::fingerprint::features_of): half a
//! byte, or what two neighbours make.
//!
//! The kernels are written over a few operations on vectors ([`Halves`], [`Whole`]), each of which
//! has a model in plain Rust ([`Model`]). So their logic is tested on every machine, and the
//! instructions where the CPU has them.
//!
//! This is the only file with `unsafe`.

#![allow(
    unsafe_code,
    reason = "vector instructions, and loads that the loop's bounds were checked for once"
)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

#[cfg(test)]
use super::fingerprint::{high, low};
use super::{
    fingerprint::{FEATURES, N_SINGLES, WIDTH, Window},
    marks::{self, WORD, Word},
};
use crate::rules::ByteSet;

/// Buckets of eight, in the tables by halves and in those by whole bytes.
pub(crate) const N_EIGHTS: usize = 4;

/// Buckets of either kind.
pub(crate) const N_BUCKETS: usize = 8 * N_EIGHTS;

/// The entries of a table by whole bytes.
const N_SEVEN_BIT: usize = 128;

/// More positions than this may be appended at once to what the caller's array holds already.
pub(super) const SLACK: usize = 64;

/// Where in its window an anchor of one byte stands.
pub(super) const SINGLE_AT: usize = 1;

/// Tables by features.
#[derive(Clone)]
pub(super) struct HalfTables {
    buckets: [[[u8; 16]; FEATURES]; N_EIGHTS],
    singles: [u8; N_SINGLES],
    starts: HalfSet,
    letters: HalfSet,
}

/// A set of bytes by their halves: where the entries of both have a bit in common, the byte is in
/// it.
#[derive(Clone)]
struct HalfSet {
    low: [u8; 16],
    upper: [u8; 16],
}

impl HalfSet {
    /// Rows of bytes that are alike share a bit.
    fn new(set: ByteSet) -> HalfSet {
        let mut rows = [0_u16; 16];
        set.iter().for_each(|byte| rows[usize::from(byte >> 4)] |= 1 << (byte & 15));
        let mut known: Vec<u16> = rows.into_iter().filter(|row| *row != 0).collect();
        known.sort_unstable();
        known.dedup();
        assert!(known.len() <= 8, "a set of bytes has rows of at most eight kinds");
        let bit = |row: u16| known.iter().position(|own| *own == row).map_or(0, |bit| 1 << bit);
        let low = |half: usize| {
            known.iter().filter(|row| **row & 1 << half != 0).map(|row| bit(*row)).sum()
        };
        HalfSet { low: std::array::from_fn(low), upper: rows.map(bit) }
    }
}

/// Tables by whole bytes.
#[derive(Clone)]
pub(super) struct WholeTables {
    buckets: [[[u8; N_SEVEN_BIT]; WIDTH]; N_EIGHTS],
    singles: [u8; N_SINGLES],
    /// For each seven-bit byte, bit 0 and 1: whether it, or the byte above it that has eight, may
    /// begin an escape; bit 2 and 3: whether it is of the base64 alphabet.
    marks: [u8; N_SEVEN_BIT],
}

/// Windows with their buckets, those of single bytes left out.
pub(super) type Bucketed<'w> = (&'w Window, u8);

impl HalfTables {
    pub(super) fn new<'w>(
        seated: impl Iterator<Item = Bucketed<'w>>,
        singles: [u8; N_SINGLES],
    ) -> HalfTables {
        let mut buckets = [[[0; 16]; FEATURES]; N_EIGHTS];
        for (window, bucket) in seated {
            let (eight, bit) = (usize::from(bucket / 8), 1 << (bucket % 8));
            for (table, values) in buckets[eight].iter_mut().zip(window.features()) {
                for (value, entry) in table.iter_mut().enumerate() {
                    *entry |= if values & 1 << value != 0 { bit } else { 0 };
                }
            }
        }
        let [starts, letters] = [marks::starts(), marks::letters()].map(HalfSet::new);
        HalfTables { buckets, singles, starts, letters }
    }
}

impl WholeTables {
    pub(super) fn new<'w>(
        seated: impl Iterator<Item = Bucketed<'w>>,
        singles: [u8; N_SINGLES],
    ) -> WholeTables {
        let mut buckets = [[[0; N_SEVEN_BIT]; WIDTH]; N_EIGHTS];
        for (window, bucket) in seated {
            let (eight, bit) = (usize::from(bucket / 8), 1 << (bucket % 8));
            for (table, set) in buckets[eight].iter_mut().zip(window.sets) {
                for byte in set.iter() {
                    table[usize::from(byte & 0x7f)] |= bit;
                }
            }
        }
        let (starts, letters) = (marks::starts(), marks::letters());
        let marks = std::array::from_fn(|byte| {
            let byte = byte as u8;
            let both = |set: ByteSet| {
                u8::from(set.contains(byte)) | u8::from(set.contains(byte | 0x80)) << 1
            };
            both(starts) | both(letters) << 2
        });
        WholeTables { buckets, singles, marks }
    }
}

/// Where the kernels read and write.
struct Run<'r> {
    text: &'r [u8],
    /// The first position.
    from: usize,
    /// Behind the last position.
    to: usize,
    found: &'r mut [u32],
    /// A word for each [`WORD`] positions from the first one on.
    words: &'r mut [Word],
}

/// What a kernel does not look at: fewer positions than this may be left at the end of a text.
pub(super) const LEFT: usize = WIDEST + WIDTH;

/// The most positions that a kernel looks at in one step.
pub(super) const WIDEST: usize = WORD;

impl Run<'_> {
    /// How many steps of `width` positions fit, so that every load lies inside the text and every
    /// position has its room.
    fn n_steps(&self, width: usize) -> usize {
        let end = self.to.min(self.text.len().saturating_sub(WIDTH - 1));
        let room = self.found.len().saturating_sub(SLACK);
        (end.saturating_sub(self.from) / width).min(room / width)
    }
}

/// A vector of bytes, as either kernel has it.
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
    /// Not zero for each byte that is `byte`.
    unsafe fn equals(self, byte: u8) -> Self;
    /// A bit for each byte that is not zero.
    unsafe fn nonzero(self) -> u64;
}

/// What a kernel by halves needs beside.
trait Halves: Lanes {
    type Table: Copy;

    unsafe fn table(entries: &[u8; 16]) -> Self::Table;
    /// [`low`] of each byte.
    unsafe fn low(self) -> Self;
    /// [`high`] of each byte.
    unsafe fn high(self) -> Self;
    /// All of the upper half of each byte.
    unsafe fn upper(self) -> Self;
    /// The sum of two halves, modulo 16.
    unsafe fn sum(self, other: Self) -> Self;
    /// The entry of each byte, which is below 16.
    unsafe fn look(self, table: Self::Table) -> Self;
}

/// What a kernel by whole bytes needs beside.
trait Whole: Lanes {
    type Table: Copy;

    unsafe fn table(entries: &[u8; N_SEVEN_BIT]) -> Self::Table;
    /// The entry of the low seven bits of each byte.
    unsafe fn look(self, table: Self::Table) -> Self;
    /// The bytes that have one of `bits`.
    unsafe fn has(self, bits: u8) -> u64;
    /// The bytes that have eight bits.
    unsafe fn is_above(self) -> u64;
}

/// The positions of one vector.
///
/// There are no closures here: they would not have the caller's instructions, and be called instead
/// of being part of it.
///
/// # Safety
///
/// `WIDTH - 1` bytes more than a vector has can be read at `from`; the CPU has the instructions.
#[inline(always)]
unsafe fn by_halves<V: Halves>(tables: &HalfTables, from: *const u8) -> u64 {
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
            any = any.or(eight_by_halves(eight, lows, mixes));
        }
        any.nonzero()
    }
}

/// The buckets of eight that all features of a position allow.
///
/// # Safety
///
/// The CPU has the instructions.
#[inline(always)]
unsafe fn eight_by_halves<V: Halves>(
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

/// The marks of one vector.
///
/// # Safety
///
/// As many bytes as a vector has can be read at `from`; the CPU has the instructions.
#[inline(always)]
unsafe fn marks_by_halves<V: Halves>(tables: &HalfTables, from: *const u8) -> Word {
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

/// The marks of two vectors, as many bytes as a word tells of.
///
/// # Safety
///
/// As [`marks_by_halves`], of 64 bytes.
#[inline(always)]
unsafe fn word_by_halves<V: Halves>(tables: &HalfTables, from: *const u8) -> Word {
    // SAFETY: the caller's promise.
    let (low, high) = unsafe {
        (marks_by_halves::<V>(tables, from), marks_by_halves::<V>(tables, from.add(V::WIDTH)))
    };
    let join = |low: u64, high: u64| low | high << V::WIDTH;
    Word { starts: join(low.starts, high.starts), letters: join(low.letters, high.letters) }
}

/// # Safety
///
/// As [`marks_by_halves`], of 64 bytes.
#[inline(always)]
unsafe fn marks_by_whole<V: Whole>(tables: &WholeTables, from: *const u8) -> Word {
    // SAFETY: the caller's promise.
    unsafe {
        let text = V::load(from);
        let (marks, is_above) = (text.look(V::table(&tables.marks)), text.is_above());
        let one_of = |below: u64, above: u64| below & !is_above | above & is_above;
        Word {
            starts: one_of(marks.has(1), marks.has(2)),
            letters: one_of(marks.has(4), marks.has(8)),
        }
    }
}

/// # Safety
///
/// As [`by_halves`], of 64 bytes.
#[inline(always)]
unsafe fn by_whole<V: Whole>(tables: &WholeTables, from: *const u8) -> u64 {
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

/// Appends the positions that `bits` stands for to `found[n_found..]`; answers how many there are
/// then.
///
/// Few bits are the rule, and a loop that ends after a number of rounds nobody can foresee costs
/// more than some rounds for nothing. So a few are written whether they are there or not.
#[inline(always)]
fn append(mut bits: u64, at: usize, found: &mut [u32], n_found: usize) -> usize {
    const UNASKED: usize = 4;
    let n_bits = bits.count_ones() as usize;
    let (Some(room), Ok(at)) = (found.get_mut(n_found..n_found + SLACK), u32::try_from(at)) else {
        return n_found;
    };
    for slot in &mut room[..UNASKED] {
        *slot = at + bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
    }
    if n_bits > UNASKED {
        for slot in &mut room[UNASKED..n_bits] {
            *slot = at + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
    }
    n_found + n_bits
}

/// # Safety
///
/// The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn walk_halves<V: Halves>(tables: &HalfTables, run: Run<'_>) -> (usize, usize) {
    let width = 2 * V::WIDTH;
    let n_steps = run.n_steps(width);
    let mut n_found = 0;
    for step in 0..n_steps {
        let at = run.from + step * width;
        // SAFETY: `n_steps` leaves `WIDTH - 1` bytes behind the last vector.
        let (bits, marks) = unsafe {
            let from = run.text.as_ptr().add(at);
            let bits = by_halves::<V>(tables, from)
                | by_halves::<V>(tables, from.add(V::WIDTH)) << V::WIDTH;
            (bits, word_by_halves::<V>(tables, from))
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
unsafe fn walk_whole<V: Whole>(tables: &WholeTables, run: Run<'_>) -> (usize, usize) {
    let n_steps = run.n_steps(64);
    let mut n_found = 0;
    for step in 0..n_steps {
        let at = run.from + step * 64;
        // SAFETY: `n_steps` leaves `WIDTH - 1` bytes behind the last vector.
        let (bits, marks) = unsafe {
            let from = run.text.as_ptr().add(at);
            (by_whole::<V>(tables, from), marks_by_whole::<V>(tables, from))
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
    Avx2(Box<HalfTables>),
    #[cfg(target_arch = "x86_64")]
    Avx512(Box<WholeTables>),
    /// The kernel by halves, without instructions of its own.
    #[cfg(test)]
    HalfModel(Box<HalfTables>),
    /// The kernel by whole bytes, without instructions of its own.
    #[cfg(test)]
    WholeModel(Box<WholeTables>),
}

impl Kernel {
    /// Writes the positions in `from..to` of `text` to `found`, in order, and the marks of those
    /// bytes to `words`; answers where it stopped and how many there are. It stops up to [`LEFT`]
    /// positions early, and where `found` could become full, always a multiple of [`WORD`] behind
    /// `from`.
    pub(super) fn positions(
        &self,
        text: &[u8],
        from: usize,
        to: usize,
        found: &mut [u32],
        words: &mut [Word],
    ) -> (usize, usize) {
        let run = Run { text, from, to, found, words };
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
            Kernel::HalfModel(tables) => unsafe { walk_halves::<Model<32>>(tables, run) },
            // SAFETY: as above.
            #[cfg(test)]
            Kernel::WholeModel(tables) => unsafe { walk_whole::<Model<64>>(tables, run) },
        }
    }

    /// Writes the marks of `text` to `words`, one for each.
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
            Kernel::HalfModel(tables) => unsafe { mark_halves::<Model<32>>(tables, text, words) },
            // SAFETY: as above.
            #[cfg(test)]
            Kernel::WholeModel(tables) => unsafe { mark_whole::<Model<64>>(tables, text, words) },
        }
    }
}

/// # Safety
///
/// The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn mark_halves<V: Halves>(tables: &HalfTables, text: &[[u8; WORD]], words: &mut [Word]) {
    for (bytes, word) in text.iter().zip(words) {
        // SAFETY: two vectors are as long as a word tells of.
        *word = unsafe { word_by_halves::<V>(tables, bytes.as_ptr()) };
    }
}

/// # Safety
///
/// The CPU has the instructions of `V`.
#[inline(always)]
unsafe fn mark_whole<V: Whole>(tables: &WholeTables, text: &[[u8; WORD]], words: &mut [Word]) {
    for (bytes, word) in text.iter().zip(words) {
        // SAFETY: a vector is as long as a word tells of.
        *word = unsafe { marks_by_whole::<V>(tables, bytes.as_ptr()) };
    }
}

/// # Safety
///
/// The CPU has AVX2, BMI1 and POPCNT.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,popcnt")]
unsafe fn avx2_marks(tables: &HalfTables, text: &[[u8; WORD]], words: &mut [Word]) {
    // SAFETY: the caller's promise.
    unsafe { mark_halves::<__m256i>(tables, text, words) }
}

/// # Safety
///
/// The CPU has AVX-512 F, BW and VBMI, BMI1 and POPCNT.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,popcnt")]
unsafe fn avx512_marks(tables: &WholeTables, text: &[[u8; WORD]], words: &mut [Word]) {
    // SAFETY: the caller's promise.
    unsafe { mark_whole::<__m512i>(tables, text, words) }
}

/// # Safety
///
/// The CPU has AVX2, BMI1 and POPCNT.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,popcnt")]
unsafe fn avx2(tables: &HalfTables, run: Run<'_>) -> (usize, usize) {
    // SAFETY: the caller's promise.
    unsafe { walk_halves::<__m256i>(tables, run) }
}

/// # Safety
///
/// The CPU has AVX-512 F, BW and VBMI, BMI1 and POPCNT.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,bmi1,popcnt")]
unsafe fn avx512(tables: &WholeTables, run: Run<'_>) -> (usize, usize) {
    // SAFETY: the caller's promise.
    unsafe { walk_whole::<__m512i>(tables, run) }
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
impl Halves for __m256i {
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
        // There is no shift of bytes: what comes over from a neighbour is masked out.
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
impl Whole for __m512i {
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

/// A vector as an array: what each operation means, byte by byte.
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
impl Halves for Model<32> {
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
impl Whole for Model<64> {
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

    /// Bytes of all values, in two orders.
    fn text() -> Vec<u8> {
        (0..=255).chain((0..=255).rev()).collect()
    }

    /// What a vector of `N` bytes holds.
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
                same(v.look(<__m512i as Whole>::table(&table)), m.look(table));
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
