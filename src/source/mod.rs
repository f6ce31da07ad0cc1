//! Where bytes come from, and what is refused before any of it is passed on.

pub(crate) mod refuse;
#[cfg(feature = "cli")]
pub(crate) mod stdin;
#[cfg(feature = "batch")]
pub(crate) mod tree;
