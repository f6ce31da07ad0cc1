//! Start, accept loop, reload and shutdown of the hop.

use std::{sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::timeout,
};

use super::{
    admin,
    budget::MemoryBudget,
    connection,
    connection_table::{ConnectionSlot, ConnectionTable},
    destination::Destination,
    local_output::OutputSignals,
    net::Listener,
    options::Options,
    scrubbers::ScrubberPool,
    shared::Shared,
    shutdown::Shutdown,
    tls,
};
use crate::{error::Error, msgpack::ChunkScrubber, report::prometheus::Metrics};

/// Open files beside connections: listeners, the spool, the log.
const OTHER_FILES: u64 = 64;

/// The wait after a failed `accept`.
const ACCEPT_RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Runs the hop until SIGTERM or SIGINT. `load_scrubber` is called on SIGHUP. Returns whether
/// everything that was received could be examined.
pub(crate) fn run(
    options: Options,
    scrubber: ChunkScrubber,
    load_scrubber: impl Fn() -> Result<ChunkScrubber, Error> + Send + 'static,
) -> Result<bool, Error> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if options.threads > 0 {
        builder.worker_threads(options.threads);
    }
    let runtime =
        builder.enable_all().build().map_err(|error| Error::input("the runtime", error))?;
    let result = runtime.block_on(serve(options, scrubber, load_scrubber));
    // Tasks may still hang on a socket or a disk. Nothing that they hold was acknowledged.
    runtime.shutdown_background();
    result
}

async fn serve(
    options: Options,
    scrubber: ChunkScrubber,
    load_scrubber: impl Fn() -> Result<ChunkScrubber, Error>,
) -> Result<bool, Error> {
    let mut signals = Signals::install()?;
    let (stop, stopped) = mpsc::channel(1);
    let (reopen, reopen_requests) = mpsc::channel(1);
    let output_signals = OutputSignals { reopen: reopen_requests, stop: stop.clone() };
    let shared = open(&options, scrubber, output_signals).await?;
    let result = signals
        .wait_for_end(stopped, || {
            // A request that is still pending covers this one.
            let _ = reopen.try_send(());
            reload(&shared, &load_scrubber);
        })
        .await;
    tracing::info!("draining");
    let metrics = shared.metrics.clone();
    let is_drained = tokio::select! {
        is_drained = drain(shared, options.grace) => is_drained,
        Some(_) = signals.terminate.recv() => false,
    };
    let unexamined = metrics.n_unexamined();
    let n_queued = metrics.queued_messages.get();
    tracing::info!(is_drained, unacknowledged = n_queued, unexamined, "ended");
    result?;
    if is_drained || options.spool.is_some() || n_queued == 0 {
        return Ok(unexamined == 0);
    }
    Err(Error::output(
        "the next hop",
        std::io::Error::other("messages were not acknowledged within --grace"),
    ))
}

