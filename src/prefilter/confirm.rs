//! From positions to candidates: what the kernel lets through, looked at byte by byte.
//!
//! A kernel says where a window may stand and is wrong several times for each time it is right.
//! Three look-ups drop nearly all of that, and no branch depends on them: a bit for the window as a
//! whole where its bytes are letters each, and, for windows with classes in them, one for each pair
//! of bytes, which answer in which of eight groups of probes the pairs occur. What is left is found
//! in a hash table by the bytes of its window that are letters and not classes, compared as a
//! whole, and its context is checked.

use std::collections::HashMap;

use super::{
    Candidate, Seated,
    fingerprint::{WIDTH, Window},
};
use crate::rules::{
    Anchor, ByteSet,
    context::{Context, REACH},
};

/// Entries for each pair of bytes; all that have eight bits are alike.
const N_PAIRS: usize = 1 << 16;

/// The entries of a window's second pair come so many bytes behind those of its first. Text has
/// seven bits, so it reads the lower half of each row of 256 entries; half a row more, and the two
/// tables do not push each other out of the nearest cache.
const SECOND: usize = N_PAIRS + 128;

/// Groups of probes whose windows have classes in them; each has a bit.
const N_GROUPS: usize = 8;

/// The group of those whose windows are letters.
const PLAIN: u8 = u8::MAX;

/// Bits of windows of letters: of what is none, one in so many as there are of those is taken for
/// one.
const N_BITS: usize = 1 << 16;

/// Bytes of an anchor that are compared at once.
const HEAD: usize = 8;

/// Text that stands where a block has ended, or has not begun.
pub(super) const EDGE: u8 = b'\n';

/// The tables.
pub(super) struct Sieve {
    plain: Box<[u64; N_BITS / 64]>,
    /// The groups of each pair of bytes, as the first two of a window and, from [`SECOND`] on, as
    /// the last two.
    pairs: Box<[u8; SECOND + N_PAIRS]>,
    /// The bytes of each group's windows that are letters.
    masks: [u32; N_GROUPS],
    slots: Box<[Slot]>,
    /// The probes of each slot, one after the other.
    listed: Vec<Listed>,
    contexts: Vec<Around>,
    /// What long anchors have behind their first bytes.
    rests: Vec<Anchor>,
}

/// Where in the list the probes of a key stand; none where `length` is 0.
#[derive(Clone, Copy, Default)]
struct Slot {
    key: u32,
    start: u32,
    length: u16,
    group: u8,
}

/// A probe as it is compared.
struct Listed {
    /// What its anchor has in the eight bytes around the window. Of the two dozen anchors that
    /// share `pass`, this leaves one or two.
    near: Eight,
    /// The anchor's first bytes.
    head: Eight,
    /// The number of the probe.
    number: u32,
    length: u32,
    /// Where the window begins in the anchor.
    offset: i32,
    /// Its context, as an index; [`ANYWHERE`] where nothing is asked for.
    context: u16,
    /// What the anchor has behind its first bytes, as an index; [`NOTHING`] where there is nothing.
    rest: u16,
}

/// Eight bytes of an anchor, compared at once.
#[derive(Clone, Copy)]
struct Eight {
    /// The bytes, letters in lower case where the anchor folds; nothing where it has none.
    bytes: u64,
    /// The bit of a letter's case, for each letter of an anchor that folds.
    fold: u64,
    /// All bits of the bytes that the anchor has.
    mask: u64,
}

impl Eight {
    /// Those of `anchor` from `first` on, which may lie before it.
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

/// So many of the bytes around a window stand before it.
const BEFORE: isize = 2;

/// The context of a probe that asks for none.
const ANYWHERE: u16 = u16::MAX;

/// The rest of an anchor that has none.
const NOTHING: u16 = u16::MAX;

/// A context as a table: what each byte may be, as bits, before the anchor and behind it.
struct Around(Box<[u8; 256]>);

impl Around {
    const BEFORE: u8 = 1;
    const ALL: u8 = (1 << (1 + REACH)) - 1;

    fn new(context: &Context) -> Around {
        Around(Box::new(std::array::from_fn(|byte| {
            let byte = byte as u8;
            let bit = |index: usize, set: &ByteSet| u8::from(set.contains(byte)) << index;
            let after = context.after.iter().enumerate().map(|(index, set)| bit(1 + index, set));
            bit(0, &context.before) | after.sum::<u8>()
        })))
    }

