//! The anchors of all rules in one pass: every occurrence of every anchor in its context is a
//! candidate.
//!
//! Which engine runs is a variant, not a trait object, so that the loop over a block is one call.
//! All engines answer the same candidates on every input: [`portable`] is aho-corasick, which runs
//! everywhere and is the oracle of the others; [`simd`] are kernels for vectors, whose positions
//! [`sieve`] makes candidates of.

mod confirm;
pub(crate) mod fingerprint;
pub(crate) mod marks;
mod portable;
mod simd;

use std::fmt;

pub(crate) use self::simd::N_BUCKETS;
use self::{
    confirm::{EDGE, Sieve, word_at},
    fingerprint::{FEATURES, N_SINGLES, WIDTH, Window},
    marks::{Marks, WORD, Word},
    simd::{HalfTables, Kernel, LEFT, SLACK, WIDEST, WholeTables},
};
use crate::{
    error::Error,
    rules::{
        Anchor, ByteSet, RuleId, RuleSet,
        context::Context,
        probe::{self, Probe, Seat, Sought},
    },
    text::span::Span,
};

/// An anchor was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Candidate {
    start: u32,
    end: u32,
    anchor: u32,
}

impl Candidate {
    fn new(start: usize, end: usize, anchor: u32) -> Candidate {
        let offset = |at| u32::try_from(at).expect("a block is at most 4 GiB");
        Candidate { start: offset(start), end: offset(end), anchor }
    }

    /// Where the anchor stands in the block.
    pub(crate) fn span(self) -> Span {
        Span::new(self.start as usize, self.end as usize)
    }

    /// The same in a block that begins at `start` of this one.
    pub(crate) fn from(self, start: usize) -> Candidate {
        let Span { start: at, end } = self.span();
        Candidate::new(at - start, end - start, self.anchor)
    }

    /// Which anchor it is, as an index into what [`Prefilter::new`] answered.
    pub(crate) fn anchor(self) -> usize {
        self.anchor as usize
    }
}

/// What the prefilter uses of a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cpu {
    /// Nothing that not every CPU has.
    Portable,
    /// AVX2, BMI1 and POPCNT.
    Avx2,
    /// AVX-512 F, BW and VBMI.
    Avx512,
}

impl Cpu {
    /// Every level, the slowest first.
    pub const ALL: [Cpu; 3] = [Cpu::Portable, Cpu::Avx2, Cpu::Avx512];

    /// The level's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Cpu::Portable => "portable",
            Cpu::Avx2 => "avx2",
            Cpu::Avx512 => "avx512",
        }
    }

    /// The level of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Cpu> {
        Cpu::ALL.into_iter().find(|cpu| cpu.name() == name)
    }

    /// Whether this machine's CPU has it.
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

    /// The level itself where this machine's CPU has it.
    pub(crate) fn required(self) -> Result<Cpu, Error> {
        let missing = || Error::usage(format!("this machine's CPU has no {self}"));
        self.is_here()
            .then_some(self)
            .ok_or_else(|| missing().hint(format!("the best level that it has is {}", Cpu::best())))
    }

    /// The best level that this machine's CPU has.
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
    /// aho-corasick, on every CPU.
    Portable(Box<portable::Engine>),
    /// A kernel for vectors.
    Vector(Vector),
}

