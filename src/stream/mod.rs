//! Streams: bytes in, clean bytes out, as they arrive.
//!
//! [`ScrubReader`] and [`ScrubWriter`] wrap any `Read` and `Write`; [`pipe`] connects standard
//! input to standard output. All of them use one [`Pump`], so the output does not depend on how the
//! input is split into reads. [`flow`] adds waiting and several threads, and [`whole_input`] is the
//! form for files.

pub(crate) mod pump;

pub(crate) mod clean_output;
mod read;
mod write;

#[cfg(feature = "cli")]
mod flow;
#[cfg(feature = "cli")]
pub(crate) mod pipe;
#[cfg(feature = "cli")]
mod signals;
#[cfg(feature = "batch")]
pub(crate) mod whole_input;

pub use self::{
    pump::{BLOCK, MAX_RECORD},
    read::ScrubReader,
    write::{FinishError, ScrubWriter},
};
