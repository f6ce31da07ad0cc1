//! The server side of one connection: each message is scrubbed, queued for delivery, and
//! acknowledged once it is delivered, in the order of arrival.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::{Bytes, BytesMut};
use tokio::{io::AsyncWriteExt as _, time::timeout};
use tokio_util::codec::Encoder as _;

use super::{
    budget::BudgetPermit,
    codec::{Ack, FrameCodec, FrameError},
    connection_table::ConnectionSlot,
    delivery::{Delivered, Delivery, DeliverySender},
    handshake,
    net::{self, Incoming, Writer},
    reader::{MessageReader, Sender},
    shared::Shared,
    shutdown::sleep_until,
};
use crate::{
    error::Error,
    msgpack::{
        TagStates,
        message::{Refusal, find_chunk_id},
    },
};

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most messages of one connection that are on their way.
const MAX_IN_FLIGHT: usize = 256;

/// How long to keep a half-closed connection for its remaining acknowledgements, and how long one
/// write of acknowledgements may take.
const LINGER: Duration = Duration::from_secs(30);

/// Longer messages are scrubbed with `block_in_place`, so that other connections proceed.
const LONG_MESSAGE: usize = 32 << 10;

/// Serves one connection until it ends.
pub(crate) async fn serve(shared: Arc<Shared>, incoming: Incoming, slot: ConnectionSlot) {
    shared.metrics.connections.inc();
    let slot = Arc::new(slot);
    let opened = tokio::select! {
        opened = timeout(HANDSHAKE_TIMEOUT, open(&shared, incoming, &slot)) => {
            opened.unwrap_or_else(|_| Err("handshake timeout".to_owned()))
        }
        () = slot.evicted() => {
            Err("no handshake yet, and the connection limit is reached".to_owned())
        }
    };
    let result = match opened {
        Ok((reader, writer)) => {
            Connection::new(&shared, reader, writer, Arc::clone(&slot)).run().await
        }
        Err(why) => Err(why),
    };
    if let Err(why) = result {
        shared.metrics.refused.inc();
        tracing::warn!(why, "connection closed");
    }
    shared.metrics.connections.dec();
}

async fn open(
    shared: &Shared,
    incoming: Incoming,
    slot: &Arc<ConnectionSlot>,
) -> Result<(MessageReader, Writer), String> {
    let socket = incoming.handshake().await.map_err(|error| format!("TLS: {error}"))?;
    let (reader, mut writer) = net::halves(socket);
    let sender = Sender::new(shared.budget.clone(), Arc::clone(slot));
    let mut reader = MessageReader::new(reader, shared.max_chunk, Some(sender));
    if let Some(auth) = &shared.auth {
        handshake::authenticate_client(&mut reader, &mut writer, auth).await?;
    }
    Ok((reader, writer))
}

/// A message that is not yet acknowledged to its sender.
struct Unacked {
    delivered: Delivered,
    /// The chunk id of the acknowledgement, if the sender asked for one.
    ack: Option<Vec<u8>>,
}

struct Connection<'s> {
    shared: &'s Shared,
    reader: MessageReader,
    writer: Writer,
    slot: Arc<ConnectionSlot>,
    /// Opened by the first message.
    deliveries: Option<DeliverySender>,
    unacked: VecDeque<Unacked>,
    codec: FrameCodec,
    /// State kept between messages, and its part of the memory budget.
    states: TagStates,
    states_permit: Option<BudgetPermit>,
    /// Whether more messages are read.
    is_reading: bool,
    /// When the sender closed its side.
    closed_at: Option<Instant>,
    ids: ChunkIds,
}

