//! The one integration binary: cases as data, properties, and the program as a process.

// Tests write files of their own, read the environment they are started with, and say what they skip.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

mod batch;
mod cli;
mod containers;
mod docker_records;
mod documents;
mod encodings;
#[cfg(feature = "forward")]
mod forward;
mod golden;
mod harness;
mod layering;
mod not_text;
mod pipe;
mod private_keys;
mod properties;
