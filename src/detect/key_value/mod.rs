//! Keys and their values: `password=hunter2`, `"token": "x7Kp…"`, `Authorization: Bearer …`.
//!
//! A candidate is part of a word for a secret (`passw`, `token`, …). From there the detector
//! - walks to the whole identifier and reads its words ([`name`]),
//! - finds its value, in quotes at any depth, without quotes, in JSON, XML, SQL, flags or a
//!   sentence ([`value_location`], with [`cursor`], [`quotes`], [`unquoted`] and [`extent`]),
//! - and asks one table whether a value of that look is a secret there ([`verdict`],
//!   [`classify`]).
//!
//! HTTP headers have a grammar of their own ([`header`]), commands have secrets without a key
//! ([`command`]), and a value may be on the lines below its key ([`multiline_value`]). Most
//! candidates of clean logs are refuted by [`refusals`], before their record is located.

pub(crate) mod name;
mod quotes;
pub(crate) mod syntax;

mod cursor;
mod extent;
mod structure;
mod unquoted;
mod value_location;

pub(crate) mod classify;
mod code;
mod machine_made;
mod path;
mod prose;
mod secret_name;
mod surroundings;
pub(crate) mod verdict;

mod command;
mod cookie;
mod credential;
mod header;
mod inline_value;
pub(crate) mod multiline_value;
mod refusals;
mod report;

#[cfg(test)]
mod oracle;

use self::{
    command::Commands,
    header::Header,
    inline_value::Pair,
    name::{Key, KeyStrength, Kind, Table},
    report::{Report, is_label},
};
use super::{Candidate, Context, Detector, Rejection, byte_class};
use crate::{
    rules::{Recogniser, RuleSet},
    text::line,
};

/// The detector.
pub(crate) struct KeyValueDetector {
    table: Table,
    commands: Commands,
}

/// How far the text was examined, so that no walk begins again inside an earlier one: a record that
/// repeats a key a hundred thousand times costs its length.
#[derive(Default)]
pub(crate) struct Memory {
    /// Every key before this was examined.
    names: usize,
    inline: inline_value::Memory,
    headers: header::Memory,
    commands: command::Memory,
    /// The end of the last array or object with its brackets counted.
    counted_brackets: usize,
    /// What the last key opens on the lines below it.
    below: Option<multiline_value::Open>,
    /// The end of the lines below a key that were read.
    pub(super) below_end: usize,
    /// The lines below keys that were read, with those of the keys, in order.
    pub(super) reads: Vec<multiline_value::Read>,
}

impl Memory {
    /// A new text begins: nothing of it was examined. The allocations are kept.
    pub(super) fn clear(&mut self) {
        let mut commands = std::mem::take(&mut self.commands);
        let mut reads = std::mem::take(&mut self.reads);
        commands.clear();
        reads.clear();
        *self = Memory { commands, reads, ..Memory::default() };
    }

    /// Changes whenever more was done than to read a name.
    pub(super) fn effort(&self) -> u64 {
        self.inline.n_keys + self.headers.effort()
    }
}

impl Detector for KeyValueDetector {
    fn detect(&self, candidate: Candidate, context: &mut Context<'_>) -> Result<(), Rejection> {
        let n_before = context.findings.len();
        if self.commands.may_be(candidate.span().of(context.hay)) {
            let located = context.locate(candidate);
            let (memory, mut report) = split(context);
            self.commands.detect(&located, &mut memory.commands, &mut report);
        }
        let verdict = self.detect_key(candidate, context);
        if context.memory.key_value.below.is_some() {
            read_below(candidate, context);
        }
        if context.findings.len() > n_before { Ok(()) } else { verdict }
    }
}

impl KeyValueDetector {
    pub(super) fn new(rules: &RuleSet) -> KeyValueDetector {
        let keys = || {
            rules.iter().filter_map(|(id, rule)| match &rule.recogniser {
                Recogniser::Assign(keys) => Some((id, keys)),
                _ => None,
            })
        };
        KeyValueDetector { table: Table::new(keys()), commands: Commands::new(keys()) }
    }

