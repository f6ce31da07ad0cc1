//! `rules windows`: where the prefilter looks for each anchor of the embedded rules, chosen on
//! sample logs.
//!
//! Which four bytes of an anchor are looked at, and with which others it shares a bucket, decides
//! how often the prefilter is wrong. So probes are seated one by one where they let the fewest
//! positions of the sample through, and then moved for as long as that helps. Where a window itself
//! stands, its probes are compared one by one, so a window that stands often is shared only by
//! those that have no better one. The sample is made from a seed, and so is everything here: the
//! same rules give the same table.

use std::collections::HashMap;

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

use super::sample::sample;

/// Positions of the sample that decide.
const N_POSITIONS: usize = 1 << 17;

/// Every so many bytes of the sample one is such a position.
const STEP: usize = 16;

/// Rounds in which probes are moved.
const N_ROUNDS: usize = 3;

/// The text of `src/rules/probes.json`, for the embedded rules that are on by default: what is
/// seldom asked for finds a seat among the others when it is.
#[must_use]
pub fn windows() -> String {
    let rules = RuleSet::embedded();
    let sought = probe::entries_from_patterns(&rules);
    let text = sample(N_POSITIONS * STEP + WIDTH);
    let bytes = Positions::new(&text, whole_values);
    let half_sets = |window: &Fingerprint| window.features().map(u128::from).into();
    let halves = choose(&sought, &Positions::new(&text, half_values), &bytes, half_sets, None);
    let whole = choose(&sought, &bytes, &bytes, whole_sets, Some(&halves));
    table(&rules, sought, &halves, &whole).text()
}

fn half_values(text: [u8; WIDTH]) -> Vec<u8> {
    features_of(text).into()
}

fn whole_values(text: [u8; WIDTH]) -> Vec<u8> {
    text.map(|byte| byte & 0x7f).into()
}

fn whole_sets(window: &Fingerprint) -> Vec<u128> {
    window
        .sets
        .iter()
        .map(|set| set.iter().fold(0, |bits, byte| bits | 1 << (byte & 0x7f)))
        .collect()
}

fn table(
    rules: &RuleSet,
    sought: Vec<ProbeEntry>,
    halves: &[Option<Seated>],
    whole: &[Option<Seated>],
) -> Table {
    let bucket = |bucket: usize| u8::try_from(bucket).expect("there are few buckets");
    let seat = |(half, whole): (&Option<Seated>, &Option<Seated>)| match (half, whole) {
        (Some(half), Some(whole)) => Slot {
            offset: half.window.offset,
            bucket: bucket(half.bucket),
            exact_bucket: bucket(whole.bucket),
        },
        _ => Slot::SINGLE,
    };
    let seated: Vec<(ProbeEntry, Slot)> =
        sought.into_iter().zip(halves.iter().zip(whole).map(seat)).collect();
    Table::new(rules, &seated)
}

/// Where a probe is looked for.
#[derive(Clone, Copy)]
struct Seated {
    window: Fingerprint,
    bucket: usize,
}

/// A set of positions of the sample, a bit each.
type Bits = [u64; N_POSITIONS / 64];

const NOWHERE: Bits = [0; N_POSITIONS / 64];
const EVERYWHERE: Bits = [u64::MAX; N_POSITIONS / 64];

/// For each feature and each of 128 values, the positions of the sample that have it.
struct Positions(Vec<Vec<Bits>>);

impl Positions {
    fn new(text: &[u8], values: fn([u8; WIDTH]) -> Vec<u8>) -> Positions {
        let mut positions = Vec::new();
        for index in 0..N_POSITIONS {
            let window = std::array::from_fn(|offset| text[index * STEP + offset]);
            for (feature, value) in values(window).into_iter().enumerate() {
                if positions.len() <= feature {
                    positions.push(vec![NOWHERE; 128]);
                }
                positions[feature][usize::from(value)][index / 64] |= 1 << (index % 64);
            }
        }
        Positions(positions)
    }

    /// How many positions have, feature by feature, a value among those.
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

/// The windows that share a bucket, as the kernel sees them: feature by feature, all values that
/// one of them allows.
#[derive(Clone)]
struct Bucket {
    values: Vec<u128>,
    /// The positions that each feature lets through.
    allowed: Vec<Bits>,
    /// Positions that all of them do.
    n_through: u32,
}

impl Bucket {
    fn new<'w>(positions: &Positions, windows: impl Iterator<Item = &'w [u128]>) -> Bucket {
        let n_features = positions.0.len();
        let mut bucket = Bucket {
            values: vec![0; n_features],
            allowed: vec![NOWHERE; n_features],
            n_through: 0,
        };
        windows.for_each(|values| {
            bucket.values.iter_mut().zip(values).for_each(|(all, values)| *all |= values)
        });
        for (feature, values) in bucket.values.iter().enumerate() {
            positions
                .with(feature, *values)
                .for_each(|bits| unite(&mut bucket.allowed[feature], bits));
        }
        bucket.n_through = count(&bucket.allowed, &[]);
        bucket
    }

    /// How many more positions get through with `window` in it.
    fn more_with(&self, positions: &Positions, window: &[u128]) -> u32 {
        let mut more = Vec::new();
        for (feature, values) in window.iter().enumerate() {
            let new = values & !self.values[feature];
            more.extend(positions.with(feature, new).map(|bits| (feature, bits)));
        }
        if more.is_empty() { 0 } else { count(&self.allowed, &more) - self.n_through }
    }
}

