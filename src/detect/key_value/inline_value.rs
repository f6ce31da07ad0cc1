//! The value of a key on the key's own line.
//!
//! [`Pair::detect`] locates the value, trims it, and asks the table of [`verdict`]. A record may
//! hold a hundred thousand keys inside one value (`?token=?token=…`), so [`Memory`] keeps what was
//! located and decided: a value that ends where a replaced one ends goes with it, and after
//! [`MAX_REFUSED`] values with one end the next one is replaced unread.

use super::{
    credential, cursor,
    name::{Key, KeyStrength, Table},
    name_words,
    refusals::InnerValues,
    report::{Report, is_label},
    structure::{self, Leaf, Leaves},
    syntax::{ValueLocation, ValueSyntax},
    value::Value,
    value_location::{self, Found},
    verdict,
};
use crate::{
    detect::{Located, Rejection, edge, search_memo::SearchMemo},
    finding::Shape,
    text::span::Span,
};

/// So many values with one end are judged: `password:password:password:…`. If all of them stay, the
/// next one is replaced. No line of daily life has so many keys in one value, and judging a value
/// costs up to half a kilobyte.
pub(super) const MAX_REFUSED: u32 = 16;

/// What was examined already.
#[derive(Default)]
pub(super) struct Memory {
    location: cursor::Memory,
    /// The last replaced value. One that begins inside it and ends where it ends goes with it.
    replaced: Span,
    /// The next double quote after its beginning.
    quote: SearchMemo,
    /// Where the last values ended that stayed, and how many of them ended there.
    refused: (usize, u32),
    inner: InnerValues,
    /// The end of the last array or object all leaves of which were replaced.
    leaves: usize,
    /// The same after a weak key, where not every leaf was replaced.
    weak_leaves: usize,
    /// How many keys had their values looked for.
    pub(super) n_keys: u64,
}

impl Memory {
    /// Whether the last replaced value covers `value`, and no quote inside it will end it earlier
    /// when findings are merged.
    fn covers(&mut self, hay: &[u8], location: &ValueLocation) -> bool {
        let ValueLocation { value, syntax } = *location;
        if value.end != self.replaced.end || value.start < self.replaced.start {
            return false;
        }
        self.is_unquoted(value)
            || syntax == ValueSyntax::Element && !self.has_quote(hay, value.start)
    }

    /// Whether the value is part of one without quotes.
    fn is_unquoted(&self, value: Span) -> bool {
        let is_part = |outer: &ValueLocation| {
            outer.value.start <= value.start && value.end <= outer.value.end
        };
        self.location.unquoted.iter().flatten().any(is_part)
    }

    /// Whether a double quote comes between the beginning of the last replaced value and `end`.
    fn has_quote(&mut self, hay: &[u8], end: usize) -> bool {
        let search =
            |from, to| memchr::memchr(b'"', &hay[from..to]).map(|length: usize| from + length);
        self.quote.find(self.replaced.start, end, search).is_some()
    }
}

/// A key in its record.
pub(super) struct Pair<'p, 'h> {
    pub(super) located: &'p Located<'h>,
    pub(super) key: &'p Key,
    pub(super) strength: KeyStrength,
    pub(super) table: &'p Table,
}

