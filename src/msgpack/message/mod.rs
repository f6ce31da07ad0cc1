//! A message of the Forward protocol: a tag, entries in one of four modes, and options.
//!
//! | mode | layout |
//! |---|---|
//! | Message | `[tag, time, record, options?]` |
//! | Forward | `[tag, [entry, …], options?]` |
//! | PackedForward | `[tag, bytes of entries, options?]` |
//! | CompressedPackedForward | as PackedForward, with gzip or zstd |
//!
//! Unchanged values keep their bytes. Only the options are written anew: the message that goes on
//! is acknowledged to us, so it must carry a chunk id.

mod compression;
mod json_lines;
mod parse;
mod pass;
mod refusal;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use self::{
    json_lines::write_json_lines,
    parse::find_chunk_id,
    pass::{PassOptions, PassedMessage},
    refusal::Refusal,
};
