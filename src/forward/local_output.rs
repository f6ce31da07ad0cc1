//! Standard output or a file as the last hop: one JSON object a record, appended, and acknowledged
//! when it is safe.
//!
//! A file is synced before a message is acknowledged; standard output counts as safe when it took
//! the bytes. SIGHUP opens the file anew, so that it can be rotated.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    client::{Job, Jobs},
    shutdown::Shutdown,
};
use crate::{error::Error, msgpack::message, report::prometheus::Metrics};

/// So many messages are written and synced together.
const BATCH: usize = 256;

/// The wait before a write that failed is tried again.
const WAIT: Duration = Duration::from_secs(1);

enum Output {
    Stdout,
    File(PathBuf, File),
}

fn open(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

impl Output {
    /// Writes all of it and makes it safe.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Output::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(lines)?;
                stdout.flush()
            }
            Output::File(_, file) => {
                // What a failed write leaves behind is cut off again, so that a second try begins
                // on a line of its own.
                let length = file.metadata()?.len();
                file.write_all(lines).and_then(|()| file.sync_data()).inspect_err(|_| {
                    // The first error is the one to tell.
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

/// Begins to write to standard output, or to `path`. Messages are handed in at what is answered; a
/// word at `reopen` opens the file anew.
pub(crate) fn start(
    path: Option<PathBuf>,
    mut reopen: mpsc::Receiver<()>,
    metrics: Metrics,
    shutdown: &Shutdown,
    stop: mpsc::Sender<Error>,
) -> Result<Jobs, Error> {
    let mut output = match path {
        None => Output::Stdout,
        Some(path) => {
            let file =
                open(&path).map_err(|error| Error::output(&path.display().to_string(), error))?;
            Output::File(path, file)
        }
    };
    let (jobs, mut queue) = mpsc::unbounded_channel();
    shutdown.spawn(async move {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                n_jobs = queue.recv_many(&mut batch, BATCH) => if n_jobs == 0 { return },
                Some(()) = reopen.recv() => {
                    if let Err(error) = output.reopen() {
                        tracing::error!(%error, "the output could not be opened anew; the old one stays");
                    }
                    continue;
                }
            }
            let result = write(&mut output, &mut batch, &metrics).await;
            if let Err(error) = result {
                // Nobody reads any more: there is nothing to wait for.
                let _ = stop.send(Error::output("standard output", error)).await; // it is the end in any case
                return;
            }
        }
    });
    Ok(jobs)
}

/// Writes a batch, as often as it takes; gives up only when the reader of standard output has gone.
async fn write(output: &mut Output, batch: &mut Vec<Job>, metrics: &Metrics) -> io::Result<()> {
    let mut lines = Vec::new();
    for job in batch.iter() {
        message::lines(&job.bytes, &mut lines);
    }
    while let Err(error) = tokio::task::block_in_place(|| output.write(&lines)) {
        if matches!(output, Output::Stdout) {
            return Err(error);
        }
        tracing::error!(%error, "the output could not be written; it is tried again");
        tokio::time::sleep(WAIT).await;
    }
    for job in batch.drain(..) {
        metrics.bytes_out.inc_by(job.bytes.len() as u64);
        metrics.observe(job.came.elapsed());
        // A sender that has gone asks nobody.
        let _ = job.done.send(());
    }
    Ok(())
}
