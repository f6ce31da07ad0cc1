//! Bytes as text, without any knowledge of rules or records: spans, lines, JSON, encodings and
//! source maps.
//!
//! Everything here is a pure function over bytes and cannot fail on any input. Every other module
//! may use it.

pub(crate) mod encoding;
pub(crate) mod json;
pub(crate) mod line;
pub(crate) mod open_table;
pub(crate) mod source_map;
pub(crate) mod span;
pub(crate) mod visits;
