//! One block in, one clean block out: the only file that knows frame, scan and redact.
//!
//! A clean block is answered by saying so: no copy, no allocation. A block with findings is spliced
//! into the caller's vector. A fault inside (a panic) is caught: the block is done again record by
//! record, and only the records that fail are withheld, as the policy says. A record over the limit
//! is worked through in overlapping windows.

mod ansi_fast_path;
pub(crate) mod decode_and_rescan;
#[cfg(test)]
mod linear;
mod multiline;
mod not_text;
mod reassembled;
mod verify;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use self::{
    ansi_fast_path::Coloured,
    decode_and_rescan::{Change, Levels, Through},
};
#[cfg(feature = "cli")]
use crate::detect::rejection::Rejected;
#[cfg(feature = "batch")]
use crate::tally::Day;
use crate::{
    detect::{MAX_SECRET, Scanner, Scratch, State},
    error::Error,
    finding::Finding,
    frame::{
        Format,
        buffer::{Block, Window},
        not_text::Content,
        partial_marker,
        reassembly::{FlushPolicy, InputState, Reassembly, StreamState},
    },
    policy::{OnError, Policy},
    prefilter::{Cpu, Sign},
    redact::{self, Redactor, Spliced, placeholder::Placeholders},
    rules::{RuleId, RuleSet},
    tally::Tally,
    text::{line, span::Span, visits},
};

/// So much of a window's end is examined again with the next one: the longest secret, and what must
/// be seen before it.
const OVERLAP: usize = MAX_SECRET + (4 << 10);

/// The least that a limit on records can be: a window must be longer than what is examined twice.
pub const MIN_RECORD_LIMIT: usize = 256 << 10;

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Nothing was found: the block itself is the output, and the vector was not touched.
    Clean,
    /// The output was appended to the vector.
    Changed,
    /// The block could not be examined, under [`OnError::Stop`]: nothing of it may be written.
    Stopped,
}

/// What became of a piece: which of its bytes are done and, when it was clean, are the output.
pub(crate) struct Step {
    pub(crate) outcome: Outcome,
    pub(crate) done: Span,
    pub(crate) ends_record: bool,
    /// Records that end with this piece and are part of the output.
    pub(crate) records_out: u64,
}

/// What a scrubber leaves to the one that goes on behind its block.
#[cfg(feature = "cli")]
pub(crate) struct Trace {
    state: State,
    stream_state: StreamState,
    content: Content,
    tally: Tally,
}

/// What is open behind a block: a record whose rest has not come, a private key whose end has not.
#[cfg(feature = "msgpack")]
#[derive(Default)]
pub(crate) struct Seam {
    state: State,
    stream_state: StreamState,
}

#[cfg(feature = "msgpack")]
impl Seam {
    /// Goes on with the rules of `now` in place of those of `before`.
    pub(crate) fn renumber(&mut self, before: &RuleSet, now: &RuleSet) {
        let state = std::mem::take(&mut self.state);
        self.state = state.renumbered(|rule| now.number_of(before.get(rule).id()));
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state.is_open() || !self.stream_state.is_empty()
    }

    /// The bytes of records that it keeps.
    pub(crate) fn n_bytes(&self) -> usize {
        self.stream_state.n_bytes()
    }

    /// Keeps none of them. An open private key stays open: that takes next to nothing.
    pub(crate) fn forget(&mut self) {
        self.stream_state.forget();
    }
}

#[cfg(feature = "msgpack")]
impl std::fmt::Debug for Seam {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is open may be a secret.
        write!(f, "Seam({})", if self.is_open() { "open" } else { "closed" })
    }
}

/// What is found in a piece, for whoever shows it instead of replacing it.
#[cfg(feature = "cli")]
pub(crate) struct Found<'s> {
    /// The bytes that the findings are told of. Nothing outside may be shown: it is another
    /// piece's, and not examined here.
    pub(crate) done: Span,
    /// Whether the piece could be examined; if not, nothing of it may be shown.
    pub(crate) is_examined: bool,
    pub(crate) findings: &'s [Finding],
    /// Those among them that lie behind encodings, with what stands in their place.
    pub(crate) changes: &'s [Change],
    /// What refuted candidates, where that was asked for, in order.
    pub(crate) doubted: Vec<Rejected>,
}

/// What finds: [`Scanner::scan`], or its second half.
type Scan = for<'s> fn(&Scanner, &[u8], &mut State, &'s mut Scratch) -> &'s [Finding];

/// Scrubs blocks: rules, policy and the state that crosses records.
pub struct Scrubber {
    scanner: Arc<Scanner>,
    redactor: Arc<Redactor>,
    on_error: OnError,
    format: Format,
    /// Whether what was changed is re-read before it is handed on.
    verify: bool,
    state: State,
    /// What crosses blocks of records that were cut into parts.
    stream_state: StreamState,
    /// What the records are from here on.
    content: Content,
    reassembly: Reassembly,
    scratch: Scratch,
    /// What changes beside the scratch's findings: what lies behind encodings.
    changes: Vec<Change>,
    levels: Levels,
    coloured: Coloured,
    /// What stands in place of findings that lie in records read otherwise than as they are.
    edits: reassembled::Edits,
    /// The memory of a second look at what was changed.
    again: Again,
    /// What [`Scrubber::scrub_block`] is written from.
    spliced: Spliced,
    /// What the next window of a long record begins in.
    carry: Carry,
    tally: Tally,
    fault: Option<Vec<u8>>,
    /// Whether findings are counted by the day that their record tells.
    #[cfg(feature = "batch")]
    tells_days: bool,
    /// The day of the long record whose windows are being worked through: its head tells it, and is
    /// gone when the others come.
    #[cfg(feature = "batch")]
    window_day: Option<Day>,
}

/// A record that was changed is looked at again until nothing more is found, so that scrubbing
/// twice is scrubbing once whatever a placeholder makes of what stands around it. More rounds than
/// this were never seen to be needed.
const MAX_ROUNDS: usize = 8;

/// The records of a block that were changed, and the memory of a second look at them. They are
/// gathered in one text, so that the second look costs one scan a block and not one a record.
#[derive(Default)]
struct Again {
    scratch: Scratch,
    /// The records as they became, each with a line end behind it. One that changes once more is
    /// appended anew.
    text: Vec<u8>,
    /// Those that change in this round.
    next: Vec<u8>,
    records: Vec<Changed>,
    /// Whether something in the records reached into what stood behind them.
    met_open: bool,
}