impl Prefilter {
    /// The engine for `cpu`, which must be here, over all anchors of `rules`, and for each anchor
    /// the rules that have it. Behind them come `signs`, which no rule has.
    pub(crate) fn new(
        rules: &RuleSet,
        cpu: Cpu,
        signs: &[Sign<'_>],
    ) -> (Prefilter, Vec<Vec<RuleId>>) {
        let mut sought = probe::sought(rules);
        sought.extend(signs.iter().map(sign_probe));
        let engine = match cpu {
            _ if !cpu.is_here() => Prefilter::Portable(Box::new(portable::Engine::new(&sought))),
            Cpu::Portable => Prefilter::Portable(Box::new(portable::Engine::new(&sought))),
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx2 => Prefilter::Vector(Vector::new(&sought, Vector::avx2)),
            #[cfg(target_arch = "x86_64")]
            Cpu::Avx512 => Prefilter::Vector(Vector::new(&sought, Vector::avx512)),
            #[cfg(not(target_arch = "x86_64"))]
            _ => Prefilter::Portable(Box::new(portable::Engine::new(&sought))),
        };
        (engine, sought.into_iter().map(|sought| sought.users).collect())
    }

    /// The portable engine over all anchors wherever they stand, to tell what contexts leave out.
    #[cfg(test)]
    pub(crate) fn without_contexts(rules: &RuleSet) -> (Prefilter, Vec<Vec<RuleId>>) {
        let mut sought = probe::sought(rules);
        sought
            .iter_mut()
            .for_each(|one| one.probe.context = crate::rules::context::Context::default());
        let engine = Prefilter::Portable(Box::new(portable::Engine::new(&sought)));
        (engine, sought.into_iter().map(|sought| sought.users).collect())
    }

    /// Writes the candidates of `hay` to `found`, which is empty, in the order of their first
    /// bytes, and its marks to `marks`. A block is at most 4 GiB.
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

    /// Writes the marks of `hay` alone.
    pub(crate) fn marks(&self, hay: &[u8], marks: &mut Marks) {
        match self {
            Prefilter::Portable(_) => marks.read(hay),
            Prefilter::Vector(engine) => engine.marks(hay, marks.begin(hay.len())),
        }
    }
}

/// A text that no rule has and somebody asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sign<'s> {
    Anywhere(&'s [u8]),
    /// At the start of a record.
    AtStart(&'s [u8]),
}

fn sign_probe(sign: &Sign<'_>) -> Sought {
    let (text, before) = match sign {
        Sign::Anywhere(text) => (text, ByteSet::ALL),
        Sign::AtStart(text) => (text, ByteSet::one(b'\n')),
    };
    let anchor = Anchor { text: (*text).into(), fold: false };
    Sought {
        probe: Probe { anchor, context: Context { before, ..Context::default() } },
        users: Vec::new(),
        seat: None,
    }
}

/// A block is worked through in pieces of so many bytes, so that positions stay in the nearest
/// cache.
const PIECE: usize = 2 << 10;

/// A kernel and the sieve behind it.
pub(crate) struct Vector {
    kernel: Kernel,
    sieve: Sieve,
}

/// Probes with their windows and seats.
type Seated<'s> = [(&'s Probe, Window, Seat)];

