//! One block in, one clean block out: the only module that knows frame, detect and redact.
//!
//! A clean block is answered by saying so: no copy, no allocation. The output of a changed block
//! goes into the caller's vector. A detector that panics is caught: the block is done again record
//! by record, and only the records that fail are withheld, as the policy says. A record over the
//! limit is worked through in overlapping windows.
//!
//! [`pipeline`] is the way of a block; the modules before it choose what is read, those after it
//! are its steps.

mod ansi_fast_path;
mod not_text;
mod reassembled;
mod windows;

mod pipeline;

mod decode_and_rescan;
mod engine;
mod examine;
mod multiline;
mod rescan;
mod text;
mod verify;
mod withheld;

#[cfg(feature = "batch")]
mod days;
#[path = "no_days.rs"]
#[cfg(not(feature = "batch"))]
mod days;
#[cfg(feature = "cli")]
mod explain;
mod find;
#[cfg(feature = "msgpack")]
pub(crate) mod seam;
#[cfg(feature = "cli")]
pub(crate) mod trace;

#[cfg(test)]
mod linear;

use std::sync::Arc;

use self::{
    ansi_fast_path::AnsiFastPath,
    days::Days,
    examine::{Examined, Examiner},
    rescan::RescanBuffer,
    windows::Carry,
};
use crate::{
    detect::{Scanner, State},
    error::Error,
    finding::Finding,
    frame::{
        Format, flush::FlushPolicy, not_text::Content, partial_marker, reassembly::Reassembly,
        stream_state::StreamState,
    },
    policy::{OnError, Policy},
    prefilter::{Cpu, Sign},
    redact::{self, OutputRuns, Redactor, placeholder::Placeholders},
    rules::{RuleId, RuleSet},
    tally::Tally,
    text::span::Span,
};

/// The least limit on records: a window must be longer than what is examined twice.
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

/// What became of a piece. Its bytes that are done are the output when it was clean.
pub(crate) struct Step {
    pub(crate) outcome: Outcome,
    pub(crate) done: Span,
    pub(crate) ends_record: bool,
    /// Records that end with this piece and are part of the output.
    pub(crate) records_out: u64,
}

/// Scrubs blocks: rules, policy and the state that crosses records.
pub struct Scrubber {
    examiner: Examiner,
    on_error: OnError,
    format: Format,
    /// Whether changed records are verified.
    is_verifying: bool,
    tally: Tally,
    days: Days,

    // What crosses the edges of records and blocks.
    /// Open private keys, and a key whose value is below it.
    state: State,
    /// Records that were cut into parts, the columns of a table.
    stream_state: StreamState,
    /// Whether records are text from here on.
    content: Content,
    /// The state of the next window of a long record.
    carry: Carry,

    // StreamState that is reused from block to block.
    reassembly: Reassembly,
    /// The first look at a text.
    first: Examined,
    /// The records that changed, and later looks at them.
    buffer: RescanBuffer,
    ansi: AnsiFastPath,
    output: OutputRuns,
    /// What [`Scrubber::find`] found last.
    found: Vec<Finding>,
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
        let redactor = Arc::new(Redactor::new(rules, styles));
        let scrubber = Scrubber::at_start(Examiner::new(scanner, redactor), policy.error_action());
        Ok(Scrubber { is_verifying: policy.verifies(), ..scrubber })
    }

    /// Another scrubber with the same rules and policy, at the beginning of an input and with an
    /// empty tally. It shares the tables of this one, so it costs next to nothing.
    #[must_use]
    pub fn fork(&self) -> Scrubber {
        Scrubber {
            format: self.format,
            is_verifying: self.is_verifying,
            days: self.days.fork(),
            ..Scrubber::at_start(self.examiner.fork(), self.on_error)
        }
    }

    /// The same for an input whose records are written in `format`; without it the format is
    /// recognised at the start of each record.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Scrubber {
        self.format = format;
        self
    }

    fn at_start(examiner: Examiner, on_error: OnError) -> Scrubber {
        Scrubber {
            examiner,
            on_error,
            format: Format::Auto,
            is_verifying: true,
            tally: Tally::default(),
            days: Days::default(),
            state: State::default(),
            stream_state: StreamState::default(),
            content: Content::Text,
            carry: Carry::Nothing,
            reassembly: Reassembly::default(),
            first: Examined::default(),
            buffer: RescanBuffer::default(),
            ansi: AnsiFastPath::default(),
            output: OutputRuns::default(),
            found: Vec::new(),
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
        self.days = self.days.fork();
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        self.examiner.scanner.rules()
    }

    /// What was done so far. Bytes and records out are counted by the caller who writes them.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn tally_mut(&mut self) -> &mut Tally {
        &mut self.tally
    }

    /// The style in which findings of `rule` are replaced.
    #[must_use]
    pub fn style(&self, rule: RuleId) -> &crate::policy::Style {
        self.examiner.redactor.style(rule)
    }

    /// Scrubs one block, which begins and ends on record edges (or ends with the input).
    ///
    /// Blocks of one input come in order: a private key that one of them leaves open continues in
    /// the next. See [`Scrubber::reset`].
    pub fn scrub_block(&mut self, hay: &[u8], out: &mut Vec<u8>) -> Outcome {
        self.scrub_into(hay, FlushPolicy::AT_END, out)
    }

    /// Scrubs one block; what became of it is appended to `out`.
    fn scrub_into(&mut self, hay: &[u8], flush: FlushPolicy, out: &mut Vec<u8>) -> Outcome {
        let mut output = std::mem::take(&mut self.output);
        output.clear();
        let outcome = self.scrub_records(hay, flush, &mut output).outcome;
        output.append_to(hay, out);
        self.output = output;
        outcome
    }

    /// Whether the records of `hay`, of which those before `from` waited when they came last, may
    /// go on now.
    pub(crate) fn may_go_on(&self, hay: &[u8], from: usize) -> bool {
        self.reassembly.may_go_on(hay, from, self.format)
    }

    /// Makes every text that holds `marker` fail inside, to show what becomes of it; after `guard:`
    /// it makes the verification of each changed record fail that holds the rest. The command line
    /// offers it in builds with debug assertions only.
    #[doc(hidden)]
    pub fn fail_on(&mut self, marker: &[u8]) {
        self.examiner.fault = Some(marker.to_vec());
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::{ScrubReader, policy::Style};

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

    pub(super) fn scrubber(policy: &Policy) -> Scrubber {
        let rules = RuleSet::parse(RULES, "test.toml").expect("the rules parse");
        Scrubber::new(&rules, policy).expect("the policy is plain")
    }

    pub(super) fn read(input: &[u8], scrubber: Scrubber) -> Vec<u8> {
        let mut out = Vec::new();
        let mut reader = ScrubReader::with_capacity(4096, MIN_RECORD_LIMIT, input, scrubber);
        reader.read_to_end(&mut out).expect("the input is text");
        out
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
