//! A connection that messages come from: each is scrubbed, handed on, and acknowledged when it is
//! safe, in the order they came.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::{Bytes, BytesMut};
use tokio::{io::AsyncWriteExt as _, sync::oneshot, time::timeout};
use tokio_util::codec::Encoder as _;

use super::{
    Next,
    client::{Job, Jobs},
    codec::{Ack, FrameError, Frames},
    connections::Seat,
    handshake::{self, Guard},
    net::{self, Accepted, Writer},
    reader::{Budget, Inbox, Share},
    scrubbers::Engine,
    shutdown::Shutdown,
    until,
};
use crate::{
    error::Error,
    msgpack::{
        Seams,
        message::{Refusal, name_of_unread},
    },
    report::prometheus::Metrics,
};

/// A peer that takes longer to show who it is goes.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// So many messages of one connection may be on their way.
const WINDOW: usize = 256;

/// A sender that has closed its side may still read acknowledgements for so long.
const LINGER: Duration = Duration::from_secs(30);

/// Messages longer than this are scrubbed while other connections' go on elsewhere.
const LONG: usize = 32 << 10;

/// What all connections share.
pub(crate) struct Desk {
    pub(crate) engine: Engine,
    pub(crate) guard: Option<Guard>,
    pub(crate) next: Next,
    pub(crate) budget: Budget,
    pub(crate) max_chunk: usize,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: Shutdown,
    /// Told when the policy is to stop.
    pub(crate) stop: tokio::sync::mpsc::Sender<Error>,
}

/// Serves one connection to its end.
pub(crate) async fn serve(desk: Arc<Desk>, accepted: Accepted, seat: Seat) {
    desk.metrics.connections.inc();
    let seat = Arc::new(seat);
    let opened = tokio::select! {
        opened = timeout(HANDSHAKE, open(&desk, accepted, &seat)) => opened.unwrap_or_else(|_| Err("no handshake in time".to_owned())),
        () = seat.asked() => Err("no handshake while others waited for its place".to_owned()),
    };
    let result = match opened {
        Ok((inbox, wtr)) => Peer::new(&desk, inbox, wtr, Arc::clone(&seat)).run().await,
        Err(why) => Err(why),
    };
    if let Err(why) = result {
        desk.metrics.refused.inc();
        tracing::warn!(why, "connection closed");
    }
    desk.metrics.connections.dec();
}

async fn open(
    desk: &Desk,
    accepted: Accepted,
    seat: &Arc<Seat>,
) -> Result<(Inbox, Writer), String> {
    let socket = accepted.secured().await.map_err(|error| format!("TLS: {error}"))?;
    let (rdr, mut wtr) = net::halves(socket);
    let mut inbox = Inbox::new(rdr, desk.max_chunk, Some((desk.budget.clone(), Arc::clone(seat))));
    if let Some(guard) = &desk.guard {
        handshake::receive(&mut inbox, &mut wtr, guard).await?;
    }
    Ok((inbox, wtr))
}

/// A message that is on its way.
struct Waiting {
    done: oneshot::Receiver<()>,
    /// The name that its sender wants to hear.
    ack: Option<Vec<u8>>,
}

struct Peer<'d> {
    desk: &'d Desk,
    inbox: Inbox,
    wtr: Writer,
    seat: Arc<Seat>,
    jobs: Option<Jobs>,
    waiting: VecDeque<Waiting>,
    codec: Frames,
    /// What is open between its messages, and its share of the memory for that.
    seams: Seams,
    open: Option<Share>,
    is_open: bool,
    /// When the sender said its last word.
    gone: Option<Instant>,
    /// Names for messages that have none.
    name: [u8; 8],
    n_messages: u64,
}

