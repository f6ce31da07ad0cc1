//! Where a record begins and ends, and which of its bytes are text.
//!
//! Framing is lazy: the block is searched first, and the record around a candidate is located only when there is one.

pub(crate) mod block;
pub(crate) mod line;
