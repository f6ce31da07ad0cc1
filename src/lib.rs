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
//! In the order in which bytes meet them; each word has one meaning everywhere.
//!
//! - *block*: bytes that are scrubbed together. It begins and ends between two records.
//! - *record*: one log entry. Here, that is a line.
//! - *text*: bytes that are searched: a block, or what was read out of it (records joined, escapes
//!   decoded, colour codes left out).
//! - *source map*: a text that was read out of a block, with the place of each byte in the block.
//! - *span*: a range of bytes, by start and end.
//! - *rule*: the name of a kind of secret, and how to find it.
//! - *anchor*: a literal that every match of a rule contains (`ghp_`, `@`, `://`).
//! - *probe*: an anchor, and the bytes that are allowed around it. One pass of the prefilter looks
//!   for all probes.
//! - *candidate*: an anchor that was found in a text.
//! - *detector*: decides about candidates. Rules of one kind share a detector.
//! - *match*: where the pattern of a rule matches around a candidate.
//! - *validator*: a check of a match that a pattern cannot express, such as a checksum.
//! - *rejection*: why a candidate is not a finding.
//! - *finding*: a span that a rule claims and no check rejected.
//! - *placeholder*: the text that replaces a finding, such as `REDACTED-email`.
//! - *edit*: a span of a text, and the bytes that replace it.

// The command line uses more of the engine than the library shows. Features gate whole modules, so
// without these two some engine functions have no caller. The default build still reports dead
// code.
#![cfg_attr(not(all(feature = "cli", feature = "forward")), allow(dead_code, unused_imports))]

#[cfg(feature = "tokio")]
mod aio;
#[cfg(feature = "batch")]
mod batch;
// Public only for the program, the plugins and the tests: it may change in every release.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod detect;
mod error;
mod finding;
#[cfg(feature = "forward")]
mod forward;
mod frame;
// Public only for the tests and the fuzz targets: it may change in every release.
#[doc(hidden)]
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
