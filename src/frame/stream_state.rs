//! What is known about an input from one block to the next.

use super::{formats::csv::Columns, record_part::Stream};

/// If the rest of a timed-out record does not come within this many bytes, it does not come at all.
/// Until then every record must be read.
const MAX_AGE: usize = 1 << 20;

/// A stream whose last part was handed on before the rest of its record came.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct TimedOutPartial {
    pub(super) stream: Stream,
    /// The end of what was handed on, before it was scrubbed.
    pub(super) context: Vec<u8>,
    /// Bytes of records since then.
    age: usize,
}

impl TimedOutPartial {
    pub(super) fn new(stream: Stream, context: Vec<u8>) -> TimedOutPartial {
        TimedOutPartial { stream, context, age: 0 }
    }
}

/// What is known about an input from one block to the next.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct StreamState {
    pub(super) timed_out: Vec<TimedOutPartial>,
    /// The names of a table's columns, once its header was read.
    pub(super) columns: Option<Columns>,
}

impl StreamState {
    /// Whether the next block is read as the first one is.
    pub(crate) fn is_empty(&self) -> bool {
        self.timed_out.is_empty() && self.columns.is_none()
    }

    /// Forgets the names of columns: the next row is the header again.
    pub(crate) fn forget_columns(&mut self) {
        self.columns = None;
    }

    /// The bytes of records that are kept.
    pub(crate) fn n_bytes(&self) -> usize {
        self.timed_out.iter().map(|partial| partial.context.capacity()).sum()
    }

    /// Keeps none of them: continuations are examined without their beginning.
    pub(crate) fn forget(&mut self) {
        self.timed_out.clear();
    }

    /// Notes that a record of `n_bytes` was read, and forgets what has waited too long.
    pub(super) fn grow_older(&mut self, n_bytes: usize) {
        self.timed_out.retain_mut(|partial| {
            partial.age += n_bytes;
            partial.age < MAX_AGE
        });
    }
}

impl std::fmt::Debug for StreamState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StreamState({} timed out)", self.timed_out.len())
    }
}
