//! The error of messages that must not be passed on.

use std::fmt;

use crate::msgpack::malformed::MalformedChunk;

/// Why a message must not be passed on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not a message of the protocol.
    Malformed(MalformedChunk),
    /// Its content exceeds the limit.
    TooLarge,
    /// It cannot be decompressed.
    Corrupt,
    /// Part of it could not be examined, and the policy is to stop.
    Stopped,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Malformed(malformed) => malformed.fmt(f),
            Refusal::TooLarge => f.write_str("larger than --max-chunk when decompressed"),
            Refusal::Corrupt => f.write_str("the entries cannot be decompressed"),
            Refusal::Stopped => f.write_str("a record could not be examined"),
        }
    }
}

impl From<MalformedChunk> for Refusal {
    fn from(malformed: MalformedChunk) -> Refusal {
        Refusal::Malformed(malformed)
    }
}
