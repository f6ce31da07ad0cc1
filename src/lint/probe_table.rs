//! Generates `src/rules/probes.json`: where the prefilter looks for each anchor of the built-in
//! rules. Compiled for tests only; `tests/bless` writes the file.
//!
//! The prefilter looks at a fingerprint: four bytes of an anchor and its context. Fingerprints
//! share a few buckets. Which bytes a fingerprint covers, and which fingerprints share a bucket,
//! decides how often the prefilter reports a candidate in vain. So probes are assigned one by one,
//! each to the fingerprint and bucket that let the fewest positions of a sample through, and
//! reassigned in further rounds as long as that helps. Probes with the same fingerprint are
//! compared one by one, so a fingerprint that occurs often in the sample is shared only by probes
//! that have no better one. The sample is generated from a seed: the same rules always give the
//! same table.

use std::{cmp::Reverse, collections::HashMap};

use super::sample::sample;
use crate::{
    prefilter::{
        N_BUCKETS,
        fingerprint::{Fingerprint, WIDTH, features_of, single, singles},
    },
    rules::{
        ByteSet, RuleSet,
        probe::{self, ProbeEntry, Slot, Table},
    },
};

/// How many positions of the sample are counted.
const N_POSITIONS: usize = 1 << 17;

/// The distance between two of these positions, in bytes.
const STEP: usize = 16;

/// How often every probe is assigned anew.
const N_ROUNDS: usize = 3;

/// The cost of comparing the probes of a fingerprint at a position where the fingerprint occurs,
/// in positions that the prefilter lets through in vain.
const COST_OF_COMPARING: u32 = 3;

/// This many probes that join an existing fingerprint cost as much as one such position.
const PROBES_PER_POSITION: u32 = 3;

/// The text of `probes.json` for the built-in rules that are on by default. The others get their
/// slots when they are loaded.
fn probe_table() -> String {
    let rules = RuleSet::embedded();
    let entries = probe::entries_from_patterns(&rules);
    let text = sample(N_POSITIONS * STEP + WIDTH);
    let bytes = Positions::new(&text, byte_values);
    let nibbles = Positions::new(&text, nibble_values);
    let by_nibbles = assign(&entries, &nibbles, &bytes, nibble_sets, None);
    let by_bytes = assign(&entries, &bytes, &bytes, byte_sets, Some(&by_nibbles));
    let slots = by_nibbles.iter().zip(&by_bytes).map(slot);
    let entries: Vec<(ProbeEntry, Slot)> = entries.into_iter().zip(slots).collect();
    Table::new(&rules, &entries).text()
}

fn slot(assigned: (&Option<Assigned>, &Option<Assigned>)) -> Slot {
    let (Some(by_nibbles), Some(by_bytes)) = assigned else { return Slot::SINGLE };
    Slot {
        offset: by_nibbles.fingerprint.offset,
        bucket: u8::try_from(by_nibbles.bucket).expect("there are few buckets"),
        exact_bucket: u8::try_from(by_bytes.bucket).expect("there are few buckets"),
    }
}

fn nibble_values(text: [u8; WIDTH]) -> Vec<u8> {
    features_of(text).into()
}

fn byte_values(text: [u8; WIDTH]) -> Vec<u8> {
    text.map(|byte| byte & 0x7f).into()
}

fn nibble_sets(fingerprint: &Fingerprint) -> Vec<u128> {
    fingerprint.features().map(u128::from).into()
}

fn byte_sets(fingerprint: &Fingerprint) -> Vec<u128> {
    let bits = |set: &ByteSet| set.iter().fold(0, |bits, byte| bits | 1 << (byte & 0x7f));
    fingerprint.sets.iter().map(bits).collect()
}

/// The fingerprint and the bucket of a probe.
#[derive(Clone, Copy)]
struct Assigned {
    fingerprint: Fingerprint,
    bucket: usize,
}

/// A set of positions of the sample, one bit for each.
type Bits = [u64; N_POSITIONS / 64];

const NOWHERE: Bits = [0; N_POSITIONS / 64];
const EVERYWHERE: Bits = [u64::MAX; N_POSITIONS / 64];

/// For each feature and each of 128 values, the positions of the sample that have it.
struct Positions(Vec<Vec<Bits>>);

