//! The disk queue (`--spool`): messages wait on disk until the next hop acknowledges them.
//!
//! A message is appended to the newest segment. All messages that arrive during one `fsync` are
//! synced together by the next; then they are acknowledged to their senders. A second task reads
//! the segments in order and delivers them. It writes the position of the last delivered message to
//! `cursor` and removes segments that are done. After a crash, delivery resumes at the cursor: a
//! few messages may be delivered twice, none is lost.

mod segments;

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Seek as _, SeekFrom, Write as _},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Notify, mpsc, watch};

use self::segments::{Directory, Position, QueueEntry, read_entry, write_entry};
use super::{
    delivery::{Delivered, Delivery, DeliveryReceiver, DeliverySender},
    shutdown::Shutdown,
};
use crate::{error::Error, report::prometheus::Metrics};

/// A segment of this size gets no more entries.
const SEGMENT_SIZE: u64 = 16 << 20;

/// The most messages that are synced together.
const MAX_BATCH: usize = 1024;

/// The most messages that are on their way to the next hop.
const MAX_IN_FLIGHT: usize = 128;

/// How often the cursor is written. A crash repeats at most the messages of this time.
const CURSOR_INTERVAL: Duration = Duration::from_millis(200);

/// The wait before a failed read or write is retried.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// A running disk queue.
pub(crate) struct DiskQueue {
    sender: DeliverySender,
}

impl DiskQueue {
    /// Opens the queue in `path`, which holds at most `limit` bytes, and starts to deliver its
    /// content to `next`.
    pub(crate) fn start(
        (path, limit): (&Path, u64),
        next: DeliverySender,
        metrics: &Metrics,
        shutdown: &Shutdown,
    ) -> Result<DiskQueue, Error> {
        DiskQueue::try_start((path, limit), next, metrics, shutdown).map_err(|error| {
            Error::usage(format!("--spool {}: cannot be used", path.display())).because(error)
        })
    }

    fn try_start(
        (path, limit): (&Path, u64),
        next: DeliverySender,
        metrics: &Metrics,
        shutdown: &Shutdown,
    ) -> io::Result<DiskQueue> {
        let directory = Arc::new(Directory::open(path)?);
        let cursor = directory.cursor()?;
        let (file, end) = directory.recover(cursor)?;
        metrics.spooled_bytes.set(directory.n_bytes()?.cast_signed());
        let (sender, incoming) = mpsc::unbounded_channel();
        let synced = watch::Sender::new(end);
        let space_freed = Arc::new(Notify::new());
        let dequeuer = Dequeuer {
            directory: Arc::clone(&directory),
            next,
            metrics: metrics.clone(),
            space_freed: Arc::clone(&space_freed),
            file: None,
            position: cursor,
            delivered: cursor,
            cursor_written: Instant::now(),
        };
        shutdown.spawn_delivery(dequeuer.run(synced.subscribe()));
        let metrics = metrics.clone();
        let enqueuer = Enqueuer { directory, file, end, synced, space_freed, limit, metrics };
        shutdown.spawn_delivery(enqueuer.run(incoming));
        Ok(DiskQueue { sender })
    }

    pub(crate) fn sender(&self) -> DeliverySender {
        self.sender.clone()
    }
}

/// Appends incoming messages to the newest segment.
struct Enqueuer {
    directory: Arc<Directory>,
    file: File,
    end: Position,
    /// Publishes the position up to which the queue was written and synced.
    synced: watch::Sender<Position>,
    space_freed: Arc<Notify>,
    limit: u64,
    metrics: Metrics,
}

impl Enqueuer {
    async fn run(mut self, mut incoming: DeliveryReceiver) {
        let mut batch: Vec<Delivery> = Vec::new();
        while incoming.recv_many(&mut batch, MAX_BATCH).await > 0 {
            while self.metrics.spooled_bytes.get().cast_unsigned() >= self.limit {
                tracing::warn!("the spool has reached --spool-max; senders wait");
                self.space_freed.notified().await;
            }
            while let Err(error) = tokio::task::block_in_place(|| self.append(&batch)) {
                tracing::error!(%error, "cannot write to the spool; retrying");
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            batch.drain(..).for_each(Delivery::complete);
        }
    }

    fn append(&mut self, batch: &[Delivery]) -> io::Result<()> {
        if self.end.offset >= SEGMENT_SIZE {
            let next = self.end.next_segment();
            self.file = self.directory.create_segment(next.segment)?;
            self.end = next;
        }
        let mut bytes = Vec::new();
        for delivery in batch {
            write_entry(&delivery.chunk_id, &delivery.bytes, &mut bytes);
        }
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // The retry must not follow a partial entry.
            self.file.set_len(self.end.offset)?;
            self.file.seek(SeekFrom::Start(self.end.offset))?;
            return Err(error);
        }
        self.end.offset += bytes.len() as u64;
        self.metrics.spooled_bytes.inc_by(bytes.len() as i64);
        self.synced.send_replace(self.end);
        Ok(())
    }
}

