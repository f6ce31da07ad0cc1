//! logscrub inside other programs: `flb-filter_logscrub.so`, the filter and processor of Fluent
//! Bit, and below it the C ABI of `include/logscrub.h`.
//!
//! [`shared`] and [`properties`] are safe Rust: a locked scrubber from which no panic escapes, and
//! the flags it is created with. [`abi`], [`filter`] and `instance` are the boundary to C; no other
//! module may use `unsafe`.

#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "pointers of C")]
pub mod abi;
#[allow(unsafe_code, reason = "pointers of C")]
pub mod filter;
#[allow(unsafe_code, reason = "pointers of C")]
mod instance;
pub mod properties;
pub mod shared;
