//! The filter: standard input to standard output.
//!
//! The buffer is filled while input is available without waiting. When the input runs dry, or the
//! buffer is full, all whole records are scrubbed and written. A single line is therefore written
//! as soon as it arrives, and a flood is written in large blocks, without a timer.
//!
//! [`super::signals`] describes the signals. Rules and output file can change between two blocks:
//! what was read before is written before, and state across records (a private key, the parts of a
//! record) is kept.

use std::{
    num::NonZero,
    os::fd::BorrowedFd,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};

pub(crate) use super::signals::Signals;
use super::{
    flow::{self, Flow, Input, Pause, Wait},
    pump::Pump,
};
use crate::{
    error::Error,
    scrub::Scrubber,
    sink::Sink,
    source::stdin::{self, Stdin},
};

/// The capacity that is requested for pipes. With the default of 64 KiB, writer and reader switch
/// more often.
const PIPE_CAPACITY: usize = 1 << 20;

/// Settings of the filter.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The most bytes of a record; longer ones are scrubbed in windows.
    pub(crate) max_record: usize,
    /// The size of a block in bytes.
    pub(crate) buffer: usize,
    /// The number of threads; 0 means one, or one per core if the input is a regular file.
    pub(crate) threads: usize,
    /// How long an incomplete record is held while no input arrives.
    pub(crate) hold: Duration,
    /// A file to append to, instead of standard output.
    pub(crate) output: Option<PathBuf>,
    /// Write nothing.
    pub(crate) dry_run: bool,
}

/// The settings that a reload can change.
pub(crate) struct Reloaded {
    pub(crate) scrubber: Scrubber,
    pub(crate) hold: Duration,
    pub(crate) grace: Duration,
    pub(crate) output: Option<PathBuf>,
}

/// Handles the requests of signals.
pub(crate) trait RequestHandler {
    /// Reloads rules and configuration. On failure it reports the reason and returns `None`; the
    /// old settings stay in force.
    fn reload(&mut self) -> Option<Reloaded>;

    /// Reports that the output file could not be opened again; the old one stays open.
    fn reopen_failed(&mut self, error: Error);

    /// Prints the summary so far.
    fn report(&mut self, scrubber: &Scrubber);
}

/// Why the filter ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The input ended, or SIGTERM arrived and the available input was written.
    Done,
    /// SIGINT.
    Interrupted,
}

/// Scrubs standard input until it ends. The tally of `scrubber` is valid after an error too.
pub(crate) fn run(
    options: &Options,
    scrubber: &mut Scrubber,
    signals: Signals,
    handler: &mut impl RequestHandler,
) -> Result<End, Error> {
    let sink = match (&options.output, options.dry_run) {
        (_, true) => Sink::nowhere(),
        (Some(path), _) => Sink::append(path)?,
        (None, _) => Sink::stdout()?,
    };
    stdin::check_open()?;
    widen(signals.stdin().fd());
    sink.fd().into_iter().for_each(widen);
    let n_threads = n_threads(options.threads, signals.stdin());
    let pump = Pump::new(options.buffer, options.max_record, "standard input");
    let output = options.output.clone().filter(|_| !options.dry_run);
    let mut filter = Filter { signals, pump, sink, output, hold: options.hold };
    let result = filter.run(scrubber, n_threads, handler);
    filter.count_written(scrubber);
    result?;
    Ok(if filter.signals.is_interrupted() { End::Interrupted } else { End::Done })
}

/// What stays when rules and files change.
struct Filter {
    signals: Signals,
    pump: Pump,
    sink: Sink,
    /// The file that the sink writes to.
    output: Option<PathBuf>,
    hold: Duration,
}

impl Filter {
    fn run(
        &mut self,
        scrubber: &mut Scrubber,
        n_threads: usize,
        handler: &mut impl RequestHandler,
    ) -> Result<(), Error> {
        loop {
            let Filter { signals, pump, sink, hold, .. } = self;
            let flow = Flow { pump, n_threads, hold: *hold };
            let pause = flow::run(flow, signals, scrubber, |slices| sink.write_all(slices))?;
            if pause == Pause::End {
                return Ok(());
            }
            let requests = self.signals.take_requests();
            if requests.reload {
                self.reload(scrubber, handler);
            }
            if requests.report {
                self.count_written(scrubber);
                handler.report(scrubber);
            }
        }
    }

    /// Applies the reloaded settings, and opens the output file again in case it was rotated.
    fn reload(&mut self, scrubber: &mut Scrubber, handler: &mut impl RequestHandler) {
        let mut output = self.output.clone();
        if let Some(reloaded) = handler.reload() {
            scrubber.adopt(reloaded.scrubber);
            self.hold = reloaded.hold;
            self.signals.set_grace(reloaded.grace);
            // A reload can change the file, but not switch between a file and standard output.
            output = output.map(|path| reloaded.output.unwrap_or(path));
        }
        if let Some(path) = output {
            self.reopen(path, handler);
        }
    }

    fn reopen(&mut self, path: PathBuf, handler: &mut impl RequestHandler) {
        match self.sink.reopen(Path::new(&path)) {
            Ok(()) => self.output = Some(path),
            Err(error) => handler.reopen_failed(error),
        }
    }

    /// Copies the count of written bytes from the sink, which counts across all of its files.
    fn count_written(&self, scrubber: &mut Scrubber) {
        scrubber.tally_mut().bytes_out = self.sink.written();
    }
}

/// The number of threads. By default one, because the writer of a pipe sets the pace; a regular
/// file gets all cores.
fn n_threads(requested: usize, stdin: &Stdin) -> usize {
    match requested {
        0 if stdin.is_file() => thread::available_parallelism().map_or(1, NonZero::get),
        0 => 1,
        requested => requested,
    }
}

/// Enlarges a pipe to [`PIPE_CAPACITY`], or as far as the system allows. Other files are left
/// alone.
fn widen(fd: BorrowedFd<'_>) {
    let Ok(size) = fcntl_getpipe_size(fd) else { return };
    let mut capacity = PIPE_CAPACITY;
    while capacity > size && fcntl_setpipe_size(fd, capacity).is_err() {
        capacity /= 2;
    }
}

impl Input for Signals {
    fn wait(&mut self, limit: Option<Duration>) -> Wait {
        Signals::wait(self, limit)
    }

    fn must_end(&mut self) -> bool {
        Signals::must_end(self)
    }

    fn read(&mut self, space: &mut [u8]) -> Result<usize, Error> {
        self.stdin().read(space).map_err(|error| Error::input("standard input", error))
    }

    fn is_dry(&mut self) -> bool {
        self.stdin().is_dry()
    }

    fn has_request(&mut self) -> bool {
        Signals::has_request(self)
    }
}
