//! The one integration binary: cases as data, properties, and the program as a process.

mod cli;
mod golden;
mod harness;
mod layering;
mod pipe;
mod properties;
