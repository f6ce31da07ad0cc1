//! Destinations of clean bytes: standard output, or a file that is appended to.

#[cfg(feature = "batch")]
pub(crate) mod file;

use std::{
    fs::{File, OpenOptions},
    io::{self, IoSlice},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    },
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    fs::{OFlags, fcntl_getfl},
    io::Errno,
};

use crate::error::Error;

/// The most slices of one write call; Linux allows no more.
const MAX_RUNS: usize = 1024;

/// Whether standard output was closed or not writable when the program started.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Checks standard output before the standard library opens `/dev/null` in place of a closed
/// descriptor.
pub(crate) fn remember_closed() {
    let flags = fcntl_getfl(rustix::stdio::stdout());
    let is_closed = flags.map_or(true, |flags| flags & OFlags::ACCMODE == OFlags::RDONLY);
    IS_CLOSED.store(is_closed, Ordering::Relaxed);
}

/// Fails if standard output was closed at the start: output would be lost silently.
pub(crate) fn check_open() -> Result<(), Error> {
    if IS_CLOSED.load(Ordering::Relaxed) {
        return Err(Error::output(
            "standard output",
            io::Error::other("it was closed when logscrub was started"),
        ));
    }
    Ok(())
}

/// A descriptor to write to, and the number of bytes written.
pub(crate) struct Sink {
    file: Option<File>,
    name: String,
    written: u64,
}

impl Sink {
    /// Standard output.
    pub(crate) fn stdout() -> Result<Sink, Error> {
        check_open()?;
        let name = "standard output".to_owned();
        let fd = rustix::stdio::stdout()
            .try_clone_to_owned()
            .map_err(|error| Error::output(&name, error))?;
        Ok(Sink { file: Some(fd.into()), name, written: 0 })
    }

    /// The end of a file. A new file is readable by its owner and group only.
    pub(crate) fn append(path: &Path) -> Result<Sink, Error> {
        let name = path.display().to_string();
        let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path);
        Ok(Sink {
            file: Some(file.map_err(|error| Error::output(&name, error))?),
            name,
            written: 0,
        })
    }

    /// Continues at the end of the file that now has this path, which is created if necessary. On
    /// failure the old file stays open.
    pub(crate) fn reopen(&mut self, path: &Path) -> Result<(), Error> {
        let Some(old) = &self.file else { return Ok(()) };
        // A file that was not moved stays open: opening a named pipe again would wait for a reader.
        let is_same = old
            .metadata()
            .is_ok_and(|old| std::fs::metadata(path).is_ok_and(|new| inode(&new) == inode(&old)));
        if !is_same {
            let Sink { file, name, .. } = Sink::append(path)?;
            (self.file, self.name) = (file, name);
        }
        Ok(())
    }

    /// Accepts everything and keeps nothing, for `--dry-run`.
    pub(crate) fn nowhere() -> Sink {
        Sink { file: None, name: String::new(), written: 0 }
    }

    /// The number of bytes written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Device and inode, if it is a regular file.
    pub(crate) fn regular_file(&self) -> Option<(u64, u64)> {
        let metadata = self.file.as_ref()?.metadata().ok()?;
        metadata.is_file().then(|| (metadata.dev(), metadata.ino()))
    }

    /// The descriptor; `None` when nothing is written.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }

    /// Writes all of `runs` with as few calls as possible. On failure, [`Sink::written`] still
    /// counts what was written.
    pub(crate) fn write_all(&mut self, mut runs: &mut [IoSlice<'_>]) -> Result<(), Error> {
        let Some(file) = &self.file else { return Ok(()) };
        // A leading empty slice would make the system call return 0.
        IoSlice::advance_slices(&mut runs, 0);
        while !runs.is_empty() {
            let result = match &*runs {
                [run] => rustix::io::write(file, run),
                many => rustix::io::writev(file, &many[..many.len().min(MAX_RUNS)]),
            };
            match result {
                Ok(0) => return Err(Error::output(&self.name, io::ErrorKind::WriteZero.into())),
                Ok(n_bytes) => {
                    self.written += n_bytes as u64;
                    IoSlice::advance_slices(&mut runs, n_bytes);
                }
                Err(Errno::INTR) => {}
                // The shared descriptor was set to non-blocking by another process. If the poll
                // fails, the next write reports the error.
                Err(Errno::AGAIN) => {
                    let _ = poll(&mut [PollFd::new(&file.as_fd(), PollFlags::OUT)], None);
                }
                Err(error) => return Err(Error::output(&self.name, error.into())),
            }
        }
        Ok(())
    }
}

/// Identifies a file.
fn inode(metadata: &std::fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
