//! Limits on what a file may unpack to, and the error for content that is refused.

use std::{
    fmt,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Longer headers, names and comments are refused.
pub(super) const LONGEST_HEADER: usize = 1 << 20;

/// A file may unpack to this size at any ratio: a few bytes of gzip can be megabytes of one line.
const FREE: u64 = 64 << 20;

/// Why content is left out of the output.
#[derive(Debug)]
pub(super) struct RefusalReason(String);

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RefusalReason {}

/// An error with the reason why content is left out of the output.
pub(super) fn refuse(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, RefusalReason(reason.into()))
}

/// Limits on the size of a file when unpacked, all layers together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expansion {
    /// As a multiple of the file size.
    pub(crate) ratio: u64,
    /// In bytes.
    pub(crate) absolute: u64,
}

impl Default for Expansion {
    fn default() -> Expansion {
        Expansion { ratio: 1000, absolute: 1 << 40 }
    }
}

/// What is left of the limits for one file, and whether the run must stop.
#[derive(Debug)]
pub(super) struct ExpansionBudget {
    left: AtomicU64,
    /// Set by the caller to stop the run.
    stop: Arc<AtomicBool>,
    /// Whether reading failed because the run must stop. The result for the file is incomplete
    /// then.
    was_stopped: AtomicBool,
}

impl ExpansionBudget {
    pub(super) fn new(
        expansion: Expansion,
        n_bytes: u64,
        stop: Arc<AtomicBool>,
    ) -> ExpansionBudget {
        let ratio = n_bytes.saturating_mul(expansion.ratio).max(FREE);
        let left = AtomicU64::new(ratio.min(expansion.absolute));
        ExpansionBudget { left, stop, was_stopped: AtomicBool::new(false) }
    }

    /// Fails once the run must stop. Called at every read, so that a large file stops soon too.
    pub(super) fn go_on(&self) -> io::Result<()> {
        if !self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.was_stopped.store(true, Ordering::Relaxed);
        Err(refuse("interrupted"))
    }

    /// Whether the work on the file was cut short. Needed because errors inside an archive are
    /// turned into reasons.
    pub(super) fn was_stopped(&self) -> bool {
        self.was_stopped.load(Ordering::Relaxed)
    }

    fn take(&self, n_bytes: u64) -> io::Result<()> {
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(n_bytes));
        left.map(drop).map_err(|_| refuse("unpacks to more than --max-expansion allows"))
    }
}

/// A decoder whose output counts against the budget.
pub(super) struct BudgetedReader<R> {
    pub(super) rdr: R,
    pub(super) budget: Arc<ExpansionBudget>,
}

impl<R: Read> Read for BudgetedReader<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.budget.go_on()?;
        let n_bytes = self.rdr.read(space)?;
        self.budget.take(n_bytes as u64)?;
        Ok(n_bytes)
    }
}

/// A reader that fails once the run must stop.
pub(super) struct StoppableReader<R> {
    pub(super) rdr: R,
    pub(super) budget: Arc<ExpansionBudget>,
}

impl<R: Read> Read for StoppableReader<R> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.budget.go_on()?;
        self.rdr.read(space)
    }
}
