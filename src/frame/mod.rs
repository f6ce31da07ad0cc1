//! Where a record begins and ends, and which of its bytes are text.
//!
//! Framing is lazy. A block is searched as it is, and a record is located only around a
//! candidate. A block is read more closely only if a [marker](partial_marker) says that its records
//! are not complete text alone: parts of a longer record, fields with a length, bytes written as
//! numbers, tables. Then [`reassembly`] renders it as a text of whole records, with the place of
//! each byte in the block.
//!
//! [`formats`] has one file per format. [`buffer`] cuts the input into blocks at record edges.
//! Nothing here does I/O, and no input makes it fail.

pub(crate) mod buffer;
pub(crate) mod flush;
mod format;
pub(crate) mod formats;
pub(crate) mod not_text;
pub(crate) mod partial_marker;
pub(crate) mod reassembly;
mod record_part;
pub(crate) mod rewrites;
pub(crate) mod stream_state;
#[cfg(feature = "batch")]
pub(crate) mod timestamp;

pub use format::Format;
