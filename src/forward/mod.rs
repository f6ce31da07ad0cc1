//! Servers, on tokio: the Forward hop between a sender (Fluent Bit, Fluentd, Docker, a logger) and
//! the next hop.
//!
//! A message is scrubbed, passed on, and acknowledged to its sender only when the next hop has
//! acknowledged it, or when it stands synced in the spool or the output file. Memory is bounded:
//! messages that wait share a budget, and nobody is read from while it is used up. Decoding and
//! scrubbing are functions of [`crate::msgpack`] that know no socket.

mod address;
mod admin;
mod buffer_pool;
mod client;
mod codec;
mod connection;
mod connections;
mod handshake;
mod local_output;
mod net;
mod queue;
mod reader;
mod scrubbers;
mod shutdown;
mod tls;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::timeout,
};

pub use self::codec::pass_stream;
pub(crate) use self::{
    address::{Address, Target},
    handshake::{Badge, Guard},
};
use self::{
    client::{Jobs, Targets},
    connection::Desk,
    connections::{Seat, Seats},
    net::Listener,
    queue::Spool,
    reader::Budget,
    scrubbers::Engine,
    shutdown::Shutdown,
};
use crate::{error::Error, msgpack::ChunkScrubber, report::prometheus::Metrics};

/// Files that are no connections: listeners, the spool, the log.
const SPARE_FILES: u64 = 64;

/// How the hop runs.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) listen: Vec<Address>,
    pub(crate) to: Vec<Target>,
    pub(crate) guard: Option<Guard>,
    pub(crate) badge: Option<Badge>,
    pub(crate) tls: TlsFiles,
    pub(crate) spool: Option<PathBuf>,
    pub(crate) spool_max: u64,
    pub(crate) max_connections: usize,
    /// How long a connection may be idle; `None`: for ever.
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) max_chunk: usize,
    pub(crate) max_pending: usize,
    pub(crate) strip_metadata: bool,
    pub(crate) ack_timeout: Duration,
    pub(crate) admin: Option<String>,
    /// How long messages may be on their way after SIGTERM.
    pub(crate) grace: Duration,
    /// 0: as many as there are cores.
    pub(crate) threads: usize,
}

/// Files in PEM.
#[derive(Debug, Default)]
pub(crate) struct TlsFiles {
    pub(crate) cert: Option<(PathBuf, PathBuf)>,
    pub(crate) client_ca: Option<PathBuf>,
    pub(crate) to_ca: Option<PathBuf>,
    pub(crate) to_cert: Option<(PathBuf, PathBuf)>,
}

/// Where scrubbed messages go.
pub(crate) enum Next {
    /// Each connection has a link of its own, so that its messages stay in order and wait for no
    /// other's.
    Hop(Arc<Targets>),
    /// All messages go one way: into the output.
    Local(Jobs),
    /// Into the spool, and from there to the next hop.
    Spool(Spool, Option<Arc<Targets>>),
}

impl Next {
    fn jobs(&self, shutdown: &Shutdown) -> Jobs {
        match self {
            Next::Hop(targets) => targets.link(shutdown),
            Next::Local(jobs) => jobs.clone(),
            Next::Spool(spool, _) => spool.jobs(),
        }
    }

    fn is_reached(&self) -> bool {
        match self {
            Next::Hop(targets) | Next::Spool(_, Some(targets)) => targets.is_reached(),
            Next::Local(_) | Next::Spool(_, None) => true,
        }
    }
}

/// Runs the hop until SIGTERM or SIGINT. `rules` makes the scrubber anew for SIGHUP. Answers
/// whether all that came could be examined.
pub(crate) fn run(
    options: Options,
    first: ChunkScrubber,
    rules: impl Fn() -> Result<ChunkScrubber, Error> + Send + 'static,
) -> Result<bool, Error> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if options.threads > 0 {
        builder.worker_threads(options.threads);
    }
    let runtime =
        builder.enable_all().build().map_err(|error| Error::input("the runtime", error))?;
    let result = runtime.block_on(serve(options, first, rules));
    // What is left may hold on to a socket or a disk; nothing of it was acknowledged.
    runtime.shutdown_background();
    result
}

