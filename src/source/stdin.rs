//! Standard input as a descriptor that can be polled.

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

/// Whether standard input was closed or not readable when the program started.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Checks standard input before the standard library opens `/dev/null` in place of a closed
/// descriptor.
pub(crate) fn remember_closed() {
    let flags = fcntl_getfl(rustix::stdio::stdin());
    let is_closed = flags.map_or(true, |flags| flags & OFlags::ACCMODE == OFlags::WRONLY);
    IS_CLOSED.store(is_closed, Ordering::Relaxed);
}

/// Fails if standard input was closed at the start: it would look like an empty input.
pub(crate) fn check_open() -> Result<(), Error> {
    if IS_CLOSED.load(Ordering::Relaxed) {
        return Err(Error::input(
            "standard input",
            io::Error::other("it was closed when logscrub was started"),
        ));
    }
    Ok(())
}

/// Standard input as a blocking reader.
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
    /// Something can be read, or the end was reached.
    Readable,
    /// The other descriptor is readable, or time ran out.
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

    /// Whether standard input is a pipe. Its writer then receives the terminal's signals too.
    pub(crate) fn is_pipe(&self) -> bool {
        self.kind == FileType::Fifo
    }

    /// Whether standard input is a regular file, which can always be read without waiting.
    pub(crate) fn is_file(&self) -> bool {
        self.kind == FileType::RegularFile
    }

    /// Reads what is available, at most the length of `space`; 0 at the end.
    pub(crate) fn read(&self, space: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::io::read(self.fd, &mut *space) {
                Ok(n_bytes) => return Ok(n_bytes),
                Err(Errno::INTR) => {}
                // Another process set the shared descriptor to non-blocking.
                Err(Errno::AGAIN) => drop(poll(&mut [PollFd::new(&self.fd, PollFlags::IN)], None)),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether nothing can be read without waiting.
    pub(crate) fn is_dry(&self) -> bool {
        !self.is_file() && self.wait_for(None, Some(Duration::ZERO)) != Wake::Readable
    }

    /// Waits until something can be read, `other` is readable, or `limit` has passed.
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
            // Reading from a descriptor that cannot be polled either works or reports the error.
            Err(_) => Wake::Readable,
        }
    }
}
