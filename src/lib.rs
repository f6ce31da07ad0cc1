//! Scrubs email addresses, credentials and the credential part of URLs from logs. Draft.

pub mod error;
mod frame;
pub mod policy;
mod redact;
pub mod rules;
mod scan;
mod scrub;
mod span;
mod tally;

pub use crate::{
    error::Error,
    policy::{OnError, Policy, Style},
    rules::{Class, Rule, RuleSet, Selection, Severity},
    scrub::{Outcome, Scrubber},
    span::{Finding, RuleId, Shape, Span},
    tally::Tally,
};
