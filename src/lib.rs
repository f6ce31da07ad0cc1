//! Scrubs email addresses, credentials and the credential part of URLs from logs.
//!
//! Bytes go in; the same bytes come out, except for what the rules find. The program `logscrub` is
//! a pipe around this library.
//!
//! ```
//! use logscrub::{Outcome, Policy, RuleSet, Scrubber};
//!
//! let mut scrubber = Scrubber::new(&RuleSet::embedded(), &Policy::new())?;
//! let mut clean = Vec::new();
//! let outcome = scrubber.scrub_block(b"login of alice@example.com\n", &mut clean);
//! assert_eq!((outcome, clean.as_slice()), (Outcome::Changed, &b"login of REDACTED-email\n"[..]));
//!
//! clean.clear();
//! let outcome = scrubber.scrub_block(b"nothing here\n", &mut clean);
//! assert_eq!((outcome, clean.is_empty()), (Outcome::Clean, true));
//! # Ok::<(), logscrub::Error>(())
//! ```
//!
//! [`ScrubReader`] and [`ScrubWriter`] wrap any [`std::io::Read`] and [`std::io::Write`] and take
//! care of blocks and records.
//!
//! # Glossary
//!
//! - *block*: bytes that were read together; it ends on the edge of a record.
//! - *record*: one log entry; here, a line.
//! - *anchor*: a literal that every match of a rule contains (`ghp_`, `@`, `://`).
//! - *probe*: an anchor, and what must stand around it.
//! - *candidate*: an anchor was seen in its context; the prefilter says maybe.
//! - *rule*: a name for a kind of secret, and how it is known.
//! - *recogniser*: confirms the candidates of one kind of rule.
//! - *validator*: a test that a pattern cannot make.
//! - *finding*: a span that a rule claims and nothing refuted.
//! - *placeholder*: what stands in place of a finding.
//! - *splice*: copying what is clean and writing placeholders between.

// The command line uses more of the engine than the library shows. Features gate whole modules, so
// without these two some engine functions have no caller. The default build still reports dead code.
#![cfg_attr(not(all(feature = "cli", feature = "forward")), allow(dead_code, unused_imports))]

#[cfg(feature = "tokio")]
mod aio;
#[cfg(feature = "batch")]
mod batch;
#[cfg(feature = "cli")]
pub mod cli;
mod detect;
mod error;
mod finding;
#[cfg(feature = "forward")]
mod forward;
mod frame;
pub mod lint;
#[cfg(feature = "msgpack")]
mod msgpack;
mod policy;
#[cfg(feature = "cli")]
mod pool;
mod prefilter;
mod redact;
#[cfg(feature = "cli")]
mod report;
mod rules;
mod scrub;
#[cfg(feature = "cli")]
mod sink;
mod source;
mod stream;
mod tally;
mod text;

#[cfg(feature = "tokio")]
pub use crate::aio::AsyncScrubReader;
#[cfg(feature = "forward")]
#[doc(hidden)]
pub use crate::forward::pass_stream;
#[cfg(feature = "msgpack")]
pub use crate::msgpack::{ChunkScrubber, MalformedChunk, TagStates};
pub use crate::{
    error::Error,
    finding::{Finding, Shape},
    frame::Format,
    policy::{OnError, Policy, Style},
    prefilter::Cpu,
    rules::{Allow, Anchor, Class, Origin, Rule, RuleId, RuleSet, Selection, Severity},
    scrub::{MIN_RECORD_LIMIT, Outcome, Scrubber},
    stream::{BLOCK, FinishError, MAX_RECORD, ScrubReader, ScrubWriter},
    tally::Tally,
    text::span::Span,
};

/// Runs the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
