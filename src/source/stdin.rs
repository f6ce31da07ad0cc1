//! Standard input, which may have been closed before the program started.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::fs::{OFlags, fcntl_getfl};

use crate::error::Error;

/// How messages call standard input.
pub(crate) const NAME: &str = "standard input";

/// Whether standard input could not be read when the program was started.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Checks standard input before the standard library opens `/dev/null` in place of a closed
/// descriptor.
pub(crate) fn remember_closed() {
    let flags = fcntl_getfl(rustix::stdio::stdin());
    let is_closed = flags.map_or(true, |flags| flags & OFlags::ACCMODE == OFlags::WRONLY);
    IS_CLOSED.store(is_closed, Ordering::Relaxed);
}

/// Fails if standard input was closed from the start: it would look like an empty input.
pub(crate) fn check_open() -> Result<(), Error> {
    if IS_CLOSED.load(Ordering::Relaxed) {
        let closed = io::Error::other("it was already closed when logscrub started");
        return Err(Error::input(NAME, closed));
    }
    Ok(())
}

/// Standard input for blocking reads.
pub(crate) fn lock() -> Result<io::StdinLock<'static>, Error> {
    check_open().map(|()| io::stdin().lock())
}