impl Again {
    /// Appends `hay` with what its records became.
    fn write(&self, hay: &[u8], out: &mut Spliced) {
        let mut done = 0;
        // Neighbours that changed stand beside each other in the text too, line end and all: they
        // are written at once.
        let mut run = Span::default();
        for changed in &self.records {
            let between = Span::new(done, changed.record.start);
            done = changed.record.end;
            if between.of(hay) == b"\n" && changed.text.start == run.end + 1 {
                run.end = changed.text.end;
                continue;
            }
            out.write(|text| text.extend_from_slice(run.of(&self.text)));
            out.keep(hay, between);
            run = changed.text;
        }
        out.write(|text| text.extend_from_slice(run.of(&self.text)));
        out.keep(hay, Span::new(done, hay.len()));
    }
}

/// A record that was changed.
#[derive(Clone, Copy)]
struct Changed {
    /// Where it stands in the block.
    record: Span,
    /// What it became, in the text of [`Again`].
    text: Span,
}

/// What is found as it stands, and what changes behind encodings: both in order and apart from each
/// other.
#[derive(Clone, Copy)]
struct Both<'f> {
    findings: &'f [Finding],
    changes: &'f [Change],
}

impl<'f> Both<'f> {
    /// Where the first of them begins.
    fn start(self) -> Option<usize> {
        let finding = self.findings.first().map(|finding| finding.span.start);
        let change = self.changes.first().map(|change| change.raw.start);
        finding.into_iter().chain(change).min()
    }

    /// Takes away those that begin before `end`.
    fn split(&mut self, end: usize) -> Both<'f> {
        let n_findings =
            self.findings.iter().take_while(|finding| finding.span.start < end).count();
        let n_changes = self.changes.iter().take_while(|change| change.raw.start < end).count();
        let (findings, changes);
        (findings, self.findings) = self.findings.split_at(n_findings);
        (changes, self.changes) = self.changes.split_at(n_changes);
        Both { findings, changes }
    }

    /// Appends what `part` covers of `hay` with all of them replaced.
    fn splice(mut self, redactor: &Redactor, hay: &[u8], part: Span, out: &mut Vec<u8>) {
        visits::add(part.len());
        let mut done = part.start;
        while let Some((change, rest)) = self.changes.split_first() {
            let before = self.split(change.raw.start).findings;
            self.changes = rest;
            redactor.splice(hay, Span::new(done, change.raw.start), before, out);
            out.extend_from_slice(&change.bytes);
            done = change.raw.end;
        }
        redactor.splice(hay, Span::new(done, part.end), self.findings, out);
    }
}

/// What the windows of one long record hand to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Carry {
    #[default]
    Nothing,
    /// A secret that was longer than the window goes on: its placeholder is written, its rest is
    /// left out.
    Secret,
    /// A window could not be examined: the rest of the record is left out.
    Withheld,
}

impl Scrubber {
    /// A scrubber with those rules and that policy.
    ///
    /// # Errors
    ///
    /// The policy names a style or a rule that does not exist, or allows nothing in particular.
    pub fn new(rules: &RuleSet, policy: &Policy) -> Result<Scrubber, Error> {
        Scrubber::for_cpu(rules, policy, Cpu::best())
    }

    /// As [`Scrubber::new`], using no more of the CPU than `cpu` says.
    ///
    /// # Errors
    ///
    /// As [`Scrubber::new`], or this machine's CPU does not have that level.
    pub fn for_cpu(rules: &RuleSet, policy: &Policy, cpu: Cpu) -> Result<Scrubber, Error> {
        let cpu = cpu.required()?;
        let styles = policy.styles(rules)?;
        let placeholders = Placeholders::new(rules, redact::fixed_texts(&styles));
        let signs: Vec<Sign<'_>> = partial_marker::texts().map(sign_of).collect();
        let scanner = Scanner::with_signs(rules.clone(), placeholders, cpu, &signs);
        let scanner = Arc::new(scanner.allowing(policy.allowances(rules)?));
        let mut scrubber = Scrubber::at_start(
            scanner,
            Arc::new(Redactor::new(rules, styles)),
            policy.error_action(),
        );
        scrubber.verify = policy.verifies();
        Ok(scrubber)
    }

    /// Another scrubber with the same rules and policy, at the beginning of an input and with an
    /// empty tally. It shares the tables of this one, so it costs next to nothing.
    #[must_use]
    pub fn fork(&self) -> Scrubber {
        let fork = Scrubber::at_start(
            Arc::clone(&self.scanner),
            Arc::clone(&self.redactor),
            self.on_error,
        );
        Scrubber {
            fault: self.fault.clone(),
            format: self.format,
            verify: self.verify,
            #[cfg(feature = "batch")]
            tells_days: self.tells_days,
            ..fork
        }
    }

    #[cfg(feature = "msgpack")]
    pub(crate) fn acting(mut self, on_error: OnError) -> Scrubber {
        self.on_error = on_error;
        self
    }