/// Makes the tables of a kernel.
type MakeKernel = fn(&Seated<'_>) -> Kernel;

impl Vector {
    fn new(sought: &[Sought], kernel: MakeKernel) -> Vector {
        let probes = sought.iter().map(|one| &one.probe);
        let seat = |(probe, seat): (_, Seat)| (probe, Window::new(probe, seat.offset), seat);
        let seated: Vec<(&Probe, Window, Seat)> = probes.zip(seats(sought)).map(seat).collect();
        Vector { kernel: kernel(&seated), sieve: Sieve::new(&seated) }
    }

    fn half_tables(seated: &Seated<'_>) -> Box<HalfTables> {
        let bucketed = seated.iter().filter(|(_, _, seat)| !seat.is_single());
        Box::new(HalfTables::new(
            bucketed.map(|(_, window, seat)| (window, seat.bucket)),
            single_bytes(seated),
        ))
    }

    fn whole_tables(seated: &Seated<'_>) -> Box<WholeTables> {
        let bucketed = seated.iter().filter(|(_, _, seat)| !seat.is_single());
        Box::new(WholeTables::new(
            bucketed.map(|(_, window, seat)| (window, seat.exact_bucket)),
            single_bytes(seated),
        ))
    }

    #[cfg(target_arch = "x86_64")]
    fn avx2(seated: &Seated<'_>) -> Kernel {
        Kernel::Avx2(Vector::half_tables(seated))
    }

    #[cfg(target_arch = "x86_64")]
    fn avx512(seated: &Seated<'_>) -> Kernel {
        Kernel::Avx512(Vector::whole_tables(seated))
    }

    fn candidates(&self, hay: &[u8], found: &mut Vec<Candidate>, words: &mut [Word]) {
        let mut positions = [0; PIECE + SLACK];
        self.look_before(hay, found);
        let mut at = 0;
        loop {
            let end = hay.len().min(at + PIECE);
            let (next, n_positions) =
                self.kernel.positions(hay, at, end, &mut positions, &mut words[at / WORD..]);
            if next == at {
                break;
            }
            self.look(hay, hay, 0, &mut positions[..n_positions], found);
            at = next;
        }
        self.look_behind(hay, at, &mut positions, found, &mut words[at / WORD..]);
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

    /// What `positions` in `text` stand for; `text` is what stands in `hay` from `start` on, and
    /// what follows its end.
    fn look(
        &self,
        hay: &[u8],
        text: &[u8],
        start: usize,
        positions: &mut [u32],
        found: &mut Vec<Candidate>,
    ) {
        let n_kept = self.sieve.keep(text, positions);
        for at in &positions[..n_kept] {
            let at = *at as usize;
            self.sieve.look(hay, (start + at).cast_signed(), word_at(text, at), found);
        }
    }

    /// A window may begin one byte before the block.
    fn look_before(&self, hay: &[u8], found: &mut Vec<Candidate>) {
        let mut text = [EDGE; WIDTH];
        let n_bytes = hay.len().min(WIDTH - 1);
        text[1..=n_bytes].copy_from_slice(&hay[..n_bytes]);
        self.sieve.look(hay, -1, u32::from_le_bytes(text), found);
    }

    /// The end of a block, which is too short for a kernel or lacks what a load reads behind it.
    fn look_behind(
        &self,
        hay: &[u8],
        from: usize,
        positions: &mut [u32],
        found: &mut Vec<Candidate>,
        words: &mut [Word],
    ) {
        let mut text = [EDGE; LEFT + WIDEST + WIDTH];
        let rest = &hay[from..];
        debug_assert!(rest.len() <= LEFT, "a kernel leaves no more than that");
        text[..rest.len()].copy_from_slice(rest);
        let end = rest.len().next_multiple_of(WIDEST);
        let (_, n_positions) = self.kernel.positions(&text, 0, end, positions, words);
        let n_inside = positions[..n_positions].partition_point(|at| (*at as usize) < rest.len());
        self.look(hay, &text, from, &mut positions[..n_inside], found);
    }
}

/// The anchors of one byte. Where there are fewer than a kernel compares, a byte that UTF-8 does
/// not have stands in: once too often is no fault.
fn single_bytes(seated: &Seated<'_>) -> [u8; N_SINGLES] {
    let own = seated.iter().filter(|(_, _, seat)| seat.is_single()).map(|(probe, _, _)| *probe);
    let singles = fingerprint::singles(own);
    std::array::from_fn(|index| singles.get(index).copied().unwrap_or(0xff))
}

/// The seats of all probes: the chosen ones, and for the others the bucket that they make the least
/// fuller.
fn seats(sought: &[Sought]) -> Vec<Seat> {
    let singles = fingerprint::singles(sought.iter().map(|one| &one.probe));
    let is_single =
        |probe: &Probe| fingerprint::single(probe).is_some_and(|byte| singles.contains(&byte));
    let chosen = |one: &Sought| {
        let is_single = is_single(&one.probe);
        if is_single { Some(Seat::SINGLE) } else { one.seat.filter(|seat| !seat.is_single()) }
    };
    let mut halls = [Hall::default(); N_BUCKETS];
    for one in sought {
        if let Some(seat) = chosen(one).filter(|seat| !seat.is_single()) {
            halls[usize::from(seat.bucket)].add(Window::new(&one.probe, seat.offset).features());
        }
    }
    sought
        .iter()
        .map(|one| chosen(one).unwrap_or_else(|| find_seat(&one.probe, &mut halls)))
        .collect()
}

/// The values that a bucket's windows may have, feature by feature.
#[derive(Clone, Copy, Default)]
struct Hall([u16; FEATURES]);

impl Hall {
    fn add(&mut self, features: [u16; FEATURES]) {
        self.0.iter_mut().zip(features).for_each(|(all, values)| *all |= values);
    }

    /// About how many of a million positions it lets through, were its features independent and the
    /// values of each alike.
    fn share(&self) -> u64 {
        self.0.iter().fold(1_000_000, |share, values| share * u64::from(values.count_ones()) / 16)
    }
}

fn find_seat(probe: &Probe, halls: &mut [Hall]) -> Seat {
    let mut best: Option<(u64, Window, usize)> = None;
    for window in Window::all(probe) {
        let features = window.features();
        for (bucket, hall) in halls.iter().enumerate() {
            let mut fuller = *hall;
            fuller.add(features);
            let cost = fuller.share() - hall.share();
            if best.as_ref().is_none_or(|(least, _, _)| cost < *least) {
                best = Some((cost, window, bucket));
            }
        }
    }
    let (_, window, bucket) = best.expect("an anchor is not empty, so there is a window");
    halls[bucket].add(window.features());
    let bucket = u8::try_from(bucket).expect("there are few buckets");
    Seat { offset: window.offset, bucket, exact_bucket: bucket }
}

/// Every probe at every place, compared byte by byte.
#[cfg(test)]
fn naive(sought: &[Sought], hay: &[u8]) -> Vec<Candidate> {
    let mut found = Vec::new();
    for start in 0..hay.len() {
        for (index, Sought { probe, .. }) in sought.iter().enumerate() {
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

    /// Says that this machine cannot run something, past the test runner, which keeps what passing
    /// tests print.
    pub(super) fn skipped(name: &str) {
        use std::io::Write;
        writeln!(std::io::stderr(), "SKIPPED: {name}: this machine's CPU does not have it")
            .expect("stderr is open");
    }

    /// Every engine that can be had here, models among them.
    fn engines(sought: &[Sought]) -> Vec<(&'static str, Prefilter)> {
        let model = |kernel: MakeKernel| Prefilter::Vector(Vector::new(sought, kernel));
        let mut engines = vec![
            ("portable", Prefilter::Portable(Box::new(portable::Engine::new(sought)))),
            ("model of avx2", model(|seated| Kernel::HalfModel(Vector::half_tables(seated)))),
            ("model of avx512", model(|seated| Kernel::WholeModel(Vector::whole_tables(seated)))),
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

    /// Text in which much is nearly an anchor: pieces of anchors and of what stands around them.
    fn text(sought: &[Sought], random: &mut impl FnMut(usize) -> usize, n_bytes: usize) -> Vec<u8> {
        let mut text = Vec::new();
        while text.len() < n_bytes {
            let probe = &sought[random(sought.len())].probe;
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

    fn check(sought: &[Sought], lengths: impl Iterator<Item = usize>) {
        let mut seed = 0x5eed_u64;
        let mut random = |limit: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % limit
        };
        let engines = engines(sought);
        for length in lengths {
            let hay = text(sought, &mut random, length);
            let expected = naive(sought, &hay);
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
        let sought = probe::sought(&RuleSet::embedded());
        check(&sought, (0..300).chain([PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 77, 9001]));
    }

    #[test]
    fn probes_without_a_chosen_seat_are_found_as_well() {
        let mut sought = probe::sought(&RuleSet::embedded());
        sought.iter_mut().for_each(|one| one.seat = None);
        check(&sought, [100, 5000].into_iter());
    }

    #[test]
    fn bytes_of_every_value_are_no_trouble() {
        let sought = probe::sought(&RuleSet::embedded());
        let hay: Vec<u8> = (0..=255_u8).cycle().take(3000).collect();
        let expected = naive(&sought, &hay);
        let mut expected_marks = Marks::default();
        expected_marks.read(&hay);
        for (name, engine) in engines(&sought) {
            let (mut found, mut marks) = (Vec::new(), Marks::default());
            engine.candidates(&hay, &mut found, &mut marks);
            assert!(found == expected && marks == expected_marks, "{name}");
        }
    }
}
