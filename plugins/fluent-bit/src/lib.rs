//! logscrub inside other programs: `flb-filter_logscrub.so`, the filter and processor of Fluent
//! Bit, and under it the C ABI of `include/logscrub.h`.
//!
//! [`shared`] and [`properties`] are safe Rust: a scrubber behind a lock, which lets no panic out,
//! and the flags that it is made with. [`abi`], [`filter`] and `instance` are the boundaries to C;
//! nothing else in this crate may use `unsafe`.

#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "pointers of C")]
pub mod abi;
#[allow(unsafe_code, reason = "pointers of C")]
pub mod filter;
#[allow(unsafe_code, reason = "pointers of C")]
mod instance;
pub mod properties;
pub mod shared;
