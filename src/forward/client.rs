//! The client side: delivers messages to the next hop in order over one connection, and keeps each
//! until it is acknowledged.
//!
//! When a connection is lost, unacknowledged messages are sent again over the next one, in order:
//! at-least-once delivery without reordering. With several next hops, clients start round-robin and
//! fail over to the following address. Retries back off exponentially.

use std::{
    collections::VecDeque,
    io::{self, IoSlice},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::AsyncWriteExt as _,
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;

use super::{
    address::Address,
    codec::{acknowledged_id, id_content},
    delivery::{Delivery, DeliveryReceiver, DeliverySender},
    handshake::{self, ClientAuth},
    net::{self, Socket, Writer},
    reader::MessageReader,
    shutdown::{Shutdown, sleep_until},
};
use crate::report::prometheus::Metrics;

/// The most bytes of an answer of the next hop.
const MAX_ANSWER: usize = 64 << 10;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

const MIN_BACKOFF: Duration = Duration::from_millis(100);

const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// The most messages of one vectored write.
const MAX_WRITE_VECTORS: usize = 64;

/// The next hops, and how to reach them.
pub(crate) struct NextHops {
    pub(crate) addresses: Vec<Address>,
    pub(crate) tls: Option<TlsConnector>,
    pub(crate) auth: Option<ClientAuth>,
    pub(crate) ack_timeout: Duration,
    pub(crate) metrics: Metrics,
    pub(crate) status: NextHopStatus,
}

/// What all clients know about the next hops.
pub(crate) struct NextHopStatus {
    /// Counts clients, for round-robin.
    n_clients: AtomicUsize,
    /// Whether the last attempt to connect succeeded.
    is_reachable: AtomicBool,
}

impl Default for NextHopStatus {
    fn default() -> NextHopStatus {
        NextHopStatus { n_clients: AtomicUsize::new(0), is_reachable: AtomicBool::new(true) }
    }
}

impl NextHops {
    /// Whether the last attempt to connect succeeded.
    pub(crate) fn is_reachable(&self) -> bool {
        self.status.is_reachable.load(Ordering::Relaxed)
    }

    /// Starts a client with its own connection. It ends when its queue is closed and everything in
    /// it is delivered.
    pub(crate) fn start_client(self: &Arc<NextHops>, shutdown: &Shutdown) -> DeliverySender {
        let (sender, queue) = mpsc::unbounded_channel();
        let client = Client {
            next_hops: Arc::clone(self),
            index: self.status.n_clients.fetch_add(1, Ordering::Relaxed),
            queue,
            is_queue_open: true,
            unacked: VecDeque::new(),
        };
        shutdown.spawn_delivery(client.run());
        sender
    }

    /// Connects and authenticates to the address at `index`, which wraps around.
    async fn connect(&self, index: usize) -> Result<(MessageReader, Writer), String> {
        let address = &self.addresses[index % self.addresses.len()];
        match timeout(CONNECT_TIMEOUT, self.connect_to(address)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(why)) => Err(format!("{address}: {why}")),
            Err(_) => {
                Err(format!("{address}: no connection within {} s", CONNECT_TIMEOUT.as_secs()))
            }
        }
    }

    async fn connect_to(&self, address: &Address) -> Result<(MessageReader, Writer), String> {
        let socket: Socket =
            net::connect(address, self.tls.as_ref()).await.map_err(|error| error.to_string())?;
        let (reader, mut writer) = net::halves(socket);
        let mut reader = MessageReader::new(reader, MAX_ANSWER, None);
        if let Some(auth) = &self.auth {
            handshake::authenticate_to_server(&mut reader, &mut writer, auth).await?;
        }
        Ok((reader, writer))
    }
}

/// A message that the next hop has not acknowledged.
struct Unacked {
    delivery: Delivery,
    is_acked: bool,
    /// How often it was sent.
    n_sent: u32,
}

struct Client {
    next_hops: Arc<NextHops>,
    /// The address to use, modulo their number.
    index: usize,
    queue: DeliveryReceiver,
    is_queue_open: bool,
    unacked: VecDeque<Unacked>,
}