impl<'d> Peer<'d> {
    fn new(desk: &'d Desk, inbox: Inbox, wtr: Writer, seat: Arc<Seat>) -> Peer<'d> {
        let mut name = [0; 8];
        // A name must differ from others that are on their way, no more; where no randomness is to
        // be had, a counter will do.
        let _ = getrandom::fill(&mut name);
        let codec = Frames::new(desk.max_chunk);
        Peer {
            desk,
            inbox,
            wtr,
            seat,
            jobs: None,
            waiting: VecDeque::new(),
            codec,
            seams: Seams::default(),
            open: None,
            is_open: true,
            gone: None,
            name,
            n_messages: 0,
        }
    }

    async fn run(&mut self) -> Result<(), String> {
        self.seat.progress();
        while self.is_open || !self.waiting.is_empty() {
            let is_idle = self.is_open && self.waiting.is_empty();
            tokio::select! {
                // Acknowledgements first: they make room.
                biased;
                done = first(&mut self.waiting), if !self.waiting.is_empty() => self.acknowledge(done).await?,
                () = self.desk.shutdown.begun(), if self.is_open => self.is_open = false,
                frame = self.inbox.frame(), if self.is_open && self.waiting.len() < WINDOW => match frame {
                    Ok(Some((frame, share))) => self.take(&frame, share).await?,
                    // A connection that is reset ends like one that is closed.
                    Ok(None) | Err(FrameError::Io(_)) => self.close(),
                    Err(error) => {
                        self.desk.metrics.withhold();
                        return Err(error.to_string());
                    }
                },
                // Behind the frame: what has come already is read before it is judged.
                () = until(self.seat.deadline(self.desk.idle_timeout)), if is_idle => if self.is_idle_too_long() {
                    return self.let_go("idle connection closed");
                },
                () = self.seat.asked(), if is_idle => return self.let_go("idle connection closed: another one needs its place"),
                () = until(self.gone.map(|gone| gone + LINGER)), if !self.is_open => {
                    // Nobody waits for these acknowledgements: their senders will send the messages
                    // again.
                    self.waiting.retain(|waiting| waiting.ack.is_none());
                    self.gone = None;
                }
            }
        }
        Ok(())
    }

    fn is_idle_too_long(&self) -> bool {
        self.seat
            .deadline(self.desk.idle_timeout)
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Ends a connection that owes nothing and is owed nothing; its sender can come again.
    fn let_go(&self, what: &'static str) -> Result<(), String> {
        self.desk.metrics.idle.inc();
        tracing::info!("{what}");
        Ok(())
    }

    fn close(&mut self) {
        self.is_open = false;
        self.gone = Some(Instant::now());
    }

    async fn take(&mut self, frame: &Bytes, share: Option<Share>) -> Result<(), String> {
        let came = Instant::now();
        let mut name = [0; 16];
        name[..8].copy_from_slice(&self.name);
        name[8..].copy_from_slice(&self.n_messages.to_be_bytes());
        self.n_messages += 1;
        let name = BASE64.encode(name);
        let passed = if frame.len() > LONG {
            tokio::task::block_in_place(|| self.desk.engine.pass(frame, &name, &mut self.seams))
        } else {
            self.desk.engine.pass(frame, &name, &mut self.seams)
        };
        self.desk.budget.cover(&mut self.seams, &mut self.open);
        let (passed, bytes) = match passed {
            Ok(passed) => passed,
            Err(Refusal::Stopped) => {
                // When the hop ends already, it needs no second reason.
                let _ = self.desk.stop.try_send(Error::fault());
                return Err("a message or record that could not be examined".to_owned());
            }
            Err(refusal) => {
                self.withhold(frame, &refusal);
                return Ok(());
            }
        };
        let is_kept = passed.ack.is_some();
        let done = self.wait(passed.ack);
        if bytes.is_empty() {
            // Its only record was left out, as the policy says.
            let _ = done.send(()); // the receiver stands in the queue
            return Ok(());
        }
        let job = Job { bytes, chunk: passed.chunk, is_kept, done, share, came };
        let jobs = self.jobs.get_or_insert_with(|| self.desk.next.jobs(&self.desk.shutdown));
        jobs.send(job).map_err(|_| "nothing is passed on any more".to_owned())
    }

    /// A message that cannot be examined goes nowhere. It is acknowledged all the same: sent again
    /// it would be what it was, and stand in the way of those behind it for ever.
    fn withhold(&mut self, frame: &Bytes, refusal: &Refusal) {
        tracing::warn!(why = %refusal, bytes = frame.len(), "message withheld");
        let done = self.wait(name_of_unread(frame).map(<[u8]>::to_vec));
        let _ = done.send(()); // the receiver stands in the queue
    }

    /// One more message is on its way; what is answered is told when it is safe.
    fn wait(&mut self, ack: Option<Vec<u8>>) -> oneshot::Sender<()> {
        let (done, receiver) = oneshot::channel();
        self.seat.busy();
        self.waiting.push_back(Waiting { done: receiver, ack });
        done
    }

    /// It is idle from now on, unless more messages are on their way.
    fn rest(&self) {
        if self.waiting.is_empty() {
            self.seat.progress();
        }
    }

    /// The oldest message is safe, or cannot become so any more.
    async fn acknowledge(&mut self, done: bool) -> Result<(), String> {
        if !done {
            return Err("a message could not be passed on".to_owned());
        }
        let mut bytes = BytesMut::new();
        // Whatever else is safe already goes with it.
        let mut next = self.waiting.pop_front();
        while let Some(waiting) = next {
            if let Some(chunk) = &waiting.ack {
                self.codec.encode(Ack(chunk), &mut bytes).map_err(|error| error.to_string())?;
                self.desk.metrics.acks_sent.inc();
            }
            let is_safe = self.waiting.front_mut().is_some_and(|next| next.done.try_recv().is_ok());
            next = if is_safe { self.waiting.pop_front() } else { None };
        }
        if bytes.is_empty() {
            self.rest();
            return Ok(());
        }
        let written = async {
            self.wtr.write_all(&bytes).await?;
            self.wtr.flush().await
        };
        if !matches!(timeout(LINGER, written).await, Ok(Ok(()))) {
            // The sender has gone, or reads nothing; what it has sent is passed on all the same.
            self.close();
        }
        self.rest();
        Ok(())
    }
}

async fn first(waiting: &mut VecDeque<Waiting>) -> bool {
    match waiting.front_mut() {
        Some(first) => (&mut first.done).await.is_ok(),
        None => std::future::pending().await,
    }
}
