//! A `Read` that scrubs what it reads.

use std::io::{self, IoSlice, Read};

use super::{BLOCK, MAX_RECORD, Pump};
use crate::{frame::layout::Behind, scrub::Scrubber};

/// Reads from `R` and gives back clean bytes.
///
/// A record is held until its end has been read. An input that cannot be examined as text is an error of kind
/// [`io::ErrorKind::InvalidData`], and nothing of it is given back.
///
/// ```
/// use std::io::Read;
/// use logscrub::{Policy, RuleSet, ScrubReader, Scrubber};
///
/// let scrubber = Scrubber::new(&RuleSet::embedded(), &Policy::new())?;
/// let log = "login of alice@example.com\n";
/// let mut clean = String::new();
/// ScrubReader::new(log.as_bytes(), scrubber).read_to_string(&mut clean)?;
/// assert_eq!(clean, "login of REDACTED-email\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ScrubReader<R> {
    inner: R,
    scrubber: Scrubber,
    pump: Pump,
    ready: Vec<u8>,
    given: usize,
    is_at_end: bool,
}

impl<R: Read> ScrubReader<R> {
    /// Scrubs what `inner` gives, in blocks of the default size.
    pub fn new(inner: R, scrubber: Scrubber) -> ScrubReader<R> {
        ScrubReader::with_capacity(BLOCK, MAX_RECORD, inner, scrubber)
    }

    /// As [`ScrubReader::new`], with a buffer of `size` bytes that grows up to `max_record` bytes where a record asks for
    /// it. A limit under 256 KiB is taken as 256 KiB.
    pub fn with_capacity(size: usize, max_record: usize, inner: R, scrubber: Scrubber) -> ScrubReader<R> {
        let pump = Pump::new(size, max_record, "input");
        ScrubReader { inner, scrubber, pump, ready: Vec::new(), given: 0, is_at_end: false }
    }

    /// The scrubber, for its tally.
    pub fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    fn refill(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        while self.ready.is_empty() && !self.is_at_end {
            let n_bytes = self.inner.read(self.pump.buffer().space())?;
            self.pump.buffer().advance(n_bytes);
            self.is_at_end = n_bytes == 0;
            let behind = if self.is_at_end { Behind::Nothing } else { Behind::More };
            let ready = &mut self.ready;
            let keep = |runs: &mut [IoSlice<'_>]| {
                runs.iter().for_each(|run| ready.extend_from_slice(run));
                Ok(())
            };
            self.pump
                .drain(&mut self.scrubber, behind, keep)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
        Ok(())
    }
}

impl<R: Read> Read for ScrubReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.given == self.ready.len() {
            self.refill()?;
        }
        let n_bytes = out.len().min(self.ready.len() - self.given);
        out[..n_bytes].copy_from_slice(&self.ready[self.given..self.given + n_bytes]);
        self.given += n_bytes;
        self.scrubber.tally_mut().bytes_out += n_bytes as u64;
        Ok(n_bytes)
    }
}