impl<'h> Pair<'_, 'h> {
    /// Reports the key's value, or the secret leaves of the structure that is its value.
    pub(super) fn detect(
        &self,
        memory: &mut Memory,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Rejection> {
        memory.n_keys += 1;
        let known = memory.location.unquoted;
        let found = value_location::find(self.located, self.key, &mut memory.location);
        let location = match found.ok_or(Rejection::NoValue)? {
            Found::Structure(at) => return self.structure(at, memory, report),
            Found::Value(location) => self.trim(location),
        };
        let ValueLocation { value, syntax } = location;
        if memory.covers(self.located.hay, &location) {
            return Err(Rejection::AlreadyExamined);
        }
        let text = value.of(self.located.hay);
        let core = verdict::core(text);
        if is_label(report.placeholders, core)
            || core.len() < text.len() && report.placeholders.is_whole(core)
        {
            return Err(Rejection::Placeholder);
        }
        let is_inner = known.iter().flatten().any(|outer| outer.value.contains(value.start));
        if is_inner && self.surely_stays(value, memory) {
            return Err(Rejection::NotRandom);
        }
        self.decide(&location, core, memory)?;
        if !report.push(value, self.key.rule, self.shape(&location)) {
            return Err(Rejection::Placeholder);
        }
        if syntax == ValueSyntax::Element || memory.is_unquoted(value) {
            memory.replaced = value;
        }
        Ok(())
    }

    /// The part of a weak key's value that may be a secret: without a scheme before it, and without
    /// characters at its ends that are no part of a secret. A strong key's value may begin and end
    /// with any character.
    fn trim(&self, location: ValueLocation) -> ValueLocation {
        if self.strength == KeyStrength::Strong {
            return location;
        }
        let value = edge::trim(self.located.hay, location.value);
        let scheme = credential::scheme_length(value.of(self.located.hay));
        ValueLocation { value: Span::new(value.start + scheme, value.end), ..location }
    }

    fn surely_stays(&self, value: Span, memory: &mut Memory) -> bool {
        let hay = self.located.hay;
        self.strength == KeyStrength::Weak
            && memory.inner.surely_stays(hay, self.key.name.of(hay), value)
    }

    /// Whether the value is a secret; `core` is what remains of it without its trailing
    /// punctuation.
    fn decide(
        &self,
        location: &ValueLocation,
        core: &'h [u8],
        memory: &mut Memory,
    ) -> Result<(), Rejection> {
        let ValueLocation { value, syntax } = *location;
        let n_refused = if memory.refused.0 == value.end { memory.refused.1 } else { 0 };
        if n_refused >= MAX_REFUSED {
            return Ok(());
        }
        let is_whole = self.strength == KeyStrength::Weak || syntax == ValueSyntax::Quoted;
        let bytes = if is_whole { value.of(self.located.hay) } else { core };
        let syntax = if self.is_scalar(location) { ValueSyntax::Scalar } else { syntax };
        let judged = Value::of_key(self.located, self.key, value, bytes);
        verdict::decide(self.strength, syntax, &judged)
            .inspect_err(|_| memory.refused = (value.end, n_refused + 1))
    }

    /// A JSON number or boolean after a key in quotes.
    fn is_scalar(&self, location: &ValueLocation) -> bool {
        self.key.quote.is_some()
            && location.syntax == ValueSyntax::Colon
            && structure::is_scalar(location.value.of(self.located.hay))
    }

    /// Such a number or boolean is replaced by a string.
    fn shape(&self, location: &ValueLocation) -> Shape {
        match self.key.quote {
            Some(quote) if self.is_scalar(location) => Shape::Scalar { quote },
            _ => Shape::Text,
        }
    }

    /// The leaves of the array or object at `at`.
    fn structure(
        &self,
        at: usize,
        memory: &mut Memory,
        report: &mut Report<'_, '_>,
    ) -> Result<(), Rejection> {
        let n_before = report.findings.len();
        let end = match self.strength {
            KeyStrength::Strong => &mut memory.leaves,
            KeyStrength::Weak => {
                memory.weak_leaves = memory.weak_leaves.max(memory.leaves);
                &mut memory.weak_leaves
            }
        };
        if let Some(quote) = self.key.quote.filter(|_| at >= *end) {
            let mut leaves = Leaves::new(self.located, quote, at);
            for leaf in &mut leaves {
                self.leaf(leaf, report);
            }
            *end = leaves.at;
        }
        if report.findings.len() > n_before { Ok(()) } else { Err(Rejection::NoSecretInside) }
    }

    /// Behind a weak key a leaf must be the value of the key itself, or of another key.
    fn leaf(&self, leaf: Leaf, report: &mut Report<'_, '_>) {
        let hay = self.located.hay;
        let names_value =
            |name: Span| name_words::names_value(name.of(hay)) || self.table.knows(hay, name);
        let location = self.trim(ValueLocation { value: leaf.span, syntax: ValueSyntax::Leaf });
        let (value, syntax) = match leaf.shape {
            Shape::Text => (location.value, ValueSyntax::Leaf),
            Shape::Scalar { .. } => (leaf.span, ValueSyntax::Scalar),
        };
        if self.strength == KeyStrength::Weak && !leaf.name.is_none_or(names_value) {
            return;
        }
        let judged = Value::of_key(self.located, self.key, value, value.of(hay));
        if verdict::decide(self.strength, syntax, &judged).is_ok() {
            report.push(value, self.key.rule, leaf.shape);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RuleSet;

    #[test]
    fn a_value_with_very_many_keys_is_replaced() {
        let rules = RuleSet::embedded();
        let mut scrubber =
            crate::Scrubber::new(&rules, &crate::Policy::new()).expect("the policy is plain");
        for key in ["password:", "dbpass:", "pwd:"] {
            for n_keys in [2, 8, MAX_REFUSED as usize] {
                let text = key.repeat(n_keys);
                assert_eq!(
                    scrubber.scrub_block(text.as_bytes(), &mut Vec::new()),
                    crate::Outcome::Clean,
                    "{text}"
                );
            }
            let text = key.repeat(3 * MAX_REFUSED as usize);
            assert_eq!(
                scrubber.scrub_block(text.as_bytes(), &mut Vec::new()),
                crate::Outcome::Changed,
                "{text}"
            );
        }
    }
}
