//! Bytes as text, without any knowledge of rules, records or findings. Everything else is built on
//! this.
//!
//! There is one reader of each kind of structure: [`line`], [`json`] (tokens, members, strings),
//! [`escape`] (backslashes and percent, forwards and backwards), [`hex`], [`base64`] and [`ansi`].
//! [`encoding`] is the table of encodings that detection looks behind, and [`source_map`] keeps the
//! place of each byte of a text that was read in another way.
//!
//! These are functions over bytes: no I/O, no state, no failure on any input. They use nothing
//! outside this folder. Walks report their length to [`visits`], the counter behind the test that
//! the cost of a scrub is linear.

pub(crate) mod ansi;
pub(crate) mod base64;
pub(crate) mod encoding;
pub(crate) mod escape;
pub(crate) mod hex;
pub(crate) mod json;
pub(crate) mod line;
pub(crate) mod open_table;
pub(crate) mod source_map;
pub(crate) mod span;
pub(crate) mod visits;
