//! The signals that the filter answers, as flags and as a descriptor that wakes a wait.
//!
//! SIGTERM ends the reading: what can be read at once is still read, for a grace period. A second
//! one ends the program from inside the handler, whatever the threads are doing. SIGINT does the
//! same, but it is ignored when standard input is a pipe: the writer got it as well, and its end is
//! ours. Of a regular file nothing more is read, since all of it is there at once.
//!
//! SIGHUP calls the filter to read its configuration anew, or ends the reading like SIGTERM when
//! there is nothing to read anew. It never arms the second SIGTERM: a session that ends sends both.
//! SIGUSR1 asks for the summary so far.
//!
//! Handlers set the flag first and write to the descriptor second. So a wait that was woken finds
//! the flag.

use std::{
    fs, io,
    io::Read as _,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
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

use super::flow::Waited;
use crate::{
    error::Error,
    source::stdin::{Stdin, Wake},
};

type Flag = Arc<AtomicBool>;

/// What signals ask for beside the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Calls {
    /// SIGHUP: read the configuration and open the output anew.
    pub(super) reload: bool,
    /// SIGUSR1: the summary so far.
    pub(super) report: bool,
}

/// The signals that have come.
pub(crate) struct Signals {
    stdin: Stdin,
    wake: UnixStream,
    terminate: Flag,
    interrupt: Flag,
    hangup: Flag,
    report: Flag,
    /// Whether SIGHUP has something to read anew; otherwise it ends the reading.
    reloads: bool,
    grace: Duration,
    /// When reading ends, after a signal.
    deadline: Option<Instant>,
}

impl Signals {
    /// Answers signals from now on. `reloads`: whether there are files to read or to open anew.
    pub(crate) fn install(reloads: bool, grace: Duration) -> Result<Signals, Error> {
        let failed = |error: io::Error| Error::input("signals", error);
        let stdin = Stdin::new();
        let (wake, waker) = UnixStream::pair().map_err(failed)?;
        wake.set_nonblocking(true).map_err(failed)?;
        let [terminate, interrupt, hangup, report] = [(); 4].map(|()| Flag::default());
        // nohup and the shell's `&` set signals to be ignored, and mean it.
        let ignored = ignored();
        let is_ignored = |signal: i32| ignored & (1 << (signal - 1)) != 0;
        for (signal, seen) in
            [(SIGTERM, &terminate), (SIGINT, &interrupt), (SIGHUP, &hangup), (SIGUSR1, &report)]
        {
            let is_left = match signal {
                SIGINT => is_ignored(SIGINT),
                SIGHUP => is_ignored(SIGHUP) && !reloads,
                _ => false,
            };
            if is_left {
                continue;
            }
            if signal == SIGTERM || (signal == SIGINT && !stdin.is_pipe()) {
                // The second one finds the flag set by the first.
                flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(seen))
                    .map_err(failed)?;
            }
            flag::register(signal, Arc::clone(seen)).map_err(failed)?;
            low_level::pipe::register(signal, waker.try_clone().map_err(failed)?)
                .map_err(failed)?;
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

    /// How long reading may go on after SIGTERM.
    pub(super) fn set_grace(&mut self, grace: Duration) {
        self.grace = grace;
    }

    pub(super) fn is_interrupted(&self) -> bool {
        !self.stdin.is_pipe() && self.interrupt.load(Ordering::Relaxed)
    }

    /// Whether a signal has told that nothing more is to be waited for.
    fn is_ending(&self) -> bool {
        let is_hung_up = !self.reloads && self.hangup.load(Ordering::Relaxed);
        is_hung_up || self.terminate.load(Ordering::Relaxed) || self.is_interrupted()
    }

    /// Whether nothing more is to be read, whatever is there.
    pub(super) fn is_over(&mut self) -> bool {
        if !self.is_ending() {
            return false;
        }
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.grace);
        Instant::now() >= deadline || (self.is_interrupted() && self.stdin.is_file())
    }

    /// Whether a signal asks for something beside the end, which goes before.
    pub(super) fn is_called(&self) -> bool {
        let is_asked = (self.reloads && self.hangup.load(Ordering::Relaxed))
            || self.report.load(Ordering::Relaxed);
        is_asked && !self.is_ending()
    }

    /// What signals have asked for since the last time.
    pub(super) fn calls(&self) -> Calls {
        let reload = self.reloads && self.hangup.swap(false, Ordering::Relaxed);
        Calls { reload, report: self.report.swap(false, Ordering::Relaxed) }
    }

    /// Waits until something can be read, at most for `limit`.
    pub(super) fn wait(&mut self, limit: Option<Duration>) -> Waited {
        let late = limit.map(|limit| Instant::now() + limit);
        loop {
            if self.is_over() {
                return Waited::Over;
            }
            if self.is_ending() {
                return if self.stdin.is_dry() { Waited::Over } else { Waited::Ready };
            }
            if self.is_called() {
                return Waited::Called;
            }
            let left = late.map(|late| late.saturating_duration_since(Instant::now()));
            if self.stdin.is_file()
                || self.stdin.wait_for(Some(self.woken()), left) == Wake::Readable
            {
                return Waited::Ready;
            }
            self.hush();
            if late.is_some_and(|late| Instant::now() >= late) {
                return Waited::Late;
            }
        }
    }

    fn woken(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// Takes away what has woken the wait.
    fn hush(&mut self) {
        let mut bytes = [0; 64];
        while self.wake.read(&mut bytes).is_ok_and(|n_bytes| n_bytes == bytes.len()) {}
    }
}

/// The signals that were set to be ignored when the program was started, the first one in the
/// lowest bit; none where the system does not tell.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
