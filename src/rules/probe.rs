//! Probes: the anchors of all rules, each with the bytes that are allowed around it. The prefilter
//! searches for probes.
//!
//! To compute a context, the pattern has to be parsed. For all embedded rules that takes longer
//! than the program may take to start. So `tests/bless` computes their probes once and writes
//! `probes.json`, together with the slot that the prefilter uses for each probe. Users' patterns
//! are parsed when they are loaded. A test fails when the table is out of date.

#[cfg(test)]
mod write;

use std::{
    cell::LazyCell,
    collections::{BTreeMap, HashMap},
};

use serde::{Deserialize, Serialize};

use super::{
    Anchor, ByteSet, Recogniser, Rule, RuleId, RuleSet,
    context::{self, Context, Keys, REACH},
};

/// An anchor and the bytes that are allowed around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Probe {
    pub(crate) anchor: Anchor,
    pub(crate) context: Context,
}

/// Where the prefilter puts a probe in its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slot {
    /// Offset of the fingerprint from the first byte of the anchor.
    pub(crate) offset: i8,
    /// The bucket in the tables by nibbles, shared with other probes.
    pub(crate) bucket: u8,
    /// The bucket in the tables by bytes.
    pub(crate) exact_bucket: u8,
}

impl Slot {
    /// The slot of a one-byte anchor that is compared directly. It belongs to no bucket.
    pub(crate) const SINGLE: Slot = Slot { offset: -1, bucket: u8::MAX, exact_bucket: u8::MAX };

    pub(crate) fn is_single(self) -> bool {
        self == Slot::SINGLE
    }
}

/// A probe, the rules that use it, and its slot if one was chosen.
#[derive(Clone, Debug)]
pub(crate) struct ProbeEntry {
    pub(crate) probe: Probe,
    pub(crate) users: Vec<RuleId>,
    pub(crate) slot: Option<Slot>,
}

/// The probes of all rules, ordered by anchor and first rule.
pub(crate) fn entries(rules: &RuleSet) -> Vec<ProbeEntry> {
    entries_with(rules, &Table::embedded())
}

/// The same, computed from the patterns instead of the table, and without slots.
#[cfg(test)]
pub(crate) fn entries_from_patterns(rules: &RuleSet) -> Vec<ProbeEntry> {
    entries_with(rules, &Table::default())
}

fn entries_with(rules: &RuleSet, table: &Table) -> Vec<ProbeEntry> {
    let keys = LazyCell::new(|| keys(rules));
    let known: Vec<Option<Vec<Context>>> =
        rules.rules().iter().map(|rule| table.contexts(rule)).collect();
    // The context of a key word depends on the key words of all rules. With fewer rules than the
    // table knows, the context is only wider than necessary.
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
    let slots = table.slots();
    let slot = |probe: &Probe| slots.get(probe).copied();
    let mut entries: Vec<ProbeEntry> = users
        .into_iter()
        .map(|(probe, users)| ProbeEntry { slot: slot(&probe), probe, users })
        .collect();
    // If rules share an anchor and find the same value, the first rule names the finding. So rules
    // are asked in their order.
    entries.sort_by(|one, other| {
        (&one.probe.anchor, one.users.first()).cmp(&(&other.probe.anchor, other.users.first()))
    });
    entries
}

impl Rule {
    /// Whether the rule's anchors are key words.
    fn has_keys(&self) -> bool {
        matches!(self.recogniser, Recogniser::Assign(_))
    }
}

/// The keys of all key–value rules.
fn keys(rules: &RuleSet) -> Keys {
    Keys::new(rules.rules().iter().filter_map(|rule| match &rule.recogniser {
        Recogniser::Assign(keys) => Some(keys),
        _ => None,
    }))
}

/// The context of each anchor of a rule.
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

/// The content of `probes.json`: the probes of the embedded rules.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Table {
    /// Byte sets as 64 hexadecimal digits. Other fields refer to them by index.
    sets: Vec<ByteSet>,
    probes: Vec<Row>,
    /// For each token or key–value rule, the indexes of its probes, in the order of its anchors.
    rules: HashMap<String, Vec<usize>>,
}

/// A probe: anchor, whether it ignores case, the sets before and after it, the slot.
#[derive(Debug, Serialize, Deserialize)]
struct Row(String, bool, usize, [usize; REACH], Slot);

impl Table {
    /// The table that is compiled into the program.
    fn embedded() -> Table {
        serde_json::from_str(include_str!("probes.json")).expect("the tests read this table, too")
    }

    /// The contexts of an embedded rule, if the table has them.
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

    fn slots(&self) -> HashMap<Probe, Slot> {
        self.probes.iter().filter_map(|row| Some((self.probe(row)?, row.4))).collect()
    }
}
