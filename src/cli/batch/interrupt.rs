//! SIGINT and SIGTERM end a run of `batch` once the files in work are finished; a second signal
//! ends it at once.

use std::{
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::error::Error;

/// The signals that have come.
#[derive(Default)]
pub(super) struct Interrupt {
    is_asked: Arc<AtomicBool>,
    /// Which signal came.
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Set when a signal has come.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_asked)
    }

    /// Handles signals from now on.
    pub(super) fn install(&self) -> Result<(), Error> {
        for signal in [SIGINT, SIGTERM] {
            if !is_ignored(signal) {
                self.handle(signal).map_err(|error| Error::input("signals", error))?;
            }
        }
        Ok(())
    }

    fn handle(&self, signal: i32) -> io::Result<()> {
        // The second signal finds the flag set by the first and exits at once.
        flag::register_conditional_shutdown(signal, 128 + signal, self.flag())?;
        let number = signal.unsigned_abs() as usize;
        flag::register_usize(signal, Arc::clone(&self.signal), number)?;
        flag::register(signal, self.flag()).map(drop)
    }

    /// The name of the signal and the exit code.
    pub(super) fn outcome(&self) -> (&'static str, u8) {
        let signal = self.signal.load(Ordering::Relaxed);
        let name = if signal == SIGINT as usize { "SIGINT" } else { "SIGTERM" };
        (name, u8::try_from(128 + signal).unwrap_or(u8::MAX))
    }
}

/// Whether `signal` was ignored when the program started, as a shell does with SIGINT for
/// background jobs. If the system does not say, it was not.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}
