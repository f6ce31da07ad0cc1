//! What the prefilter looks for: the anchors of all rules, each with what must stand around it.
//!
//! Reading that off a pattern means parsing it, which for all embedded rules takes longer than a
//! program may take to start. So `rules windows` does it once and writes `probes.json`: the
//! embedded rules' probes and, for the prefilter, the seat of each. The user's own patterns are
//! read when they are loaded. A test holds the table current.

use std::{
    cell::LazyCell,
    collections::{BTreeMap, HashMap},
};

use serde::{Deserialize, Serialize};

use super::{
    Anchor, ByteSet, Recogniser, Rule, RuleId, RuleSet,
    context::{self, Context, Keys, REACH},
};

/// An anchor, and what must stand around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Probe {
    pub(crate) anchor: Anchor,
    pub(crate) context: Context,
}

/// Where the prefilter looks for a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seat {
    /// Where its window begins, counted from the anchor's first byte.
    pub(crate) offset: i8,
    /// The bucket that it shares with others, where bytes are told apart by their halves.
    pub(crate) bucket: u8,
    /// The bucket where they are told apart exactly.
    pub(crate) exact_bucket: u8,
}

impl Seat {
    /// The seat of an anchor of one byte that is compared as it is: in no bucket.
    pub(crate) const SINGLE: Seat = Seat { offset: -1, bucket: u8::MAX, exact_bucket: u8::MAX };

    pub(crate) fn is_single(self) -> bool {
        self == Seat::SINGLE
    }
}

/// A probe, who uses it, and its seat, if one was chosen.
#[derive(Clone, Debug)]
pub(crate) struct Sought {
    pub(crate) probe: Probe,
    pub(crate) users: Vec<RuleId>,
    pub(crate) seat: Option<Seat>,
}

/// The probes of all rules, in their own order.
pub(crate) fn sought(rules: &RuleSet) -> Vec<Sought> {
    sought_by(rules, &Table::embedded())
}

/// The same, read off the patterns, whatever the table says; without seats.
pub(crate) fn sought_anew(rules: &RuleSet) -> Vec<Sought> {
    sought_by(rules, &Table::default())
}

fn sought_by(rules: &RuleSet, table: &Table) -> Vec<Sought> {
    let keys = LazyCell::new(|| keys(rules));
    let known: Vec<Option<Vec<Context>>> =
        rules.rules().iter().map(|rule| table.contexts(rule)).collect();
    // What stands around a key's word hangs on the words of all rules. Where there are fewer than
    // the table knows, it asks for no more.
    let knows_keys =
        rules.rules().iter().zip(&known).all(|(rule, known)| !rule.has_keys() || known.is_some());
    let mut users: BTreeMap<Probe, Vec<RuleId>> = BTreeMap::new();
    for ((id, rule), known) in rules.iter().zip(known) {
        let known = known.filter(|_| knows_keys || !rule.has_keys());
        let contexts = known.unwrap_or_else(|| contexts(&keys, rule));
        for (anchor, context) in rule.anchors.iter().zip(contexts) {
            users.entry(Probe { anchor: anchor.clone(), context }).or_default().push(id);
        }
    }
    let seats = table.seats();
    let seat = |probe: &Probe| seats.get(probe).copied();
    let mut sought: Vec<Sought> = users
        .into_iter()
        .map(|(probe, users)| Sought { seat: seat(&probe), probe, users })
        .collect();
    // Where rules share an anchor and what they find is the same, the first one names it: so they
    // are asked in their order.
    sought.sort_by(|one, other| {
        (&one.probe.anchor, one.users.first()).cmp(&(&other.probe.anchor, other.users.first()))
    });
    sought
}

impl Rule {
    /// Whether its anchors are words of keys.
    fn has_keys(&self) -> bool {
        matches!(self.recogniser, Recogniser::Assign(_))
    }
}

/// The keys of all assign rules.
fn keys(rules: &RuleSet) -> Keys {
    Keys::new(rules.rules().iter().filter_map(|rule| match &rule.recogniser {
        Recogniser::Assign(keys) => Some(keys),
        _ => None,
    }))
}

