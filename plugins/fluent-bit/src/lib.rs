//! logscrub inside other programs: `flb-filter_logscrub.so`, the filter and processor of Fluent Bit, and under it the C ABI of
//! `include/logscrub.h`.
//!
//! [`shared`] is plain Rust: a scrubber behind a lock, from whose calls no panic gets out. [`abi`] and [`filter`] are the two
//! boundaries at which pointers of C are believed; nowhere else in this crate `unsafe` is allowed.

#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "pointers of C")]
pub mod abi;
#[allow(unsafe_code, reason = "pointers of C")]
pub mod filter;
pub mod shared;
