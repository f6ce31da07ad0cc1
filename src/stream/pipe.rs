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
    os::{fd::AsFd, unix::net::UnixStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag, low_level,
};

use super::Pump;
use crate::{
    error::Error,
    scrub::Scrubber,
    sink::Sink,
    source::stdin::{Stdin, Wake},
};

/// How the pipe runs.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// A longer record is worked through in windows; bytes.
    pub(crate) max_record: usize,
    /// The size of a block; bytes.
    pub(crate) buffer: usize,
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
    let mut signals = Signals::install(!stdin.is_pipe(), options.grace)?;
    let mut pump = Pump::new(options.buffer, options.max_record, "standard input");
    let result = carry(&stdin, &mut signals, &mut pump, scrubber, &mut sink);
    scrubber.tally_mut().bytes_out += sink.written();
    result?;
    Ok(if signals.is_interrupted() { End::Interrupted } else { End::Done })
}

fn carry(
    stdin: &Stdin,
    signals: &mut Signals,
    pump: &mut Pump,
    scrubber: &mut Scrubber,
    sink: &mut Sink,
) -> Result<(), Error> {
    loop {
        let goes_on = fill(stdin, signals, pump)?;
        pump.drain(scrubber, !goes_on, |bytes| sink.write_all(bytes))?;
        if !goes_on {
            return Ok(());
        }
    }
}

/// Reads until the buffer is full or the source is dry; answers whether more may come.
fn fill(stdin: &Stdin, signals: &mut Signals, pump: &mut Pump) -> Result<bool, Error> {
    if !signals.wait(stdin) {
        return Ok(false);
    }
    loop {
        let n_bytes = stdin.read(pump.buffer().space()).map_err(|error| Error::input("standard input", error))?;
        let is_full = pump.buffer().advance(n_bytes);
        if n_bytes == 0 {
            return Ok(false);
        }
        if is_full || stdin.is_dry() {
            return Ok(true);
        }
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

    /// Waits until something can be read; `false` when nothing more is to be read.
    fn wait(&mut self, stdin: &Stdin) -> bool {
        loop {
            if self.is_interrupted() {
                return false;
            }
            if self.terminate.load(Ordering::Relaxed) {
                let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.grace);
                return Instant::now() < deadline && !stdin.is_dry();
            }
            if stdin.wait_for(Some(self.wake.as_fd()), None) == Wake::Readable {
                return true;
            }
        }
    }
}
