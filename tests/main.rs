//! The one integration binary: cases as data, properties, and the program as a process.

mod harness;
mod pipe;
