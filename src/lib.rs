//! Scrubs email addresses, credentials and the credential part of URLs from logs. Draft.

pub mod error;
mod frame;
pub mod policy;
mod redact;
pub mod rules;
mod scan;
mod scrub;
#[cfg(feature = "cli")]
mod sink;
mod source;
mod span;
mod stream;
mod tally;

/// Draft of the filter's main, until the command line is there.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub fn draft() -> Result<u8, Error> {
    let mut scrubber = Scrubber::new(&RuleSet::embedded(), &Policy::new())?;
    let options = stream::pipe::Options {
        max_record: MAX_RECORD,
        buffer: BLOCK,
        grace: std::time::Duration::from_secs(5),
        output: None,
        dry_run: false,
    };
    stream::pipe::run(&options, &mut scrubber).map(|_| 0)
}
pub use crate::{
    error::Error,
    policy::{OnError, Policy, Style},
    rules::{Class, Rule, RuleSet, Selection, Severity},
    scrub::{MIN_RECORD_LIMIT, Outcome, Scrubber},
    span::{Finding, RuleId, Shape, Span},
    stream::{BLOCK, MAX_RECORD, ScrubReader, ScrubWriter},
    tally::Tally,
};