    /// The same for an input whose records are written in `format`; otherwise that is told at each
    /// record's start.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Scrubber {
        self.format = format;
        self
    }

    /// The same, counting findings by the day that their record tells.
    #[cfg(feature = "batch")]
    pub(crate) fn telling_days(mut self) -> Scrubber {
        self.tells_days = true;
        self
    }

    /// Whether nothing is open here, so that what comes next is scrubbed as if the input began with
    /// it.
    #[cfg(feature = "cli")]
    pub(crate) fn is_closed(&self) -> bool {
        let is_plain = self.content == Content::Text && self.carry == Carry::Nothing;
        is_plain && !self.state.is_open() && self.stream_state.is_empty()
    }

    /// Gives away what was done and what is open now, and is as at the beginning again.
    #[cfg(feature = "cli")]
    pub(crate) fn take_trace(&mut self) -> Trace {
        debug_assert!(self.carry == Carry::Nothing, "whole records leave no window behind");
        Trace {
            state: std::mem::take(&mut self.state),
            stream_state: std::mem::take(&mut self.stream_state),
            content: std::mem::take(&mut self.content),
            tally: std::mem::take(&mut self.tally),
        }
    }

    /// Goes on behind a block that another scrubber did from the beginning, as this one would have:
    /// nothing is open here.
    #[cfg(feature = "cli")]
    pub(crate) fn follow(&mut self, trace: Trace) {
        debug_assert!(self.is_closed(), "the other one began with nothing open");
        self.state = trace.state;
        self.stream_state = trace.stream_state;
        self.content = trace.content;
        self.tally.merge(&trace.tally);
    }

    /// Goes on with the rules and the policy of `new`. What is open across records stays open:
    /// private keys, values below their key, the parts of a record, a long record. So does what was
    /// counted.
    #[cfg(feature = "cli")]
    pub(crate) fn adopt(&mut self, mut new: Scrubber) {
        let (before, now) = (self.rules().clone(), new.rules().clone());
        new.state =
            std::mem::take(&mut self.state).renumbered(|rule| now.number_of(before.get(rule).id()));
        new.stream_state = std::mem::take(&mut self.stream_state);
        if new.format != self.format {
            new.stream_state.forget_columns();
        }
        new.carry = self.carry;
        new.tally = std::mem::take(&mut self.tally);
        new.tally.renumber(before.iter().map(|(_, rule)| (now.number_of(rule.id()), rule.id())));
        *self = new;
    }

    fn at_start(scanner: Arc<Scanner>, redactor: Arc<Redactor>, on_error: OnError) -> Scrubber {
        Scrubber {
            scanner,
            redactor,
            on_error,
            format: Format::Auto,
            verify: true,
            state: State::default(),
            stream_state: StreamState::default(),
            content: Content::Text,
            reassembly: Reassembly::default(),
            scratch: Scratch::default(),
            changes: Vec::new(),
            levels: Levels::default(),
            coloured: Coloured::default(),
            edits: reassembled::Edits::default(),
            again: Again::default(),
            spliced: Spliced::default(),
            carry: Carry::Nothing,
            tally: Tally::default(),
            fault: None,
            #[cfg(feature = "batch")]
            tells_days: false,
            #[cfg(feature = "batch")]
            window_day: None,
        }
    }

    /// Forgets what is open: a private key without its end, the parts of a record, the columns of a
    /// table. The next block is scrubbed as the first one of an input. Counts stay.
    ///
    /// Call it between inputs that have nothing to do with each other, or a private key that is
    /// open in one masks lines of the next.
    pub fn reset(&mut self) {
        self.state = State::default();
        self.stream_state = StreamState::default();
        self.carry = Carry::Nothing;
        self.content = Content::Text;
        #[cfg(feature = "batch")]
        {
            self.window_day = None;
        }
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        self.scanner.rules()
    }

    /// What was done so far. Bytes and records out are counted by whoever writes them.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn tally_mut(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// The name of the style in which findings of `rule` are replaced.
    #[must_use]
    pub fn style(&self, rule: RuleId) -> &crate::policy::Style {
        self.redactor.style(rule)
    }

    /// Scrubs one block, which begins and ends on record edges (or ends with the input).
    ///
    /// Blocks of one input come in order: a private key that one of them leaves open goes on in the
    /// next. See [`Scrubber::reset`].
    pub fn scrub_block(&mut self, hay: &[u8], out: &mut Vec<u8>) -> Outcome {
        let mut spliced = std::mem::take(&mut self.spliced);
        spliced.clear();
        let outcome = self.scrub_records(hay, FlushPolicy::AT_END, &mut spliced).outcome;
        spliced.append_to(hay, out);
        self.spliced = spliced;
        outcome
    }

    /// Scrubs a block that goes on behind `seam` and cannot wait for what follows: a part whose
    /// rest is not there is scrubbed as it is, the end masked that could begin a secret, and its
    /// rest is judged with what came before it.
    #[cfg(feature = "msgpack")]
    pub(crate) fn scrub_behind(
        &mut self,
        seam: &mut Seam,
        hay: &[u8],
        out: &mut Vec<u8>,
    ) -> Outcome {
        let mut spliced = std::mem::take(&mut self.spliced);
        spliced.clear();
        self.exchange(seam);
        let outcome = self.scrub_records(hay, FlushPolicy::NO_WAIT, &mut spliced).outcome;
        self.exchange(seam);
        spliced.append_to(hay, out);
        self.spliced = spliced;
        outcome
    }

    #[cfg(feature = "msgpack")]
    fn exchange(&mut self, seam: &mut Seam) {
        std::mem::swap(&mut self.state, &mut seam.state);
        std::mem::swap(&mut self.stream_state, &mut seam.stream_state);
    }

    /// The findings of one block, in order: what [`Scrubber::scrub_block`] replaces at its first
    /// look. State is carried on as there.
    ///
    /// A secret that lies in several records is a finding in each of them.
    ///
    /// `None`: `scrub_block` masks something of the block that no rule names, because it cannot be
    /// examined. Then the findings alone must not decide what is handed on.
    pub fn find(&mut self, hay: &[u8]) -> Option<&[Finding]> {
        let mut reassembly = std::mem::take(&mut self.reassembly);
        let is_examined = self.find_in(hay, &mut reassembly);
        self.reassembly = reassembly;
        is_examined.then(|| self.scratch.findings())
    }

    fn find_in(&mut self, hay: &[u8], reassembly: &mut Reassembly) -> bool {
        self.edits.clear();
        let survey = self.survey(hay, InputState::Ended);
        self.content = survey.content_after;
        if !survey.runs.is_empty() {
            return false;
        }
        reassembly.read(
            hay,
            self.scratch.signs(),
            self.format,
            FlushPolicy::AT_END,
            &mut self.stream_state,
        );
        if reassembly.segments().is_empty() {
            return self.examine_through(hay, Scanner::judge).is_some() && self.add_changes();
        }
        let all = Span::new(0, hay.len());
        reassembly.render(hay, all);
        if self.examine_through(reassembly.source_map().text(), Scanner::scan).is_none() {
            return false;
        }
        self.edits = self.edits(reassembly, all);
        let is_examined = self.add_changes();
        reassembled::in_block(reassembly, self.scratch.findings_mut());
        self.edits.name_spans(self.scratch.findings_mut());
        is_examined
    }

    /// Appends what stands in place of `finding`, which was found last: nothing, in the later parts
    /// of a secret that is divided by colour codes or lies in several records.
    pub fn replacement(&self, hay: &[u8], finding: &Finding, out: &mut Vec<u8>) {
        if let Some(text) = self.edits.of(finding.span) {
            return out.extend_from_slice(text);
        }
        let at = self.changes.binary_search_by_key(&finding.span.start, |change| change.raw.start);
        match at.ok().map(|at| &self.changes[at]).filter(|change| change.raw == finding.span) {
            Some(change) => out.extend_from_slice(&change.bytes),
            None => self.redactor.replace(hay, finding, out),
        }
    }

    /// Every block that holds `marker` fails inside, to show what becomes of it; behind `guard:` it
    /// is the guard that finds every changed record broken that holds the rest. The command line
    /// asks for it in builds with debug assertions only.
    #[doc(hidden)]
    pub fn fail_on(&mut self, marker: &[u8]) {
        self.fault = Some(marker.to_vec());
    }

    /// Scrubs a piece; where it changed, `out` says what stands in place of the bytes that are
    /// done. Records that wait for their rest are not done, and come again with what follows them.
    pub(crate) fn scrub_piece(
        &mut self,
        piece: Block<'_>,
        flush: FlushPolicy,
        out: &mut Spliced,
    ) -> Step {
        match piece {
            Block::Records(hay) => self.scrub_records(hay, flush, out),
            Block::Window(window) => self.scrub_window(window, out),
        }
    }

    /// Whether the records of `hay`, of which those before `from` waited when they came last, may
    /// go on now.
    pub(crate) fn may_go_on(&self, hay: &[u8], from: usize) -> bool {
        self.reassembly.may_go_on(hay, from, self.format)
    }

    fn scrub_records(&mut self, hay: &[u8], flush: FlushPolicy, out: &mut Spliced) -> Step {
        let n_withheld = self.tally.withheld;
        let (outcome, end) = if self.may_be_wide(hay) {
            self.scrub_mixed(hay, flush, out)
        } else if let Some(outcome) = self.scrub_coloured(hay, out) {
            (outcome, hay.len())
        } else {
            self.scrub_laid_out(hay, flush, out)
        };
        let done = Span::new(0, end);
        let n_records = line::count(done.of(hay));
        self.tally.bytes_in += done.len() as u64;
        self.tally.records_in += n_records;
        let dropped =
            if self.on_error == OnError::Drop { self.tally.withheld - n_withheld } else { 0 };
        Step { outcome, done, ends_record: true, records_out: n_records - dropped }
    }

    /// Scrubs a block as its format says; answers where it stopped, too.
    fn scrub_laid_out(
        &mut self,
        hay: &[u8],
        flush: FlushPolicy,
        out: &mut Spliced,
    ) -> (Outcome, usize) {
        self.scanner.look(hay, &mut self.scratch);
        if partial_marker::magic_numbers(self.scratch.signs()).next().is_some() {
            return self.scrub_mixed(hay, flush, out);
        }
        self.scrub_looked_at(hay, flush, out)
    }

    /// The same of a block that was looked at and is text.
    fn scrub_looked_at(
        &mut self,
        hay: &[u8],
        flush: FlushPolicy,
        out: &mut Spliced,
    ) -> (Outcome, usize) {
        let mut reassembly = std::mem::take(&mut self.reassembly);
        let stream_state = self.stream_state.clone();
        reassembly.read(hay, self.scratch.signs(), self.format, flush, &mut self.stream_state);
        let end = reassembly.end();
        let outcome = if reassembly.segments().is_empty() {
            self.scrub_lines(&hay[..end], out)
        } else {
            self.scrub_segments(hay, &mut reassembly, &stream_state, out)
        };
        self.tally.torn += reassembly.n_cut();
        self.reassembly = reassembly;
        (outcome, end)
    }

    /// Scrubs a block part by part: what is read otherwise than as it is, and what lies between.
    fn scrub_segments(
        &mut self,
        hay: &[u8],
        reassembly: &mut Reassembly,
        stream_state: &StreamState,
        out: &mut Spliced,
    ) -> Outcome {
        let looked = self.scratch.take_prefiltered();
        let mut is_changed = false;
        let mut done = 0;
        for index in 0..=reassembly.segments().len() {
            let segment = reassembly.segments().get(index).copied();
            let between =
                Span::new(done, segment.map_or(reassembly.end(), |segment| segment.start));
            if !between.is_empty() {
                self.scratch.give_part(&looked, between);
                out.begin_at(between.start);
                let outcome = self.scrub_lines(between.of(hay), out);
                out.begin_at(0);
                match outcome {
                    Outcome::Stopped => return outcome,
                    Outcome::Clean => out.keep(hay, between),
                    Outcome::Changed => is_changed = true,
                }
            }
            let Some(segment) = segment else { break };
            reassembly.render(hay, segment);
            let before = reassembled::Before {
                state: self.state.clone(),
                stream_state: stream_state.clone(),
            };
            let outcome = self.scrub_joined(hay, reassembly, segment, before, out);
            match outcome {
                Outcome::Stopped => return outcome,
                Outcome::Clean => out.keep(hay, segment),
                Outcome::Changed => is_changed = true,
            }
            done = segment.end;
        }
        if is_changed {
            return Outcome::Changed;
        }
        out.clear();
        Outcome::Clean
    }

    /// Scrubs records that stand by themselves; they were looked at. What is clean is not handed to
    /// `out`.
    fn scrub_lines(&mut self, hay: &[u8], out: &mut Spliced) -> Outcome {
        let state = self.state.clone();
        let n_findings = self.examine_through(hay, Scanner::judge);
        match n_findings {
            Some(0) => {
                self.count_allowed(Span::new(0, hay.len()));
                Outcome::Clean
            }
            Some(_) => self.scrub_examined(hay, state, out),
            None => {
                self.state = state;
                self.one_by_one(hay, out)
            }
        }
    }

    /// Finds by `scan`, looking through what is encoded as well; answers how much is to be
    /// replaced, or `None` when a recogniser failed.
    fn examine_through(&mut self, hay: &[u8], scan: Scan) -> Option<usize> {
        self.changes.clear();
        self.examine_with(hay, scan)?;
        self.look_through(hay);
        Some(self.scratch.findings().len() + self.changes.len())
    }

    /// Finds what changes in `hay`, which was scanned, behind encodings.
    fn look_through(&mut self, hay: &[u8]) {
        let through = Through { scanner: &self.scanner, redactor: &self.redactor };
        self.changes = through.look(hay, &mut self.scratch, &mut self.levels);
    }

    /// Tells the changes among the findings, for whoever does not replace them; answers whether all
    /// could be examined.
    fn add_changes(&mut self) -> bool {
        let findings = self.scratch.findings_mut();
        let (n_known, mut last) = (findings.len(), None);
        for change in &self.changes {
            let Span { start, .. } = change.raw;
            let own = change.found.iter().find_map(|found| found.rule);
            last = own.map(|rule| (start, rule)).or(last);
            // The later parts of what is divided are found as its first one is, which may be known
            // without looking through.
            let known = &findings[..n_known];
            let before =
                known[..known.partition_point(|finding| finding.span.start < start)].last();
            let before = before.map(|finding| (finding.span.start, finding.rule));
            let nearest = last.into_iter().chain(before).max_by_key(|(at, _)| *at);
            findings.extend(nearest.map(|(_, rule)| Finding::text(change.raw, rule)));
        }
        findings.sort_unstable_by_key(|finding| finding.span.start);
        self.changes.iter().all(|change| change.found.iter().all(|found| found.rule.is_some()))
    }

    /// Scans by `scan`, which may go on from what was looked at already.
    fn examine_with(&mut self, hay: &[u8], scan: Scan) -> Option<usize> {
        let fault = self.fault.as_deref();
        let (scanner, state, scratch) = (&self.scanner, &mut self.state, &mut self.scratch);
        let scan = AssertUnwindSafe(|| {
            assert!(
                fault.is_none_or(|marker| memchr::memmem::find(hay, marker).is_none()),
                "a fault was asked for"
            );
            scan(scanner, hay, state, scratch).len()
        });
        let n_findings = catch_unwind(scan).ok();
        if n_findings.is_none() {
            // Whatever the scratch held is half done.
            self.scratch.reset();
        }
        n_findings
    }

    /// Counts what begins in `part` of the bytes scanned last and stays because the user says that
    /// it is no secret.
    fn count_allowed(&mut self, part: Span) {
        let allowed =
            self.scratch.allowed().iter().filter(|finding| part.contains(finding.span.start));
        allowed.for_each(|finding| self.tally.count_allowed(finding.rule));
    }

    /// Appends `hay` with the scratch's findings replaced, record by record, each until nothing
    /// more is found in it.
    fn splice_records(&mut self, hay: &[u8], out: &mut Spliced) {
        // The memory goes back to where it is reused.
        let mut again = std::mem::take(&mut self.again);
        self.rewrite(hay, &mut again);
        again.write(hay, out);
        self.again = again;
    }

    /// What the records of `hay` become in which something was found.
    fn rewrite(&mut self, hay: &[u8], again: &mut Again) {
        self.gather(hay, again);
        self.look_again(again);
        self.guard_all(hay, again);
        self.changes.clear();
    }

    /// Re-reads every record that changed.
    fn guard_all(&mut self, hay: &[u8], again: &mut Again) {
        let Again { text, records, .. } = again;
        for changed in records.iter_mut().filter(|_| self.verify) {
            let before = changed.record.of(hay);
            if self.is_to_break(before) || !verify::holds(before, changed.text.of(text)) {
                self.tally.broken += 1;
                let start = text.len();
                verify::mask(before, text);
                changed.text = Span::new(start, text.len());
            }
        }
    }

    fn is_to_break(&self, record: &[u8]) -> bool {
        let marker = self.fault.as_deref().and_then(|marker| marker.strip_prefix(b"guard:"));
        marker.is_some_and(|marker| memchr::memmem::find(record, marker).is_some())
    }

    /// Every record that changes, as it becomes.
    fn gather(&mut self, hay: &[u8], again: &mut Again) {
        again.text.clear();
        again.records.clear();
        again.met_open = false;
        let findings = std::mem::take(self.scratch.findings_mut());
        let changes = std::mem::take(&mut self.changes);
        let mut rest = Both { findings: &findings, changes: &changes };
        while let Some(first) = rest.start() {
            let record = self.scratch.record(hay, first);
            let group = rest.split(record.end.max(first + 1));
            self.count_both(group);
            *self.tally.by_format.entry(self.format.of(record.of(hay)).name()).or_default() += 1;
            #[cfg(feature = "batch")]
            self.count_day(self.day(hay, record), group);
            let start = again.text.len();
            group.splice(&self.redactor, hay, record, &mut again.text);
            again.records.push(Changed { record, text: Span::new(start, again.text.len()) });
            again.text.push(b'\n');
        }
        *self.scratch.findings_mut() = findings;
        self.changes = changes;
    }

    #[cfg(feature = "batch")]
    fn day(&self, hay: &[u8], record: Span) -> Option<Day> {
        self.tells_days.then(|| crate::frame::timestamp::day(hay, record)).flatten()
    }

    #[cfg(feature = "batch")]
    fn count_day(&mut self, day: Option<Day>, both: Both<'_>) {
        if let Some(day) = day {
            let unveiled = both
                .changes
                .iter()
                .flat_map(|change| &change.found)
                .filter(|found| found.rule.is_some());
            *self.tally.by_day.entry(day).or_default() +=
                (both.findings.len() + unveiled.count()) as u64;
        }
    }

    fn count_both(&mut self, both: Both<'_>) {
        both.findings.iter().for_each(|finding| self.tally.count(finding.rule));
        for unveiled in both.changes.iter().flat_map(|change| &change.found) {
            match unveiled.rule {
                Some(rule) => self.tally.count(rule),
                None => self.tally.too_deep += 1,
            }
            unveiled
                .path
                .encodings()
                .for_each(|encoding| self.tally.count_encoding(encoding.name()));
        }
    }

    /// Replaces what is found in the records that were changed, until nothing is.
    fn look_again(&mut self, again: &mut Again) {
        let mut from = 0;
        for _ in 0..MAX_ROUNDS {
            let is_examined = self.scan_again(&again.text[from..], &mut again.scratch);
            // What is open reaches into what happens to stand behind its record here.
            if !is_examined || again.scratch.met_open() {
                again.met_open = true;
                return self.look_one_by_one(again, from);
            }
            if again.scratch.findings().is_empty() && self.changes.is_empty() {
                return;
            }
            from = self.replace_again(again, from);
        }
    }

    /// Scans what was changed, looking through what is encoded; answers whether that was possible.
    fn scan_again(&mut self, hay: &[u8], scratch: &mut Scratch) -> bool {
        self.changes.clear();
        let is_examined = scan_again(&self.scanner, hay, scratch).is_some();
        if is_examined {
            let through = Through { scanner: &self.scanner, redactor: &self.redactor };
            self.changes = through.look(hay, scratch, &mut self.levels);
        }
        is_examined
    }

    fn look_one_by_one(&mut self, again: &mut Again, from: usize) {
        let Again { scratch, text, records, .. } = again;
        for changed in records.iter_mut().filter(|changed| changed.text.start >= from) {
            changed.text = self.look_at_one(changed.text, text, scratch);
        }
    }

    /// Appends the records of `text[from..]` in which something was found anew, with that replaced;
    /// answers where they begin.
    fn replace_again(&mut self, again: &mut Again, from: usize) -> usize {
        let Again { scratch, text, next, records, .. } = again;
        next.clear();
        let changes = std::mem::take(&mut self.changes);
        let mut rest = Both { findings: scratch.findings(), changes: &changes };
        let hay = &text[from..];
        for changed in records.iter_mut().filter(|changed| changed.text.start >= from) {
            let record = Span::new(changed.text.start - from, changed.text.end - from);
            let group = rest.split(record.end);
            if group.start().is_none() {
                continue;
            }
            self.count_both(group);
            let start = text.len() + next.len();
            group.splice(&self.redactor, hay, record, next);
            changed.text = Span::new(start, text.len() + next.len());
            next.push(b'\n');
        }
        let end = text.len();
        text.extend_from_slice(next);
        end
    }

    /// The same for one record by itself: what it becomes is appended, unless it stays.
    fn look_at_one(&mut self, record: Span, text: &mut Vec<u8>, scratch: &mut Scratch) -> Span {
        let mut now = record;
        for _ in 0..MAX_ROUNDS {
            let is_examined = self.scan_again(now.of(text), scratch);
            let changes = std::mem::take(&mut self.changes);
            let both = Both { findings: scratch.findings(), changes: &changes };
            // The first look replaced what it found; a second one that fails takes nothing from
            // that.
            if !is_examined || both.start().is_none() {
                return now;
            }
            self.count_both(both);
            let mut next = Vec::new();
            both.splice(&self.redactor, now.of(text), Span::new(0, now.len()), &mut next);
            now = Span::new(text.len(), text.len() + next.len());
            text.extend_from_slice(&next);
        }
        now
    }

    /// A block in which something failed: every record by itself, so that only those that fail are
    /// withheld.
    fn one_by_one(&mut self, hay: &[u8], out: &mut Spliced) -> Outcome {
        if self.on_error == OnError::Stop {
            return Outcome::Stopped;
        }
        let mut start = 0;
        while start < hay.len() {
            let end = line::next(hay, start);
            self.one_alone(hay, Span::new(start, end), out);
            start = end;
        }
        Outcome::Changed
    }

    /// One record by itself.
    fn one_alone(&mut self, hay: &[u8], span: Span, out: &mut Spliced) {
        let record = span.of(hay);
        let n_findings = self.examine_through(record, Scanner::scan);
        self.count_allowed(Span::new(0, record.len()));
        match n_findings {
            Some(0) => out.keep(hay, span),
            Some(_) => {
                let mut own = Spliced::default();
                self.splice_records(record, &mut own);
                out.write(|text| own.append_to(record, text));
            }
            None => out.write(|text| self.withhold(record, text)),
        }
    }

    fn withhold(&mut self, record: &[u8], out: &mut Vec<u8>) {
        self.tally.withheld += 1;
        if self.on_error == OnError::Mask {
            let text = line::from(record, 0).of(record);
            verify::mask(text, out);
            out.extend_from_slice(&record[text.len()..]);
        }
    }

    /// Part of a record over the limit. What lies within [`OVERLAP`] of the window's end waits for
    /// the next one, where it is seen with what follows.
    fn scrub_window(&mut self, window: Window<'_>, out: &mut Spliced) -> Step {
        let Window { hay, context, is_last } = window;
        #[cfg(feature = "batch")]
        if context == 0 {
            self.window_day = self.day(hay, Span::new(0, hay.len()));
        }
        let from = self.window_start(window);
        let carry = self.carry;
        let (outcome, end) = match carry {
            Carry::Withheld => (self.leave_out(hay, out), hay.len()),
            _ if self.is_no_text(window) => self.withhold_window(window, out),
            _ if self.examine_window(window) => self.settle_window(window, from, out),
            _ => self.withhold_window(window, out),
        };
        self.tally.bytes_in += (end - context) as u64;
        self.tally.records_in += u64::from(is_last);
        if is_last {
            self.carry = Carry::Nothing;
        }
        Step {
            outcome,
            done: Span::new(from.min(end), end),
            ends_record: is_last,
            records_out: u64::from(is_last),
        }
    }

    /// Where in a window begins what is not settled yet.
    fn window_start(&self, window: Window<'_>) -> usize {
        let Window { hay, context, .. } = window;
        match self.carry {
            Carry::Nothing => context,
            Carry::Secret => context + end_of_run(&hay[context..]),
            Carry::Withheld => hay.len(),
        }
    }

    /// Scans a window; answers whether that was possible. A key block that is open before the
    /// record stays so, and one that opens inside counts only when nothing of the record follows.
    fn examine_window(&mut self, window: Window<'_>) -> bool {
        let before = self.state.clone();
        if window.context > 0 {
            self.state = State::default();
        }
        let is_examined = self.examine_through(window.hay, Scanner::scan).is_some();
        if !is_examined || !window.is_last || !self.state.is_open() {
            self.state = before;
        }
        is_examined
    }

    fn settle_window(
        &mut self,
        window: Window<'_>,
        from: usize,
        out: &mut Spliced,
    ) -> (Outcome, usize) {
        let end = self.cut_window(window, from);
        self.count_allowed(Span::new(from.min(end), end));
        let changes = std::mem::take(&mut self.changes);
        let findings = std::mem::take(self.scratch.findings_mut());
        let both = Both { findings: &findings, changes: &changes };
        let is_clean = both.start().is_none();
        if !is_clean {
            self.count_both(both);
            #[cfg(feature = "batch")]
            self.count_day(self.window_day, both);
            out.write(|text| both.splice(&self.redactor, window.hay, Span::new(from, end), text));
        }
        *self.scratch.findings_mut() = findings;
        (if is_clean { Outcome::Clean } else { Outcome::Changed }, end)
    }

    /// Keeps the findings and the changes that are settled with this window; answers where the next
    /// one goes on.
    fn cut_window(&mut self, window: Window<'_>, from: usize) -> usize {
        let Window { hay, is_last, .. } = window;
        let mut end = if is_last { hay.len() } else { from.max(hay.len() - OVERLAP) };
        let (findings, changes) = (self.scratch.findings_mut(), &mut self.changes);
        if !is_last {
            // What begins behind the cut is found again; what begins before it is done here, whole.
            findings.retain(|finding| finding.span.start < end);
            changes.retain(|change| change.raw.start < end);
            end = findings.last().map_or(end, |finding| finding.span.end.max(end));
            end = changes.last().map_or(end, |change| change.raw.end.max(end));
        }
        findings.retain(|finding| finding.span.end > from);
        changes.retain(|change| change.raw.end > from);
        if let Some(first) = findings.first_mut() {
            first.span.start = first.span.start.max(from);
        }
        if let Some(first) = changes.first_mut() {
            first.raw.start = first.raw.start.max(from);
        }
        let is_open = !is_last && end == hay.len();
        self.carry = if is_open { Carry::Secret } else { Carry::Nothing };
        end
    }

    fn withhold_window(&mut self, window: Window<'_>, out: &mut Spliced) -> (Outcome, usize) {
        if self.on_error == OnError::Stop {
            return (Outcome::Stopped, window.hay.len());
        }
        self.carry = Carry::Withheld;
        self.tally.withheld += 1;
        if self.on_error == OnError::Mask {
            out.write(|text| text.extend_from_slice(redact::RECORD));
        }
        (self.leave_out(window.hay, out), window.hay.len())
    }

    /// Nothing of the record but its terminator.
    fn leave_out(&self, hay: &[u8], out: &mut Spliced) -> Outcome {
        let end = memchr::memrchr(b'\n', hay).unwrap_or(hay.len());
        out.write(|text| text.extend_from_slice(&hay[end..]));
        Outcome::Changed
    }
}

