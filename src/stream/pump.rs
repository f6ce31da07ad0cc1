//! The step between reading and writing: buffers input, scrubs the blocks that are due, and passes
//! the output on.

use std::{fmt, io::IoSlice};

use crate::{
    error::Error,
    frame::{
        buffer::{Block, BlockBuffer},
        flush::{FlushPolicy, InputState},
    },
    redact::OutputRuns,
    scrub::{MIN_RECORD_LIMIT, Outcome, Scrubber, Step},
    source::refuse::Gate,
};

/// The default limit of a record, in bytes. Longer records are scrubbed in windows.
pub const MAX_RECORD: usize = 1 << 20;

/// The default size of a block, in bytes. For one thread, sizes from 64 KiB to 1 MiB differ by no
/// more than the noise (0.42 to 0.45 ns of CPU per byte for reading, counting and writing, Zen 3).
/// Two threads hand over twice as often with 128 KiB (0.40 against 0.37 ns of wall time per byte),
/// and larger blocks leave the second-level cache.
pub const BLOCK: usize = 256 << 10;

/// Buffers an input and scrubs its blocks.
pub(crate) struct Pump {
    buffer: BlockBuffer,
    gate: Gate,
    out: OutputRuns,
    /// How errors call the input.
    name: String,
    /// The most bytes that wait for the rest of a record.
    limit: usize,
    /// How many bytes at the front of the buffer wait for the rest of a record.
    n_waiting: usize,
    /// Set when the input was refused or a record could not be examined. No output follows.
    is_stopped: bool,
}

impl Pump {
    /// A pump with a buffer of `size` bytes that grows up to `max_record`. Errors call the input
    /// `name`.
    pub(crate) fn new(size: usize, max_record: usize, name: &str) -> Pump {
        let limit = max_record.max(MIN_RECORD_LIMIT);
        Pump {
            buffer: BlockBuffer::new(size, limit),
            gate: Gate::default(),
            out: OutputRuns::default(),
            name: name.to_owned(),
            limit,
            n_waiting: 0,
            is_stopped: false,
        }
    }

    pub(crate) fn buffer(&mut self) -> &mut BlockBuffer {
        &mut self.buffer
    }

    /// Whether records wait for the rest of a split record.
    pub(super) fn is_waiting(&self) -> bool {
        self.n_waiting > 0
    }

    /// The flush policy while more input may come.
    pub(super) fn flush_policy(&self) -> FlushPolicy {
        FlushPolicy { input: InputState::Open, limit: self.limit }
    }

    /// Refuses compressed input and UTF-16 or UTF-32, if the block is the first one.
    pub(super) fn check_input(&mut self, hay: &[u8]) -> Result<(), Error> {
        self.gate.pass(&self.name, hay)
    }

    /// Scrubs every block that is due and passes it to `write`.
    ///
    /// After an error the pump stays stopped: the state of the scrubber has advanced, so the same
    /// bytes must not be scrubbed again.
    pub(crate) fn drain(
        &mut self,
        scrubber: &mut Scrubber,
        input: InputState,
        write: impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.is_stopped {
            return Err(Error::stopped(&self.name));
        }
        let drained = self.drain_blocks(scrubber, input, write);
        self.is_stopped = drained.is_err();
        drained
    }

    fn drain_blocks(
        &mut self,
        scrubber: &mut Scrubber,
        input: InputState,
        mut write: impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // Whether the buffer is full of records that wait: then they are flushed as after a
        // timeout.
        let (mut is_stuck, limit) = (false, self.limit);
        loop {
            let (n_pending, is_full) = (self.buffer.n_pending(), self.buffer.is_full());
            let n_waiting = std::mem::take(&mut self.n_waiting);
            let Some(block) = self.buffer.next_block(input == InputState::Ended) else {
                return Ok(());
            };
            let hay = block.bytes();
            self.gate.pass(&self.name, hay)?;
            let input = match input {
                _ if is_stuck => InputState::TimedOut,
                // The last line follows as a block of its own.
                InputState::Ended if hay.len() < n_pending => InputState::Open,
                input => input,
            };
            let must_scrub = input != InputState::Open || is_full || n_waiting == 0;
            if matches!(block, Block::Records(_))
                && !must_scrub
                && !scrubber.may_go_on(hay, n_waiting.min(hay.len()))
            {
                self.n_waiting = hay.len();
                return Ok(());
            }
            self.out.clear();
            let step = scrubber.scrub_piece(block, FlushPolicy { input, limit }, &mut self.out);
            if step.done.end == 0 {
                self.n_waiting = hay.len();
                is_stuck = is_full;
                if !is_stuck {
                    return Ok(());
                }
                continue;
            }
            write_step(&step, hay, &self.out, &mut write)?;
            scrubber.tally_mut().records_out += step.records_out;
            self.buffer.consume(step.done.end, step.ends_record);
            is_stuck = false;
        }
    }
}

/// Passes on the output of a step: a clean block as its own bytes, in one slice.
pub(super) fn write_step(
    step: &Step,
    hay: &[u8],
    out: &OutputRuns,
    write: &mut impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error>,
) -> Result<(), Error> {
    match step.outcome {
        Outcome::Clean if step.done.is_empty() => Ok(()),
        Outcome::Clean => write(&mut [IoSlice::new(step.done.of(hay))]),
        Outcome::Changed => write(&mut out.slices(hay).map(IoSlice::new).collect::<Vec<_>>()),
        Outcome::Stopped => Err(Error::fault()),
    }
}

impl fmt::Debug for Pump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pump({})", self.name)
    }
}