/// The signals that the hop handles.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn install() -> Result<Signals, Error> {
        Ok(Signals {
            terminate: install(SignalKind::terminate())?,
            interrupt: install(SignalKind::interrupt())?,
            hangup: install(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGTERM, SIGINT or an error of a task; calls `reload` on every SIGHUP.
    async fn wait_for_end(
        &mut self,
        mut stopped: mpsc::Receiver<Error>,
        mut reload: impl FnMut(),
    ) -> Result<(), Error> {
        loop {
            tokio::select! {
                Some(_) = self.terminate.recv() => return Ok(()),
                Some(_) = self.interrupt.recv() => return Ok(()),
                Some(error) = stopped.recv() => return Err(error),
                Some(_) = self.hangup.recv() => reload(),
            }
        }
    }
}

fn install(kind: SignalKind) -> Result<Signal, Error> {
    signal(kind).map_err(|error| Error::input("signals", error))
}

/// Stops reading and waits, at most for `grace`, until every message is delivered. Whether all
/// were.
async fn drain(shared: Arc<Shared>, grace: Duration) -> bool {
    let shutdown = shared.shutdown.clone();
    shutdown.start();
    let drained = async {
        shutdown.connections_closed().await;
        // The last sender of the delivery queues: clients end when their queue is closed.
        drop(shared);
        shutdown.drained().await;
    };
    timeout(grace, drained).await.is_ok()
}

fn reload(shared: &Shared, load_scrubber: impl Fn() -> Result<ChunkScrubber, Error>) {
    match tokio::task::block_in_place(load_scrubber) {
        Ok(scrubber) => {
            shared.scrubbers.replace(scrubber);
            tracing::info!("configuration and rules reloaded");
        }
        Err(error) => {
            tracing::error!(%error, "cannot reload configuration and rules; the old ones stay in force");
        }
    }
}

/// Opens listeners and destination. Any failure ends the program before a message is read.
async fn open(
    options: &Options,
    scrubber: ChunkScrubber,
    output_signals: OutputSignals,
) -> Result<Arc<Shared>, Error> {
    raise_file_limit(options.max_connections);
    let listeners = listen(options).await?;
    let admin_listener = match &options.admin {
        Some(address) => Some(admin::bind(address).await?),
        None => None,
    };
    let metrics = Metrics::new();
    let shutdown = Shutdown::new();
    let stop = output_signals.stop.clone();
    let shared = Arc::new(Shared {
        scrubbers: ScrubberPool::new(
            scrubber,
            metrics.clone(),
            options.strip_metadata,
            options.max_chunk,
        ),
        auth: options.server_auth.clone(),
        destination: Destination::open(options, output_signals, &metrics, &shutdown)?,
        budget: MemoryBudget::new(options.max_pending, options.max_chunk),
        max_chunk: options.max_chunk,
        idle_timeout: options.idle_timeout,
        metrics,
        shutdown,
        stop,
    });
    let table = ConnectionTable::new(options.max_connections);
    for listener in listeners {
        let accept = accept(Arc::clone(&shared), listener, Arc::clone(&table));
        shared.shutdown.spawn_connection(accept);
    }
    if let Some(listener) = admin_listener {
        spawn_admin(listener, &shared);
    }
    Ok(shared)
}

async fn listen(options: &Options) -> Result<Vec<Listener>, Error> {
    let tls = &options.tls;
    let acceptor = match &tls.cert {
        Some((cert, key)) => Some(tls::acceptor(cert, key, tls.client_ca.as_deref())?),
        None => None,
    };
    let mut listeners = Vec::new();
    for address in &options.listen {
        let listener = Listener::bind(address, acceptor.as_ref()).await?;
        tracing::info!(address = listener.display(address), "listening");
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Runs the admin endpoint until all connections of senders are closed: it answers while the hop
/// drains, but must not keep `shared` alive after that.
fn spawn_admin(listener: TcpListener, shared: &Arc<Shared>) {
    let admin = admin::serve(listener, Arc::clone(shared));
    let shutdown = shared.shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = admin => {}
            () = shutdown.connections_closed() => {}
        }
    });
}

/// Accepts connections until the shutdown. If the connection table is full, the longest idle
/// connection is evicted; while all of them are busy, the new one waits.
async fn accept(shared: Arc<Shared>, listener: Listener, table: Arc<ConnectionTable>) {
    loop {
        let accepted = tokio::select! {
            () = shared.shutdown.started() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(incoming) => {
                let Some(slot) = acquire_slot(&shared, &table).await else { return };
                let serve = connection::serve(Arc::clone(&shared), incoming, slot);
                shared.shutdown.spawn_connection(serve);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                // The usual cause is the limit of open files.
                table.evict_longest_idle();
                tokio::time::sleep(ACCEPT_RETRY_INTERVAL).await;
            }
        }
    }
}

/// Waits for a slot in the table; `None` if the hop shuts down first.
async fn acquire_slot(shared: &Shared, table: &Arc<ConnectionTable>) -> Option<ConnectionSlot> {
    loop {
        if let Some(slot) = table.try_acquire() {
            return Some(slot);
        }
        table.evict_longest_idle();
        tokio::select! {
            () = shared.shutdown.started() => return None,
            () = table.slot_freed() => {}
        }
    }
}

/// Raises the limit of open files to its maximum: a connection may need a second file for its
/// connection to the next hop.
fn raise_file_limit(max_connections: usize) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // If it cannot be raised, the warning below says so.
    let _ = setrlimit(Resource::Nofile, limit);
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if allowed < 2 * max_connections as u64 + OTHER_FILES {
        tracing::warn!(
            allowed,
            max_connections,
            "the limit of open files (ulimit -n) is too low for --max-connections"
        );
    }
}