/// For `explain`: the same pieces, looked at and not replaced.
#[cfg(feature = "cli")]
impl Scrubber {
    /// The findings of a piece: what [`Scrubber::scrub_piece`] would replace at its first look.
    /// State is carried on as there.
    pub(crate) fn find_piece(&mut self, piece: Block<'_>, flush: FlushPolicy) -> Found<'_> {
        match piece {
            Block::Records(hay) => self.find_records(hay, flush),
            Block::Window(window) => self.find_window(window),
        }
    }

    fn find_records(&mut self, hay: &[u8], flush: FlushPolicy) -> Found<'_> {
        self.edits.clear();
        let n_text = self.text_length(hay, flush.input);
        if n_text == 0 && !hay.is_empty() {
            self.scratch.findings_mut().clear();
            self.changes.clear();
            let done = Span::new(0, line::next(hay, 0));
            return Found {
                done,
                is_examined: false,
                findings: &[],
                changes: &[],
                doubted: Vec::new(),
            };
        }
        let hay = &hay[..n_text];
        let mut reassembly = std::mem::take(&mut self.reassembly);
        let state = self.state.clone();
        self.scanner.look(hay, &mut self.scratch);
        reassembly.read(hay, self.scratch.signs(), self.format, flush, &mut self.stream_state);
        let is_examined = if !reassembly.segments().is_empty() {
            reassembly.render(hay, Span::new(0, reassembly.end()));
            let is_examined =
                self.examine_through(reassembly.source_map().text(), Scanner::scan).is_some()
                    && self.add_changes();
            reassembled::in_block(&reassembly, self.scratch.findings_mut());
            self.changes = std::mem::take(&mut self.changes)
                .into_iter()
                .map(|change| reassembled::in_place(&reassembly, change))
                .collect();
            is_examined
        } else {
            self.examine_through(&hay[..reassembly.end()], Scanner::judge).is_some()
                && self.add_changes()
        };
        if !is_examined {
            self.state = state;
        }
        let done = Span::new(0, reassembly.end());
        self.reassembly = reassembly;
        let mut doubted = self.scratch.rejected().to_vec();
        if !self.reassembly.segments().is_empty() {
            doubted.iter_mut().for_each(|one| {
                one.anchor = reassembled::first_place(&self.reassembly, one.anchor)
            });
            doubted.sort_by_key(|one| one.anchor.start);
        }
        Found {
            done,
            is_examined,
            findings: self.scratch.findings(),
            changes: &self.changes,
            doubted,
        }
    }

