//! Sources of bytes, and the refusal of input that cannot be read as text.

pub(crate) mod refuse;
#[cfg(feature = "cli")]
pub(crate) mod stdin;
#[cfg(feature = "batch")]
pub(crate) mod tree;
