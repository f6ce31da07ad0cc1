//! A `Write` that scrubs what is written into it.

use std::io::{self, IoSlice, Write};

use super::{BLOCK, MAX_RECORD, Pump};
use crate::{error::Error, frame::layout::Behind, scrub::Scrubber};

/// Takes bytes and writes them into `W` clean.
///
/// A record is written when its end has come, so [`Write::flush`] passes on whole records only;
/// [`ScrubWriter::finish`] ends the last one. A writer that is dropped unfinished withholds what it still holds.
///
/// ```
/// use std::io::Write;
/// use logscrub::{Policy, RuleSet, ScrubWriter, Scrubber};
///
/// let scrubber = Scrubber::new(&RuleSet::embedded(), &Policy::new())?;
/// let mut writer = ScrubWriter::new(Vec::new(), scrubber);
/// writer.write_all(b"login of alice@exam")?;
/// writer.write_all(b"ple.com")?;
/// assert_eq!(writer.finish()?, b"login of REDACTED-email");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ScrubWriter<W> {
    inner: W,
    scrubber: Scrubber,
    pump: Pump,
}

impl<W: Write> ScrubWriter<W> {
    /// Writes clean bytes into `inner`, in blocks of the default size.
    pub fn new(inner: W, scrubber: Scrubber) -> ScrubWriter<W> {
        ScrubWriter::with_capacity(BLOCK, MAX_RECORD, inner, scrubber)
    }

    /// As [`ScrubWriter::new`], with a buffer of `size` bytes that grows up to `max_record` bytes where a record asks for
    /// it. A limit under 256 KiB is taken as 256 KiB.
    pub fn with_capacity(size: usize, max_record: usize, inner: W, scrubber: Scrubber) -> ScrubWriter<W> {
        ScrubWriter { inner, scrubber, pump: Pump::new(size, max_record, "input") }
    }

    /// The scrubber, for its tally.
    pub fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    /// Ends the last record, flushes, and gives the inner writer back.
    ///
    /// # Errors
    ///
    /// As writing: the inner writer's, or the input cannot be examined as text.
    pub fn finish(mut self) -> io::Result<W> {
        self.drain(Behind::Nothing)?;
        self.inner.flush()?;
        Ok(self.inner)
    }

    fn drain(&mut self, behind: Behind) -> io::Result<()> {
        let inner = &mut self.inner;
        let mut n_written = 0;
        let pass = |runs: &mut [IoSlice<'_>]| {
            runs.iter().try_for_each(|run| {
                n_written += run.len() as u64;
                inner.write_all(run).map_err(|error| Error::output("output", error))
            })
        };
        let result = self.pump.drain(&mut self.scrubber, behind, pass);
        self.scrubber.tally_mut().bytes_out += n_written;
        result.map_err(|error| io::Error::new(error.io_kind(), error))
    }
}

impl<W: Write> Write for ScrubWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let space = self.pump.buffer().space();
        let n_bytes = bytes.len().min(space.len());
        space[..n_bytes].copy_from_slice(&bytes[..n_bytes]);
        self.pump.buffer().advance(n_bytes);
        self.drain(Behind::More)?;
        Ok(n_bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.drain(Behind::More)?;
        self.inner.flush()
    }
}