    /// What refutes a candidate is told from now on.
    pub(crate) fn ask_why(&mut self) {
        self.scratch.ask_why();
    }

    /// Who doubted.
    pub(crate) fn doubter(&self, doubted: &Rejected) -> &str {
        self.scanner.name_of(doubted)
    }

    fn find_window(&mut self, window: Window<'_>) -> Found<'_> {
        let from = self.window_start(window);
        let is_examined = self.carry != Carry::Withheld && self.examine_window(window);
        let (is_examined, end) = if is_examined {
            let end = self.cut_window(window, from);
            (self.add_changes(), end)
        } else {
            self.carry = Carry::Withheld;
            self.scratch.findings_mut().clear();
            self.changes.clear();
            (false, window.hay.len())
        };
        if window.is_last {
            self.carry = Carry::Nothing;
        }
        let done = Span::new(from.min(end), end);
        let within = |one: &&Rejected| done.contains(one.anchor.start);
        let doubted = self.scratch.rejected().iter().filter(within).cloned().collect();
        Found {
            done,
            is_examined,
            findings: self.scratch.findings(),
            changes: &self.changes,
            doubted,
        }
    }
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scrubber({} rules)", self.rules().rules().len())
    }
}

fn sign_of((text, position): (&'static [u8], partial_marker::Position)) -> Sign<'static> {
    match position {
        partial_marker::Position::Anywhere => Sign::Anywhere(text),
        partial_marker::Position::RecordStart => Sign::AtStart(text),
    }
}

/// Scans what was changed; answers how many findings the scratch holds, or `None` when a recogniser
/// failed.
fn scan_again(scanner: &Scanner, hay: &[u8], scratch: &mut Scratch) -> Option<usize> {
    scan_from(scanner, hay, &mut State::default(), scratch)
}

/// The same with what is open before it.
fn scan_from(
    scanner: &Scanner,
    hay: &[u8],
    state: &mut State,
    scratch: &mut Scratch,
) -> Option<usize> {
    let scan = AssertUnwindSafe(|| scanner.scan(hay, state, scratch).len());
    let n_findings = catch_unwind(scan).ok();
    if n_findings.is_none() {
        // Whatever the scratch held is half done.
        *scratch = Scratch::default();
    }
    n_findings
}

/// How far the run goes that a secret without a known end consists of: up to white space, a quote
/// or a separator.
fn end_of_run(hay: &[u8]) -> usize {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`,;&<>".contains(byte);
    hay.iter().position(ends).unwrap_or(hay.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ScrubReader, policy::Style};
    use std::io::Read;

    const RULES: &str = r#"
        [[rule]]
        id = "acme-token"
        title = "Acme"
        class = "credential"
        severity = "high"
        about = "For tests."
        anchors = ["acme_"]
        pattern = "(?<secret> acme_ [a-z]{20,40} )"
    "#;

    fn scrubber(policy: &Policy) -> Scrubber {
        let rules = RuleSet::parse(RULES, "test.toml").expect("the rules parse");
        Scrubber::new(&rules, policy).expect("the policy is plain")
    }

    fn read(input: &[u8], scrubber: Scrubber) -> Vec<u8> {
        let mut out = Vec::new();
        let mut reader = ScrubReader::with_capacity(4096, MIN_RECORD_LIMIT, input, scrubber);
        reader.read_to_end(&mut out).expect("the input is text");
        out
    }

    /// A record of `n_bytes` with a secret of `length` bytes at `at`, and the same with its
    /// placeholder.
    fn record(n_bytes: usize, at: usize, length: usize) -> (Vec<u8>, Vec<u8>) {
        let filler = |n_bytes: usize| b"0123456 ".iter().cycle().take(n_bytes).copied();
        let mut input: Vec<u8> = filler(at).collect();
        let mut clean = input.clone();
        input.extend_from_slice(b"acme_");
        input.extend(std::iter::repeat_n(b'k', length - 5));
        clean.extend_from_slice(b"REDACTED-acme-token");
        for text in [&mut input, &mut clean] {
            text.push(b' ');
            text.extend(filler(n_bytes.saturating_sub(at + length)));
            text.extend_from_slice(b"\nnext\n");
        }
        (input, clean)
    }

    #[test]
    fn no_secret_is_missed_at_the_seam_of_windows() {
        let seam = MIN_RECORD_LIMIT - OVERLAP;
        for length in [30, 5000, MAX_SECRET] {
            for seam in [seam, 2 * seam, MIN_RECORD_LIMIT] {
                for shift in [0, 1, 4, 5, 6, 25, 29, 31, length / 2, length - 1, length, length + 1]
                {
                    let (input, clean) = record(700_000, seam.saturating_sub(shift), length);
                    let out = read(&input, scrubber(&Policy::new()));
                    assert!(
                        out == clean,
                        "a secret of {length} bytes, {shift} before the seam at {seam}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_secret_longer_than_a_window_leaves_one_placeholder() {
        let (input, clean) = record(2_000_000, 1000, 900_000);
        assert!(read(&input, scrubber(&Policy::new())) == clean);
        let (input, clean) = record(900_000, 1000, 900_000);
        assert!(read(&input, scrubber(&Policy::new())) == clean);
    }

    #[test]
    fn tallies_count_what_was_done() {
        let mut scrubber = scrubber(&Policy::new());
        let mut out = Vec::new();
        let outcome =
            scrubber.scrub_block(b"one\nacme_kkkkkkkkkkkkkkkkkkkkkkkkk two\nthree", &mut out);
        assert_eq!(
            (outcome, out.as_slice()),
            (Outcome::Changed, &b"one\nREDACTED-acme-token two\nthree"[..])
        );
        let tally = scrubber.tally();
        assert_eq!((tally.records_in, tally.findings(), tally.withheld), (3, 1, 0));
    }

    #[test]
    fn only_the_record_that_fails_is_withheld() {
        let hay = b"one\nacme_kkkkkkkkkkkkkkkkkkkkkkkkk\nBOOM secret\r\n{\"m\":\"BOOM\"}\nfour\n";
        let expect = |on_error, clean: &[u8]| {
            let mut scrubber = scrubber(&Policy::new().on_error(on_error));
            scrubber.fail_on(b"BOOM");
            let mut out = Vec::new();
            let outcome = scrubber.scrub_block(hay, &mut out);
            assert_eq!(out, clean);
            (outcome, scrubber.tally().withheld)
        };
        let masked = b"one\nREDACTED-acme-token\nREDACTED-record\r\n{\"redacted\":\"REDACTED-record\"}\nfour\n";
        assert_eq!(expect(OnError::Mask, masked), (Outcome::Changed, 2));
        assert_eq!(
            expect(OnError::Drop, b"one\nREDACTED-acme-token\nfour\n"),
            (Outcome::Changed, 2)
        );
        assert_eq!(expect(OnError::Stop, b""), (Outcome::Stopped, 0));
    }

    #[test]
    fn a_long_record_that_fails_is_withheld_from_there_on() {
        let (mut input, _) = record(700_000, 1000, 30);
        input.splice(400_000..400_004, *b"BOOM");
        let mut scrubber = scrubber(&Policy::new());
        scrubber.fail_on(b"BOOM");
        let out = read(&input, scrubber);
        let mark = memchr::memmem::find(&out, b"REDACTED-record\nnext\n")
            .expect("the record is masked to its end");
        assert_eq!(mark + b"REDACTED-record\nnext\n".len(), out.len());
        assert!(memchr::memmem::find(&out, b"BOOM").is_none() && mark < 400_000);
    }

    #[test]
    fn styles_go_by_rule_before_class() {
        let policy = Policy::new()
            .style_of("acme-token", Style::Partial)
            .style_of("credential", Style::Mask);
        let mut out = Vec::new();
        let outcome =
            scrubber(&policy).scrub_block(b"x acme_kkkkkkkkkkkkkkkkkkkkkkklmno y", &mut out);
        assert_eq!(
            (outcome, out.as_slice()),
            (Outcome::Changed, &b"x ****************************lmno y"[..])
        );
    }
}
