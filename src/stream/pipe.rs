//! The program's main job: standard input to standard output.
//!
//! The buffer is filled for as long as more is there at once; when the source runs dry, or the buffer is full, everything whole
//! is scrubbed and written. So a lone line leaves as soon as it came, and a flood leaves in large blocks, without a timer.
//!
//! SIGTERM stops the waiting, not the work: what can be read at once is still read (for a grace period), scrubbed and written.
//! A second one ends the program where it stands. SIGINT ends it too, but not when standard input is a pipe: then the writer
//! got the signal as well, and its end is ours.

use std::{
    io,
    num::NonZero,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag, low_level,
};

use super::{
    Pump,
    flow::{self, Feed, Waited},
};
use crate::{
    error::Error,
    scrub::Scrubber,
    sink::Sink,
    source::stdin::{Stdin, Wake},
};

/// What a pipe is asked to hold. A writer and a reader that need not wait for each other at every 64 KiB change places less often.
const PIPE: usize = 1 << 20;

/// How the pipe runs.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// A longer record is worked through in windows; bytes.
    pub(crate) max_record: usize,
    /// The size of a block; bytes.
    pub(crate) buffer: usize,
    /// How many threads scrub; 0: one, but all cores for a regular file.
    pub(crate) threads: usize,
    /// How long a record may wait for its rest while nothing is read.
    pub(crate) hold: Duration,
    /// How long reading may go on after SIGTERM.
    pub(crate) grace: Duration,
    /// A file to append to, instead of standard output.
    pub(crate) output: Option<PathBuf>,
    /// Write nothing.
    pub(crate) dry_run: bool,
}

/// How the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With the input, or by SIGTERM once all that could be read at once was written.
    Done,
    /// By SIGINT.
    Interrupted,
}

/// Scrubs standard input until it ends; the scrubber's tally says how far it came, also after an error.
pub(crate) fn run(options: &Options, scrubber: &mut Scrubber) -> Result<End, Error> {
    let mut sink = match (&options.output, options.dry_run) {
        (_, true) => Sink::nowhere(),
        (Some(path), _) => Sink::append(path)?,
        (None, _) => Sink::stdout()?,
    };
    let stdin = Stdin::new();
    widen(stdin.fd());
    sink.fd().into_iter().for_each(widen);
    let n_threads = n_threads(options.threads, &stdin);
    let signals = Signals::install(!stdin.is_pipe(), options.grace)?;
    let mut input = Input { stdin, signals };
    let mut pump = Pump::new(options.buffer, options.max_record, "standard input");
    let result = flow::carry(&mut input, &mut pump, scrubber, n_threads, options.hold, |runs| sink.write_all(runs));
    scrubber.tally_mut().bytes_out += sink.written();
    result?;
    Ok(if input.signals.is_interrupted() { End::Interrupted } else { End::Done })
}

/// A pipe's writer sets the pace, and a line at a time needs one thread; a file is there to be done with.
fn n_threads(asked: usize, stdin: &Stdin) -> usize {
    match asked {
        0 if stdin.is_file() => thread::available_parallelism().map_or(1, NonZero::get),
        0 => 1,
        asked => asked,
    }
}

/// Asks for a larger pipe, or for one as large as the system allows. What is no pipe, or cannot grow, is left as it is.
fn widen(fd: BorrowedFd<'_>) {
    let Ok(size) = fcntl_getpipe_size(fd) else { return };
    let mut asked = PIPE;
    while asked > size && fcntl_setpipe_size(fd, asked).is_err() {
        asked /= 2;
    }
}

/// Standard input, for as long as no signal ends it.
struct Input {
    stdin: Stdin,
    signals: Signals,
}

impl Feed for Input {
    fn wait(&mut self, limit: Option<Duration>) -> Waited {
        self.signals.wait(&self.stdin, limit)
    }

    fn is_over(&mut self) -> bool {
        self.signals.is_over()
    }

    fn read(&mut self, space: &mut [u8]) -> Result<usize, Error> {
        self.stdin.read(space).map_err(|error| Error::input("standard input", error))
    }

    fn is_dry(&mut self) -> bool {
        self.stdin.is_dry()
    }
}

/// The signals that end the work, as flags and as a descriptor that wakes a wait.
struct Signals {
    wake: UnixStream,
    terminate: Arc<AtomicBool>,
    interrupt: Arc<AtomicBool>,
    /// Whether SIGINT is for us.
    is_interactive: bool,
    grace: Duration,
    /// When reading ends, after SIGTERM.
    deadline: Option<Instant>,
}

impl Signals {
    fn install(is_interactive: bool, grace: Duration) -> Result<Signals, Error> {
        let failed = |error: io::Error| Error::input("signals", error);
        let (wake, waker) = UnixStream::pair().map_err(failed)?;
        let terminate = Arc::new(AtomicBool::new(false));
        let interrupt = Arc::new(AtomicBool::new(false));
        let ends = [(SIGTERM, &terminate), (SIGINT, &interrupt)];
        for (signal, seen) in ends {
            if signal == SIGTERM || is_interactive {
                // The second one finds the flag set by the first and quits at once.
                flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(seen)).map_err(failed)?;
                let waker = waker.try_clone().map_err(failed)?;
                low_level::pipe::register(signal, waker).map_err(failed)?;
            }
            flag::register(signal, Arc::clone(seen)).map_err(failed)?;
        }
        Ok(Signals { wake, terminate, interrupt, is_interactive, grace, deadline: None })
    }

    fn is_interrupted(&self) -> bool {
        self.is_interactive && self.interrupt.load(Ordering::Relaxed)
    }

    /// Whether a signal has ended the reading, whatever is there.
    fn is_over(&mut self) -> bool {
        if self.terminate.load(Ordering::Relaxed) {
            let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.grace);
            return Instant::now() >= deadline || self.is_interrupted();
        }
        self.is_interrupted()
    }

    /// Waits until something can be read, at most for `limit`.
    fn wait(&mut self, stdin: &Stdin, limit: Option<Duration>) -> Waited {
        let late = limit.map(|limit| Instant::now() + limit);
        loop {
            if self.is_over() {
                return Waited::Over;
            }
            if self.terminate.load(Ordering::Relaxed) {
                return if stdin.is_dry() { Waited::Over } else { Waited::Ready };
            }
            let left = late.map(|late| late.saturating_duration_since(Instant::now()));
            if stdin.is_file() || stdin.wait_for(Some(self.wake.as_fd()), left) == Wake::Readable {
                return Waited::Ready;
            }
            if late.is_some_and(|late| Instant::now() >= late) {
                return Waited::Late;
            }
        }
    }
}
