//! Standard input as a descriptor: read when something is there, and asked without waiting whether
//! more is.

use std::{
    io,
    os::fd::BorrowedFd,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{FileType, OFlags, fcntl_getfl},
    io::Errno,
};

use crate::error::Error;

/// Whether standard input could not be read when the program was started.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Looks at standard input before the standard library opens `/dev/null` in place of a descriptor
/// that is closed.
pub(crate) fn remember_closed() {
    let flags = fcntl_getfl(rustix::stdio::stdin());
    let is_closed = flags.map_or(true, |flags| flags & OFlags::ACCMODE == OFlags::WRONLY);
    IS_CLOSED.store(is_closed, Ordering::Relaxed);
}

/// An error when standard input was closed from the start: it would look like an input without a
/// byte.
pub(crate) fn check_open() -> Result<(), Error> {
    if IS_CLOSED.load(Ordering::Relaxed) {
        return Err(Error::input(
            "standard input",
            io::Error::other("it was closed when logscrub was started"),
        ));
    }
    Ok(())
}

/// Standard input for whoever waits for it.
pub(crate) fn lock() -> Result<io::StdinLock<'static>, Error> {
    check_open().map(|()| io::stdin().lock())
}

/// Standard input.
pub(crate) struct Stdin {
    fd: BorrowedFd<'static>,
    kind: FileType,
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Something can be read, or the input has ended.
    Readable,
    /// The other descriptor has something to say, or time ran out.
    Other,
}

impl Stdin {
    pub(crate) fn new() -> Stdin {
        let fd = rustix::stdio::stdin();
        let kind = rustix::fs::fstat(fd)
            .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode));
        Stdin { fd, kind }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'static> {
        self.fd
    }

    /// Whether standard input is a pipe, so that whoever writes into it gets the terminal's signals
    /// too.
    pub(crate) fn is_pipe(&self) -> bool {
        self.kind == FileType::Fifo
    }

    /// Whether standard input is a regular file: reading never waits, so there is nothing to ask.
    pub(crate) fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }

    /// Reads what is there, at most `space` bytes; 0 at the end.
    pub(crate) fn read(&self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(self.fd, &mut *space) {
                Ok(n_bytes) => return Ok(n_bytes),
                Err(Errno::INTR) => {}
                // Somebody set the shared descriptor to non-blocking.
                Err(Errno::AGAIN) => drop(poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], None)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether nothing is there to be read now.
    pub(crate) fn is_dry(&self) -> bool {
        !self.is_file() && self.wait_for(None, Some(Duration::ZERO)) != Wake::Readable
    }

    /// Waits until something can be read, `other` speaks or `limit` has passed.
    pub(crate) fn wait_for(&self, other: Option<BorrowedFd<'_>>, limit: Option<Duration>) -> Wake {
        let limit = limit.map(|limit| Timespec {
            tv_sec: limit.as_secs().cast_signed(),
            tv_nsec: limit.subsec_nanos().into(),
        });
        let n_fds = 1 + usize::from(other.is_some());
        let mut fds = [
            PollFd::new(&self.fd, PollFlags::IN),
            PollFd::new(other.as_ref().unwrap_or(&self.fd), PollFlags::IN),
        ];
        match poll(&mut fds[..n_fds], limit.as_ref()) {
            Ok(_) if !fds[0].revents().is_empty() => Wake::Readable,
            Ok(_) | Err(Errno::INTR) => Wake::Other,
            // What cannot be polled can be read, or says why not when it is.
            Err(_) => Wake::Readable,
        }
    }
}
