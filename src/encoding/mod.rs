//! Texts that stand in other bytes: escaped, coloured, encoded, or split over several records.
//!
//! A [`View`] is such a text with the way back: each of its bytes knows the bytes that it was read from. Whoever finds something in the text
//! learns which bytes of the block to replace, and what lies between them stays.

#[allow(dead_code, reason = "used as soon as encoded text is looked through")]
mod view;

#[allow(unused_imports, reason = "as above")]
pub(crate) use self::view::View;
