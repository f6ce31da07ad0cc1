//! A scrubbed message on its way to the next hop, the disk queue or the output.

use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::{budget::BudgetPermit, buffer_pool::PooledBuffer};

/// A scrubbed message to deliver.
pub(crate) struct Delivery {
    pub(crate) bytes: PooledBuffer,
    /// The chunk id by which the next hop acknowledges the message: a msgpack value.
    pub(crate) chunk_id: Vec<u8>,
    /// Whether the sender keeps the message until it is acknowledged, and sends it again if not.
    pub(crate) is_kept_by_sender: bool,
    delivered: oneshot::Sender<()>,
    /// Part of the memory budget.
    pub(crate) permit: Option<BudgetPermit>,
    pub(crate) received_at: Instant,
}

/// Completes with `Ok` when the message is delivered, and with an error when it never will be.
pub(crate) type Delivered = oneshot::Receiver<()>;

/// The sending half of a queue of deliveries. Not bounded: the memory budget bounds its content.
pub(crate) type DeliverySender = mpsc::UnboundedSender<Delivery>;

pub(crate) type DeliveryReceiver = mpsc::UnboundedReceiver<Delivery>;

impl Delivery {
    /// A delivery that holds no part of the memory budget.
    pub(crate) fn new(bytes: PooledBuffer, chunk_id: Vec<u8>) -> (Delivery, Delivered) {
        let (delivered, receiver) = oneshot::channel();
        let delivery = Delivery {
            bytes,
            chunk_id,
            is_kept_by_sender: false,
            delivered,
            permit: None,
            received_at: Instant::now(),
        };
        (delivery, receiver)
    }

    /// Reports the message as delivered and frees its memory.
    pub(crate) fn complete(self) {
        // The sender may have disconnected; then nobody waits for this.
        let _ = self.delivered.send(());
    }

    /// Whether nobody waits for the delivery any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.delivered.is_closed()
    }
}
