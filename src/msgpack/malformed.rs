//! The error of everything that reads msgpack.

use std::fmt;

/// Bytes that are not msgpack, or not a chunk of log entries. The message quotes no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedChunk(pub(crate) &'static str);

impl MalformedChunk {
    /// The bytes end within a value.
    pub(crate) const TRUNCATED: MalformedChunk = MalformedChunk("truncated value");
}

impl fmt::Display for MalformedChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed msgpack: {}", self.0)
    }
}

impl std::error::Error for MalformedChunk {}
