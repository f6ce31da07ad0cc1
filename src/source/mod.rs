//! Where bytes come from, and which inputs are refused before any of their bytes are passed on.

#[cfg(feature = "cli")]
pub(crate) mod input;
pub(crate) mod refuse;
#[cfg(feature = "cli")]
pub(crate) mod stdin;
#[cfg(feature = "batch")]
pub(crate) mod tree;
