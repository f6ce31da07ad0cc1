//! The program's main job: standard input or files to standard output.
//!
//! The buffer is filled for as long as more is there at once; when the source runs dry, or the
//! buffer is full, all complete records are scrubbed and written. So a single line is written as
//! soon as it was read, and a flood is written in large blocks, without a timer.
//!
//! Several inputs are read in order. Each begins with nothing open, and one that cannot be read is
//! reported and skipped.
//!
//! [`super::signals`] says what signals do. Between two blocks the filter can go on with other
//! rules and another output file: what was read before is written before, and state that is open
//! across records (a private key, the parts of a record) stays open.

use std::{
    num::NonZero,
    os::{fd::BorrowedFd, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};

pub(crate) use super::signals::{Answers, Hangup, Signals};
use super::{
    flow::{self, Flow, Pause, Wait},
    pump::Pump,
};
use crate::{
    error::Error,
    scrub::Scrubber,
    sink::Sink,
    source::input::{Input, Place},
};

/// The capacity asked of a pipe. With more than the usual 64 KiB, writer and reader switch less
/// often.
const PIPE_CAPACITY: usize = 1 << 20;

/// How the pipe runs.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// What is read, in order.
    pub(crate) inputs: Vec<Place>,
    /// A longer record is scrubbed in windows; bytes.
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

/// What the configuration says when it is reloaded.
pub(crate) struct Reloaded {
    pub(crate) scrubber: Scrubber,
    pub(crate) hold: Duration,
    pub(crate) grace: Duration,
    pub(crate) output: Option<PathBuf>,
}

/// Answers signals that do not end the filter, and hears of inputs that cannot be read.
pub(crate) trait RequestHandler {
    /// Reloads rules and configuration. If that fails, it reports why and the old ones stay.
    fn reload(&mut self) -> Option<Reloaded>;

    /// The output could not be reopened; the old file stays.
    fn reopen_failed(&mut self, error: Error);

    /// An input could not be read, or not to its end; the filter goes on with the next one.
    fn input_failed(&mut self, error: Error);

    /// Reports what was done so far.
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

/// Scrubs the inputs until they end; the scrubber's tally says how far it came, also after an
/// error.
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
    refuse_output_among_inputs(&options.inputs, &sink)?;
    sink.fd().into_iter().for_each(widen);
    let output = options.output.clone().filter(|_| !options.dry_run);
    let mut filter = Filter { options, signals, sink, output, hold: options.hold };
    let result = filter.run(scrubber, handler);
    filter.count_written(scrubber);
    result?;
    Ok(if filter.signals.is_interrupted() { End::Interrupted } else { End::Done })
}

/// A file that is read and appended to grows for as long as it is read.
fn refuse_output_among_inputs(inputs: &[Place], sink: &Sink) -> Result<(), Error> {
    let Some(output) = sink.regular_file() else { return Ok(()) };
    for input in inputs {
        // An input without metadata is reported when it is opened.
        let Ok(metadata) = input.metadata() else { continue };
        if metadata.is_file() && (metadata.dev(), metadata.ino()) == output {
            let message = format!("{}: is both an input and the output", input.name());
            let hint = "write to another file; `logscrub batch --in-place` replaces files";
            return Err(Error::usage(message).hint(hint));
        }
    }
    Ok(())
}

/// What lasts while inputs, rules and files change.
struct Filter<'o> {
    options: &'o Options,
    signals: Signals,
    sink: Sink,
    /// The file of the sink.
    output: Option<PathBuf>,
    hold: Duration,
}

impl Filter<'_> {
    fn run(
        &mut self,
        scrubber: &mut Scrubber,
        handler: &mut impl RequestHandler,
    ) -> Result<(), Error> {
        for (index, place) in self.options.inputs.iter().enumerate() {
            if index > 0 && self.signals.must_end() {
                break;
            }
            scrubber.reset();
            match self.read(place, scrubber, handler) {
                Err(error) if error.is_about_input() => handler.input_failed(error),
                result => result?,
            }
        }
        Ok(())
    }

    /// Scrubs one input until it ends.
    fn read(
        &mut self,
        place: &Place,
        scrubber: &mut Scrubber,
        handler: &mut impl RequestHandler,
    ) -> Result<(), Error> {
        let input = Input::open(place)?;
        widen(input.descriptor());
        let n_threads = n_threads(self.options.threads, &input);
        let mut pump = Pump::new(self.options.buffer, self.options.max_record, input.name());
        self.signals.set_input(input);
        loop {
            let Filter { signals, sink, hold, .. } = self;
            let flow = Flow { pump: &mut pump, n_threads, hold: *hold };
            let pause = flow::run(flow, signals, scrubber, |slices| sink.write_all(slices))?;
            if pause == Pause::End {
                return Ok(());
            }
            self.answer(scrubber, handler);
        }
    }

    fn answer(&mut self, scrubber: &mut Scrubber, handler: &mut impl RequestHandler) {
        let requests = self.signals.take_requests();
        if requests.reload {
            self.reload(scrubber, handler);
        }
        if requests.report {
            self.count_written(scrubber);
            handler.report(scrubber);
        }
    }

    /// Goes on with the current configuration, and with a new file if the old one was moved away.
    fn reload(&mut self, scrubber: &mut Scrubber, handler: &mut impl RequestHandler) {
        let mut output = self.output.clone();
        if let Some(reloaded) = handler.reload() {
            scrubber.adopt(reloaded.scrubber);
            self.hold = reloaded.hold;
            self.signals.set_grace(reloaded.grace);
            // A filter that writes to a file goes on writing to one.
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

    /// What was written is counted by the sink alone, over all of its files.
    fn count_written(&self, scrubber: &mut Scrubber) {
        scrubber.tally_mut().bytes_out = self.sink.written();
    }
}

/// The writer of a pipe sets the pace, and a line at a time needs one thread; all of a file is
/// there at once.
fn n_threads(asked: usize, input: &Input) -> usize {
    match asked {
        0 if input.is_file() => thread::available_parallelism().map_or(1, NonZero::get),
        0 => 1,
        asked => asked,
    }
}

/// Asks for a larger pipe, or for one as large as the system allows. Other descriptors, and pipes
/// that cannot grow, stay as they are.
fn widen(fd: BorrowedFd<'_>) {
    let Ok(size) = fcntl_getpipe_size(fd) else { return };
    let mut asked = PIPE_CAPACITY;
    while asked > size && fcntl_setpipe_size(fd, asked).is_err() {
        asked /= 2;
    }
}

impl flow::Input for Signals {
    fn wait(&mut self, limit: Option<Duration>) -> Wait {
        Signals::wait(self, limit)
    }

    fn must_end(&mut self) -> bool {
        Signals::must_end(self)
    }

    fn read(&mut self, space: &mut [u8]) -> Result<usize, Error> {
        self.input().read(space).map_err(|error| Error::input(self.input().name(), error))
    }

    fn is_dry(&mut self) -> bool {
        self.input().is_dry()
    }

    fn has_request(&mut self) -> bool {
        Signals::has_request(self)
    }
}
