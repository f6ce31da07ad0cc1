//! The memory budget that all connections share.
//!
//! A message holds a permit for its length from the moment it is read until it is delivered. When
//! `--max-pending` bytes are in use, connections stop reading: that is the back-pressure.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::buffer_pool::BufferPool;
use crate::msgpack::TagStates;

/// State kept between messages of a connection may use this fraction of `--max-pending`, on top of
/// it.
const STATE_FRACTION: usize = 4;

/// Limits how many bytes all connections together hold in memory.
#[derive(Clone, Debug)]
pub(crate) struct MemoryBudget {
    messages: Arc<Semaphore>,
    /// For state kept between messages. Separate, so that it can never block a message.
    state: Arc<Semaphore>,
    max_chunk: u32,
    /// Buffers for messages that do not fit into the buffer of an idle connection.
    pub(super) buffers: Arc<BufferPool<BytesMut>>,
}

/// Part of the budget, returned on drop.
pub(crate) type BudgetPermit = OwnedSemaphorePermit;

impl MemoryBudget {
    /// A budget of `max_pending` bytes, but at least one message of `max_chunk` bytes.
    pub(crate) fn new(max_pending: usize, max_chunk: usize) -> MemoryBudget {
        MemoryBudget {
            messages: Arc::new(Semaphore::new(max_pending.max(max_chunk))),
            state: Arc::new(Semaphore::new(max_pending / STATE_FRACTION)),
            max_chunk: max_chunk as u32,
            buffers: Arc::default(),
        }
    }

    /// Waits until `n_bytes` of the budget are free and takes them.
    pub(crate) async fn acquire(&self, n_bytes: usize) -> BudgetPermit {
        let n_bytes = u32::try_from(n_bytes).unwrap_or(self.max_chunk).min(self.max_chunk);
        Arc::clone(&self.messages)
            .acquire_many_owned(n_bytes)
            .await
            .expect("the semaphore is never closed")
    }

    /// Waits until the largest possible message fits.
    pub(crate) async fn acquire_largest(&self) -> BudgetPermit {
        self.acquire(self.max_chunk as usize).await
    }

    /// Adjusts `permit` to the size of `states`. If the budget does not suffice, `states` forget
    /// lines until they fit into what they already hold.
    pub(crate) fn cover(&self, states: &mut TagStates, permit: &mut Option<BudgetPermit>) {
        let held = permit.as_ref().map_or(0, BudgetPermit::num_permits);
        if states.n_bytes() > held {
            let missing = u32::try_from(states.n_bytes() - held).ok();
            let added = missing
                .and_then(|missing| Arc::clone(&self.state).try_acquire_many_owned(missing).ok());
            match (added, permit.as_mut()) {
                (Some(added), Some(permit)) => permit.merge(added),
                (Some(added), None) => *permit = Some(added),
                (None, _) => states.forget_down_to(held),
            }
        }
        let n_bytes = states.n_bytes();
        if let Some(permit) = permit {
            drop(permit.split(permit.num_permits().saturating_sub(n_bytes)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        msgpack::{ChunkScrubber, message::tests::long_part},
        policy::Policy,
        rules::RuleSet,
    };

    #[test]
    fn kept_lines_take_their_share_and_excess_is_forgotten() {
        let mut scrubber =
            ChunkScrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
        let budget = MemoryBudget::new(400 << 10, 64 << 10);
        let part = long_part();
        let (mut states, mut permit) = (TagStates::default(), None);
        let mut kept = Vec::new();
        for tag in [b"a", b"b", b"c"] {
            let _ = scrubber
                .scrub_next_events(&mut states, tag, &part, &mut Vec::new())
                .expect("it is a chunk");
            budget.cover(&mut states, &mut permit);
            assert_eq!(budget.state.available_permits() + states.n_bytes(), 100 << 10);
            kept.push(states.n_bytes());
        }
        assert!(kept.iter().all(|n_bytes| (50 << 10..=100 << 10).contains(n_bytes)), "{kept:?}");
        // Nothing is left for another connection.
        let (mut other, mut other_permit) = (TagStates::default(), None);
        let _ = scrubber
            .scrub_next_events(&mut other, b"a", &part, &mut Vec::new())
            .expect("it is a chunk");
        budget.cover(&mut other, &mut other_permit);
        assert_eq!(other.n_bytes(), 0);
        states.forget_down_to(0);
        budget.cover(&mut states, &mut permit);
        assert_eq!(budget.state.available_permits(), 100 << 10);
    }
}
