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

/// Scrubs everything from `input` and passes it to `write`.
pub(crate) fn scrub(
    mut input: NamedReader<'_, impl Read + Send>,
    limits: Limits,
    scrubber: &mut Scrubber,
    write: impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let mut pump = Pump::new(limits.block, limits.max_record, input.name);
    // A reader that returns no bytes has ended, so no timeout is needed.
    let flow = Flow { pump: &mut pump, n_threads: limits.n_threads, hold: Duration::MAX };
    flow::run(flow, &mut input, scrubber, write).map(|_| ())
}

/// A reader, which is always readable.
pub(crate) struct NamedReader<'n, R> {
    pub(crate) reader: R,
    /// How errors call the input.
    pub(crate) name: &'n str,
}

impl<R: Read + Send> Input for NamedReader<'_, R> {
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