/// What stands around each of a rule's anchors.
fn contexts(keys: &Keys, rule: &Rule) -> Vec<Context> {
    let each = |context: &dyn Fn(&Anchor) -> Context| rule.anchors.iter().map(context).collect();
    match &rule.recogniser {
        Recogniser::Token(pattern) => match pattern.hir() {
            Ok(hir) => context::of_token(&hir, &rule.anchors),
            Err(_) => each(&|_| Context::default()),
        },
        Recogniser::Assign(_) => each(&|anchor| keys.context(anchor)),
        Recogniser::Email => each(&|_| context::of_email()),
        Recogniser::Url(_) | Recogniser::KeyBlock => each(&|_| Context::default()),
    }
}

/// `probes.json`: the embedded rules' probes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Table {
    /// Sets of bytes, as 64 hexadecimal digits, told by their index below.
    sets: Vec<ByteSet>,
    probes: Vec<Row>,
    /// The probes of each rule for tokens or keys, in the order of its anchors.
    rules: HashMap<String, Vec<usize>>,
}

/// One probe: anchor, whether it folds, the sets before and behind it, the seat.
#[derive(Debug, Serialize, Deserialize)]
struct Row(String, bool, usize, [usize; REACH], Seat);

impl Table {
    /// The table that is part of the program.
    fn embedded() -> Table {
        serde_json::from_str(include_str!("probes.json")).expect("the tests read this table, too")
    }

    /// The table of `sought`, which has a seat for each probe.
    pub(crate) fn new(rules: &RuleSet, sought: &[(Sought, Seat)]) -> Table {
        let mut table = Table::default();
        for (one, seat) in sought {
            let before = table.set(one.probe.context.before);
            let after = one.probe.context.after.map(|set| table.set(set));
            let text =
                String::from_utf8(one.probe.anchor.text.to_vec()).expect("rule files are text");
            table.probes.push(Row(text, one.probe.anchor.fold, before, after, *seat));
        }
        let keys = keys(rules);
        for rule in rules
            .rules()
            .iter()
            .filter(|rule| rule.has_keys() || matches!(rule.recogniser, Recogniser::Token(_)))
        {
            let contexts = contexts(&keys, rule);
            let row = |(anchor, context): (&Anchor, Context)| {
                let probe = Probe { anchor: anchor.clone(), context };
                sought.iter().position(|(one, _)| one.probe == probe)
            };
            let rows: Option<Vec<usize>> = rule.anchors.iter().zip(contexts).map(row).collect();
            table.rules.extend(rows.map(|rows| (rule.id.clone(), rows)));
        }
        table
    }

    fn set(&mut self, set: ByteSet) -> usize {
        self.sets.iter().position(|known| *known == set).unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        })
    }

    /// What the table knows of an embedded rule.
    fn contexts(&self, rule: &Rule) -> Option<Vec<Context>> {
        let rows = self
            .rules
            .get(&rule.id)
            .filter(|rows| rule.origin.embedded && rows.len() == rule.anchors.len())?;
        let probes = rows.iter().map(|row| self.probe(self.probes.get(*row)?));
        let probes: Vec<Probe> = probes.collect::<Option<_>>()?;
        let is_same =
            probes.iter().zip(&rule.anchors).all(|(probe, anchor)| probe.anchor == *anchor);
        is_same.then(|| probes.into_iter().map(|probe| probe.context).collect())
    }

    fn probe(&self, Row(text, fold, before, after, _): &Row) -> Option<Probe> {
        let set = |index: usize| self.sets.get(index).copied();
        let anchor = Anchor { text: text.as_bytes().into(), fold: *fold };
        let after = [set(after[0])?, set(after[1])?, set(after[2])?];
        Some(Probe { anchor, context: Context { before: set(*before)?, after } })
    }

    fn seats(&self) -> HashMap<Probe, Seat> {
        self.probes.iter().filter_map(|row| Some((self.probe(row)?, row.4))).collect()
    }

    /// The table as text, a probe a line.
    pub(crate) fn text(&self) -> String {
        let list = |lines: Vec<String>| lines.join(",\n");
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort();
        format!(
            "{{\"sets\": [\n{}\n],\n\"probes\": [\n{}\n],\n\"rules\": {{\n{}\n}}}}\n",
            list(self.sets.iter().map(line).collect()),
            list(self.probes.iter().map(line).collect()),
            list(rules.iter().map(|(id, rows)| format!("{}: {}", line(id), line(rows))).collect()),
        )
    }
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the table is plain data")
}