impl Client {
    async fn run(mut self) {
        let mut backoff = MIN_BACKOFF;
        while self.wait_for_work().await {
            match self.next_hops.connect(self.index).await {
                Ok((reader, writer)) => {
                    self.next_hops.status.is_reachable.store(true, Ordering::Relaxed);
                    backoff = MIN_BACKOFF;
                    let Err(why) = self.serve(reader, writer).await else { continue };
                    tracing::warn!(
                        unacknowledged = self.unacked.len(),
                        why,
                        "connection to the next hop lost"
                    );
                }
                Err(why) => {
                    self.next_hops.status.is_reachable.store(false, Ordering::Relaxed);
                    tracing::warn!(why, "cannot connect to the next hop");
                }
            }
            self.index += 1;
            sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    /// Waits until there is a message to send; `false` when there will be no more.
    async fn wait_for_work(&mut self) -> bool {
        // A sender that has disconnected sends the messages it keeps again by itself.
        let (needed, abandoned): (VecDeque<_>, VecDeque<_>) =
            self.unacked.drain(..).partition(|unacked| {
                !(unacked.delivery.is_kept_by_sender && unacked.delivery.is_abandoned())
            });
        self.unacked = needed;
        abandoned.iter().for_each(|unacked| self.uncount(unacked));
        if self.unacked.is_empty() {
            match self.queue.recv().await {
                Some(delivery) => self.push(delivery),
                None => return false,
            }
        }
        true
    }

    fn push(&mut self, delivery: Delivery) {
        self.next_hops.metrics.queued_messages.inc();
        self.next_hops.metrics.queued_bytes.inc_by(delivery.bytes.len() as i64);
        self.unacked.push_back(Unacked { delivery, is_acked: false, n_sent: 0 });
    }

    fn uncount(&self, unacked: &Unacked) {
        self.next_hops.metrics.queued_messages.dec();
        self.next_hops.metrics.queued_bytes.dec_by(unacked.delivery.bytes.len() as i64);
    }

    /// Sends over one connection until it is lost, or closed by the next hop while idle.
    async fn serve(&mut self, mut reader: MessageReader, mut writer: Writer) -> Result<(), String> {
        let mut position = SendPosition::default();
        let mut last_progress = Instant::now();
        while self.is_queue_open || !self.unacked.is_empty() {
            let deadline =
                (!self.unacked.is_empty()).then(|| last_progress + self.next_hops.ack_timeout);
            tokio::select! {
                delivery = self.queue.recv(), if self.is_queue_open => match delivery {
                    Some(delivery) => {
                        if self.unacked.is_empty() {
                            last_progress = Instant::now();
                        }
                        self.push(delivery);
                    }
                    None => self.is_queue_open = false,
                },
                written = write_some(&mut writer, &self.unacked, position), if position.n_sent < self.unacked.len() => {
                    let n_bytes = written.map_err(|error| format!("cannot write: {error}"))?;
                    position = self.advance(position, n_bytes);
                    last_progress = Instant::now();
                }
                answer = reader.next() => match answer {
                    Ok(Some((answer, _))) => {
                        position.n_sent -= self.acknowledge(&answer, position.n_sent)?;
                        last_progress = Instant::now();
                    }
                    Ok(None) if self.unacked.is_empty() => return Ok(()),
                    Ok(None) => return Err("closed by the next hop".to_owned()),
                    Err(error) => return Err(error.to_string()),
                },
                () = sleep_until(deadline) => return Err("no acknowledgement within --ack-timeout".to_owned()),
            }
        }
        Ok(())
    }

    /// Moves `position` over `n_bytes` that were written.
    fn advance(&mut self, mut position: SendPosition, n_bytes: usize) -> SendPosition {
        position.offset += n_bytes;
        while let Some(unacked) = self.unacked.get_mut(position.n_sent) {
            let length = unacked.delivery.bytes.len();
            if position.offset < length {
                break;
            }
            position.offset -= length;
            position.n_sent += 1;
            self.next_hops.metrics.resent.inc_by(u64::from(unacked.n_sent > 0));
            self.next_hops.metrics.bytes_out.inc_by(length as u64);
            unacked.n_sent += 1;
        }
        position
    }

    /// Handles an acknowledgement. Returns how many messages, from the front, are now delivered.
    fn acknowledge(&mut self, answer: &[u8], n_sent: usize) -> Result<usize, String> {
        let Some(id) = acknowledged_id(answer) else {
            return Err(
                "the answer is not an acknowledgement; does the next hop require a shared key?"
                    .to_owned(),
            );
        };
        // Fluent Bit gives equal chunks equal ids: the acknowledgement is for the oldest of them.
        let acked = self
            .unacked
            .iter_mut()
            .take(n_sent)
            .find(|unacked| !unacked.is_acked && id_content(&unacked.delivery.chunk_id) == id);
        if let Some(unacked) = acked {
            unacked.is_acked = true;
            self.next_hops.metrics.acks_received.inc();
            self.next_hops.metrics.observe_latency(unacked.delivery.received_at.elapsed());
        }
        let mut n_delivered = 0;
        while self.unacked.front().is_some_and(|oldest| oldest.is_acked)
            && let Some(oldest) = self.unacked.pop_front()
        {
            self.uncount(&oldest);
            oldest.delivery.complete();
            n_delivered += 1;
        }
        Ok(n_delivered)
    }
}

/// How far the unacknowledged messages were written to the current connection.
#[derive(Clone, Copy, Default)]
struct SendPosition {
    /// Messages that were written completely.
    n_sent: usize,
    /// Bytes of the next message that were written.
    offset: usize,
}

/// Writes some of the messages from `position` on.
async fn write_some(
    writer: &mut Writer,
    unacked: &VecDeque<Unacked>,
    position: SendPosition,
) -> io::Result<usize> {
    let mut slices: Vec<IoSlice<'_>> = unacked
        .iter()
        .skip(position.n_sent)
        .take(MAX_WRITE_VECTORS)
        .map(|unacked| IoSlice::new(&unacked.delivery.bytes))
        .collect();
    let mut rest = &mut slices[..];
    IoSlice::advance_slices(&mut rest, position.offset);
    let n_bytes = writer.write_vectored(rest).await?;
    if n_bytes == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    writer.flush().await?;
    Ok(n_bytes)
}
