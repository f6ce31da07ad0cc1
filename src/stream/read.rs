//! A reader that scrubs.

use std::io::{self, Read};

use super::{
    clean_output::CleanOutput,
    pump::{BLOCK, MAX_RECORD},
};
use crate::scrub::Scrubber;

/// Reads from `R` and returns clean bytes.
///
/// A record is held until its end has been read. An input that cannot be examined as text is an
/// error of kind [`io::ErrorKind::InvalidData`], and nothing of it is returned; later calls return
/// the same error. An error of `R` loses nothing: the call can be repeated.
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
    clean: CleanOutput,
}

impl<R: Read> ScrubReader<R> {
    /// Scrubs the bytes of `inner`, in blocks of the default size.
    pub fn new(inner: R, scrubber: Scrubber) -> ScrubReader<R> {
        ScrubReader::with_capacity(BLOCK, MAX_RECORD, inner, scrubber)
    }

    /// Like [`ScrubReader::new`], with a buffer of `size` bytes that grows up to `max_record` bytes
    /// for long records. A limit under 256 KiB is raised to 256 KiB.
    pub fn with_capacity(
        size: usize,
        max_record: usize,
        inner: R,
        scrubber: Scrubber,
    ) -> ScrubReader<R> {
        ScrubReader { inner, clean: CleanOutput::new(size, max_record, scrubber) }
    }

    /// The scrubber, for its tally.
    pub fn scrubber(&self) -> &Scrubber {
        self.clean.scrubber()
    }
}

impl<R: Read> Read for ScrubReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.clean.needs_input()? {
            let n_bytes = self.inner.read(self.clean.space())?;
            self.clean.advance(n_bytes)?;
        }
        let clean = self.clean.take(out.len());
        out[..clean.len()].copy_from_slice(clean);
        Ok(clean.len())
    }
}