async fn serve(
    options: Options,
    first: ChunkScrubber,
    rules: impl Fn() -> Result<ChunkScrubber, Error>,
) -> Result<bool, Error> {
    let failed = |error| Error::input("signals", error);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    let (stop, mut stopped) = mpsc::channel(1);
    let (reopen, reopened) = mpsc::channel(1);
    let (grace, is_spooled) = (options.grace, options.spool.is_some());
    let desk = open(&options, first, stop, reopened).await?;
    let result = loop {
        tokio::select! {
            Some(_) = terminate.recv() => break Ok(()),
            Some(_) = interrupt.recv() => break Ok(()),
            Some(error) = stopped.recv() => break Err(error),
            Some(_) = hangup.recv() => {
                // When one wish is not yet fulfilled, a second adds nothing.
                let _ = reopen.try_send(());
                reload(&desk, &rules);
            }
        }
    };
    tracing::info!("draining");
    let shutdown = desk.shutdown.clone();
    let metrics = desk.metrics.clone();
    shutdown.drain();
    let drained = timeout(grace, async {
        shutdown.peers_finished().await;
        drop(desk);
        shutdown.finished().await;
    });
    let is_drained = tokio::select! {
        drained = drained => drained.is_ok(),
        Some(_) = terminate.recv() => false,
    };
    let unexamined = metrics.incomplete();
    tracing::info!(is_drained, unacknowledged = metrics.queued_messages.get(), unexamined, "ended");
    result?;
    if is_drained || is_spooled || metrics.queued_messages.get() == 0 {
        return Ok(unexamined == 0);
    }
    Err(Error::output(
        "the next hop",
        std::io::Error::other("messages were not acknowledged within --grace"),
    ))
}

fn reload(desk: &Desk, rules: impl Fn() -> Result<ChunkScrubber, Error>) {
    match tokio::task::block_in_place(rules) {
        Ok(scrubber) => {
            desk.engine.exchange(scrubber);
            tracing::info!("configuration and rules were read anew");
        }
        Err(error) => {
            tracing::error!(%error, "configuration or rules are wrong; the old ones stay")
        }
    }
}

/// Opens everything; what cannot be opened ends the program before a message was taken.
async fn open(
    options: &Options,
    first: ChunkScrubber,
    stop: mpsc::Sender<Error>,
    reopened: mpsc::Receiver<()>,
) -> Result<Arc<Desk>, Error> {
    raise_file_limit(options.max_connections);
    let metrics = Metrics::new();
    let shutdown = Shutdown::new();
    let tls = &options.tls;
    let acceptor = match &tls.cert {
        Some((cert, key)) => Some(tls::acceptor(cert, key, tls.client_ca.as_deref())?),
        None => None,
    };
    let mut listeners = Vec::new();
    for address in &options.listen {
        let listener = Listener::bind(address, acceptor.as_ref()).await?;
        tracing::info!(address = listener.name(address), "listening");
        listeners.push(listener);
    }
    let admin = match &options.admin {
        Some(address) => Some(bind_admin(address).await?),
        None => None,
    };
    let next = next(options, &metrics, &shutdown, &stop, reopened)?;
    let desk = Arc::new(Desk {
        engine: Engine::new(first, metrics.clone(), options.strip_metadata, options.max_chunk),
        guard: options.guard.clone(),
        next,
        budget: Budget::new(options.max_pending, options.max_chunk),
        max_chunk: options.max_chunk,
        idle_timeout: options.idle_timeout,
        metrics,
        shutdown,
        stop,
    });
    let seats = Seats::new(options.max_connections);
    for listener in listeners {
        desk.shutdown.spawn_peer(accept(Arc::clone(&desk), listener, Arc::clone(&seats)));
    }
    if let Some(listener) = admin {
        let admin = admin::serve(listener, Arc::clone(&desk));
        let shutdown = desk.shutdown.clone();
        // It answers while messages are on their way, and must not keep them from ending.
        tokio::spawn(async move {
            tokio::select! {
                () = admin => {}
                () = shutdown.peers_finished() => {}
            }
        });
    }
    Ok(desk)
}

