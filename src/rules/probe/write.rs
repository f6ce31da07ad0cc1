//! Writes `probes.json`. Only tests do: the table is generated, see `lint::probe_table`.

use serde::Serialize;

use super::{Probe, ProbeEntry, Row, Slot, Table, contexts, keys};
use crate::rules::{Anchor, ByteSet, Recogniser, RuleSet, context::Context};

impl Table {
    /// A table of these probes and slots.
    pub(crate) fn new(rules: &RuleSet, entries: &[(ProbeEntry, Slot)]) -> Table {
        let mut table = Table::default();
        for (one, slot) in entries {
            let before = table.set(one.probe.context.before);
            let after = one.probe.context.after.map(|set| table.set(set));
            let text =
                String::from_utf8(one.probe.anchor.text.to_vec()).expect("rule files are text");
            table.probes.push(Row(text, one.probe.anchor.fold, before, after, *slot));
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
                entries.iter().position(|(one, _)| one.probe == probe)
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

    /// The table as text, one probe per line.
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
