//! The way to the next hop: messages in order over one connection, each kept until it has been
//! acknowledged.
//!
//! When the connection is lost, what was not acknowledged is sent again over the next one, in
//! order: at least once, and never out of order. With several targets a link begins with the one
//! whose turn it is and goes on to the next when one fails.

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
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;

use super::{
    address::Address,
    buffer_pool::Buffer,
    codec::{acknowledged, name_of},
    handshake::{self, Badge},
    net::{self, Socket, Writer},
    reader::{Inbox, Share},
    shutdown::Shutdown,
    until,
};
use crate::report::prometheus::Metrics;

/// No answer of the next hop is longer.
const LONGEST_ANSWER: usize = 64 << 10;

/// A connection that takes longer to come about is given up.
const CONNECT: Duration = Duration::from_secs(10);

/// The first wait after a failure, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// So many messages are handed to the system by one call.
const MAX_RUNS: usize = 64;

/// A message on its way.
pub(crate) struct Job {
    pub(crate) bytes: Buffer,
    /// The name by which it is acknowledged: a value of msgpack.
    pub(crate) chunk: Vec<u8>,
    /// Whether its sender keeps it until it is acknowledged.
    pub(crate) is_kept: bool,
    /// Told when the message is safe.
    pub(crate) done: oneshot::Sender<()>,
    /// Its share of the budget.
    pub(crate) share: Option<Share>,
    pub(crate) came: Instant,
}

/// Where messages are handed in.
pub(crate) type Jobs = mpsc::UnboundedSender<Job>;

/// The next hops, and what is needed to reach them.
pub(crate) struct Targets {
    addresses: Vec<Address>,
    turn: AtomicUsize,
    tls: Option<TlsConnector>,
    badge: Option<Badge>,
    ack_timeout: Duration,
    metrics: Metrics,
    /// Whether the last attempt to connect succeeded.
    is_reached: AtomicBool,
}

impl Targets {
    pub(crate) fn new(
        addresses: Vec<Address>,
        tls: Option<TlsConnector>,
        badge: Option<Badge>,
        ack_timeout: Duration,
        metrics: Metrics,
    ) -> Targets {
        let (turn, is_reached) = (AtomicUsize::new(0), AtomicBool::new(true));
        Targets { addresses, turn, tls, badge, ack_timeout, metrics, is_reached }
    }

    /// Whether the next hop could be reached when that was tried last.
    pub(crate) fn is_reached(&self) -> bool {
        self.is_reached.load(Ordering::Relaxed)
    }

    /// A link of its own, which lasts until its messages are done and nobody can hand in more.
    pub(crate) fn link(self: &Arc<Targets>, shutdown: &Shutdown) -> Jobs {
        let (jobs, queue) = mpsc::unbounded_channel();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let link = Link {
            targets: Arc::clone(self),
            turn,
            queue,
            is_open: true,
            pending: VecDeque::new(),
        };
        shutdown.spawn(link.run());
        jobs
    }

    async fn connect(&self, turn: usize) -> Result<(Inbox, Writer), String> {
        let address = &self.addresses[turn % self.addresses.len()];
        let connected = timeout(CONNECT, async {
            let socket: Socket = net::connect(address, self.tls.as_ref())
                .await
                .map_err(|error| format!("{address}: {error}"))?;
            let (rdr, mut wtr) = net::halves(socket);
            let mut inbox = Inbox::new(rdr, LONGEST_ANSWER, None);
            if let Some(badge) = &self.badge {
                handshake::offer(&mut inbox, &mut wtr, badge)
                    .await
                    .map_err(|why| format!("{address}: {why}"))?;
            }
            Ok((inbox, wtr))
        });
        connected.await.unwrap_or_else(|_| {
            Err(format!("{address}: no connection within {} s", CONNECT.as_secs()))
        })
    }
}

/// A message that was handed in.
struct Pending {
    job: Job,
    is_acked: bool,
    n_times: u32,
}

struct Link {
    targets: Arc<Targets>,
    turn: usize,
    queue: mpsc::UnboundedReceiver<Job>,
    is_open: bool,
    pending: VecDeque<Pending>,
}

impl Link {
    async fn run(mut self) {
        let mut wait = WAITS.0;
        while self.is_due().await {
            match self.targets.connect(self.turn).await {
                Ok((inbox, wtr)) => {
                    self.targets.is_reached.store(true, Ordering::Relaxed);
                    wait = WAITS.0;
                    let Err(why) = self.serve(inbox, wtr).await else { continue };
                    tracing::warn!(
                        unacknowledged = self.pending.len(),
                        why,
                        "connection to the next hop lost"
                    );
                }
                Err(why) => {
                    self.targets.is_reached.store(false, Ordering::Relaxed);
                    tracing::warn!(why, "next hop not reached");
                }
            }
            self.turn += 1;
            sleep(wait).await;
            wait = (wait * 2).min(WAITS.1);
        }
    }