/// Delivers what was written.
struct Dequeuer {
    directory: Arc<Directory>,
    next: DeliverySender,
    metrics: Metrics,
    space_freed: Arc<Notify>,
    /// The segment of `position`, once it is open.
    file: Option<File>,
    /// What is read next.
    position: Position,
    /// Everything before this was delivered.
    delivered: Position,
    cursor_written: Instant,
}

/// A message on its way to the next hop, and the position behind it.
struct InFlight {
    delivered: Delivered,
    end: Position,
}

impl Dequeuer {
    async fn run(mut self, mut synced: watch::Receiver<Position>) {
        let mut in_flight: VecDeque<InFlight> = VecDeque::new();
        let mut is_closed = false;
        loop {
            let end = *synced.borrow_and_update();
            let filled = tokio::task::block_in_place(|| self.fill(&mut in_flight, end));
            if let Err(error) = &filled {
                tracing::error!(%error, "cannot read the spool; retrying");
                // The retry opens the segment again and seeks to the entry.
                self.file = None;
            }
            if is_closed && in_flight.is_empty() && self.position >= end {
                return;
            }
            tokio::select! {
                delivered = oldest(&mut in_flight), if !in_flight.is_empty() => {
                    if !delivered {
                        return;
                    }
                    if let Some(InFlight { end, .. }) = in_flight.pop_front() {
                        self.finish(end, in_flight.len());
                    }
                }
                changed = synced.changed(), if !is_closed => is_closed = changed.is_err(),
                () = tokio::time::sleep(RETRY_INTERVAL), if filled.is_err() => {}
            }
        }
    }

    /// Reads and sends messages until enough are in flight, or everything up to `end` is.
    fn fill(&mut self, in_flight: &mut VecDeque<InFlight>, end: Position) -> io::Result<()> {
        while in_flight.len() < MAX_IN_FLIGHT && self.position < end {
            if let Some(entry) = self.read(end)? {
                in_flight.push_back(InFlight { delivered: self.send(entry), end: self.position });
            }
        }
        Ok(())
    }

    /// The next entry before `end`; `None` at the end of a segment.
    fn read(&mut self, end: Position) -> io::Result<Option<QueueEntry>> {
        let is_older_segment = self.position.segment < end.segment;
        let file = match &mut self.file {
            Some(file) => file,
            closed => match self.directory.open_segment(self.position) {
                // It was delivered and removed before the cursor was written.
                Err(error) if error.kind() == io::ErrorKind::NotFound && is_older_segment => {
                    self.position = self.position.next_segment();
                    return Ok(None);
                }
                opened => closed.insert(opened?),
            },
        };
        let entry = read_entry(file)?;
        match &entry {
            Some(entry) => self.position.offset += entry.n_bytes,
            None if is_older_segment => {
                if file.metadata()?.len() > self.position.offset {
                    tracing::error!(
                        segment = self.position.segment,
                        "the rest of a segment of the spool is corrupt and was skipped"
                    );
                }
                self.position = self.position.next_segment();
                self.file = None;
            }
            None => return Err(io::Error::new(io::ErrorKind::InvalidData, "corrupt entry")),
        }
        Ok(entry)
    }

    fn send(&self, entry: QueueEntry) -> Delivered {
        let (delivery, delivered) = Delivery::new(entry.message.into(), entry.chunk_id);
        // On failure the delivery is dropped, and `delivered` reports that.
        let _ = self.next.send(delivery);
        delivered
    }

    /// Records that everything before `end` was delivered.
    fn finish(&mut self, end: Position, n_in_flight: usize) {
        let is_next_segment = end.segment > self.delivered.segment;
        if n_in_flight == 0 || is_next_segment || self.cursor_written.elapsed() >= CURSOR_INTERVAL {
            self.cursor_written = Instant::now();
            if let Err(error) = tokio::task::block_in_place(|| self.directory.write_cursor(end)) {
                tracing::error!(%error, "cannot write the cursor of the spool");
                return;
            }
        }
        for number in self.delivered.segment..end.segment {
            self.remove_segment(number);
        }
        self.delivered = end;
    }

    fn remove_segment(&self, number: u64) {
        match self.directory.remove_segment(number) {
            Ok(Some(n_bytes)) => {
                self.metrics.spooled_bytes.dec_by(n_bytes.cast_signed());
                self.space_freed.notify_one();
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "cannot remove a segment of the spool"),
        }
    }
}

/// Waits for the oldest message in flight; whether it was delivered.
async fn oldest(in_flight: &mut VecDeque<InFlight>) -> bool {
    match in_flight.front_mut() {
        Some(oldest) => (&mut oldest.delivered).await.is_ok(),
        None => std::future::pending().await,
    }
}
