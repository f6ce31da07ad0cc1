//! The reading half of a connection: whole messages, within a budget of memory that all connections
//! share.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::{
    io::AsyncReadExt as _,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::codec::Decoder as _;

use super::{
    buffer_pool::Pool,
    codec::{FrameError, Frames},
    connections::{PROGRESS, Seat},
    net::Reader,
};
use crate::msgpack::Seams;

/// A message that is longer than this takes its share of the budget before more of it is read.
const SMALL: usize = 64 << 10;

/// What an idle connection keeps.
const KEPT: usize = 4 << 10;

/// What is kept of lines that go on in a later message is at most this part of `--max-pending`, and
/// comes on top of it.
const OPEN: usize = 4;

/// So much is read by one call where more than a little comes.
const READ: usize = 128 << 10;

/// The bytes that may be held at once, by all connections together.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    semaphore: Arc<Semaphore>,
    /// For what is kept of lines that go on in a later message. Of its own, so that none of them
    /// can stand in a message's way.
    open: Arc<Semaphore>,
    max_chunk: u32,
    /// Memory for messages that do not fit into what an idle connection keeps.
    memory: Arc<Pool<BytesMut>>,
}

/// A share of the budget, given back when it is dropped.
pub(crate) type Share = OwnedSemaphorePermit;

impl Budget {
    /// `max_pending` must hold one message of `max_chunk` bytes at least.
    pub(crate) fn new(max_pending: usize, max_chunk: usize) -> Budget {
        let semaphore = Arc::new(Semaphore::new(max_pending.max(max_chunk)));
        let open = Arc::new(Semaphore::new(max_pending / OPEN));
        Budget { semaphore, open, max_chunk: max_chunk as u32, memory: Arc::default() }
    }

    /// Makes `share` one of what `seams` keep; where there is not so much, they forget.
    pub(crate) fn cover(&self, seams: &mut Seams, share: &mut Option<Share>) {
        let held = share.as_ref().map_or(0, Share::num_permits);
        if let Some(more) = seams.n_bytes().checked_sub(held).filter(|more| *more > 0) {
            let more = u32::try_from(more)
                .ok()
                .and_then(|more| Arc::clone(&self.open).try_acquire_many_owned(more).ok());
            match (more, share.as_mut()) {
                (Some(more), Some(share)) => share.merge(more),
                (Some(more), None) => *share = Some(more),
                (None, _) => seams.forget_down_to(held),
            }
        }
        let n_bytes = seams.n_bytes();
        if let Some(share) = share {
            drop(share.split(share.num_permits().saturating_sub(n_bytes)));
        }
    }

    async fn take(&self, n_bytes: usize) -> Share {
        let n_bytes = u32::try_from(n_bytes).unwrap_or(self.max_chunk).min(self.max_chunk);
        Arc::clone(&self.semaphore)
            .acquire_many_owned(n_bytes)
            .await
            .expect("the budget is never closed")
    }
}

pub(crate) struct Inbox {
    rdr: Reader,
    bytes: BytesMut,
    frames: Frames,
    budget: Option<Budget>,
    /// The place of the connection that messages come from, which is told of progress.
    seat: Option<Arc<Seat>>,
    /// Bytes that have come since it was told.
    n_untold: usize,
    /// Room for the message that is being read.
    reserve: Option<Share>,
    /// A message that waits for its share of the budget.
    waiting: Option<Bytes>,
}

impl Inbox {
    /// Reads messages of at most `limit` bytes. Those of a sender share a budget; without one they
    /// are short answers.
    pub(crate) fn new(rdr: Reader, limit: usize, sender: Option<(Budget, Arc<Seat>)>) -> Inbox {
        let (budget, seat) = sender.unzip();
        let (bytes, frames) = (BytesMut::new(), Frames::new(limit));
        Inbox { rdr, bytes, frames, budget, seat, n_untold: 0, reserve: None, waiting: None }
    }

