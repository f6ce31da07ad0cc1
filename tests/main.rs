//! The integration tests in one binary: cases as data, properties, and the program as a process.

// Tests write their own files, read their environment, and report what they skip.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

mod adjacent;
mod batch;
mod batch_metadata;
mod batch_resume;
mod cli;
mod containers;
mod docker_records;
mod documents;
mod edges;
mod encodings;
mod files;
#[cfg(feature = "forward")]
mod fluent_bit;
#[cfg(feature = "forward")]
mod forward;
mod golden;
mod harness;
mod inner_keys;
mod layering;
mod library;
mod mapping;
mod messages;
mod not_text;
mod numbers;
mod pipe;
mod private_keys;
mod properties;
mod readme;
mod signals;
mod twice;
mod unquoted;
mod userinfo;
