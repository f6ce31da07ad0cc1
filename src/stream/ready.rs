//! Clean bytes that wait to be read: what readers have in common, whether they block or are polled.

use std::io::{self, IoSlice};

use super::Pump;
use crate::{frame::reassembly::InputState, scrub::Scrubber};

/// Takes what was read and gives it back clean.
#[derive(Debug)]
pub(crate) struct Ready {
    scrubber: Scrubber,
    pump: Pump,
    bytes: Vec<u8>,
    given: usize,
    is_at_end: bool,
    /// An error that comes up once the clean bytes before it have been given.
    failure: Option<io::Error>,
}

impl Ready {
    pub(crate) fn new(size: usize, max_record: usize, scrubber: Scrubber) -> Ready {
        let pump = Pump::new(size, max_record, "input");
        Ready { scrubber, pump, bytes: Vec::new(), given: 0, is_at_end: false, failure: None }
    }

    pub(crate) fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    /// Whether more must be read before there is something to give.
    ///
    /// # Errors
    ///
    /// The input could not be examined behind the bytes that were given.
    pub(crate) fn is_due(&mut self) -> io::Result<bool> {
        if self.given < self.bytes.len() {
            return Ok(false);
        }
        match self.failure.take() {
            Some(error) => Err(error),
            None => Ok(!self.is_at_end),
        }
    }

    /// Where more is read to.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        self.pump.buffer().space()
    }

    /// Takes so many bytes, which were read to the space; none when the input has ended.
    pub(crate) fn take(&mut self, n_bytes: usize) -> io::Result<()> {
        self.bytes.clear();
        self.given = 0;
        self.pump.buffer().advance(n_bytes);
        self.is_at_end = n_bytes == 0;
        let input = if self.is_at_end { InputState::Ended } else { InputState::Open };
        let bytes = &mut self.bytes;
        let keep = |runs: &mut [IoSlice<'_>]| {
            runs.iter().for_each(|run| bytes.extend_from_slice(run));
            Ok(())
        };
        let drained = self.pump.drain(&mut self.scrubber, input, keep);
        let drained = drained.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
        if self.bytes.is_empty() {
            return drained;
        }
        self.failure = drained.err();
        Ok(())
    }

    /// Gives so many bytes at the most.
    pub(crate) fn give(&mut self, most: usize) -> &[u8] {
        let n_bytes = most.min(self.bytes.len() - self.given);
        self.scrubber.tally_mut().bytes_out += n_bytes as u64;
        self.given += n_bytes;
        &self.bytes[self.given - n_bytes..self.given]
    }
}
