//! The signals that the filter answers, as flags and as a descriptor that wakes a wait.
//!
//! SIGTERM ends the reading: what can be read at once is still read, for a grace period. A second
//! one ends the program from inside the handler, whatever the threads are doing. SIGINT does the
//! same. It is ignored while standard input is a pipe and the only input: the writer got it too,
//! and the end of the pipe ends the filter. After SIGINT nothing more is read of a regular file,
//! since all of it is there at once.
//!
//! SIGHUP asks the filter to reload its configuration, or ends the reading like SIGTERM if there is
//! nothing to reload. It never arms the second SIGTERM: a session that ends sends both. SIGUSR1
//! asks for the summary so far.
//!
//! Handlers set the flag first and write to the descriptor second, so that a wait that was woken
//! finds the flag.

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

use super::flow::Wait;
use crate::{
    error::Error,
    source::input::{Input, Wake},
};

type Flag = Arc<AtomicBool>;

/// What signals ask for, other than to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Requests {
    /// SIGHUP: reload the configuration and reopen the output.
    pub(super) reload: bool,
    /// SIGUSR1: the summary so far.
    pub(super) report: bool,
}

/// How the signals are to be answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answers {
    pub(crate) hangup: Hangup,
    /// Whether standard input is the only input.
    pub(crate) reads_only_stdin: bool,
    /// How long reading may go on after SIGTERM.
    pub(crate) grace: Duration,
}

/// What SIGHUP does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// There are files to reload or to reopen.
    Reloads,
    /// There are none: it ends the reading.
    Ends,
}

/// The signals that have come, and the input whose reading they end.
pub(crate) struct Signals {
    input: Input,
    wake: UnixStream,
    terminate: Flag,
    interrupt: Flag,
    hangup: Flag,
    report: Flag,
    answers: Answers,
    /// Whether SIGINT is left to the writer of the pipe.
    ignores_interrupt: bool,
    /// When reading ends, after a signal.
    deadline: Option<Instant>,
}

impl Signals {
    /// Answers signals from now on; standard input is the input until another one is set.
    pub(crate) fn install(answers: Answers) -> Result<Signals, Error> {
        let failed = |error: io::Error| Error::input("signals", error);
        let input = Input::stdin()?;
        let ignores_interrupt = answers.reads_only_stdin && input.is_pipe();
        let (wake, waker) = UnixStream::pair().map_err(failed)?;
        wake.set_nonblocking(true).map_err(failed)?;
        let [terminate, interrupt, hangup, report] = [(); 4].map(|()| Flag::default());
        // nohup and the shell's `&` set signals to be ignored, on purpose.
        let ignored = ignored();
        for (signal, seen) in
            [(SIGTERM, &terminate), (SIGINT, &interrupt), (SIGHUP, &hangup), (SIGUSR1, &report)]
        {
            let was_ignored = ignored & (1 << (signal - 1)) != 0;
            let stays_ignored = match signal {
                SIGINT => was_ignored,
                SIGHUP => was_ignored && answers.hangup == Hangup::Ends,
                _ => false,
            };
            if stays_ignored {
                continue;
            }
            if signal == SIGTERM || (signal == SIGINT && !ignores_interrupt) {
                // The second one finds the flag set by the first.
                flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(seen))
                    .map_err(failed)?;
            }
            flag::register(signal, Arc::clone(seen)).map_err(failed)?;
            low_level::pipe::register(signal, waker.try_clone().map_err(failed)?)
                .map_err(failed)?;
        }
        Ok(Signals {
            input,
            wake,
            terminate,
            interrupt,
            hangup,
            report,
            answers,
            ignores_interrupt,
            deadline: None,
        })
    }

    pub(super) fn input(&self) -> &Input {
        &self.input
    }

    /// Goes on with another input.
    pub(super) fn set_input(&mut self, input: Input) {
        self.input = input;
    }

    /// How long reading may go on after SIGTERM.
    pub(super) fn set_grace(&mut self, grace: Duration) {
        self.answers.grace = grace;
    }

    pub(super) fn is_interrupted(&self) -> bool {
        !self.ignores_interrupt && self.interrupt.load(Ordering::Relaxed)
    }

    fn reloads(&self) -> bool {
        self.answers.hangup == Hangup::Reloads
    }

    /// Whether a signal has asked to stop waiting for more.
    fn is_ending(&self) -> bool {
        let is_hung_up = !self.reloads() && self.hangup.load(Ordering::Relaxed);
        is_hung_up || self.terminate.load(Ordering::Relaxed) || self.is_interrupted()
    }

    /// Whether nothing more is to be read, whatever is there.
    pub(super) fn must_end(&mut self) -> bool {
        if !self.is_ending() {
            return false;
        }
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.answers.grace);
        Instant::now() >= deadline || (self.is_interrupted() && self.input.is_file())
    }

    /// Whether a signal asks for something other than to end. A signal to end takes precedence.
    pub(super) fn has_request(&self) -> bool {
        let is_asked = (self.reloads() && self.hangup.load(Ordering::Relaxed))
            || self.report.load(Ordering::Relaxed);
        is_asked && !self.is_ending()
    }

    /// What signals have asked for since the last time.
    pub(super) fn take_requests(&self) -> Requests {
        let reload = self.reloads() && self.hangup.swap(false, Ordering::Relaxed);
        Requests { reload, report: self.report.swap(false, Ordering::Relaxed) }
    }

    /// Waits until something can be read, at most for `limit`.
    pub(super) fn wait(&mut self, limit: Option<Duration>) -> Wait {
        let late = limit.map(|limit| Instant::now() + limit);
        loop {
            if self.must_end() {
                return Wait::Ended;
            }
            if self.is_ending() {
                return if self.input.is_dry() { Wait::Ended } else { Wait::Readable };
            }
            if self.has_request() {
                return Wait::Request;
            }
            let left = late.map(|late| late.saturating_duration_since(Instant::now()));
            if self.input.is_file()
                || self.input.wait_for(Some(self.woken()), left) == Wake::Readable
            {
                return Wait::Readable;
            }
            self.clear_wake();
            if late.is_some_and(|late| Instant::now() >= late) {
                return Wait::TimedOut;
            }
        }
    }

    fn woken(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// Reads away the bytes that have woken the wait.
    fn clear_wake(&mut self) {
        let mut bytes = [0; 64];
        while self.wake.read(&mut bytes).is_ok_and(|n_bytes| n_bytes == bytes.len()) {}
    }
}

/// The signals that were ignored when the program was started, the first one in the lowest bit;
/// none where the system does not say.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
