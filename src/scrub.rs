//! One block in, one clean block out: the only file that knows frame, scan and redact.

use crate::{
    error::Error,
    frame::line,
    policy::{OnError, Policy},
    redact::Redactor,
    rules::RuleSet,
    scan::{Scanner, Scratch, State, placeholder::Placeholders},
    tally::Tally,
};

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

/// Scrubs blocks: rules, policy and the state that crosses records.
pub struct Scrubber {
    scanner: Scanner,
    redactor: Redactor,
    on_error: OnError,
    state: State,
    scratch: Scratch,
    tally: Tally,
}

impl Scrubber {
    /// A scrubber with those rules and that policy.
    ///
    /// # Errors
    ///
    /// The policy names a style or a rule that does not exist.
    pub fn new(rules: &RuleSet, policy: &Policy) -> Result<Scrubber, Error> {
        let styles = policy.styles(rules)?;
        let placeholders = Placeholders::new(rules, Redactor::fixed_texts(&styles));
        Ok(Scrubber {
            scanner: Scanner::new(rules.clone(), placeholders),
            redactor: Redactor::new(rules, styles),
            on_error: policy.error_action(),
            state: State::default(),
            scratch: Scratch::default(),
            tally: Tally::default(),
        })
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        self.scanner.rules()
    }

    /// What was done so far. Bytes out are counted by whoever writes them.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Scrubs one block, which begins and ends on record edges (or ends with the input).
    pub fn scrub_block(&mut self, hay: &[u8], out: &mut Vec<u8>) -> Outcome {
        let findings = self.scanner.scan(hay, line::around, &mut self.state, &mut self.scratch);
        if findings.is_empty() {
            return Outcome::Clean;
        }
        self.redactor.splice(hay, findings, out);
        Outcome::Changed
    }
}
