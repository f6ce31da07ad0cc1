//! A tokio `AsyncRead` that scrubs. It returns the same bytes as [`crate::ScrubReader`].
//!
//! Scrubbing a block (256 KiB) takes some hundred microseconds of CPU, on the thread that polls the
//! reader.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

use crate::{
    scrub::Scrubber,
    stream::{BLOCK, MAX_RECORD, clean_output::CleanOutput},
};

/// Reads from `R` and returns clean bytes.
///
/// A record is held until its end has been read. An input that cannot be examined as text is an
/// error of kind [`io::ErrorKind::InvalidData`], and nothing of it is returned.
#[derive(Debug)]
pub struct AsyncScrubReader<R> {
    inner: R,
    clean: CleanOutput,
}

impl<R: AsyncRead + Unpin> AsyncScrubReader<R> {
    /// Scrubs the bytes of `inner`, in blocks of the default size.
    pub fn new(inner: R, scrubber: Scrubber) -> AsyncScrubReader<R> {
        AsyncScrubReader::with_capacity(BLOCK, MAX_RECORD, inner, scrubber)
    }

    /// Like [`AsyncScrubReader::new`], with a buffer of `size` bytes that grows up to `max_record`
    /// bytes for long records. A limit under 256 KiB is raised to 256 KiB.
    pub fn with_capacity(
        size: usize,
        max_record: usize,
        inner: R,
        scrubber: Scrubber,
    ) -> AsyncScrubReader<R> {
        AsyncScrubReader { inner, clean: CleanOutput::new(size, max_record, scrubber) }
    }

    /// The scrubber, for its tally.
    pub fn scrubber(&self) -> &Scrubber {
        self.clean.scrubber()
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for AsyncScrubReader<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Returning `Pending` loses nothing: the input stays in the buffer.
        while this.clean.needs_input()? {
            let mut space = ReadBuf::new(this.clean.space());
            ready!(Pin::new(&mut this.inner).poll_read(context, &mut space))?;
            let n_bytes = space.filled().len();
            this.clean.advance(n_bytes)?;
        }
        out.put_slice(this.clean.take(out.remaining()));
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, task::Waker};

    use super::*;
    use crate::{Policy, RuleSet, ScrubReader};

    /// Returns `step` bytes at a time, and is pending before each read.
    struct Slow<'b> {
        bytes: &'b [u8],
        step: usize,
        is_ready: bool,
    }

    impl AsyncRead for Slow<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            out: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.is_ready = !self.is_ready;
            if !self.is_ready {
                return Poll::Pending;
            }
            let n_bytes = self.step.min(self.bytes.len()).min(out.remaining());
            let (now, rest) = self.bytes.split_at(n_bytes);
            out.put_slice(now);
            self.bytes = rest;
            Poll::Ready(Ok(()))
        }
    }

    fn scrubber() -> Scrubber {
        Scrubber::new(&RuleSet::embedded(), &Policy::new()).expect("the policy is plain")
    }

    /// Everything that the reader returns, in reads of `n_bytes`.
    fn read_all(mut reader: AsyncScrubReader<Slow<'_>>, n_bytes: usize) -> io::Result<Vec<u8>> {
        let mut context = Context::from_waker(Waker::noop());
        let (mut all, mut memory) = (Vec::new(), vec![0; n_bytes]);
        loop {
            let mut out = ReadBuf::new(&mut memory);
            match Pin::new(&mut reader).poll_read(&mut context, &mut out) {
                Poll::Pending => {}
                Poll::Ready(Ok(())) if out.filled().is_empty() => return Ok(all),
                Poll::Ready(Ok(())) => all.extend_from_slice(out.filled()),
                Poll::Ready(Err(error)) => return Err(error),
            }
        }
    }

    #[test]
    fn it_returns_what_the_blocking_reader_returns() {
        let log = b"one from alice@example.org\r\n\xff\0 two\n2026-01-01T00:00:00Z stdout P by bob@exam\n\
            2026-01-01T00:00:00Z stdout F ple.org\nlast carol@example.org"
            .repeat(3);
        let mut expected = Vec::new();
        ScrubReader::new(&log[..], scrubber()).read_to_end(&mut expected).expect("it is text");
        assert!(!expected.windows(8).any(|window| window == b"@example"));
        for (step, n_bytes) in [(1, 1), (7, 64), (64, 7), (4096, 4096)] {
            let slow = Slow { bytes: &log, step, is_ready: true };
            let reader = AsyncScrubReader::with_capacity(16, 1, slow, scrubber());
            assert!(
                read_all(reader, n_bytes).expect("it is text") == expected,
                "{step} bytes in, {n_bytes} out"
            );
        }
    }

    #[test]
    fn compressed_input_is_an_error() {
        let slow = Slow { bytes: b"\x1f\x8b\x08\0\0\0\0\0\0\x03", step: 4, is_ready: true };
        let error =
            read_all(AsyncScrubReader::new(slow, scrubber()), 64).expect_err("it is compressed");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
