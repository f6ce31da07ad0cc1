//! A writer that scrubs.

use std::{
    fmt,
    io::{self, IoSlice, Write},
};

use super::pump::{BLOCK, MAX_RECORD, Pump};
use crate::{error::Error, frame::flush::InputState, scrub::Scrubber};

/// Scrubs bytes and writes them to `W`.
///
/// A record is written once it is complete, so [`Write::flush`] writes whole records only;
/// [`ScrubWriter::finish`] completes the last one. A writer that is dropped without it discards the
/// incomplete record.
///
/// # Errors
///
/// As with [`std::io::BufWriter`], an error of `write` means that none of the bytes of that call
/// were accepted: the call can be repeated. Output that `W` did not accept is kept, and the next
/// `write`, `flush` or `finish` writes it first. It is neither scrubbed nor counted twice. An input
/// that cannot be examined as text is an error of kind [`io::ErrorKind::InvalidData`]; the writer
/// accepts nothing after it.
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
    pending: Pending,
}

/// Scrubbed output that the inner writer has not accepted yet.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    n_written: usize,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.n_left() == 0
    }

    fn n_left(&self) -> usize {
        self.bytes.len() - self.n_written
    }

    /// Writes as much as `inner` accepts, and keeps the rest.
    fn write_to(&mut self, inner: &mut impl Write) -> io::Result<()> {
        let (n_written, result) = write_most(inner, &self.bytes[self.n_written..]);
        self.n_written += n_written;
        if self.is_empty() {
            self.bytes.clear();
            self.n_written = 0;
        }
        result
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending({} bytes)", self.n_left())
    }
}

impl<W: Write> ScrubWriter<W> {
    /// Writes clean bytes to `inner`, in blocks of the default size.
    pub fn new(inner: W, scrubber: Scrubber) -> ScrubWriter<W> {
        ScrubWriter::with_capacity(BLOCK, MAX_RECORD, inner, scrubber)
    }

    /// Like [`ScrubWriter::new`], with a buffer of `size` bytes that grows up to `max_record` bytes
    /// for long records. A limit under 256 KiB is raised to 256 KiB.
    pub fn with_capacity(
        size: usize,
        max_record: usize,
        inner: W,
        scrubber: Scrubber,
    ) -> ScrubWriter<W> {
        let pump = Pump::new(size, max_record, "input");
        ScrubWriter { inner, scrubber, pump, pending: Pending::default() }
    }

    /// The scrubber, for its tally.
    pub fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    /// The inner writer. Bytes written to it directly may precede output that is still pending.
    pub fn get_ref(&self) -> &W {
        &self.inner
    }

    /// The inner writer, for example to remove the cause of an error. See [`ScrubWriter::get_ref`].
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.inner
    }

    /// Completes the last record, flushes, and returns the inner writer.
    ///
    /// # Errors
    ///
    /// Errors of the inner writer, or the input cannot be examined as text. The error contains this
    /// writer, so `finish` can be retried without losing pending output.
    pub fn finish(mut self) -> Result<W, FinishError<W>> {
        match self.end() {
            Ok(()) => Ok(self.inner),
            Err(error) => Err(FinishError { error, writer: Box::new(self) }),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        self.write_pending()?;
        self.scrub(InputState::Ended)?;
        self.write_pending()?;
        self.inner.flush()
    }

    fn write_pending(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let before = self.pending.n_left();
        let result = self.pending.write_to(&mut self.inner);
        self.scrubber.tally_mut().bytes_out += (before - self.pending.n_left()) as u64;
        result
    }

    /// Scrubs what is due. Output goes to the inner writer until that fails, and then to `pending`.
    /// The next write returns the error.
    fn scrub(&mut self, input: InputState) -> io::Result<()> {
        let (inner, pending) = (&mut self.inner, &mut self.pending);
        let mut n_written = 0;
        let result = self.pump.drain(&mut self.scrubber, input, |slices: &mut [IoSlice<'_>]| {
            for slice in slices.iter() {
                let mut done = 0;
                if pending.is_empty() {
                    done = write_most(inner, slice).0;
                    n_written += done as u64;
                }
                pending.bytes.extend_from_slice(&slice[done..]);
            }
            Ok(())
        });
        self.scrubber.tally_mut().bytes_out += n_written;
        result.map_err(|error: Error| io::Error::new(error.io_kind(), error))
    }
}

/// Writes `bytes` until all are written or an error occurs. Returns how many were written in either
/// case.
fn write_most(inner: &mut impl Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut n_written = 0;
    while n_written < bytes.len() {
        #[allow(clippy::disallowed_methods)] // a partial write must be known
        let written = inner.write(&bytes[n_written..]);
        match written {
            Ok(0) => return (n_written, Err(io::ErrorKind::WriteZero.into())),
            Ok(n_bytes) => n_written += n_bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (n_written, Err(error)),
        }
    }
    (n_written, Ok(()))
}

impl<W: Write> Write for ScrubWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_pending()?;
        let space = self.pump.buffer().space();
        let n_bytes = bytes.len().min(space.len());
        space[..n_bytes].copy_from_slice(&bytes[..n_bytes]);
        self.pump.buffer().advance(n_bytes);
        self.scrub(InputState::Open)?;
        Ok(n_bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_pending()?;
        self.scrub(InputState::Open)?;
        self.write_pending()?;
        self.inner.flush()
    }
}

/// Error of [`ScrubWriter::finish`], with the writer for another try.
#[derive(Debug)]
pub struct FinishError<W> {
    error: io::Error,
    writer: Box<ScrubWriter<W>>,
}

impl<W> FinishError<W> {
    /// The cause.
    pub fn error(&self) -> &io::Error {
        &self.error
    }

    /// The cause and the writer, which still holds the output that was not written.
    pub fn into_parts(self) -> (io::Error, ScrubWriter<W>) {
        (self.error, *self.writer)
    }
}

impl<W> fmt::Display for FinishError<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<W: fmt::Debug> std::error::Error for FinishError<W> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.error)
    }
}

impl<W> From<FinishError<W>> for io::Error {
    fn from(failed: FinishError<W>) -> io::Error {
        failed.error
    }
}