    /// Waits until there is something to send; `false` when there will be nothing more.
    async fn is_due(&mut self) -> bool {
        // What a sender keeps that has gone will be sent again by it.
        let (kept, gone): (VecDeque<_>, VecDeque<_>) = self
            .pending
            .drain(..)
            .partition(|pending| !(pending.job.is_kept && pending.job.done.is_closed()));
        self.pending = kept;
        gone.iter().for_each(|pending| self.forget(pending));
        if self.pending.is_empty() {
            match self.queue.recv().await {
                Some(job) => self.push(job),
                None => return false,
            }
        }
        true
    }

    fn push(&mut self, job: Job) {
        self.targets.metrics.queued_messages.inc();
        self.targets.metrics.queued_bytes.inc_by(job.bytes.len() as i64);
        self.pending.push_back(Pending { job, is_acked: false, n_times: 0 });
    }

    fn forget(&self, pending: &Pending) {
        self.targets.metrics.queued_messages.dec();
        self.targets.metrics.queued_bytes.dec_by(pending.job.bytes.len() as i64);
    }

    /// Sends over one connection until it is lost, or closed while nothing is due.
    async fn serve(&mut self, mut inbox: Inbox, mut wtr: Writer) -> Result<(), String> {
        let (mut n_sent, mut offset) = (0, 0);
        let mut progress = Instant::now();
        while self.is_open || !self.pending.is_empty() {
            let deadline = (!self.pending.is_empty()).then(|| progress + self.targets.ack_timeout);
            tokio::select! {
                job = self.queue.recv(), if self.is_open => match job {
                    Some(job) => {
                        if self.pending.is_empty() {
                            progress = Instant::now();
                        }
                        self.push(job);
                    }
                    None => self.is_open = false,
                },
                written = write_some(&mut wtr, &self.pending, n_sent, offset), if n_sent < self.pending.len() => {
                    let n_bytes = written.map_err(|error| format!("cannot be written: {error}"))?;
                    (n_sent, offset) = self.advance(n_sent, offset + n_bytes);
                    progress = Instant::now();
                }
                frame = inbox.frame() => match frame {
                    Ok(Some((frame, _))) => {
                        n_sent -= self.acknowledge(&frame, n_sent)?;
                        progress = Instant::now();
                    }
                    Ok(None) if self.pending.is_empty() => return Ok(()),
                    Ok(None) => return Err("closed by the next hop".to_owned()),
                    Err(error) => return Err(error.to_string()),
                },
                () = until(deadline) => return Err("no acknowledgement in time".to_owned()),
            }
        }
        Ok(())
    }

    /// Marks as sent what `offset` bytes, counted from the message `n_sent`, cover.
    fn advance(&mut self, mut n_sent: usize, mut offset: usize) -> (usize, usize) {
        while let Some(pending) = self.pending.get_mut(n_sent) {
            if offset < pending.job.bytes.len() {
                break;
            }
            offset -= pending.job.bytes.len();
            self.targets.metrics.resent.inc_by(u64::from(pending.n_times > 0));
            self.targets.metrics.bytes_out.inc_by(pending.job.bytes.len() as u64);
            pending.n_times += 1;
            n_sent += 1;
        }
        (n_sent, offset)
    }

    /// Takes an acknowledgement; answers how many messages are done with, from the front.
    fn acknowledge(&mut self, frame: &[u8], n_sent: usize) -> Result<usize, String> {
        let Some(name) = acknowledged(frame) else {
            return Err(
                "something else than an acknowledgement: does it ask for a shared key?".to_owned()
            );
        };
        // Equal chunks have equal names with Fluent Bit: the first one that waits is meant.
        let sent = self.pending.iter_mut().take(n_sent);
        let mut named =
            sent.filter(|pending| !pending.is_acked && name_of(&pending.job.chunk) == name);
        if let Some(pending) = named.next() {
            pending.is_acked = true;
            self.targets.metrics.acks_received.inc();
            self.targets.metrics.observe(pending.job.came.elapsed());
        }
        let mut n_done = 0;
        while self.pending.front().is_some_and(|first| first.is_acked) {
            if let Some(first) = self.pending.pop_front() {
                self.forget(&first);
                drop(first.job.share);
                // A sender that has gone asks nobody.
                let _ = first.job.done.send(());
                n_done += 1;
            }
        }
        Ok(n_done)
    }
}

/// Writes some of the messages from `n_sent` on, whose first `offset` bytes are written already.
async fn write_some(
    wtr: &mut Writer,
    pending: &VecDeque<Pending>,
    n_sent: usize,
    offset: usize,
) -> io::Result<usize> {
    let mut runs: Vec<IoSlice<'_>> = pending
        .iter()
        .skip(n_sent)
        .take(MAX_RUNS)
        .map(|pending| IoSlice::new(&pending.job.bytes))
        .collect();
    let mut rest = &mut runs[..];
    IoSlice::advance_slices(&mut rest, offset);
    let n_bytes = wtr.write_vectored(rest).await?;
    if n_bytes == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    wtr.flush().await?;
    Ok(n_bytes)
}