impl<'s> Connection<'s> {
    fn new(
        shared: &'s Shared,
        reader: MessageReader,
        writer: Writer,
        slot: Arc<ConnectionSlot>,
    ) -> Connection<'s> {
        Connection {
            shared,
            reader,
            writer,
            slot,
            deliveries: None,
            unacked: VecDeque::new(),
            codec: FrameCodec::new(shared.max_chunk),
            states: TagStates::default(),
            states_permit: None,
            is_reading: true,
            closed_at: None,
            ids: ChunkIds::new(),
        }
    }

    async fn run(&mut self) -> Result<(), String> {
        self.slot.mark_progress();
        while self.is_reading || !self.unacked.is_empty() {
            let is_idle = self.is_reading && self.unacked.is_empty();
            tokio::select! {
                // Acknowledgements first: they free memory.
                biased;
                is_delivered = oldest(&mut self.unacked), if !self.unacked.is_empty() => {
                    if !is_delivered {
                        return Err("a message could not be delivered".to_owned());
                    }
                    self.acknowledge().await?;
                }
                () = self.shared.shutdown.started(), if self.is_reading => self.is_reading = false,
                message = self.reader.next(), if self.is_reading && self.unacked.len() < MAX_IN_FLIGHT => {
                    self.handle_read(message)?;
                }
                // After reading: data that has already arrived counts before the timeout.
                () = sleep_until(self.slot.idle_deadline(self.shared.idle_timeout)), if is_idle => {
                    if self.is_idle_too_long() {
                        self.report_idle_close("idle connection closed");
                        return Ok(());
                    }
                }
                () = self.slot.evicted(), if is_idle => {
                    self.report_idle_close("idle connection closed: the connection limit is reached");
                    return Ok(());
                }
                () = sleep_until(self.closed_at.map(|at| at + LINGER)), if !self.is_reading => {
                    // Nobody reads these acknowledgements any more; the senders will retry.
                    self.unacked.retain(|unacked| unacked.ack.is_none());
                    self.closed_at = None;
                }
            }
        }
        Ok(())
    }

    fn handle_read(
        &mut self,
        read: Result<Option<(Bytes, Option<BudgetPermit>)>, FrameError>,
    ) -> Result<(), String> {
        match read {
            Ok(Some((message, permit))) => self.handle_message(&message, permit),
            // A reset connection is treated like a closed one.
            Ok(None) | Err(FrameError::Io(_)) => {
                self.close();
                Ok(())
            }
            Err(error) => {
                self.shared.metrics.count_withheld();
                Err(error.to_string())
            }
        }
    }

    fn is_idle_too_long(&self) -> bool {
        self.slot
            .idle_deadline(self.shared.idle_timeout)
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Counts the closing of a connection that waits for nothing. Its sender can reconnect.
    fn report_idle_close(&self, what: &'static str) {
        self.shared.metrics.idle.inc();
        tracing::info!("{what}");
    }

    /// The sender has closed its side: no more messages, but acknowledgements may still be due.
    fn close(&mut self) {
        self.is_reading = false;
        self.closed_at = Some(Instant::now());
    }

    fn handle_message(
        &mut self,
        message: &Bytes,
        permit: Option<BudgetPermit>,
    ) -> Result<(), String> {
        let received_at = Instant::now();
        let chunk_id = self.ids.next();
        let (scrubbers, states) = (&self.shared.scrubbers, &mut self.states);
        let passed = if message.len() > LONG_MESSAGE {
            tokio::task::block_in_place(|| scrubbers.pass_message(message, &chunk_id, states))
        } else {
            scrubbers.pass_message(message, &chunk_id, states)
        };
        self.shared.budget.cover(&mut self.states, &mut self.states_permit);
        let (passed, bytes) = match passed {
            Ok(passed) => passed,
            Err(Refusal::Stopped) => {
                // If the channel is full, the program is already stopping.
                let _ = self.shared.stop.try_send(Error::fault());
                return Err("a message or record could not be examined".to_owned());
            }
            Err(refusal) => {
                self.withhold(message, &refusal);
                return Ok(());
            }
        };
        let is_kept_by_sender = passed.ack.is_some();
        let is_empty = bytes.is_empty();
        let (mut delivery, delivered) = Delivery::new(bytes, passed.chunk_id);
        delivery.is_kept_by_sender = is_kept_by_sender;
        delivery.permit = permit;
        delivery.received_at = received_at;
        self.expect_delivery(delivered, passed.ack);
        if is_empty {
            // The policy dropped its only record.
            delivery.complete();
            return Ok(());
        }
        let deliveries = self
            .deliveries
            .get_or_insert_with(|| self.shared.destination.sender(&self.shared.shutdown));
        deliveries.send(delivery).map_err(|_| "the destination has stopped".to_owned())
    }

    /// Drops a message that cannot be examined, but acknowledges it: a retry would fail in the same
    /// way and block the messages behind it forever.
    fn withhold(&mut self, message: &Bytes, refusal: &Refusal) {
        tracing::warn!(why = %refusal, bytes = message.len(), "message withheld");
        let (delivery, delivered) = Delivery::new(Vec::new().into(), Vec::new());
        self.expect_delivery(delivered, find_chunk_id(message).map(<[u8]>::to_vec));
        delivery.complete();
    }

    /// Acknowledges with `ack` once the message is delivered.
    fn expect_delivery(&mut self, delivered: Delivered, ack: Option<Vec<u8>>) {
        self.slot.mark_busy();
        self.unacked.push_back(Unacked { delivered, ack });
    }

    /// Acknowledges the oldest message, and all behind it that are delivered too, by one write.
    async fn acknowledge(&mut self) -> Result<(), String> {
        let mut bytes = BytesMut::new();
        let mut next = self.unacked.pop_front();
        while let Some(unacked) = next {
            if let Some(chunk_id) = &unacked.ack {
                self.codec.encode(Ack(chunk_id), &mut bytes).map_err(|error| error.to_string())?;
                self.shared.metrics.acks_sent.inc();
            }
            let is_next_delivered =
                self.unacked.front_mut().is_some_and(|next| next.delivered.try_recv().is_ok());
            next = if is_next_delivered { self.unacked.pop_front() } else { None };
        }
        if !bytes.is_empty() && !self.write(&bytes).await {
            // The sender is gone or does not read. Its messages are delivered all the same.
            self.close();
        }
        if self.unacked.is_empty() {
            self.slot.mark_progress();
        }
        Ok(())
    }

    /// Writes acknowledgements; whether the sender took them in time.
    async fn write(&mut self, bytes: &[u8]) -> bool {
        let written = async {
            self.writer.write_all(bytes).await?;
            self.writer.flush().await
        };
        matches!(timeout(LINGER, written).await, Ok(Ok(())))
    }
}

/// Waits for the oldest message; whether it was delivered.
async fn oldest(unacked: &mut VecDeque<Unacked>) -> bool {
    match unacked.front_mut() {
        Some(oldest) => (&mut oldest.delivered).await.is_ok(),
        None => std::future::pending().await,
    }
}

/// Chunk ids for messages whose sender gave none that is usable.
struct ChunkIds {
    connection: [u8; 8],
    n_messages: u64,
}

impl ChunkIds {
    fn new() -> ChunkIds {
        let mut connection = [0; 8];
        // Ids must only differ among messages in flight; without randomness the counter suffices.
        let _ = getrandom::fill(&mut connection);
        ChunkIds { connection, n_messages: 0 }
    }

    fn next(&mut self) -> String {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.connection);
        id[8..].copy_from_slice(&self.n_messages.to_be_bytes());
        self.n_messages += 1;
        BASE64.encode(id)
    }
}
