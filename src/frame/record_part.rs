//! Parts of records that a container runtime cut, and the streams that they belong to.

use crate::text::span::Span;

/// A record that may be part of a longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordPart {
    pub(crate) stream: Stream,
    /// Whether the record continues in the next one of its stream.
    pub(crate) is_partial: bool,
    /// The text, escapes as they are written.
    pub(crate) text: Span,
}

/// The stream whose records are joined: a format and, where a format has several streams, a hash
/// of the members that name one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stream(u64);

impl Stream {
    pub(crate) const CRI_OUT: Stream = Stream(1);
    pub(crate) const CRI_ERR: Stream = Stream(2);
    pub(crate) const FILE_OUT: Stream = Stream(3);
    pub(crate) const FILE_ERR: Stream = Stream(4);

    /// The stream with one more name (FNV-1a).
    pub(crate) fn named(self, name: &[u8]) -> Stream {
        let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Stream(name.iter().fold((self.0 ^ 0xcbf2_9ce4_8422_2325).rotate_left(17), hash))
    }
}
