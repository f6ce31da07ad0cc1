//! Where clean bytes go: standard output or a file that is appended to. What was not written is not
//! claimed.

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

/// So many runs of bytes are written by one call at most: Linux takes no more.
const MAX_RUNS: usize = 1024;

/// Whether standard output could not be written to when the program was started.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Looks at standard output before the standard library opens `/dev/null` in place of a descriptor
/// that is closed.
pub(crate) fn remember_closed() {
    let flags = fcntl_getfl(rustix::stdio::stdout());
    let is_closed = flags.map_or(true, |flags| flags & OFlags::ACCMODE == OFlags::RDONLY);
    IS_CLOSED.store(is_closed, Ordering::Relaxed);
}

/// An error when standard output was closed from the start: what is written there would be lost
/// without a word.
pub(crate) fn check_open() -> Result<(), Error> {
    if IS_CLOSED.load(Ordering::Relaxed) {
        return Err(Error::output(
            "standard output",
            io::Error::other("it was closed when logscrub was started"),
        ));
    }
    Ok(())
}

/// A descriptor to write to, and how many bytes it took.
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

    /// The end of a file, which is made when it is not there; others cannot read it.
    pub(crate) fn append(path: &Path) -> Result<Sink, Error> {
        let name = path.display().to_string();
        let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path);
        Ok(Sink {
            file: Some(file.map_err(|error| Error::output(&name, error))?),
            name,
            written: 0,
        })
    }

    /// Goes on at the end of the file that has this path now. When it cannot be opened, the old one
    /// stays.
    pub(crate) fn reopen(&mut self, path: &Path) -> Result<(), Error> {
        let Some(old) = &self.file else { return Ok(()) };
        let place = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        // A file that was not moved stays open: a named pipe has its one reader, and waits for one
        // when it is opened.
        let is_same = old
            .metadata()
            .is_ok_and(|old| std::fs::metadata(path).is_ok_and(|new| place(new) == place(old)));
        if !is_same {
            let Sink { file, name, .. } = Sink::append(path)?;
            (self.file, self.name) = (file, name);
        }
        Ok(())
    }

    /// Takes everything and keeps nothing, for `--dry-run`.
    pub(crate) fn nowhere() -> Sink {
        Sink { file: None, name: String::new(), written: 0 }
    }

    /// Bytes that were written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// The descriptor; `None` when nothing is written.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }

    /// Writes all of `runs`, in as few calls as can be, or counts the bytes that were written and
    /// says why the rest was not.
    pub(crate) fn write_all(&mut self, mut runs: &mut [IoSlice<'_>]) -> Result<(), Error> {
        let Some(file) = &self.file else { return Ok(()) };
        // An empty run would look as if nothing could be written.
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
                // Somebody set the shared descriptor to non-blocking. A failed poll is met by the
                // next write.
                Err(Errno::AGAIN) => {
                    let _ = poll(&mut [PollFd::new(&file.as_fd(), PollFlags::OUT)], None);
                }
                Err(error) => return Err(Error::output(&self.name, error.into())),
            }
        }
        Ok(())
    }
}
