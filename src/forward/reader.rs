//! The reading half of a connection: whole messages, within the shared memory budget.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio_util::codec::Decoder as _;

use super::{
    budget::{BudgetPermit, MemoryBudget},
    codec::{FrameCodec, FrameError},
    connection_table::{ConnectionSlot, PROGRESS_BYTES},
    net,
};

/// A longer message needs its part of the budget before more of it is read.
const SMALL_MESSAGE: usize = 64 << 10;

/// The buffer of an idle connection.
const IDLE_BUFFER: usize = 4 << 10;

/// The most bytes of one read call within a message.
const READ_SIZE: usize = 128 << 10;

/// Reads messages from a connection.
pub(crate) struct MessageReader {
    socket: net::Reader,
    bytes: BytesMut,
    codec: FrameCodec,
    /// Set for connections of senders; answers of the next hop are short and need no budget.
    sender: Option<Sender>,
    /// Permit for the message that is being read.
    reserved: Option<BudgetPermit>,
    /// A whole message that still needs a permit.
    decoded: Option<Bytes>,
}

/// What limits and observes the messages of a sender.
pub(crate) struct Sender {
    pub(crate) budget: MemoryBudget,
    pub(crate) slot: Arc<ConnectionSlot>,
    /// Bytes received since progress was last recorded in the slot.
    n_unreported: usize,
}

impl Sender {
    pub(crate) fn new(budget: MemoryBudget, slot: Arc<ConnectionSlot>) -> Sender {
        Sender { budget, slot, n_unreported: 0 }
    }

    /// Records progress every [`PROGRESS_BYTES`]; fewer bytes are no progress.
    fn count(&mut self, n_bytes: usize) {
        self.n_unreported += n_bytes;
        if self.n_unreported >= PROGRESS_BYTES {
            self.n_unreported = 0;
            self.slot.mark_progress();
        }
    }
}

impl MessageReader {
    /// Reads messages of at most `limit` bytes.
    pub(crate) fn new(socket: net::Reader, limit: usize, sender: Option<Sender>) -> MessageReader {
        MessageReader {
            socket,
            bytes: BytesMut::new(),
            codec: FrameCodec::new(limit),
            sender,
            reserved: None,
            decoded: None,
        }
    }

    /// The next message with its budget permit; `None` at the end of the stream.
    ///
    /// Cancel safe: a dropped future loses no bytes and no message.
    pub(crate) async fn next(
        &mut self,
    ) -> Result<Option<(Bytes, Option<BudgetPermit>)>, FrameError> {
        if self.decoded.is_none() {
            self.decoded = self.read().await?;
        }
        let Some(message) = &self.decoded else { return Ok(None) };
        let permit = match (&self.sender, self.reserved.take()) {
            (None, _) => None,
            (Some(_), Some(mut reserved)) => {
                reserved.split(message.len().min(reserved.num_permits()))
            }
            (Some(sender), None) => {
                // Waiting for other connections does not count as idle.
                sender.slot.mark_busy();
                Some(sender.budget.acquire(message.len()).await)
            }
        };
        if let Some(sender) = &self.sender {
            sender.slot.mark_progress();
        }
        Ok(self.decoded.take().map(|message| (message, permit)))
    }

    async fn read(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            if let Some(message) = self.codec.decode(&mut self.bytes)? {
                return Ok(Some(message));
            }
            self.reserve_budget().await;
            self.reserve_buffer();
            let n_bytes = self.socket.read_buf(&mut self.bytes).await?;
            if n_bytes == 0 {
                return Ok(None);
            }
            if let Some(sender) = &mut self.sender {
                sender.count(n_bytes);
            }
        }
    }

    /// Takes a permit for the largest message as soon as the current one is no longer small.
    async fn reserve_budget(&mut self) {
        if self.bytes.len() < SMALL_MESSAGE || self.reserved.is_some() {
            return;
        }
        if let Some(sender) = &self.sender {
            sender.slot.mark_busy();
            self.reserved = Some(sender.budget.acquire_largest().await);
            sender.slot.mark_progress();
        }
    }

    /// Makes space for the next read: little between messages, much within one.
    fn reserve_buffer(&mut self) {
        if self.bytes.is_empty() {
            // If the memory can be reclaimed, no message refers to it any more.
            if self.bytes.try_reclaim(2 * IDLE_BUFFER) {
                self.return_buffer();
            }
            self.bytes.reserve(IDLE_BUFFER);
        } else if self.bytes.capacity() - self.bytes.len() < IDLE_BUFFER {
            self.grow_buffer();
        }
    }

    fn return_buffer(&mut self) {
        let buffer = std::mem::take(&mut self.bytes);
        if let Some(sender) = &self.sender {
            sender.budget.buffers.give_back(buffer);
        }
    }

    fn grow_buffer(&mut self) {
        let Some(sender) = &self.sender else { return self.bytes.reserve(IDLE_BUFFER) };
        if self.bytes.len() < 2 * IDLE_BUFFER {
            let begun = std::mem::replace(&mut self.bytes, sender.budget.buffers.take());
            self.bytes.extend_from_slice(&begun);
        }
        self.bytes.reserve(READ_SIZE);
    }
}
