//! Where clean bytes go: standard output or a file that is appended to. What was not written is not claimed.

#[cfg(feature = "batch")]
pub(crate) mod file;

use std::{
    fs::{File, OpenOptions},
    io::{self, IoSlice},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::OpenOptionsExt,
    },
    path::Path,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

use crate::error::Error;

/// So many runs of bytes are written by one call at most: Linux takes no more.
const MAX_RUNS: usize = 1024;

/// A descriptor to write to, and how many bytes it took.
pub(crate) struct Sink {
    file: Option<File>,
    name: String,
    written: u64,
}

impl Sink {
    /// Standard output.
    pub(crate) fn stdout() -> Result<Sink, Error> {
        let name = "standard output".to_owned();
        let fd = rustix::stdio::stdout().try_clone_to_owned().map_err(|error| Error::output(&name, error))?;
        Ok(Sink { file: Some(fd.into()), name, written: 0 })
    }

    /// The end of a file, which is made when it is not there; others cannot read it.
    pub(crate) fn append(path: &Path) -> Result<Sink, Error> {
        let name = path.display().to_string();
        let file = OpenOptions::new().append(true).create(true).mode(0o640).open(path);
        Ok(Sink { file: Some(file.map_err(|error| Error::output(&name, error))?), name, written: 0 })
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

    /// Writes all of `runs`, in as few calls as can be, or counts the bytes that were written and says why the rest was not.
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
                // Somebody set the shared descriptor to non-blocking.
                Err(Errno::AGAIN) => drop(poll(&mut [PollFd::new(&file.as_fd(), PollFlags::OUT)], None)),
                Err(error) => return Err(Error::output(&self.name, error.into())),
            }
        }
        Ok(())
    }
}