impl Positions {
    fn new(text: &[u8], values: fn([u8; WIDTH]) -> Vec<u8>) -> Positions {
        let mut positions = Vec::new();
        for index in 0..N_POSITIONS {
            let here = std::array::from_fn(|offset| text[index * STEP + offset]);
            for (feature, value) in values(here).into_iter().enumerate() {
                if positions.len() <= feature {
                    positions.push(vec![NOWHERE; 128]);
                }
                positions[feature][usize::from(value)][index / 64] |= 1 << (index % 64);
            }
        }
        Positions(positions)
    }

    /// The number of positions that have one of `values` in each feature.
    fn n_at(&self, values: &[u128]) -> u32 {
        Bucket::new(self, std::iter::once(values)).n_through
    }

    /// The positions whose value of `feature` is among `values`.
    fn with(&self, feature: usize, values: u128) -> impl Iterator<Item = &Bits> {
        (0..128)
            .filter(move |value| values & 1 << value != 0)
            .map(move |value| &self.0[feature][value])
    }
}

/// The fingerprints that share a bucket, as the kernel sees them: for each feature, the values that
/// one of them allows.
#[derive(Clone)]
struct Bucket {
    values: Vec<u128>,
    /// The positions that each feature lets through.
    allowed: Vec<Bits>,
    /// The number of positions that all features let through.
    n_through: u32,
}

impl Bucket {
    fn new<'w>(positions: &Positions, fingerprints: impl Iterator<Item = &'w [u128]>) -> Bucket {
        let n_features = positions.0.len();
        let mut bucket = Bucket {
            values: vec![0; n_features],
            allowed: vec![NOWHERE; n_features],
            n_through: 0,
        };
        for values in fingerprints {
            bucket.values.iter_mut().zip(values).for_each(|(all, values)| *all |= values);
        }
        for (feature, values) in bucket.values.iter().enumerate() {
            positions
                .with(feature, *values)
                .for_each(|bits| unite(&mut bucket.allowed[feature], bits));
        }
        bucket.n_through = count(&bucket.allowed, &[]);
        bucket
    }

    /// How many more positions get through when a fingerprint with these values joins.
    fn more_with(&self, positions: &Positions, joining: &[u128]) -> u32 {
        let mut more = Vec::new();
        for (feature, values) in joining.iter().enumerate() {
            let new = values & !self.values[feature];
            more.extend(positions.with(feature, new).map(|bits| (feature, bits)));
        }
        if more.is_empty() { 0 } else { count(&self.allowed, &more) - self.n_through }
    }
}

fn unite(all: &mut Bits, bits: &Bits) {
    all.iter_mut().zip(bits).for_each(|(all, bits)| *all |= bits);
}

/// The number of positions that every feature lets through, by `allowed` or by `more`.
fn count(allowed: &[Bits], more: &[(usize, &Bits)]) -> u32 {
    let mut through = EVERYWHERE;
    for (feature, bits) in allowed.iter().enumerate() {
        if more.iter().all(|(of, _)| *of != feature) {
            through.iter_mut().zip(bits).for_each(|(all, own)| *all &= own);
            continue;
        }
        let mut own = *bits;
        more.iter().filter(|(of, _)| *of == feature).for_each(|(_, bits)| unite(&mut own, bits));
        through.iter_mut().zip(&own).for_each(|(all, own)| *all &= own);
    }
    through.iter().map(|word| word.count_ones()).sum()
}

/// Assigns each probe that is longer than a byte. With `offsets`, the fingerprints are given and
/// only their buckets are chosen.
fn assign(
    entries: &[ProbeEntry],
    positions: &Positions,
    bytes: &Positions,
    values: fn(&Fingerprint) -> Vec<u128>,
    offsets: Option<&[Option<Assigned>]>,
) -> Vec<Option<Assigned>> {
    let singles = singles(entries.iter().map(|one| &one.probe));
    let mut options = Vec::new();
    for (index, one) in entries.iter().enumerate() {
        let is_single = single(&one.probe).is_some_and(|byte| singles.contains(&byte));
        let given = offsets.map(|given| given[index].map(|one| one.fingerprint.offset));
        let fingerprints = Fingerprint::all(&one.probe).filter(|fingerprint| {
            !is_single && given.is_none_or(|offset| offset == Some(fingerprint.offset))
        });
        let option = |fingerprint: Fingerprint| ProbeOption {
            values: values(&fingerprint),
            n_occurrences: bytes.n_at(&byte_sets(&fingerprint)),
            fingerprint,
        };
        options.push(fingerprints.map(option).collect());
    }
    let mut assignment = Assignment::new(positions, options);
    let order = assignment.order();
    for _ in 0..N_ROUNDS {
        order.iter().for_each(|index| assignment.assign(*index));
    }
    assignment.finish()
}