    /// The next message and its share of the budget; `None` at the end. May be dropped and asked
    /// again.
    pub(crate) async fn frame(&mut self) -> Result<Option<(Bytes, Option<Share>)>, FrameError> {
        if self.waiting.is_none() {
            self.waiting = self.read().await?;
        }
        let Some(frame) = &self.waiting else { return Ok(None) };
        let share = match (&self.budget, self.reserve.take()) {
            (None, _) => None,
            (Some(_), Some(mut reserve)) => reserve.split(frame.len().min(reserve.num_permits())),
            (Some(budget), None) => {
                // It waits for others, and is not idle meanwhile.
                self.seat.iter().for_each(|seat| seat.busy());
                Some(budget.take(frame.len()).await)
            }
        };
        self.seat.iter().for_each(|seat| seat.progress());
        Ok(self.waiting.take().map(|frame| (frame, share)))
    }

    async fn read(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            if let Some(frame) = self.frames.decode(&mut self.bytes)? {
                return Ok(Some(frame));
            }
            if self.bytes.len() >= SMALL
                && self.reserve.is_none()
                && let Some(budget) = &self.budget
            {
                self.seat.iter().for_each(|seat| seat.busy());
                self.reserve = Some(budget.take(budget.max_chunk as usize).await);
                self.seat.iter().for_each(|seat| seat.progress());
            }
            self.make_room();
            let n_bytes = self.rdr.read_buf(&mut self.bytes).await?;
            if n_bytes == 0 {
                return Ok(None);
            }
            self.count(n_bytes);
        }
    }

    /// Bytes have come: every so many of them are progress, a few now and then are not.
    fn count(&mut self, n_bytes: usize) {
        self.n_untold += n_bytes;
        if self.n_untold >= PROGRESS {
            self.n_untold = 0;
            self.seat.iter().for_each(|seat| seat.progress());
        }
    }

    /// Makes room for what comes next: a little where nothing waits, and much where a message has
    /// begun.
    fn make_room(&mut self) {
        if self.bytes.is_empty() {
            // Messages that were cut out of it are done with, so this is all of the memory that
            // they had.
            if self.bytes.try_reclaim(2 * KEPT) {
                self.give_back();
            }
            self.bytes.reserve(KEPT);
        } else if self.bytes.capacity() - self.bytes.len() < KEPT {
            self.grow();
        }
    }

    fn give_back(&mut self) {
        let memory = std::mem::take(&mut self.bytes);
        if let Some(budget) = &self.budget {
            budget.memory.give(memory);
        }
    }

    fn grow(&mut self) {
        let Some(budget) = &self.budget else { return self.bytes.reserve(KEPT) };
        if self.bytes.len() < 2 * KEPT {
            let begun = std::mem::replace(&mut self.bytes, budget.memory.take());
            self.bytes.extend_from_slice(&begun);
        }
        self.bytes.reserve(READ);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        msgpack::{ChunkScrubber, tests::long_part},
        policy::Policy,
        rules::RuleSet,
    };

    #[test]
    fn lines_that_go_on_take_their_share_and_what_is_too_much_is_forgotten() {
        let mut scrubber =
            ChunkScrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain");
        let budget = Budget::new(400 << 10, 64 << 10);
        let n_free = || budget.open.available_permits();
        let part = long_part();
        let (mut seams, mut share) = (Seams::default(), None);
        let mut kept = Vec::new();
        for tag in [b"a", b"b", b"c"] {
            let _ = scrubber
                .scrub_next_events(&mut seams, tag, &part, &mut Vec::new())
                .expect("it is a chunk");
            budget.cover(&mut seams, &mut share);
            assert_eq!(n_free() + seams.n_bytes(), 100 << 10);
            kept.push(seams.n_bytes());
        }
        assert!(kept.iter().all(|n_bytes| (50 << 10..=100 << 10).contains(n_bytes)), "{kept:?}");
        // Another connection finds no room.
        let (mut other, mut its_share) = (Seams::default(), None);
        let _ = scrubber
            .scrub_next_events(&mut other, b"a", &part, &mut Vec::new())
            .expect("it is a chunk");
        budget.cover(&mut other, &mut its_share);
        assert_eq!(other.n_bytes(), 0);
        seams.forget_down_to(0);
        budget.cover(&mut seams, &mut share);
        assert_eq!(n_free(), 100 << 10);
    }
}
