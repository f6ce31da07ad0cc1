//! Confirms positions: turns what a kernel lets through into candidates.
//!
//! A kernel reports positions where a fingerprint may begin. Several of them are wrong for each one
//! that is right. `PositionFilter` drops most wrong positions with three table look-ups and no
//! branch:
//!
//! - one bit for the whole fingerprint, if all its bytes are single letters;
//! - two look-ups of byte pairs, if the fingerprint contains byte classes. They return the groups
//!   of probes (at most eight) in which both pairs occur.
//!
//! The rest is looked up in a hash table, keyed by those bytes of the fingerprint that are single
//! letters. The anchor is compared as a whole and its context is checked last. The result is exact:
//! the filter never drops a real candidate, and `confirm_at` reports nothing but real ones.

use std::collections::HashMap;

use super::{
    Assigned, Candidate,
    fingerprint::{Fingerprint, WIDTH},
};
use crate::{
    rules::{
        Anchor, ByteSet,
        context::{Context, REACH},
    },
    text::open_table::{self, OpenTable},
};

/// Entries of one table of byte pairs. All bytes with the high bit set share the entries of 0x7f.
const N_PAIRS: usize = 1 << 16;

/// Offset of the second table of pairs. Text has seven-bit bytes, so it reads only the lower half
/// of each row of 256 entries. The extra half row keeps the two tables from evicting each other
/// from the L1 cache.
const SECOND: usize = N_PAIRS + 128;

/// Groups of probes whose fingerprints contain byte classes. Each group has one bit.
const N_GROUPS: usize = 8;

/// The group number of probes whose fingerprints are four single letters.
const PLAIN: u8 = u8::MAX;

/// Size in bits of the filter for fingerprints of four single letters. Two fingerprints may share a
/// bit, so a position can pass by chance.
const N_BITS: usize = 1 << 16;

/// Number of anchor bytes that are compared in one operation.
const HEAD: usize = 8;

/// The byte that we assume before the start and after the end of a block.
pub(super) const EDGE: u8 = b'\n';

/// The tables of the filter.
pub(super) struct PositionFilter {
    plain: Box<[u64; N_BITS / 64]>,
    /// For each byte pair, the groups in which it occurs: as bytes 0 and 1 of a fingerprint, and
    /// from [`SECOND`] on as bytes 2 and 3.
    pairs: Box<[u8; SECOND + N_PAIRS]>,
    /// For each group, a mask of those fingerprint bytes that are single letters in every member.
    masks: [u32; N_GROUPS],
    entries: OpenTable<Entry>,
    /// The probes of all hash-table entries, one entry after the other.
    listed: Vec<Listed>,
    contexts: Vec<Around>,
    /// What long anchors contain after their first [`HEAD`] bytes.
    rests: Vec<Anchor>,
}

/// Hash-table entry: the range of `listed` with the probes of one key. Empty if `length` is 0.
#[derive(Clone, Copy, Default)]
struct Entry {
    key: u32,
    start: u32,
    length: u16,
    group: u8,
}

impl open_table::Entry for Entry {
    fn is_free(&self) -> bool {
        self.length == 0
    }
}

/// A position in a block where a fingerprint may begin: from -1 on, because a fingerprint may begin
/// one byte before the block.
#[derive(Clone, Copy)]
pub(super) struct Position<'h> {
    pub(super) hay: &'h [u8],
    pub(super) at: isize,
}

/// A probe, prepared for comparison.
struct Listed {
    /// The anchor's part of the eight bytes around the fingerprint. Two dozen anchors contain
    /// `pass`; this comparison leaves one or two of them.
    near: Eight,
    /// The first bytes of the anchor.
    head: Eight,
    /// The index of the probe.
    number: u32,
    length: u32,
    /// Offset of the fingerprint from the start of the anchor.
    offset: i32,
    /// Index into `contexts`, or [`ANYWHERE`] if the probe requires no context.
    context: u16,
    /// Index into `rests`, or [`NOTHING`] if the anchor has at most [`HEAD`] bytes.
    rest: u16,
}

/// Eight bytes of an anchor, compared in one operation.
#[derive(Clone, Copy)]
struct Eight {
    /// The bytes; lower case if the anchor ignores case; 0 outside the anchor.
    bytes: u64,
    /// The case bit (0x20) of each letter, if the anchor ignores case.
    fold: u64,
    /// 0xff for each byte inside the anchor.
    mask: u64,
}

