//! Scrubs a reader to its end, for files that are there as a whole.

use std::{
    io::{IoSlice, Read},
    time::Duration,
};

use super::{
    flow::{self, Flow, Input, Wait},
    pump::Pump,
};
use crate::{error::Error, scrub::Scrubber};

/// Sizes and threads for one input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of a block.
    pub(crate) block: usize,
    /// Bytes of a record; longer ones are scrubbed in windows.
    pub(crate) max_record: usize,
    pub(crate) n_threads: usize,
}

/// Scrubs everything from `reader` and passes it to `write`. Errors call the input `name`.
pub(crate) fn scrub(
    reader: impl Read + Send,
    name: &str,
    limits: Limits,
    scrubber: &mut Scrubber,
    write: impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let mut pump = Pump::new(limits.block, limits.max_record, name);
    // A reader that returns no bytes has ended, so no timeout is needed.
    let flow = Flow { n_threads: limits.n_threads, hold: Duration::MAX };
    flow::run(flow, &mut ReaderInput { reader, name }, &mut pump, scrubber, write).map(|_| ())
}

/// Any reader as an input that is always readable.
struct ReaderInput<'n, R> {
    reader: R,
    name: &'n str,
}

impl<R: Read + Send> Input for ReaderInput<'_, R> {
    fn wait(&mut self, _: Option<Duration>) -> Wait {
        Wait::Readable
    }

    fn must_end(&mut self) -> bool {
        false
    }

    fn read(&mut self, space: &mut [u8]) -> Result<usize, Error> {
        self.reader.read(space).map_err(|error| Error::input(self.name, error))
    }

    fn is_dry(&mut self) -> bool {
        false
    }
}