    /// Goes on with the value below its key that the context's state holds open, from the first
    /// byte of the text.
    pub(super) fn resume(&self, context: &mut Context<'_>) {
        if context.state.below.is_some() {
            context.memory.key_value.below_end = lines_below(context, 0);
        }
    }

    /// Examines the value of the key around the candidate.
    fn detect_key(&self, candidate: Candidate, context: &mut Context<'_>) -> Result<(), Rejection> {
        let key = &self.key(candidate, context)?;
        let located = &context.locate(candidate);
        let (memory, mut report) = split(context);
        let report = &mut report;
        let strength = match key.kind {
            Kind::Plain(strength) => strength,
            Kind::Service { .. } => KeyStrength::Weak,
            Kind::Header => {
                credential::detect(Header { located, key, memory: &mut memory.headers, report });
                return Err(Rejection::NoCredential);
            }
            Kind::Cookie => {
                cookie::detect(Header { located, key, memory: &mut memory.headers, report });
                return Err(Rejection::NoCredential);
            }
        };
        memory.below = multiline_value::open(located, key, strength, &mut memory.counted_brackets);
        Pair { located, key, strength, table: &self.table }.detect(&mut memory.inline, report)
    }

    /// The key around the candidate, if the bytes right after it do not refute it. No line end is
    /// part of a name or comes between a name and its value, so the record need not be located.
    #[inline]
    fn key(&self, candidate: Candidate, context: &mut Context<'_>) -> Result<Key, Rejection> {
        let (hay, anchor) = (context.hay, candidate.span());
        let memory = &mut context.memory.key_value;
        if anchor.start < memory.names {
            return Err(Rejection::AlreadyExamined);
        }
        let name = name::identifier(hay, anchor).ok_or(Rejection::UnknownKey)?;
        memory.names = name.end;
        // Only white space, a separator, a quote or a bracket leads from a key to a value: `invalid
        // token, client`.
        let next = hay.get(name.end).ok_or(Rejection::NoValue)?;
        if !byte_class::is(*next, byte_class::FOLLOWER) {
            return Err(Rejection::NoValue);
        }
        // `REDACTED-db-password` names a rule and is no key.
        let text = name.of(hay);
        if is_label(context.placeholders, text) {
            return Err(Rejection::Placeholder);
        }
        let key = self.table.classify(hay, name).ok_or(Rejection::UnknownKey)?;
        if refusals::has_no_secret(hay, &key) {
            return Err(Rejection::PlainText);
        }
        if name::may_be_label(text) && context.placeholders.ends(text) {
            return Err(Rejection::Placeholder);
        }
        Ok(key)
    }
}

/// The detector's own memory, and where it reports findings.
fn split<'s, 'c>(context: &'s mut Context<'c>) -> (&'s mut Memory, Report<'s, 'c>) {
    let Context { hay, placeholders, findings, memory, .. } = context;
    (&mut memory.key_value, Report { hay, placeholders, findings })
}

/// Reads the lines below the key around `candidate`, which opened a value there.
fn read_below(candidate: Candidate, context: &mut Context<'_>) {
    let memory = &mut context.memory.key_value;
    let Some(opened) = memory.below.take() else { return };
    // Inside lines that were read already nothing opens anew.
    if candidate.span().start < memory.below_end {
        return;
    }
    context.state.below = Some(opened);
    let record = context.locate(candidate).record;
    let read = multiline_value::Read { start: record.start, before: None, after: Some(opened) };
    context.memory.key_value.reads.push(read);
    context.memory.key_value.below_end =
        lines_below(context, line::next(context.hay, record.end)).max(1);
}

/// Reads lines from `start` on for as long as a value is open; returns where it stopped.
fn lines_below(context: &mut Context<'_>, start: usize) -> usize {
    let Context { hay, placeholders, findings, state, memory } = context;
    let mut report = Report { hay, placeholders, findings };
    multiline_value::lines(&mut report, start, &mut state.below, &mut memory.key_value.reads)
}