impl Eight {
    /// The eight bytes of `anchor` from offset `first`, which may be negative.
    fn new(anchor: &Anchor, first: isize) -> Eight {
        let (mut bytes, mut fold, mut mask) = ([0; HEAD], [0; HEAD], [0; HEAD]);
        for index in 0..HEAD {
            let at = usize::try_from(first + index.cast_signed()).ok();
            let Some(byte) = at.and_then(|at| anchor.text.get(at)) else { continue };
            bytes[index] = *byte;
            fold[index] = if anchor.fold && byte.is_ascii_alphabetic() { 0x20 } else { 0 };
            mask[index] = 0xff;
        }
        let [bytes, fold, mask] = [bytes, fold, mask].map(u64::from_le_bytes);
        Eight { bytes, fold, mask }
    }

    fn is(self, there: u64) -> bool {
        (there | self.fold) & self.mask == self.bytes
    }
}

/// Number of bytes before the fingerprint in [`around`].
const BEFORE: isize = 2;

/// The context of a probe that requires none.
const ANYWHERE: u16 = u16::MAX;

/// The rest of an anchor that has none.
const NOTHING: u16 = u16::MAX;

/// A context as a table: for each byte, one bit for each place (before the anchor, and the bytes
/// after it) where the byte is allowed.
struct Around(Box<[u8; 256]>);

impl Around {
    const BEFORE: u8 = 1;
    const ALL: u8 = (1 << (1 + REACH)) - 1;

    fn new(context: &Context) -> Around {
        Around(Box::new(std::array::from_fn(|byte| {
            let sets = std::iter::once(&context.before).chain(&context.after);
            let is_in = sets.map(|set| u8::from(set.contains(byte as u8)));
            is_in.enumerate().map(|(index, bit)| bit << index).sum()
        })))
    }

    /// Whether the bytes around the anchor at `start..end` are allowed.
    fn is_around(&self, hay: &[u8], start: usize, end: usize) -> bool {
        let before = start.checked_sub(1).map_or(EDGE, |at| hay[at]);
        let mut after = [EDGE; REACH];
        match hay.get(end..end + REACH) {
            Some(there) => after.copy_from_slice(there),
            None => after[..hay.len() - end].copy_from_slice(&hay[end..]),
        }
        let mut places = self.0[usize::from(before)] & Around::BEFORE;
        for (index, byte) in after.into_iter().enumerate() {
            places |= self.0[usize::from(byte)] & 2 << index;
        }
        places == Around::ALL
    }
}

impl PositionFilter {
    pub(super) fn new(assigned: &Assigned<'_>) -> PositionFilter {
        let keys: Vec<Key> =
            assigned.iter().map(|(_, fingerprint, _)| Key::new(fingerprint)).collect();
        let (plain, mixed): (Vec<usize>, Vec<usize>) =
            (0..keys.len()).partition(|index| keys[*index].mask == u32::MAX);
        let mut filter = PositionFilter {
            plain: Box::new([0; N_BITS / 64]),
            pairs: Box::new([0; SECOND + N_PAIRS]),
            masks: [0; N_GROUPS],
            entries: OpenTable::with_capacity(0),
            listed: Vec::with_capacity(assigned.len()),
            contexts: Vec::new(),
            rests: Vec::new(),
        };
        let mut keyed: Vec<(u8, u32, usize)> = Vec::with_capacity(assigned.len());
        for index in plain {
            let bit = bit_of(keys[index].letters);
            filter.plain[bit / 64] |= 1 << (bit % 64);
            keyed.push((PLAIN, keys[index].letters, index));
        }
        for (group, members) in groups(&keys, mixed).iter().enumerate() {
            let mask = members.iter().fold(u32::MAX, |all, index| all & keys[*index].mask);
            filter.masks[group] = mask;
            for index in members {
                let (_, fingerprint, _) = &assigned[*index];
                fill(&mut filter.pairs[..N_PAIRS], fingerprint, 0, group);
                fill(&mut filter.pairs[SECOND..], fingerprint, 2, group);
                let owner = u8::try_from(group).expect("a group has a bit");
                keyed.push((owner, key(keys[*index].letters, mask), *index));
            }
        }
        above_as_below(&mut filter.pairs[..N_PAIRS]);
        above_as_below(&mut filter.pairs[SECOND..]);
        keyed.sort_unstable();
        filter.list(assigned, &keyed);
        filter
    }

