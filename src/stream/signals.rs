//! Signals of the filter, as flags and as a descriptor that wakes a poll.
//!
//! - SIGTERM ends reading: input that is available without waiting is still read, for a grace
//!   period. A second SIGTERM exits from the handler, whatever the threads are doing.
//! - SIGINT does the same, but is ignored if standard input is a pipe: the writer received it too,
//!   and the filter ends with the writer. From a regular file nothing more is read.
//! - SIGHUP requests a reload, or ends reading like SIGTERM if there is nothing to reload. It never
//!   arms the second SIGTERM, because an ending session sends both.
//! - SIGUSR1 requests the summary so far.
//!
//! Handlers first set the flag and then write to the descriptor, so a poll that was woken finds the
//! flag.

use std::{
    fs, io,
    io::Read as _,
    os::{fd::AsFd as _, unix::net::UnixStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1},
    flag, low_level,
};

use super::flow::Wait;
use crate::{
    error::Error,
    source::stdin::{Stdin, Wake},
};

type Flag = Arc<AtomicBool>;

/// Requests by signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Requests {
    /// SIGHUP: reload the configuration and open the output again.
    pub(super) reload: bool,
    /// SIGUSR1: the summary so far.
    pub(super) report: bool,
}

/// The signals received so far, and standard input, which is polled together with them.
pub(crate) struct Signals {
    stdin: Stdin,
    wake: UnixStream,
    terminate: Flag,
    interrupt: Flag,
    hangup: Flag,
    report: Flag,
    /// Whether SIGHUP requests a reload; otherwise it ends reading.
    reloads: bool,
    grace: Duration,
    /// When reading ends after a signal.
    deadline: Option<Instant>,
}

impl Signals {
    /// Installs the handlers. `reloads` tells whether there are files to reload.
    pub(crate) fn install(reloads: bool, grace: Duration) -> Result<Signals, Error> {
        let stdin = Stdin::new();
        let (wake, waker) = UnixStream::pair().map_err(signals_error)?;
        wake.set_nonblocking(true).map_err(signals_error)?;
        let [terminate, interrupt, hangup, report] = [(); 4].map(|()| Flag::default());
        // nohup and the shell's `&` set signals to be ignored, and that is respected.
        let ignored = IgnoredSignals::read();
        for (signal, seen) in
            [(SIGTERM, &terminate), (SIGINT, &interrupt), (SIGHUP, &hangup), (SIGUSR1, &report)]
        {
            let stays_ignored = match signal {
                SIGINT => ignored.contains(SIGINT),
                SIGHUP => ignored.contains(SIGHUP) && !reloads,
                _ => false,
            };
            if stays_ignored {
                continue;
            }
            if signal == SIGTERM || (signal == SIGINT && !stdin.is_pipe()) {
                // Exits if the flag is already set, that is, at the second signal.
                flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(seen))
                    .map_err(signals_error)?;
            }
            flag::register(signal, Arc::clone(seen)).map_err(signals_error)?;
            low_level::pipe::register(signal, waker.try_clone().map_err(signals_error)?)
                .map_err(signals_error)?;
        }
        Ok(Signals {
            stdin,
            wake,
            terminate,
            interrupt,
            hangup,
            report,
            reloads,
            grace,
            deadline: None,
        })
    }

    pub(super) fn stdin(&self) -> &Stdin {
        &self.stdin
    }

    /// How long reading may continue after SIGTERM.
    pub(super) fn set_grace(&mut self, grace: Duration) {
        self.grace = grace;
    }

    pub(super) fn is_interrupted(&self) -> bool {
        !self.stdin.is_pipe() && self.interrupt.load(Ordering::Relaxed)
    }

    /// Whether a signal has ended reading; input that is available may still be read.
    fn is_ending(&self) -> bool {
        let is_hung_up = !self.reloads && self.hangup.load(Ordering::Relaxed);
        is_hung_up || self.terminate.load(Ordering::Relaxed) || self.is_interrupted()
    }

    /// Whether nothing more may be read.
    pub(super) fn must_end(&mut self) -> bool {
        if !self.is_ending() {
            return false;
        }
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.grace);
        Instant::now() >= deadline || (self.is_interrupted() && self.stdin.is_file())
    }

    /// Whether there is a request. The end of reading takes precedence.
    pub(super) fn has_request(&self) -> bool {
        let is_requested = (self.reloads && self.hangup.load(Ordering::Relaxed))
            || self.report.load(Ordering::Relaxed);
        is_requested && !self.is_ending()
    }

    /// Takes the requests since the last call.
    pub(super) fn take_requests(&self) -> Requests {
        let reload = self.reloads && self.hangup.swap(false, Ordering::Relaxed);
        Requests { reload, report: self.report.swap(false, Ordering::Relaxed) }
    }

    /// Waits until something can be read, at most for `limit`.
    pub(super) fn wait(&mut self, limit: Option<Duration>) -> Wait {
        let deadline = limit.map(|limit| Instant::now() + limit);
        loop {
            if self.must_end() {
                return Wait::Ended;
            }
            if self.is_ending() {
                return if self.stdin.is_dry() { Wait::Ended } else { Wait::Readable };
            }
            if self.has_request() {
                return Wait::Request;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if self.stdin.is_file()
                || self.stdin.wait_for(Some(self.wake.as_fd()), left) == Wake::Readable
            {
                return Wait::Readable;
            }
            self.clear_wake();
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Wait::TimedOut;
            }
        }
    }

    /// Empties the descriptor that wakes the poll.
    fn clear_wake(&mut self) {
        let mut bytes = [0; 64];
        while self.wake.read(&mut bytes).is_ok_and(|n_bytes| n_bytes == bytes.len()) {}
    }
}

fn signals_error(error: io::Error) -> Error {
    Error::input("signals", error)
}

/// The signals that were set to be ignored when the program started, as a mask: signal 1 is the
/// lowest bit.
struct IgnoredSignals(u64);

impl IgnoredSignals {
    /// Reads the mask; empty if the system does not provide it.
    fn read() -> IgnoredSignals {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        IgnoredSignals(mask.unwrap_or(0))
    }

    fn contains(&self, signal: i32) -> bool {
        self.0 & (1 << (signal - 1)) != 0
    }
}
