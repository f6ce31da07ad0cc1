//! The Forward hop: a proxy of the Fluent Forward protocol between a sender (Fluent Bit, Fluentd,
//! Docker, a logging library) and the next hop, on tokio.
//!
//! A message is scrubbed, delivered, and acknowledged to its sender only when the next hop has
//! acknowledged it, or when it is synced to the disk queue or the output file. A message that
//! cannot be examined is not delivered. Memory is bounded: messages in flight share a budget, and
//! reading stops while it is used up. Decoding and scrubbing are functions of [`crate::msgpack`],
//! without sockets.
//!
//! Reading order: [`server`] accepts, [`connection`] serves one sender, [`destination`] delivers.

mod server;

mod admin;
mod connection;
mod connection_table;
mod shared;

mod budget;
mod buffer_pool;
mod scrubbers;

mod client;
mod delivery;
mod destination;
mod local_output;
mod queue;

mod address;
mod codec;
mod handshake;
mod net;
mod options;
mod reader;
mod shutdown;
mod tls;

pub use self::codec::pass_stream;
pub(crate) use self::{
    address::{Address, Target},
    handshake::{ClientAuth, ServerAuth},
    options::{Options, TlsFiles},
    server::run,
};
