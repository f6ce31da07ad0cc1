//! Chunks of msgpack records, as Fluent Bit and Fluentd send them.
//!
//! All text of a chunk is scrubbed in one scan: [`render`] turns each record into one line of JSON,
//! the lines are scrubbed as one block, and [`patch`] carries the changes back. Only changed
//! strings are encoded again. Everything else keeps its bytes, be it a 64-bit integer, a float, an
//! extension type or a header longer than necessary. Keys, metadata and group attributes are
//! scrubbed like values. A record that cannot be rendered or patched is withheld.
//!
//! [`message`] adds the messages of the Forward protocol around chunks. There are no sockets here.

mod chunk;
mod entry;
mod patch;
mod render;
mod tag_states;

pub(crate) mod encode;
mod malformed;
pub(crate) mod tokens;

#[cfg(feature = "forward")]
pub(crate) mod message;

pub use self::{chunk::ChunkScrubber, malformed::MalformedChunk, tag_states::TagStates};
