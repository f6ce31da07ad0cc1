//! What a file may ask for before it is refused.

use std::{
    fmt,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Longer headers, names and comments are none.
pub(super) const LONGEST_HEADER: usize = 1 << 20;

/// A small file may become so large, whatever the ratio: a few bytes of gzip may well be megabytes
/// of one line.
const FREE: u64 = 64 << 20;

/// Why something is not in the output.
#[derive(Debug)]
pub(super) struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// An error that says why something is not in the output.
pub(super) fn refuse(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Refusal(reason.into()))
}

/// How large what comes out of a file may be, all layers together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expansion {
    /// Times the size of the file.
    pub(crate) ratio: u64,
    /// Bytes.
    pub(crate) absolute: u64,
}

impl Default for Expansion {
    fn default() -> Expansion {
        Expansion { ratio: 1000, absolute: 1 << 40 }
    }
}

/// What one file may still take: bytes of its expansion, and time until the run is asked to stop.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicU64,
    /// Set from outside when the run is to end.
    stop: Arc<AtomicBool>,
    /// Whether something was refused for that reason: what came of the file is not whole then.
    was_stopped: AtomicBool,
}

impl Budget {
    pub(super) fn new(expansion: Expansion, n_bytes: u64, stop: Arc<AtomicBool>) -> Budget {
        let ratio = n_bytes.saturating_mul(expansion.ratio).max(FREE);
        let left = AtomicU64::new(ratio.min(expansion.absolute));
        Budget { left, stop, was_stopped: AtomicBool::new(false) }
    }

    /// An error once the run is to end. Asked at every read, so that a large file ends soon too.
    pub(super) fn go_on(&self) -> io::Result<()> {
        if !self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.was_stopped.store(true, Ordering::Relaxed);
        Err(refuse("interrupted"))
    }

    /// Whether the work on the file was cut short. Errors inside an archive become reasons, so they
    /// do not tell.
    pub(super) fn was_stopped(&self) -> bool {
        self.was_stopped.load(Ordering::Relaxed)
    }

    fn take(&self, n_bytes: u64) -> io::Result<()> {
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(n_bytes));
        left.map(drop).map_err(|_| refuse("it unpacks to more than --max-expansion allows"))
    }
}

/// What comes out of a layer, counted.
pub(super) struct Metered<R> {
    pub(super) rdr: R,
    pub(super) budget: Arc<Budget>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.budget.go_on()?;
        let n_bytes = self.rdr.read(space)?;
        self.budget.take(n_bytes as u64)?;
        Ok(n_bytes)
    }
}

/// A reader that fails once the run is to end.
pub(super) struct Stoppable<R> {
    pub(super) rdr: R,
    pub(super) budget: Arc<Budget>,
}

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.budget.go_on()?;
        self.rdr.read(space)
    }
}