    fn list(&mut self, assigned: &Assigned<'_>, keyed: &[(u8, u32, usize)]) {
        let mut known: HashMap<&Context, u16> = HashMap::new();
        self.entries = OpenTable::with_capacity(keyed.len());
        for chunk in keyed.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            let (group, key, _) = chunk[0];
            let start =
                u32::try_from(self.listed.len()).expect("there are fewer than 65,536 rules");
            for (_, _, index) in chunk {
                let (probe, fingerprint, _) = &assigned[*index];
                let number = u32::try_from(*index).expect("there are fewer than 65,536 rules");
                let context = if probe.context.is_any() {
                    ANYWHERE
                } else {
                    *known.entry(&probe.context).or_insert_with(|| {
                        self.contexts.push(Around::new(&probe.context));
                        number_of(&self.contexts)
                    })
                };
                let mut listed = Listed::new(&probe.anchor, fingerprint.offset, number, context);
                if let Some(rest) = probe.anchor.text.get(HEAD..).filter(|rest| !rest.is_empty()) {
                    self.rests.push(Anchor { text: rest.into(), fold: probe.anchor.fold });
                    listed.rest = number_of(&self.rests);
                }
                self.listed.push(listed);
            }
            let length = u16::try_from(chunk.len()).expect("there are fewer than 65,536 rules");
            self.entries.insert(hash(key, group), Entry { key, start, length, group });
        }
    }

    /// Removes positions where no fingerprint can begin, keeps the order and returns how many are
    /// left.
    pub(super) fn retain(&self, text: &[u8], positions: &mut [u32]) -> usize {
        let mut n_kept = 0;
        for index in 0..positions.len() {
            let at = positions[index];
            let word = word_at(text, at as usize);
            positions[n_kept] = at;
            n_kept += usize::from(self.groups(word) | u8::from(self.is_plain(word)) != 0);
        }
        n_kept
    }

    /// Appends the candidates whose fingerprint begins at `at` in `hay`. `word` holds the four
    /// bytes there.
    pub(super) fn confirm_at(&self, position: Position<'_>, word: u32, found: &mut Vec<Candidate>) {
        if self.is_plain(word) {
            self.look_up((key(word, u32::MAX), PLAIN), position, found);
        }
        let mut groups = self.groups(word);
        while groups != 0 {
            let group = groups.trailing_zeros() as u8;
            groups &= groups - 1;
            self.look_up((key(word, self.masks[usize::from(group)]), group), position, found);
        }
    }

    fn look_up(&self, (key, group): (u32, u8), position: Position<'_>, found: &mut Vec<Candidate>) {
        let is_it = |entry: &Entry| entry.key == key && entry.group == group;
        let Some(entry) = self.entries.find(hash(key, group), is_it) else { return };
        let around = around(position);
        let listed = &self.listed[entry.start as usize..][..usize::from(entry.length)];
        let alike = listed.iter().filter(|listed| listed.near.is(around));
        alike.for_each(|listed| self.compare(listed, position, found));
    }

    #[inline]
    fn compare(&self, listed: &Listed, position: Position<'_>, found: &mut Vec<Candidate>) {
        let Position { hay, at } = position;
        let Ok(start) = usize::try_from(at - listed.offset as isize) else { return };
        let end = start + listed.length as usize;
        if end > hay.len() || !listed.head.is(head_at(hay, start)) {
            return;
        }
        if listed.rest != NOTHING
            && !self.rests[usize::from(listed.rest)].is_at(&hay[start + HEAD..end])
        {
            return;
        }
        if listed.context == ANYWHERE
            || self.contexts[usize::from(listed.context)].is_around(hay, start, end)
        {
            insert(Candidate::new(start, end, listed.number), found);
        }
    }

    /// Whether `word` may be a fingerprint of four single letters.
    fn is_plain(&self, word: u32) -> bool {
        let bit = bit_of(key(word, u32::MAX));
        self.plain[bit / 64] >> (bit % 64) & 1 != 0
    }

    /// The groups in which both byte pairs of `word` occur.
    fn groups(&self, word: u32) -> u8 {
        self.pairs[word as usize % N_PAIRS] & self.pairs[SECOND + word as usize / N_PAIRS]
    }
}

/// The index of the last element of `all`.
fn number_of<T>(all: &[T]) -> u16 {
    u16::try_from(all.len() - 1)
        .ok()
        .filter(|number| *number < u16::MAX)
        .expect("there are fewer than 65,535 rules")
}

impl Listed {
    fn new(anchor: &Anchor, offset: i8, number: u32, context: u16) -> Listed {
        let near = Eight::new(anchor, isize::from(offset) - BEFORE);
        let head = Eight::new(anchor, 0);
        let length = u32::try_from(anchor.text.len()).expect("a rule file is smaller than 4 GiB");
        Listed { near, head, number, length, offset: offset.into(), context, rest: NOTHING }
    }
}

/// Eight bytes of `hay`, from two bytes before the fingerprint at `at`; 0 outside the block.
fn around(Position { hay, at }: Position<'_>) -> u64 {
    match usize::try_from(at - BEFORE) {
        Ok(start) => head_at(hay, start.min(hay.len())),
        Err(_) => head_at(hay, 0) << (8 * (BEFORE - at)),
    }
}

