//! Finds all anchors of all rules in one pass over a block.
//!
//! Every occurrence of every anchor in its required context is a candidate; overlapping anchors are
//! all reported. A clean block costs this pass and nothing else.
//!
//! All engines return the same candidates for every input. [`portable`] is aho-corasick: it runs
//! everywhere and is the oracle of the others. [`simd`] holds the vector kernels. They report
//! positions where a fingerprint may begin, and [`confirm`] turns positions into candidates. The
//! engine is an enum, not a trait object, so that a block costs one dispatch.

mod confirm;
pub(crate) mod fingerprint;
pub(crate) mod marks;
mod portable;
mod simd;

use std::fmt;

pub(crate) use self::simd::N_BUCKETS;
use self::{
    confirm::{EDGE, Position, PositionFilter, word_at},
    fingerprint::{FEATURES, Fingerprint, N_SINGLES, WIDTH},
    marks::{Marks, WORD, Word},
    simd::{ByteTables, Kernel, MAX_LEFT, NibbleTables, Run, SLACK, WIDEST},
};
use crate::{
    error::Error,
    rules::{
        Anchor, ByteSet, RuleId, RuleSet,
        context::Context,
        probe::{self, Probe, ProbeEntry, Slot},
    },
    text::span::Span,
};

/// An anchor that was found in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    start: u32,
    end: u32,
    anchor: u32,
}

impl Candidate {
    fn new(start: usize, end: usize, anchor: u32) -> Candidate {
        const LIMIT: &str = "a block is at most 4 GiB";
        let start = u32::try_from(start).expect(LIMIT);
        Candidate { start, end: u32::try_from(end).expect(LIMIT), anchor }
    }

    /// The bytes of the anchor in the block.
    pub(crate) fn span(self) -> Span {
        Span::new(self.start as usize, self.end as usize)
    }

    /// The same candidate in a block that begins at offset `start` of this one.
    pub(crate) fn from(self, start: usize) -> Candidate {
        let Span { start: at, end } = self.span();
        Candidate::new(at - start, end - start, self.anchor)
    }

    /// The index of the anchor in the list that [`Prefilter::new`] returned.
    pub(crate) fn anchor(self) -> usize {
        self.anchor as usize
    }
}

/// A level of CPU features that the prefilter may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cpu {
    /// No special instructions.
    Portable,
    /// AVX2, BMI1 and POPCNT.
    Avx2,
    /// AVX-512 F, BW and VBMI.
    Avx512,
}

impl Cpu {
    /// Every level, the slowest first.
    pub const ALL: [Cpu; 3] = [Cpu::Portable, Cpu::Avx2, Cpu::Avx512];