/// A fingerprint that a probe may have.
struct ProbeOption {
    fingerprint: Fingerprint,
    /// The values that the kernel compares.
    values: Vec<u128>,
    /// The number of positions of the sample where the fingerprint occurs.
    n_occurrences: u32,
}

/// All buckets, and the probes in them.
struct Assignment<'p> {
    positions: &'p Positions,
    /// For each probe.
    options: Vec<Vec<ProbeOption>>,
    /// For each probe, the index of its option, and its bucket.
    assigned: Vec<Option<(usize, usize)>>,
    buckets: Vec<Bucket>,
    /// The number of probes with the same fingerprint.
    n_sharing: HashMap<[ByteSet; WIDTH], usize>,
}

impl<'p> Assignment<'p> {
    fn new(positions: &'p Positions, options: Vec<Vec<ProbeOption>>) -> Assignment<'p> {
        let buckets = vec![Bucket::new(positions, std::iter::empty()); N_BUCKETS];
        let assigned = vec![None; options.len()];
        Assignment { positions, options, assigned, buckets, n_sharing: HashMap::new() }
    }

    /// The probes in the order in which they choose: first those that let the most positions
    /// through.
    fn order(&self) -> Vec<usize> {
        let n_alone = |option: &ProbeOption| self.positions.n_at(&option.values);
        let mut order: Vec<usize> =
            (0..self.options.len()).filter(|index| !self.options[*index].is_empty()).collect();
        order.sort_by_cached_key(|index| {
            (Reverse(self.options[*index].iter().map(n_alone).min()), *index)
        });
        order
    }

    /// Moves a probe to the cheapest fingerprint and bucket.
    fn assign(&mut self, index: usize) {
        if let Some((option, bucket)) = self.assigned[index].take() {
            let sets = &self.options[index][option].fingerprint.sets;
            self.n_sharing.entry(*sets).and_modify(|number| *number -= 1);
            self.refill(bucket);
        }
        let this = &*self;
        let choices = this.options[index].iter().enumerate().flat_map(|(number, option)| {
            (0..N_BUCKETS).map(move |bucket| (this.cost(option, bucket), bucket, number))
        });
        let Some((_, bucket, option)) = choices.min() else { return };
        *self.n_sharing.entry(self.options[index][option].fingerprint.sets).or_default() += 1;
        self.assigned[index] = Some((option, bucket));
        self.refill(bucket);
    }

    fn cost(&self, option: &ProbeOption, bucket: usize) -> u32 {
        let is_shared = self.n_sharing.get(&option.fingerprint.sets).is_some_and(|n| *n > 0);
        let comparing = if is_shared {
            option.n_occurrences / PROBES_PER_POSITION
        } else {
            option.n_occurrences * COST_OF_COMPARING
        };
        self.buckets[bucket].more_with(self.positions, &option.values) + comparing
    }

    /// Computes a bucket from the probes that are in it now.
    fn refill(&mut self, bucket: usize) {
        let members = self.assigned.iter().enumerate().filter_map(|(index, assigned)| {
            let (option, _) = assigned.filter(|(_, own)| *own == bucket)?;
            Some(&self.options[index][option].values[..])
        });
        self.buckets[bucket] = Bucket::new(self.positions, members);
    }

    fn finish(self) -> Vec<Option<Assigned>> {
        let assigned = self.assigned.iter().zip(&self.options);
        assigned
            .map(|(assigned, options)| {
                let (option, bucket) = (*assigned)?;
                Some(Assigned { fingerprint: options[option].fingerprint, bucket })
            })
            .collect()
    }
}

#[test]
#[allow(clippy::disallowed_methods)] // `tests/bless` sets the variable, and the file is ours
fn the_probe_table_is_current() {
    let table = probe_table();
    if std::env::var_os("LOGSCRUB_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules/probes.json");
        return std::fs::write(path, table).expect("the table can be written");
    }
    assert!(
        table == include_str!("../rules/probes.json"),
        "src/rules/probes.json is not current: run tests/bless"
    );
}