/// Eight bytes of `hay` from `start`; 0 after the end of the block.
fn head_at(hay: &[u8], start: usize) -> u64 {
    match hay.get(start..start + HEAD) {
        Some(there) => u64::from_le_bytes(there.try_into().expect("the slice is as long")),
        None => {
            let mut text = [0; HEAD];
            text[..hay.len() - start].copy_from_slice(&hay[start..]);
            u64::from_le_bytes(text)
        }
    }
}

/// Inserts a candidate in order. Fingerprints begin at different offsets in their anchors, so
/// candidates arrive almost, but not quite, in order.
fn insert(candidate: Candidate, found: &mut Vec<Candidate>) {
    found.push(candidate);
    let mut at = found.len() - 1;
    while at > 0 && found[at - 1] > found[at] {
        found.swap(at - 1, at);
        at -= 1;
    }
}

/// The four bytes of `text` at `at`, as a number; 0 near the end.
pub(super) fn word_at(text: &[u8], at: usize) -> u32 {
    match text.get(at..at + WIDTH) {
        Some(&[one, two, three, four]) => u32::from_le_bytes([one, two, three, four]),
        _ => 0,
    }
}

/// The bytes of a fingerprint that are single letters, in lower case.
#[derive(Clone, Copy)]
struct Key {
    letters: u32,
    /// 0xff for each of those bytes.
    mask: u32,
}

impl Key {
    fn new(fingerprint: &Fingerprint) -> Key {
        let mut key = Key { letters: 0, mask: 0 };
        for (index, set) in fingerprint.sets.iter().enumerate() {
            if let Some(letter) = letter(*set) {
                key.letters |= u32::from(letter) << (8 * index);
                key.mask |= 0xff << (8 * index);
            }
        }
        key
    }
}

fn letter(set: ByteSet) -> Option<u8> {
    let mut bytes = set.iter().map(|byte| byte | 0x20);
    let first = bytes.next()?;
    bytes.all(|byte| byte == first).then_some(first)
}

/// Sorts the probes in `mixed` into groups that have single letters at the same offsets.
fn groups(keys: &[Key], mut mixed: Vec<usize>) -> Vec<Vec<usize>> {
    mixed.sort_by_key(|index| keys[*index].mask);
    let mut groups: Vec<(u32, Vec<usize>)> = Vec::new();
    for index in mixed {
        let own = keys[index].mask;
        match groups.last_mut() {
            Some((mask, members)) if *mask == own => members.push(index),
            _ => groups.push((own, vec![index])),
        }
    }
    while groups.len() > N_GROUPS {
        merge_closest(&mut groups);
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

/// Merges the two groups that have the most single-letter offsets in common.
fn merge_closest(groups: &mut Vec<(u32, Vec<usize>)>) {
    let pairs = (1..groups.len()).flat_map(|right| (0..right).map(move |left| (left, right)));
    let closest =
        pairs.max_by_key(|(left, right)| (groups[*left].0 & groups[*right].0).count_ones());
    let Some((left, right)) = closest else { return };
    let (mask, members) = groups.swap_remove(right);
    groups[left].0 &= mask;
    groups[left].1.extend(members);
}

fn key(word: u32, mask: u32) -> u32 {
    (word | 0x2020_2020) & mask
}

/// The bit of the filter that stands for these four letters.
fn bit_of(letters: u32) -> usize {
    (letters.wrapping_mul(0x9e37_79b1) >> 16) as usize
}

fn hash(key: u32, group: u8) -> usize {
    ((key ^ u32::from(group)).wrapping_mul(0x9e37_79b1) >> 15) as usize
}

/// Records that the byte pair at `index` of the fingerprint occurs in `group`. Bytes with the high
/// bit set count as 0x7f.
fn fill(pairs: &mut [u8], fingerprint: &Fingerprint, index: usize, group: usize) {
    let [first, second] = [fingerprint.sets[index], fingerprint.sets[index + 1]].map(|set| {
        let mut bits = [0_u8; 128];
        set.iter().for_each(|byte| bits[usize::from(byte.min(0x7f))] = 1 << group);
        bits
    });
    for (row, is_there) in pairs.chunks_exact_mut(256).zip(second) {
        if is_there != 0 {
            row.iter_mut().zip(first).for_each(|(groups, bit)| *groups |= bit);
        }
    }
}

/// Copies the entries of 0x7f to all bytes with the high bit set. That lets more positions through,
/// but never drops one.
fn above_as_below(pairs: &mut [u8]) {
    let (below, above) = pairs.split_at_mut(N_PAIRS / 2);
    below.chunks_exact_mut(256).for_each(|row| {
        let last = row[0x7f];
        row[0x80..].fill(last);
    });
    let last = below.last_chunk::<256>().expect("a row has 256 entries");
    above.chunks_exact_mut(256).for_each(|row| row.copy_from_slice(last));
}