    /// Whether the anchor at `start..end` stands in this context.
    fn is_around(&self, hay: &[u8], start: usize, end: usize) -> bool {
        let bits = |byte: Option<&u8>| self.0[usize::from(byte.copied().unwrap_or(EDGE))];
        let before = bits(start.checked_sub(1).and_then(|at| hay.get(at))) & Around::BEFORE;
        let after = hay.get(end..end + REACH);
        let after = match after {
            Some(after) => after
                .iter()
                .enumerate()
                .fold(0, |all, (index, byte)| all | bits(Some(byte)) & 2 << index),
            None => (0..REACH).fold(0, |all, index| all | bits(hay.get(end + index)) & 2 << index),
        };
        before | after == Around::ALL
    }
}

impl Sieve {
    pub(super) fn new(seated: &Seated<'_>) -> Sieve {
        let keys: Vec<Key> = seated.iter().map(|(_, window, _)| Key::new(window)).collect();
        let (plain, mixed): (Vec<usize>, Vec<usize>) =
            (0..keys.len()).partition(|index| keys[*index].mask == u32::MAX);
        let mut sieve = Sieve {
            plain: Box::new([0; N_BITS / 64]),
            pairs: Box::new([0; SECOND + N_PAIRS]),
            masks: [0; N_GROUPS],
            slots: Box::default(),
            listed: Vec::with_capacity(seated.len()),
            contexts: Vec::new(),
            rests: Vec::new(),
        };
        let mut keyed: Vec<(u8, u32, usize)> = Vec::with_capacity(seated.len());
        for index in plain {
            let bit = bit_of(keys[index].letters);
            sieve.plain[bit / 64] |= 1 << (bit % 64);
            keyed.push((PLAIN, keys[index].letters, index));
        }
        for (group, members) in groups(&keys, mixed).iter().enumerate() {
            let mask = members.iter().fold(u32::MAX, |all, index| all & keys[*index].mask);
            sieve.masks[group] = mask;
            for index in members {
                let (_, window, _) = &seated[*index];
                fill(&mut sieve.pairs[..N_PAIRS], window, 0, group);
                fill(&mut sieve.pairs[SECOND..], window, 2, group);
                let owner = u8::try_from(group).expect("a group has a bit");
                keyed.push((owner, key(keys[*index].letters, mask), *index));
            }
        }
        above_as_below(&mut sieve.pairs[..N_PAIRS]);
        above_as_below(&mut sieve.pairs[SECOND..]);
        keyed.sort_unstable();
        sieve.list(seated, &keyed);
        sieve
    }

