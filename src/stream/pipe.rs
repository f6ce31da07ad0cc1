//! The program's main job: standard input to standard output.
//!
//! The buffer is filled for as long as more is there at once; when the source runs dry, or the
//! buffer is full, everything whole is scrubbed and written. So a lone line leaves as soon as it
//! came, and a flood leaves in large blocks, without a timer.
//!
//! What signals do is said in [`super::signals`]. Between two blocks the filter can go on with
//! other rules and another output file: what was read before is written before, and what is open
//! across records (a private key, the parts of a record) stays open.

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
    Pump,
    flow::{self, Carried, Feed, Waited},
};
use crate::{
    error::Error,
    scrub::Scrubber,
    sink::Sink,
    source::stdin::{self, Stdin},
};

/// What a pipe is asked to hold. A writer and a reader that need not wait for each other at every
/// 64 KiB change places less often.
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
    /// A file to append to, instead of standard output.
    pub(crate) output: Option<PathBuf>,
    /// Write nothing.
    pub(crate) dry_run: bool,
}

/// What the configuration says when it is read anew.
pub(crate) struct Renewed {
    pub(crate) scrubber: Scrubber,
    pub(crate) hold: Duration,
    pub(crate) grace: Duration,
    pub(crate) output: Option<PathBuf>,
}

/// Answers signals that do not end the filter.
pub(crate) trait Caller {
    /// Reads rules and configuration anew; says why when that fails, and what is in force stays.
    fn renew(&mut self) -> Option<Renewed>;

    /// The output could not be opened anew; the old file stays.
    fn complain(&mut self, error: Error);

    /// Tells what was done so far.
    fn report(&mut self, scrubber: &Scrubber);
}

/// How the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With the input, or by SIGTERM once all that could be read at once was written.
    Done,
    /// By SIGINT.
    Interrupted,
}

/// Scrubs standard input until it ends; the scrubber's tally says how far it came, also after an
/// error.
pub(crate) fn run(
    options: &Options,
    scrubber: &mut Scrubber,
    signals: Signals,
    caller: &mut impl Caller,
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
    let result = filter.run(scrubber, n_threads, caller);
    filter.count_written(scrubber);
    result?;
    Ok(if filter.signals.is_interrupted() { End::Interrupted } else { End::Done })
}

/// What lasts while rules and files change.
struct Filter {
    signals: Signals,
    pump: Pump,
    sink: Sink,
    /// The file of the sink.
    output: Option<PathBuf>,
    hold: Duration,
}

impl Filter {
    fn run(
        &mut self,
        scrubber: &mut Scrubber,
        n_threads: usize,
        caller: &mut impl Caller,
    ) -> Result<(), Error> {
        loop {
            let Filter { signals, pump, sink, hold, .. } = self;
            let write = |runs: &mut [std::io::IoSlice<'_>]| sink.write_all(runs);
            if flow::carry(signals, pump, scrubber, n_threads, *hold, write)? == Carried::All {
                return Ok(());
            }
            let calls = self.signals.calls();
            if calls.reload {
                self.reload(scrubber, caller);
            }
            if calls.report {
                self.count_written(scrubber);
                caller.report(scrubber);
            }
        }
    }

    /// Goes on with what the configuration says now, and with a new file where the old one was
    /// moved away.
    fn reload(&mut self, scrubber: &mut Scrubber, caller: &mut impl Caller) {
        let mut output = self.output.clone();
        if let Some(renewed) = caller.renew() {
            scrubber.adopt(renewed.scrubber);
            self.hold = renewed.hold;
            self.signals.set_grace(renewed.grace);
            // A filter that writes to a file goes on writing to one.
            output = output.map(|path| renewed.output.unwrap_or(path));
        }
        if let Some(path) = output {
            self.reopen(path, caller);
        }
    }

    fn reopen(&mut self, path: PathBuf, caller: &mut impl Caller) {
        match self.sink.reopen(Path::new(&path)) {
            Ok(()) => self.output = Some(path),
            Err(error) => caller.complain(error),
        }
    }

    /// What was written is counted by the sink alone, over all of its files.
    fn count_written(&self, scrubber: &mut Scrubber) {
        scrubber.tally_mut().bytes_out = self.sink.written();
    }
}

/// A pipe's writer sets the pace, and a line at a time needs one thread; a file is there to be done
/// with.
fn n_threads(asked: usize, stdin: &Stdin) -> usize {
    match asked {
        0 if stdin.is_file() => thread::available_parallelism().map_or(1, NonZero::get),
        0 => 1,
        asked => asked,
    }
}

/// Asks for a larger pipe, or for one as large as the system allows. What is no pipe, or cannot
/// grow, is left as it is.
fn widen(fd: BorrowedFd<'_>) {
    let Ok(size) = fcntl_getpipe_size(fd) else { return };
    let mut asked = PIPE;
    while asked > size && fcntl_setpipe_size(fd, asked).is_err() {
        asked /= 2;
    }
}

impl Feed for Signals {
    fn wait(&mut self, limit: Option<Duration>) -> Waited {
        Signals::wait(self, limit)
    }

    fn is_over(&mut self) -> bool {
        Signals::is_over(self)
    }

    fn read(&mut self, space: &mut [u8]) -> Result<usize, Error> {
        self.stdin().read(space).map_err(|error| Error::input("standard input", error))
    }

    fn is_dry(&mut self) -> bool {
        self.stdin().is_dry()
    }

    fn is_called(&mut self) -> bool {
        Signals::is_called(self)
    }
}