fn unite(all: &mut Bits, bits: &Bits) {
    all.iter_mut().zip(bits).for_each(|(all, bits)| *all |= bits);
}

/// The positions that every feature lets through, with those in `more` beside `allowed`.
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

/// A seat for each probe that is not one byte; with `offsets`, the windows are those.
fn choose(
    sought: &[ProbeEntry],
    positions: &Positions,
    bytes: &Positions,
    values: fn(&Fingerprint) -> Vec<u128>,
    offsets: Option<&[Option<Seated>]>,
) -> Vec<Option<Seated>> {
    let singles = singles(sought.iter().map(|one| &one.probe));
    let windows = sought.iter().enumerate().map(|(index, one)| {
        let is_single = single(&one.probe).is_some_and(|byte| singles.contains(&byte));
        let is_own = |window: &Fingerprint| {
            offsets.is_none_or(|seats| {
                seats[index].is_some_and(|seat| seat.window.offset == window.offset)
            })
        };
        let windows = Fingerprint::all(&one.probe).filter(|window| !is_single && is_own(window));
        let place = |window: Fingerprint| Place {
            window,
            values: values(&window),
            n_there: bytes.n_at(&whole_sets(&window)),
        };
        windows.map(place).collect()
    });
    let mut house = House::new(positions, windows.collect());
    let order = house.order();
    for _ in 0..N_ROUNDS {
        order.iter().for_each(|index| house.seat(*index));
    }
    let seated = |(index, seat): (usize, &Option<(usize, usize)>)| {
        seat.map(|(place, bucket)| Seated { window: house.places[index][place].window, bucket })
    };
    house.seats.iter().enumerate().map(seated).collect()
}

/// A window that a probe may have.
struct Place {
    window: Fingerprint,
    /// What the kernel sees of it.
    values: Vec<u128>,
    /// The positions of the sample where it stands.
    n_there: u32,
}

/// What it costs to find out which of a window's probes stands where the window does, and what one
/// more of them adds, in positions that the kernel lets through for nothing.
const COST_OF_LOOKING: u32 = 3;
const PROBES_FOR_ONE: u32 = 3;

/// All buckets, and who is in them.
struct House<'p> {
    positions: &'p Positions,
    places: Vec<Vec<Place>>,
    /// For each probe, which of its places it has, and the bucket.
    seats: Vec<Option<(usize, usize)>>,
    buckets: Vec<Bucket>,
    /// How many probes have a window.
    sharers: HashMap<[ByteSet; WIDTH], usize>,
}

impl<'p> House<'p> {
    fn new(positions: &'p Positions, places: Vec<Vec<Place>>) -> House<'p> {
        let buckets = vec![Bucket::new(positions, std::iter::empty()); N_BUCKETS];
        House {
            positions,
            seats: vec![None; places.len()],
            places,
            buckets,
            sharers: HashMap::new(),
        }
    }

    /// Whoever lets the most through has the first choice.
    fn order(&self) -> Vec<usize> {
        let alone = |place: &Place| self.positions.n_at(&place.values);
        let mut order: Vec<usize> =
            (0..self.places.len()).filter(|index| !self.places[*index].is_empty()).collect();
        order.sort_by_cached_key(|index| {
            (std::cmp::Reverse(self.places[*index].iter().map(alone).min()), *index)
        });
        order
    }

    /// Moves a probe to where it costs the least.
    fn seat(&mut self, index: usize) {
        if let Some((place, bucket)) = self.seats[index].take() {
            if let Some(sharers) = self.sharers.get_mut(&self.places[index][place].window.sets) {
                *sharers -= 1;
            }
            self.fill(bucket);
        }
        let House { positions, sharers, buckets, .. } = &*self;
        let seats = self.places[index].iter().enumerate().flat_map(|(number, place)| {
            let is_shared = sharers.get(&place.window.sets).is_some_and(|sharers| *sharers > 0);
            let looking = if is_shared {
                place.n_there / PROBES_FOR_ONE
            } else {
                place.n_there * COST_OF_LOOKING
            };
            let cost = move |there: &Bucket| there.more_with(positions, &place.values) + looking;
            buckets.iter().enumerate().map(move |(bucket, there)| (cost(there), bucket, number))
        });
        let Some((_, bucket, place)) = seats.min() else { return };
        *self.sharers.entry(self.places[index][place].window.sets).or_default() += 1;
        self.seats[index] = Some((place, bucket));
        self.fill(bucket);
    }

    /// Makes a bucket of those that are in it now.
    fn fill(&mut self, bucket: usize) {
        let member = |(index, seat): (usize, &Option<(usize, usize)>)| {
            seat.filter(|(_, own)| *own == bucket)
                .map(|(place, _)| &self.places[index][place].values[..])
        };
        let members = self.seats.iter().enumerate().filter_map(member);
        self.buckets[bucket] = Bucket::new(self.positions, members);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_the_one_that_the_embedded_rules_give() {
        assert!(
            super::windows() == include_str!("../rules/probes.json"),
            "the embedded rules have changed: cargo run --release -- rules windows > probes && mv probes src/rules/probes.json"
        );
    }
}
