//! Standard output or a file as the destination: one JSON object per record.
//!
//! A file is synced before its messages are acknowledged. Standard output counts as delivered once
//! the system has taken the bytes. SIGHUP opens the file again, for log rotation.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    delivery::{Delivery, DeliveryReceiver, DeliverySender},
    shutdown::Shutdown,
};
use crate::{error::Error, msgpack::message, report::prometheus::Metrics};

/// The most messages that are written and synced together.
const MAX_BATCH: usize = 256;

/// The wait before a failed write is retried.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

enum Output {
    Stdout,
    File(PathBuf, File),
}

/// The requests and reports of the output task.
pub(crate) struct OutputSignals {
    /// Each message asks to open the file again.
    pub(crate) reopen: mpsc::Receiver<()>,
    /// Stops the program: nobody reads standard output any more.
    pub(crate) stop: mpsc::Sender<Error>,
}

/// Starts to write deliveries to the file at `path`, or to standard output.
pub(crate) fn start(
    path: Option<&Path>,
    signals: OutputSignals,
    metrics: Metrics,
    shutdown: &Shutdown,
) -> Result<DeliverySender, Error> {
    let output = match path {
        None => Output::Stdout,
        Some(path) => {
            let file =
                open(path).map_err(|error| Error::output(&path.display().to_string(), error))?;
            Output::File(path.to_owned(), file)
        }
    };
    let (sender, queue) = mpsc::unbounded_channel();
    shutdown.spawn_delivery(run(output, queue, signals, metrics));
    Ok(sender)
}

async fn run(
    mut output: Output,
    mut queue: DeliveryReceiver,
    mut signals: OutputSignals,
    metrics: Metrics,
) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            n_deliveries = queue.recv_many(&mut batch, MAX_BATCH) => if n_deliveries == 0 { return },
            Some(()) = signals.reopen.recv() => {
                if let Err(error) = output.reopen() {
                    tracing::error!(%error, "cannot open the output file again; still writing to the old one");
                }
                continue;
            }
        }
        if let Err(error) = write_batch(&mut output, &mut batch, &metrics).await {
            // If the receiver is gone, the program is already stopping.
            let _ = signals.stop.send(Error::output("standard output", error)).await;
            return;
        }
    }
}

/// Writes a batch, with retries. Fails only if nobody reads standard output any more.
async fn write_batch(
    output: &mut Output,
    batch: &mut Vec<Delivery>,
    metrics: &Metrics,
) -> io::Result<()> {
    let mut lines = Vec::new();
    for delivery in batch.iter() {
        message::write_json_lines(&delivery.bytes, &mut lines);
    }
    while let Err(error) = tokio::task::block_in_place(|| output.write(&lines)) {
        if matches!(output, Output::Stdout) {
            return Err(error);
        }
        tracing::error!(%error, "cannot write to the output file; retrying");
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
    for delivery in batch.drain(..) {
        metrics.bytes_out.inc_by(delivery.bytes.len() as u64);
        metrics.observe_latency(delivery.received_at.elapsed());
        delivery.complete();
    }
    Ok(())
}

impl Output {
    /// Writes all of `lines` and makes them durable.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Output::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(lines)?;
                stdout.flush()
            }
            Output::File(_, file) => {
                let length = file.metadata()?.len();
                file.write_all(lines).and_then(|()| file.sync_data()).inspect_err(|_| {
                    // Removes a partial write, so that the retry starts on a new line. The error of
                    // the write is the one to report.
                    let _ = file.set_len(length);
                })
            }
        }
    }

    fn reopen(&mut self) -> io::Result<()> {
        if let Output::File(path, file) = self {
            *file = open(path)?;
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}