    /// The name of the level.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Cpu::Portable => "portable",
            Cpu::Avx2 => "avx2",
            Cpu::Avx512 => "avx512",
        }
    }

    /// The level with that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Cpu> {
        Cpu::ALL.into_iter().find(|cpu| cpu.name() == name)
    }

    /// Whether the CPU of this machine has the level.
    #[must_use]
    pub fn is_here(self) -> bool {
        match self {
            Cpu::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("popcnt")
            }
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx512 => {
                Cpu::Avx2.is_here()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vbmi")
            }
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// This level, or an error if the CPU of this machine does not have it.
    pub(crate) fn required(self) -> Result<Cpu, Error> {
        if self.is_here() {
            return Ok(self);
        }
        Err(Error::usage(format!("the CPU of this machine does not have {self}"))
            .hint(format!("its best level is {}", Cpu::best())))
    }

    /// The fastest level that the CPU of this machine has.
    #[must_use]
    pub fn best() -> Cpu {
        Cpu::ALL.into_iter().rev().find(|cpu| cpu.is_here()).unwrap_or(Cpu::Portable)
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The engine in use.
pub(crate) enum Prefilter {
    /// aho-corasick, for every CPU.
    Portable(Box<portable::Engine>),
    /// A vector kernel and its filter.
    Vector(Vector),
}

impl Prefilter {
    /// Builds the engine for `cpu`. Returns it with the list of anchors: for each, the rules that
    /// use it. `signs` come last in the list and belong to no rule.
    ///
    /// If the machine does not have `cpu`, the engine is the portable one.
    pub(crate) fn new(
        rules: &RuleSet,
        cpu: Cpu,
        signs: &[Sign<'_>],
    ) -> (Prefilter, Vec<Vec<RuleId>>) {
        let mut entries = probe::entries(rules);
        entries.extend(signs.iter().map(sign_probe));
        let engine = match cpu {
            _ if !cpu.is_here() => Prefilter::Portable(Box::new(portable::Engine::new(&entries))),
            Cpu::Portable => Prefilter::Portable(Box::new(portable::Engine::new(&entries))),
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx2 => Prefilter::Vector(Vector::new(&entries, Vector::avx2)),
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx512 => Prefilter::Vector(Vector::new(&entries, Vector::avx512)),
            #[cfg(not(target_arch = "x86_64"))]
            _ => Prefilter::Portable(Box::new(portable::Engine::new(&entries))),
        };
        (engine, entries.into_iter().map(|entries| entries.users).collect())
    }

    /// The portable engine without any context, as the oracle for contexts.
    #[cfg(test)]
    pub(crate) fn without_contexts(rules: &RuleSet) -> (Prefilter, Vec<Vec<RuleId>>) {
        let mut entries = probe::entries(rules);
        entries
            .iter_mut()
            .for_each(|one| one.probe.context = crate::rules::context::Context::default());
        let engine = Prefilter::Portable(Box::new(portable::Engine::new(&entries)));
        (engine, entries.into_iter().map(|entries| entries.users).collect())
    }

    /// Appends the candidates of `hay` to `found`, ordered by their first byte, and computes
    /// `marks`. `found` must be empty. A block is at most 4 GiB.
    pub(crate) fn candidates(&self, hay: &[u8], found: &mut Vec<Candidate>, marks: &mut Marks) {
        debug_assert!(found.is_empty(), "candidates are put in order among all that are there");
        match self {
            Prefilter::Portable(engine) => {
                engine.candidates(hay, found);
                marks.read(hay);
            }
            Prefilter::Vector(engine) => engine.candidates(hay, found, marks.begin(hay.len())),
        }
    }

    /// Computes the bitmaps of `hay` without searching for anchors.
    pub(crate) fn marks(&self, hay: &[u8], marks: &mut Marks) {
        match self {
            Prefilter::Portable(_) => marks.read(hay),
            Prefilter::Vector(engine) => engine.marks(hay, marks.begin(hay.len())),
        }
    }
}

/// A text to search for that belongs to no rule, such as the mark of a partial record.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sign<'s> {
    Anywhere(&'s [u8]),
    /// Only at the start of a record.
    AtStart(&'s [u8]),
}

fn sign_probe(sign: &Sign<'_>) -> ProbeEntry {
    let (text, before) = match sign {
        Sign::Anywhere(text) => (text, ByteSet::ALL),
        Sign::AtStart(text) => (text, ByteSet::one(b'\n')),
    };
    let anchor = Anchor { text: (*text).into(), fold: false };
    ProbeEntry {
        probe: Probe { anchor, context: Context { before, ..Context::default() } },
        users: Vec::new(),
        slot: None,
    }
}

/// Bytes that are searched at once. The positions found in a piece fit into the L1 cache.
const PIECE: usize = 2 << 10;

/// Bytes of the padded end of a block.
const TAIL: usize = MAX_LEFT + WIDEST + WIDTH;

/// Part of a block, as a kernel searches it.
#[derive(Clone, Copy)]
struct Text<'h> {
    /// The block.
    hay: &'h [u8],
    /// The bytes of the block from `start` on, possibly padded after its end.
    bytes: &'h [u8],
    start: usize,
}

/// A vector kernel and the filter for its positions.
pub(crate) struct Vector {
    kernel: Kernel,
    filter: PositionFilter,
}

/// Probes with their fingerprints and slots.
type Assigned<'s> = [(&'s Probe, Fingerprint, Slot)];

/// Builds a kernel's tables.
type MakeKernel = fn(&Assigned<'_>) -> Kernel;

impl Vector {
    fn new(entries: &[ProbeEntry], kernel: MakeKernel) -> Vector {
        let slots = assign_slots(entries);
        let assigned: Vec<(&Probe, Fingerprint, Slot)> = entries
            .iter()
            .zip(slots)
            .map(|(one, slot)| (&one.probe, Fingerprint::new(&one.probe, slot.offset), slot))
            .collect();
        Vector { kernel: kernel(&assigned), filter: PositionFilter::new(&assigned) }
    }

    fn nibble_tables(assigned: &Assigned<'_>) -> Box<NibbleTables> {
        let bucketed = assigned.iter().filter(|(_, _, slot)| !slot.is_single());
        Box::new(NibbleTables::new(
            bucketed.map(|(_, fingerprint, slot)| (fingerprint, slot.bucket)),
            single_bytes(assigned),
        ))
    }

    fn byte_tables(assigned: &Assigned<'_>) -> Box<ByteTables> {
        let bucketed = assigned.iter().filter(|(_, _, slot)| !slot.is_single());
        Box::new(ByteTables::new(
            bucketed.map(|(_, fingerprint, slot)| (fingerprint, slot.exact_bucket)),
            single_bytes(assigned),
        ))
    }

    #[cfg(target_arch = "x86_64")]
    fn avx2(assigned: &Assigned<'_>) -> Kernel {
        Kernel::Avx2(Vector::nibble_tables(assigned))
    }

    #[cfg(target_arch = "x86_64")]
    fn avx512(assigned: &Assigned<'_>) -> Kernel {
        Kernel::Avx512(Vector::byte_tables(assigned))
    }

    fn candidates(&self, hay: &[u8], found: &mut Vec<Candidate>, words: &mut [Word]) {
        let mut positions = [0; PIECE + SLACK];
        self.confirm_before_block(hay, found);
        let mut at = 0;
        loop {
            let to = hay.len().min(at + PIECE);
            let words = &mut words[at / WORD..];
            let run = Run { text: hay, from: at, to, found: &mut positions, words };
            let (next, n_positions) = self.kernel.positions(run);
            if next == at {
                break;
            }
            self.confirm(Text { hay, bytes: hay, start: 0 }, &mut positions[..n_positions], found);
            at = next;
        }
        self.scan_tail(hay, at, found, &mut words[at / WORD..]);
    }

    fn marks(&self, hay: &[u8], words: &mut [Word]) {
        let (whole, rest) = hay.as_chunks::<WORD>();
        self.kernel.marks(whole, words);
        if let Some(last @ [_, ..]) = words.get_mut(whole.len()..) {
            let mut text = [EDGE; WORD];
            text[..rest.len()].copy_from_slice(rest);
            self.kernel.marks(&[text], last);
        }
    }

    /// Appends the candidates for `positions` in `text`.
    fn confirm(&self, text: Text<'_>, positions: &mut [u32], found: &mut Vec<Candidate>) {
        let n_kept = self.filter.retain(text.bytes, positions);
        for at in &positions[..n_kept] {
            let at = *at as usize;
            let position = Position { hay: text.hay, at: (text.start + at).cast_signed() };
            self.filter.confirm_at(position, word_at(text.bytes, at), found);
        }
    }

    /// A fingerprint may begin one byte before the block.
    fn confirm_before_block(&self, hay: &[u8], found: &mut Vec<Candidate>) {
        let mut text = [EDGE; WIDTH];
        let n_bytes = hay.len().min(WIDTH - 1);
        text[1..=n_bytes].copy_from_slice(&hay[..n_bytes]);
        self.filter.confirm_at(Position { hay, at: -1 }, u32::from_le_bytes(text), found);
    }

    /// Searches the end of a block, which is shorter than a vector or too close to the end for a
    /// load.
    fn scan_tail(&self, hay: &[u8], from: usize, found: &mut Vec<Candidate>, words: &mut [Word]) {
        let mut positions = [0; TAIL + SLACK];
        let mut text = [EDGE; TAIL];
        let rest = &hay[from..];
        debug_assert!(rest.len() <= MAX_LEFT, "a kernel leaves no more than that");
        text[..rest.len()].copy_from_slice(rest);
        let to = rest.len().next_multiple_of(WIDEST);
        let run = Run { text: &text, from: 0, to, found: &mut positions, words };
        let (_, n_positions) = self.kernel.positions(run);
        let n_inside = positions[..n_positions].partition_point(|at| (*at as usize) < rest.len());
        let text = Text { hay, bytes: &text, start: from };
        self.confirm(text, &mut positions[..n_inside], found);
    }
}

/// The one-byte anchors that the kernel compares directly. 0xff fills unused entries: UTF-8 never
/// contains it, and a wrong position is only dropped later.
fn single_bytes(assigned: &Assigned<'_>) -> [u8; N_SINGLES] {
    let own = assigned.iter().filter(|(_, _, slot)| slot.is_single()).map(|(probe, _, _)| *probe);
    let singles = fingerprint::singles(own);
    std::array::from_fn(|index| singles.get(index).copied().unwrap_or(0xff))
}

/// Assigns a slot to every probe. Chosen slots are kept; every other probe goes to the bucket whose
/// load grows least.
fn assign_slots(entries: &[ProbeEntry]) -> Vec<Slot> {
    let singles = fingerprint::singles(entries.iter().map(|one| &one.probe));
    let chosen: Vec<Option<Slot>> = entries.iter().map(|one| chosen_slot(one, &singles)).collect();
    let mut loads = [BucketLoad::default(); N_BUCKETS];
    for (one, slot) in entries.iter().zip(&chosen) {
        if let Some(slot) = slot.filter(|slot| !slot.is_single()) {
            loads[usize::from(slot.bucket)]
                .add(Fingerprint::new(&one.probe, slot.offset).features());
        }
    }
    let slots = entries.iter().zip(chosen);
    slots.map(|(one, slot)| slot.unwrap_or_else(|| choose_slot(&one.probe, &mut loads))).collect()
}

/// The slot that the table of probes names, or that of an anchor of one byte.
fn chosen_slot(entry: &ProbeEntry, singles: &[u8]) -> Option<Slot> {
    if fingerprint::single(&entry.probe).is_some_and(|byte| singles.contains(&byte)) {
        return Some(Slot::SINGLE);
    }
    entry.slot.filter(|slot| !slot.is_single())
}

/// The feature values that the fingerprints in a bucket allow.
#[derive(Clone, Copy, Default)]
struct BucketLoad([u16; FEATURES]);

impl BucketLoad {
    fn add(&mut self, features: [u16; FEATURES]) {
        self.0.iter_mut().zip(features).for_each(|(all, values)| *all |= values);
    }

    /// An estimate of how many of a million positions the bucket lets through, if features were
    /// independent and their values equally frequent.
    fn share(&self) -> u64 {
        self.0.iter().fold(1_000_000, |share, values| share * u64::from(values.count_ones()) / 16)
    }
}

fn choose_slot(probe: &Probe, loads: &mut [BucketLoad]) -> Slot {
    let mut best: Option<(u64, Fingerprint, usize)> = None;
    for fingerprint in Fingerprint::all(probe) {
        let features = fingerprint.features();
        for (bucket, load) in loads.iter().enumerate() {
            let mut fuller = *load;
            fuller.add(features);
            let cost = fuller.share() - load.share();
            if best.as_ref().is_none_or(|(least, _, _)| cost < *least) {
                best = Some((cost, fingerprint, bucket));
            }
        }
    }
    let (_, fingerprint, bucket) = best.expect("an anchor is not empty, so there is a fingerprint");
    loads[bucket].add(fingerprint.features());
    let bucket = u8::try_from(bucket).expect("there are few buckets");
    Slot { offset: fingerprint.offset, bucket, exact_bucket: bucket }
}

/// The oracle of all engines: compares every probe at every offset.
#[cfg(test)]
fn naive(entries: &[ProbeEntry], hay: &[u8]) -> Vec<Candidate> {
    let mut found = Vec::new();
    for start in 0..hay.len() {
        for (index, ProbeEntry { probe, .. }) in entries.iter().enumerate() {
            let end = start + probe.anchor.text.len();
            let is_here = hay.get(start..end).is_some_and(|there| probe.anchor.is_at(there));
            if is_here && probe.context.is_around(hay, start, end) {
                found.push(Candidate::new(start, end, index as u32));
            }
        }
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleSet;

    /// Reports on standard error that a test was skipped on this CPU. The test runner hides the
    /// standard output of tests that pass.
    pub(super) fn skipped(name: &str) {
        use std::io::Write;
        writeln!(std::io::stderr(), "SKIPPED: {name}: this machine's CPU does not have it")
            .expect("stderr is open");
    }

    /// Every engine that can run here, and the models of the others.
    fn engines(entries: &[ProbeEntry]) -> Vec<(&'static str, Prefilter)> {
        let model = |kernel: MakeKernel| Prefilter::Vector(Vector::new(entries, kernel));
        let mut engines = vec![
            ("portable", Prefilter::Portable(Box::new(portable::Engine::new(entries)))),
            (
                "model of avx2",
                model(|assigned| Kernel::NibbleModel(Vector::nibble_tables(assigned))),
            ),
            ("model of avx512", model(|assigned| Kernel::ByteModel(Vector::byte_tables(assigned)))),
        ];
        #[cfg(target_arch = "x86_64")]
        for (cpu, kernel) in
            [(Cpu::Avx2, Vector::avx2 as MakeKernel), (Cpu::Avx512, Vector::avx512)]
        {
            if cpu.is_here() {
                engines.push((cpu.name(), model(kernel)));
            } else {
                skipped(cpu.name());
            }
        }
        engines
    }

    /// Random text made of pieces of anchors and of their contexts, so that many bytes almost
    /// match.
    fn text(
        entries: &[ProbeEntry],
        random: &mut impl FnMut(usize) -> usize,
        n_bytes: usize,
    ) -> Vec<u8> {
        let mut text = Vec::new();
        while text.len() < n_bytes {
            let probe = &entries[random(entries.len())].probe;
            let anchor = &probe.anchor.text;
            match random(4) {
                0 => text.extend(anchor.iter().take(random(anchor.len() + 1))),
                1 => text.extend(anchor.iter().map(u8::to_ascii_uppercase)),
                2 => text.extend(anchor),
                _ => text.push(random(256) as u8),
            }
            for set in probe.context.after.iter().take(random(4)) {
                text.extend(set.iter().nth(random(set.iter().count().max(1))));
            }
        }
        text.truncate(n_bytes);
        text
    }

    fn check(entries: &[ProbeEntry], lengths: impl Iterator<Item = usize>) {
        let mut seed = 0x5eed_u64;
        let mut random = |limit: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % limit
        };
        let engines = engines(entries);
        for length in lengths {
            let hay = text(entries, &mut random, length);
            let expected = naive(entries, &hay);
            let mut expected_marks = Marks::default();
            expected_marks.read(&hay);
            for (name, engine) in &engines {
                let (mut found, mut marks) = (Vec::new(), Marks::default());
                engine.candidates(&hay, &mut found, &mut marks);
                assert!(
                    found == expected,
                    "{name} finds other candidates than comparing does in {length} bytes"
                );
                assert!(
                    marks == expected_marks,
                    "{name} tells of other bytes than comparing does in {length} bytes"
                );
                let mut alone = Marks::default();
                engine.marks(&hay, &mut alone);
                assert!(
                    alone == expected_marks,
                    "{name} tells by itself of other bytes in {length} bytes"
                );
            }
        }
    }

    #[test]
    fn every_engine_finds_the_same_candidates() {
        let entries = probe::entries(&RuleSet::embedded());
        check(&entries, (0..300).chain([PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 77, 9001]));
    }

    #[test]
    fn probes_without_a_chosen_seat_are_found_as_well() {
        let mut entries = probe::entries(&RuleSet::embedded());
        entries.iter_mut().for_each(|one| one.slot = None);
        check(&entries, [100, 5000].into_iter());
    }

    #[test]
    fn bytes_of_every_value_are_no_trouble() {
        let entries = probe::entries(&RuleSet::embedded());
        let hay: Vec<u8> = (0..=255_u8).cycle().take(3000).collect();
        let expected = naive(&entries, &hay);
        let mut expected_marks = Marks::default();
        expected_marks.read(&hay);
        for (name, engine) in engines(&entries) {
            let (mut found, mut marks) = (Vec::new(), Marks::default());
            engine.candidates(&hay, &mut found, &mut marks);
            assert!(found == expected && marks == expected_marks, "{name}");
        }
    }
}
