//! Clean bytes that wait to be read: the common part of blocking and asynchronous readers.

use std::io::{self, IoSlice};

use super::pump::Pump;
use crate::{frame::flush::InputState, scrub::Scrubber};

/// Takes input and hands out clean bytes.
#[derive(Debug)]
pub(crate) struct CleanOutput {
    scrubber: Scrubber,
    pump: Pump,
    bytes: Vec<u8>,
    n_taken: usize,
    is_at_end: bool,
    /// An error to return once the clean bytes before it are taken.
    failure: Option<io::Error>,
}

impl CleanOutput {
    pub(crate) fn new(size: usize, max_record: usize, scrubber: Scrubber) -> CleanOutput {
        let pump = Pump::new(size, max_record, "input");
        CleanOutput {
            scrubber,
            pump,
            bytes: Vec::new(),
            n_taken: 0,
            is_at_end: false,
            failure: None,
        }
    }

    pub(crate) fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    /// Whether more input is needed before there are bytes to take.
    ///
    /// # Errors
    ///
    /// The input behind the bytes that were taken could not be examined.
    pub(crate) fn needs_input(&mut self) -> io::Result<bool> {
        if self.n_taken < self.bytes.len() {
            return Ok(false);
        }
        match self.failure.take() {
            Some(error) => Err(error),
            None => Ok(!self.is_at_end),
        }
    }

    /// Where input is read into.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        self.pump.buffer().space()
    }

    /// Scrubs `n_bytes` that were read into the space; 0 means that the input has ended.
    pub(crate) fn advance(&mut self, n_bytes: usize) -> io::Result<()> {
        self.bytes.clear();
        self.n_taken = 0;
        self.pump.buffer().advance(n_bytes);
        self.is_at_end = n_bytes == 0;
        let input = if self.is_at_end { InputState::Ended } else { InputState::Open };
        let bytes = &mut self.bytes;
        let drained = self.pump.drain(&mut self.scrubber, input, |slices: &mut [IoSlice<'_>]| {
            slices.iter().for_each(|slice| bytes.extend_from_slice(slice));
            Ok(())
        });
        let drained = drained.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error));
        if self.bytes.is_empty() {
            return drained;
        }
        self.failure = drained.err();
        Ok(())
    }

    /// Takes at most `limit` clean bytes.
    pub(crate) fn take(&mut self, limit: usize) -> &[u8] {
        let n_bytes = limit.min(self.bytes.len() - self.n_taken);
        self.scrubber.tally_mut().bytes_out += n_bytes as u64;
        self.n_taken += n_bytes;
        &self.bytes[self.n_taken - n_bytes..self.n_taken]
    }
}