async fn bind_admin(address: &str) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Error::usage(format!("--admin {}: cannot be listened at", address::without_user(address)))
            .because(error)
    })?;
    let local =
        listener.local_addr().map_or_else(|_| address.to_owned(), |local| local.to_string());
    tracing::info!(address = local, "admin endpoint");
    Ok(listener)
}

fn next(
    options: &Options,
    metrics: &Metrics,
    shutdown: &Shutdown,
    stop: &mpsc::Sender<Error>,
    reopened: mpsc::Receiver<()>,
) -> Result<Next, Error> {
    let local = |path| local_output::start(path, reopened, metrics.clone(), shutdown, stop.clone());
    let (jobs, targets) = match options.to.first() {
        Some(Target::Stdout) => (Some(local(None)?), None),
        Some(Target::File(path)) => (Some(local(Some(path.clone()))?), None),
        _ => (None, Some(Arc::new(targets(options, metrics)?))),
    };
    match (&options.spool, jobs, targets) {
        (Some(path), jobs, targets) => {
            let next = jobs.or_else(|| targets.as_ref().map(|targets| targets.link(shutdown)));
            let next = next.ok_or_else(|| Error::usage("--to: nowhere to send to"))?;
            let spool = Spool::start(path, options.spool_max, next, metrics.clone(), shutdown)?;
            Ok(Next::Spool(spool, targets))
        }
        (None, Some(jobs), _) => Ok(Next::Local(jobs)),
        (None, None, Some(targets)) => Ok(Next::Hop(targets)),
        (None, None, None) => Err(Error::usage("--to: nowhere to send to")),
    }
}

fn targets(options: &Options, metrics: &Metrics) -> Result<Targets, Error> {
    let addresses: Vec<Address> = options
        .to
        .iter()
        .filter_map(|target| match target {
            Target::Hop(address) => Some(address.clone()),
            Target::Stdout | Target::File(_) => None,
        })
        .collect();
    let own = options.tls.to_cert.as_ref().map(|(cert, key)| (cert.as_path(), key.as_path()));
    let tls = match &options.tls.to_ca {
        Some(ca) => Some(tls::connector(ca, own)?),
        None => None,
    };
    if let Some(address) = addresses.iter().find(|address| matches!(address, Address::Tls(_)))
        && tls.is_none()
    {
        return Err(Error::usage(format!("--to {address}: no certificate authority"))
            .hint("give --to-tls-ca"));
    }
    Ok(Targets::new(addresses, tls, options.badge.clone(), options.ack_timeout, metrics.clone()))
}

/// Takes connections until the hop drains. Where no seat is free, the connection that has been idle
/// longest is asked to go; while all of them are busy, the newcomer waits.
async fn accept(desk: Arc<Desk>, listener: Listener, seats: Arc<Seats>) {
    loop {
        let accepted = tokio::select! {
            () = desk.shutdown.begun() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => {
                let Some(seat) = seat(&desk, &seats).await else { return };
                desk.shutdown.spawn_peer(connection::serve(Arc::clone(&desk), accepted, seat));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                // Most likely the process may open no more of them.
                seats.ask_longest_idle();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// A seat as soon as one is free; none when the hop drains before.
async fn seat(desk: &Desk, seats: &Arc<Seats>) -> Option<Seat> {
    loop {
        if let Some(seat) = seats.take() {
            return Some(seat);
        }
        seats.ask_longest_idle();
        tokio::select! {
            () = desk.shutdown.begun() => return None,
            () = seats.freed() => {}
        }
    }
}

/// Allows as many open files as the system lets the process have: each connection may need one to
/// the next hop beside its own.
fn raise_file_limit(max_connections: usize) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it may not be raised, it stays what it was.
    let _ = setrlimit(Resource::Nofile, limit);
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if allowed < 2 * max_connections as u64 + SPARE_FILES {
        tracing::warn!(
            allowed,
            max_connections,
            "fewer files may be open than --max-connections may need (ulimit -n)"
        );
    }
}

/// Ends at `deadline`; where there is none, never.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