    fn list(&mut self, seated: &Seated<'_>, keyed: &[(u8, u32, usize)]) {
        let size = (keyed.len() * 4).next_power_of_two().max(16);
        let mut known: HashMap<&Context, u16> = HashMap::new();
        self.slots = vec![Slot::default(); size].into();
        for chunk in keyed.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)) {
            let (group, key, _) = chunk[0];
            let start =
                u32::try_from(self.listed.len()).expect("there are fewer than 65,536 rules");
            for (_, _, index) in chunk {
                let (probe, window, _) = &seated[*index];
                let number = u32::try_from(*index).expect("there are fewer than 65,536 rules");
                let context = if probe.context.is_any() {
                    ANYWHERE
                } else {
                    *known.entry(&probe.context).or_insert_with(|| {
                        self.contexts.push(Around::new(&probe.context));
                        number_of(&self.contexts)
                    })
                };
                let mut listed = Listed::new(&probe.anchor, window.offset, number, context);
                if let Some(rest) = probe.anchor.text.get(HEAD..).filter(|rest| !rest.is_empty()) {
                    self.rests.push(Anchor { text: rest.into(), fold: probe.anchor.fold });
                    listed.rest = number_of(&self.rests);
                }
                self.listed.push(listed);
            }
            let length = u16::try_from(chunk.len()).expect("there are fewer than 65,536 rules");
            let mut at = hash(key, group) & (size - 1);
            while self.slots[at].length > 0 {
                at = (at + 1) & (size - 1);
            }
            self.slots[at] = Slot { key, start, length, group };
        }
    }

    /// Keeps the positions in `text` that may be a window's, in their order; answers how many there
    /// are. A window begins at each.
    pub(super) fn keep(&self, text: &[u8], positions: &mut [u32]) -> usize {
        let mut n_kept = 0;
        for index in 0..positions.len() {
            let at = positions[index];
            let word = word_at(text, at as usize);
            positions[n_kept] = at;
            n_kept += usize::from(self.groups(word) | u8::from(self.is_plain(word)) != 0);
        }
        n_kept
    }

    /// The candidates whose window begins at `at` of `hay`, where `word` stands.
    pub(super) fn look(&self, hay: &[u8], at: isize, word: u32, found: &mut Vec<Candidate>) {
        if self.is_plain(word) {
            self.look_up(key(word, u32::MAX), PLAIN, hay, at, found);
        }
        let mut groups = self.groups(word);
        while groups != 0 {
            let group = groups.trailing_zeros() as u8;
            groups &= groups - 1;
            self.look_up(key(word, self.masks[usize::from(group)]), group, hay, at, found);
        }
    }

    fn look_up(&self, key: u32, group: u8, hay: &[u8], at: isize, found: &mut Vec<Candidate>) {
        let mut slot = hash(key, group) & (self.slots.len() - 1);
        loop {
            let Slot { key: known, start, length, group: owner } = self.slots[slot];
            if length == 0 {
                return;
            }
            if known == key && owner == group {
                let around = around(hay, at);
                let listed = &self.listed[start as usize..][..usize::from(length)];
                let alike = listed.iter().filter(|listed| listed.near.is(around));
                return alike.for_each(|listed| self.compare(listed, hay, at, found));
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    #[inline]
    fn compare(&self, listed: &Listed, hay: &[u8], at: isize, found: &mut Vec<Candidate>) {
        let Ok(start) = usize::try_from(at - listed.offset as isize) else { return };
        let end = start + listed.length as usize;
        if end > hay.len() || !listed.head.is(head_at(hay, start)) {
            return;
        }
        let has_rest = || self.rests[usize::from(listed.rest)].is_at(&hay[start + HEAD..end]);
        if listed.rest != NOTHING && !has_rest() {
            return;
        }
        let is_around = || self.contexts[usize::from(listed.context)].is_around(hay, start, end);
        if listed.context == ANYWHERE || is_around() {
            put(Candidate::new(start, end, listed.number), found);
        }
    }

    /// Whether `word` may be a window of letters.
    fn is_plain(&self, word: u32) -> bool {
        let bit = bit_of(key(word, u32::MAX));
        self.plain[bit / 64] >> (bit % 64) & 1 != 0
    }

    /// The groups in which the pairs of `word` occur together.
    fn groups(&self, word: u32) -> u8 {
        self.pairs[word as usize % N_PAIRS] & self.pairs[SECOND + word as usize / N_PAIRS]
    }
}

/// The number of the last of `all`.
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

/// The eight bytes around the window at `at`, with nothing where the block has none.
fn around(hay: &[u8], at: isize) -> u64 {
    match usize::try_from(at - BEFORE) {
        Ok(start) => head_at(hay, start.min(hay.len())),
        Err(_) => head_at(hay, 0) << (8 * (BEFORE - at)),
    }
}

/// The first bytes of `hay[start..]`, with nothing behind its end.
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

/// Windows lie anywhere in their anchors, so candidates come nearly in order, and a little is put
/// right here.
fn put(candidate: Candidate, found: &mut Vec<Candidate>) {
    found.push(candidate);
    let mut at = found.len() - 1;
    while at > 0 && found[at - 1] > found[at] {
        found.swap(at - 1, at);
        at -= 1;
    }
}

/// The window that begins at `at`, as a number.
pub(super) fn word_at(text: &[u8], at: usize) -> u32 {
    match text.get(at..at + WIDTH) {
        Some(&[one, two, three, four]) => u32::from_le_bytes([one, two, three, four]),
        _ => 0,
    }
}

/// The bytes of a window that are one letter each, whatever its case.
#[derive(Clone, Copy)]
struct Key {
    letters: u32,
    /// All bits of those bytes.
    mask: u32,
}

impl Key {
    fn new(window: &Window) -> Key {
        let mut key = Key { letters: 0, mask: 0 };
        for (index, set) in window.sets.iter().enumerate() {
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

/// Which of the probes in `mixed` share a group: those with letters at the same places.
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

/// Merges the two groups that have the most letters in common.
fn merge_closest(groups: &mut Vec<(u32, Vec<usize>)>) {
    let pairs = (1..groups.len()).flat_map(|right| (0..right).map(move |left| (left, right)));
    let common = |(left, right): &(usize, usize)| (groups[*left].0 & groups[*right].0).count_ones();
    let Some((left, right)) = pairs.max_by_key(common) else { return };
    let (mask, members) = groups.swap_remove(right);
    groups[left].0 &= mask;
    groups[left].1.extend(members);
}

fn key(word: u32, mask: u32) -> u32 {
    (word | 0x2020_2020) & mask
}

/// Which bit tells of a window of those letters.
fn bit_of(letters: u32) -> usize {
    (letters.wrapping_mul(0x9e37_79b1) >> 16) as usize
}

fn hash(key: u32, group: u8) -> usize {
    ((key ^ u32::from(group)).wrapping_mul(0x9e37_79b1) >> 15) as usize
}

/// Says that the pair at `index` of the window occurs in `group`, bytes of eight bits as the last
/// one of seven.
fn fill(pairs: &mut [u8], window: &Window, index: usize, group: usize) {
    let row = |set: ByteSet| {
        let mut bits = [0_u8; 128];
        set.iter().for_each(|byte| bits[usize::from(byte.min(0x7f))] = 1 << group);
        bits
    };
    let [first, second] = [window.sets[index], window.sets[index + 1]].map(row);
    for (row, is_there) in pairs.chunks_exact_mut(256).zip(second) {
        if is_there != 0 {
            row.iter_mut().zip(first).for_each(|(groups, bit)| *groups |= bit);
        }
    }
}

/// Bytes of eight bits become like the last one of seven: once too often is no fault.
fn above_as_below(pairs: &mut [u8]) {
    let (below, above) = pairs.split_at_mut(N_PAIRS / 2);
    below.chunks_exact_mut(256).for_each(|row| {
        let last = row[0x7f];
        row[0x80..].fill(last);
    });
    let last = below.last_chunk::<256>().expect("a row has 256 entries");
    above.chunks_exact_mut(256).for_each(|row| row.copy_from_slice(last));
}
