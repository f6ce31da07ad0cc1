//! The archive formats that a batch rewrites entry by entry: one module each.

pub(super) mod tar;
pub(super) mod zip;
