//! A `Read` that scrubs what it reads.

use std::io::{self, Read};

use super::{BLOCK, MAX_RECORD, Ready};
use crate::scrub::Scrubber;

/// Reads from `R` and gives back clean bytes.
///
/// A record is held until its end has been read. An input that cannot be examined as text is an
/// error of kind [`io::ErrorKind::InvalidData`], and nothing of it is given back; every later call
/// is the same error. An error of `R` loses nothing: the same call may be made again.
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
    ready: Ready,
}

impl<R: Read> ScrubReader<R> {
    /// Scrubs what `inner` gives, in blocks of the default size.
    pub fn new(inner: R, scrubber: Scrubber) -> ScrubReader<R> {
        ScrubReader::with_capacity(BLOCK, MAX_RECORD, inner, scrubber)
    }

    /// As [`ScrubReader::new`], with a buffer of `size` bytes that grows up to `max_record` bytes
    /// where a record asks for it. A limit under 256 KiB is taken as 256 KiB.
    pub fn with_capacity(
        size: usize,
        max_record: usize,
        inner: R,
        scrubber: Scrubber,
    ) -> ScrubReader<R> {
        ScrubReader { inner, ready: Ready::new(size, max_record, scrubber) }
    }

    /// The scrubber, for its tally.
    pub fn scrubber(&self) -> &Scrubber {
        self.ready.scrubber()
    }
}

impl<R: Read> Read for ScrubReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.ready.is_due()? {
            let n_bytes = self.inner.read(self.ready.space())?;
            self.ready.take(n_bytes)?;
        }
        let clean = self.ready.give(out.len());
        out[..clean.len()].copy_from_slice(clean);
        Ok(clean.len())
    }
}
