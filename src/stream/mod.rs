//! Streams: bytes in, clean bytes out, as they come.
//!
//! [`ScrubReader`] and [`ScrubWriter`] wrap any `Read` and `Write`; `pipe` is the program's own
//! loop between standard input and standard output. All three feed one [`Pump`], so the same bytes
//! come out however the input is cut.

#[cfg(feature = "cli")]
mod flow;
#[cfg(feature = "cli")]
pub(crate) mod pipe;
mod read;
mod ready;
#[cfg(feature = "cli")]
mod signals;
mod write;

use std::io::IoSlice;
#[cfg(feature = "batch")]
use std::{io::Read, time::Duration};

pub(crate) use self::ready::Ready;
pub use self::{
    read::ScrubReader,
    write::{FinishError, ScrubWriter},
};
use crate::{
    error::Error,
    frame::{
        buffer::{Block, BlockBuffer},
        reassembly::{FlushPolicy, InputState},
    },
    redact::Spliced,
    scrub::{MIN_RECORD_LIMIT, Outcome, Scrubber, Step},
    source::refuse::Gate,
};

/// The default limit of a record, in bytes; a longer one is worked through in windows.
pub const MAX_RECORD: usize = 1 << 20;

/// The default size of a block, in bytes. For one thread sizes from 64 KiB to 1 MiB are alike
/// within the noise (0.42 to 0.45 ns a byte of CPU for reading, counting and writing, Zen 3); two
/// threads hand over twice as often with 128 KiB (0.40 against 0.37 ns of wall time), and larger
/// ones leave the second-level cache.
pub const BLOCK: usize = 256 << 10;

/// What is between reading and writing: the buffer, and what stands in place of a block that
/// changed.
pub(crate) struct Pump {
    buffer: BlockBuffer,
    gate: Gate,
    out: Spliced,
    name: String,
    /// All that waits for the rest of a record is at most so many bytes.
    limit: usize,
    /// So many bytes at the head of the buffer wait for the rest of a record.
    n_waiting: usize,
    /// Whether the input was refused or a record could not be examined: nothing more comes out.
    is_stopped: bool,
}

impl Pump {
    /// `name`: how errors call the input.
    pub(crate) fn new(size: usize, max_record: usize, name: &str) -> Pump {
        let limit = max_record.max(MIN_RECORD_LIMIT);
        Pump {
            buffer: BlockBuffer::new(size, limit),
            gate: Gate::default(),
            out: Spliced::default(),
            name: name.to_owned(),
            limit,
            n_waiting: 0,
            is_stopped: false,
        }
    }

    /// Whether whole records wait for the rest of one.
    #[cfg(feature = "cli")]
    fn is_waiting(&self) -> bool {
        self.n_waiting > 0
    }

    /// How long records wait while more may come.
    #[cfg(feature = "cli")]
    fn flush_policy(&self) -> FlushPolicy {
        FlushPolicy { input: InputState::Open, limit: self.limit }
    }

    pub(crate) fn buffer(&mut self) -> &mut BlockBuffer {
        &mut self.buffer
    }

    /// The gate for a block that was taken.
    #[cfg(feature = "cli")]
    fn pass(&mut self, hay: &[u8]) -> Result<(), Error> {
        self.gate.pass(&self.name, hay)
    }

    /// Scrubs every piece that is due and hands it to `write`, run by run; `behind`: what comes
    /// after that which was read.
    ///
    /// After an error the pump stays stopped: the scrubber's state has moved on, so the same bytes
    /// must not be scrubbed again.
    pub(crate) fn drain(
        &mut self,
        scrubber: &mut Scrubber,
        input: InputState,
        write: impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.is_stopped {
            return Err(Error::stopped(&self.name));
        }
        let drained = self.drain_pieces(scrubber, input, write);
        self.is_stopped = drained.is_err();
        drained
    }

    fn drain_pieces(
        &mut self,
        scrubber: &mut Scrubber,
        input: InputState,
        mut write: impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut is_stuck, limit) = (false, self.limit);
        loop {
            let (n_pending, is_full) = (self.buffer.n_pending(), self.buffer.is_full());
            let n_waiting = std::mem::take(&mut self.n_waiting);
            let Some(piece) = self.buffer.next_block(input == InputState::Ended) else {
                return Ok(());
            };
            let hay = piece.bytes();
            self.gate.pass(&self.name, hay)?;
            let input = match input {
                _ if is_stuck => InputState::TimedOut,
                // The last line is there still.
                InputState::Ended if hay.len() < n_pending => InputState::Open,
                input => input,
            };
            let is_asked = input != InputState::Open || is_full || n_waiting == 0;
            if matches!(piece, Block::Records(_))
                && !is_asked
                && !scrubber.may_go_on(hay, n_waiting.min(hay.len()))
            {
                self.n_waiting = hay.len();
                return Ok(());
            }
            self.out.clear();
            let step = scrubber.scrub_piece(piece, FlushPolicy { input, limit }, &mut self.out);
            if step.done.end == 0 {
                self.n_waiting = hay.len();
                is_stuck = is_full;
                if !is_stuck {
                    return Ok(());
                }
                continue;
            }
            emit(&step, hay, &self.out, &mut write)?;
            scrubber.tally_mut().records_out += step.records_out;
            self.buffer.consume(step.done.end, step.ends_record);
            is_stuck = false;
        }
    }
}

/// How an input is worked through.
#[cfg(feature = "batch")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// Bytes of a block.
    pub(crate) size: usize,
    pub(crate) max_record: usize,
    pub(crate) n_threads: usize,
}

/// Scrubs all that `rdr` gives and hands it to `write`, run by run. `name`: how errors call the
/// input.
#[cfg(feature = "batch")]
pub(crate) fn carry(
    rdr: impl Read + Send,
    name: &str,
    cut: Cut,
    scrubber: &mut Scrubber,
    write: impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let mut pump = Pump::new(cut.size, cut.max_record, name);
    // A reader that gives nothing has ended: nobody waits for it.
    flow::carry(&mut Reader { rdr, name }, &mut pump, scrubber, cut.n_threads, Duration::MAX, write)
        .map(|_| ())
}

/// Anything that can be read, for as long as it gives something.
#[cfg(feature = "batch")]
struct Reader<'n, R> {
    rdr: R,
    name: &'n str,
}

#[cfg(feature = "batch")]
impl<R: Read + Send> flow::Feed for Reader<'_, R> {
    fn wait(&mut self, _: Option<Duration>) -> flow::Waited {
        flow::Waited::Ready
    }

    fn is_over(&mut self) -> bool {
        false
    }

    fn read(&mut self, space: &mut [u8]) -> Result<usize, Error> {
        self.rdr.read(space).map_err(|error| Error::input(self.name, error))
    }

    fn is_dry(&mut self) -> bool {
        false
    }
}

/// Hands on what became of a piece: its own bytes where they are clean, in one run.
fn emit(
    step: &Step,
    hay: &[u8],
    out: &Spliced,
    write: &mut impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error>,
) -> Result<(), Error> {
    match step.outcome {
        Outcome::Clean if step.done.is_empty() => Ok(()),
        Outcome::Clean => write(&mut [IoSlice::new(step.done.of(hay))]),
        Outcome::Changed => write(&mut out.slices(hay).map(IoSlice::new).collect::<Vec<_>>()),
        Outcome::Stopped => Err(Error::fault()),
    }
}

impl std::fmt::Debug for Pump {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pump({})", self.name)
    }
}
