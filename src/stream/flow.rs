//! Moves an input through the scrubber to a writer, with one thread or several.
//!
//! Several threads work while the input yields more than a block at a time. Each takes a block of
//! whole records, with the memory it was read into, and scrubs it as if nothing were open at its
//! start. Blocks are committed in order. If that assumption was wrong (a private key continues
//! across the edge), the block is scrubbed again before it is committed. Records over the limit are
//! scrubbed by one thread. Output and tally are therefore those of a single thread.
//!
//! Threads never wait for the input: when it runs dry, everything that was read is written first,
//! and what then arrives in small pieces is scrubbed by one thread.

use std::{
    io::IoSlice,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::pump::{Pump, write_step};
use crate::{
    error::Error,
    frame::{
        buffer::{Block, BlockBuffer, OwnedBlock},
        flush::{FlushPolicy, InputState},
    },
    pool::{self, Worker},
    redact::OutputRuns,
    scrub::{Scrubber, Step, trace::Trace},
};

/// A source of bytes that can be waited for.
pub(super) trait Input: Send {
    /// Waits until something can be read, at most for `limit`.
    fn wait(&mut self, limit: Option<Duration>) -> Wait;

    /// Whether reading must end now, even if more could be read.
    fn must_end(&mut self) -> bool;

    /// Reads what is available; 0 at the end.
    fn read(&mut self, space: &mut [u8]) -> Result<usize, Error>;

    /// Whether nothing can be read without waiting.
    fn is_dry(&mut self) -> bool;

    /// Whether there is a request for the caller, such as a reload. The flow pauses once everything
    /// that was read is written.
    fn has_request(&mut self) -> bool {
        false
    }
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Something can be read, or the end was reached.
    Readable,
    /// Reading must end.
    Ended,
    TimedOut,
    /// There is a request for the caller.
    Request,
}

/// Why [`run`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Pause {
    /// The input has ended, and everything is written.
    End,
    /// There is a request for the caller. Everything is written except records that wait for the
    /// rest of one. Another call continues.
    Request,
}

/// Why filling the buffer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filled {
    Full,
    Dry,
    End,
}

/// How an input is moved.
#[derive(Debug)]
pub(super) struct Flow<'p> {
    pub(super) pump: &'p mut Pump,
    pub(super) n_threads: usize,
    /// How long an incomplete record is held while no input arrives.
    pub(super) hold: Duration,
}

/// Moves everything from `input` to `write` until the input ends or has a request.
pub(super) fn run(
    Flow { pump, n_threads, hold }: Flow<'_>,
    input: &mut impl Input,
    scrubber: &mut Scrubber,
    mut write: impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error> + Send,
) -> Result<Pause, Error> {
    let mut workers: Vec<BlockWorker> = Vec::new();
    loop {
        let mut filled = match input.wait(pump.is_waiting().then_some(hold)) {
            Wait::Readable => fill(input, pump.buffer())?,
            Wait::Ended => Filled::End,
            Wait::Request => return Ok(Pause::Request),
            Wait::TimedOut => {
                pump.drain(scrubber, InputState::TimedOut, &mut write)?;
                continue;
            }
        };
        if filled == Filled::Full && n_threads > 1 {
            workers.resize_with(n_threads, || BlockWorker::new(scrubber, pump.flush_policy()));
            filled = scrub_parallel(&mut workers, input, pump, (scrubber, &mut write))?;
        }
        let state = if filled == Filled::End { InputState::Ended } else { InputState::Open };
        pump.drain(scrubber, state, &mut write)?;
        if filled == Filled::End {
            return Ok(Pause::End);
        }
    }
}

/// Reads until the buffer is full or the input is dry. After a read that filled the buffer the
/// input is not polled.
fn fill(input: &mut impl Input, buffer: &mut BlockBuffer) -> Result<Filled, Error> {
    loop {
        let n_bytes = input.read(buffer.space())?;
        let is_full = buffer.advance(n_bytes);
        if n_bytes == 0 {
            return Ok(Filled::End);
        }
        if is_full {
            return Ok(Filled::Full);
        }
        if input.is_dry() {
            return Ok(Filled::Dry);
        }
    }
}

/// As [`fill`], but never waits.
fn fill_without_waiting(input: &mut impl Input, buffer: &mut BlockBuffer) -> Result<Filled, Error> {
    if input.must_end() {
        return Ok(Filled::End);
    }
    if input.has_request() || input.is_dry() {
        return Ok(Filled::Dry);
    }
    fill(input, buffer)
}

/// Memory for a block and its output.
#[derive(Default)]
struct BlockMemory {
    bytes: Vec<u8>,
    out: OutputRuns,
}

/// A block, its output, and the state of its scrubber at its end.
struct ScrubbedBlock {
    block: OwnedBlock,
    out: OutputRuns,
    step: Step,
    trace: Trace,
}

/// What one thread owns. Its memory stays in the cache of its core.
struct BlockWorker {
    scrubber: Scrubber,
    flush: FlushPolicy,
    memory: Option<BlockMemory>,
}

impl BlockWorker {
    fn new(scrubber: &Scrubber, flush: FlushPolicy) -> BlockWorker {
        BlockWorker { scrubber: scrubber.fork(), flush, memory: None }
    }
}

impl Worker for BlockWorker {
    type Job = (OwnedBlock, OutputRuns);
    type Done = ScrubbedBlock;

    fn work(&mut self, (block, mut out): (OwnedBlock, OutputRuns)) -> ScrubbedBlock {
        let step = self.scrubber.scrub_piece(Block::Records(block.bytes()), self.flush, &mut out);
        ScrubbedBlock { block, out, step, trace: self.scrubber.take_trace() }
    }
}

/// Scrubs the full buffer, and the blocks that follow for as long as each fills the buffer too.
/// Everything that was taken is written on return. Returns why filling ended.
fn scrub_parallel<W>(
    workers: &mut [BlockWorker],
    input: &mut impl Input,
    pump: &mut Pump,
    (scrubber, write): (&mut Scrubber, &mut W),
) -> Result<Filled, Error>
where
    W: FnMut(&mut [IoSlice<'_>]) -> Result<(), Error> + Send,
{
    let spare = SpareMemory::default();
    let mut collector = Collector { scrubber, write, held: Vec::new(), flush: pump.flush_policy() };
    let mut source = BlockSource { input, pump, filled: Ok(Filled::Full), is_first: true };
    pool::run(
        workers,
        |worker| source.next_block(spare.take(worker)),
        |worker, done| {
            let memory = collector.commit_block(done)?;
            spare.give_back(worker, memory);
            Ok(())
        },
    )?;
    if !collector.held.is_empty() {
        source.pump.buffer().put_back(&collector.held);
    }
    source.filled
}

/// Memory of blocks that were committed.
#[derive(Default)]
struct SpareMemory(Mutex<Vec<BlockMemory>>);

impl SpareMemory {
    fn lock(&self) -> MutexGuard<'_, Vec<BlockMemory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, worker: &mut BlockWorker) -> BlockMemory {
        worker.memory.take().or_else(|| self.lock().pop()).unwrap_or_default()
    }

    /// A thread commits its own block first and keeps that memory. Memory of blocks that it commits
    /// for other threads is shared.
    fn give_back(&self, worker: &mut BlockWorker, memory: BlockMemory) {
        match &mut worker.memory {
            Some(_) => self.lock().push(memory),
            own => *own = Some(memory),
        }
    }
}

/// Reads the blocks of all threads.
struct BlockSource<'s, I> {
    input: &'s mut I,
    pump: &'s mut Pump,
    filled: Result<Filled, Error>,
    /// The first block was read before the threads started.
    is_first: bool,
}

impl<I: Input> BlockSource<'_, I> {
    /// The next block, which is read into the memory of its thread. The incomplete record at its
    /// end moves to the memory that this exchange leaves in the buffer.
    fn next_block(&mut self, memory: BlockMemory) -> Option<(OwnedBlock, OutputRuns)> {
        let BlockMemory { mut bytes, out } = memory;
        if !std::mem::take(&mut self.is_first) {
            bytes = self.pump.buffer().move_into(bytes);
            self.filled = fill_without_waiting(self.input, self.pump.buffer());
        }
        if !matches!(self.filled, Ok(Filled::Full)) {
            return None;
        }
        let block = self.pump.buffer().take(|| bytes)?;
        if let Err(refused) = self.pump.check_input(block.bytes()) {
            self.filled = Err(refused);
            return None;
        }
        Some((block, out))
    }
}

/// Writes scrubbed blocks in order.
struct Collector<'c, W> {
    scrubber: &'c mut Scrubber,
    write: &'c mut W,
    /// Whole records that wait for the rest of one in a later block.
    held: Vec<u8>,
    flush: FlushPolicy,
}

impl<W> Collector<'_, W>
where
    W: FnMut(&mut [IoSlice<'_>]) -> Result<(), Error>,
{
    /// Writes the next block in order. It is scrubbed again if a record or private key was open
    /// at its start, or if records wait for its content.
    fn commit_block(&mut self, done: ScrubbedBlock) -> Result<BlockMemory, Error> {
        let ScrubbedBlock { block, mut out, mut step, trace } = done;
        if self.scrubber.is_closed() && self.held.is_empty() {
            self.scrubber.follow(trace);
            write_step(&step, block.bytes(), &out, self.write)?;
            self.held.extend_from_slice(&block.bytes()[step.done.end..]);
        } else {
            out.clear();
            self.held.extend_from_slice(block.bytes());
            step = self.scrubber.scrub_piece(Block::Records(&self.held), self.flush, &mut out);
            write_step(&step, &self.held, &out, self.write)?;
            self.held.drain(..step.done.end);
        }
        self.scrubber.tally_mut().records_out += step.records_out;
        out.clear();
        Ok(BlockMemory { bytes: block.into_memory(), out })
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::select, test_runner::RngSeed};
    use std::{io, sync::LazyLock};

    use super::*;
    use crate::{
        policy::{OnError, Policy},
        rules::RuleSet,
        tally::Tally,
    };

    /// Returns an input in reads of the given sizes, cyclically. It is dry after every `dry` reads.
    struct Script<'i> {
        rest: &'i [u8],
        reads: Vec<usize>,
        n_reads: usize,
        dry: usize,
        /// Reading fails when this many bytes are left.
        breaks_at: Option<usize>,
    }

    impl Input for Script<'_> {
        fn wait(&mut self, _: Option<Duration>) -> Wait {
            Wait::Readable
        }

        fn must_end(&mut self) -> bool {
            false
        }

        fn read(&mut self, space: &mut [u8]) -> Result<usize, Error> {
            if self.breaks_at.is_some_and(|at| self.rest.len() <= at) {
                return Err(Error::input("a script", io::ErrorKind::Other.into()));
            }
            let asked = self.reads[self.n_reads % self.reads.len()];
            self.n_reads += 1;
            let n_bytes = asked.min(space.len()).min(self.rest.len());
            space[..n_bytes].copy_from_slice(&self.rest[..n_bytes]);
            self.rest = &self.rest[n_bytes..];
            Ok(n_bytes)
        }

        fn is_dry(&mut self) -> bool {
            self.dry > 0 && self.n_reads.is_multiple_of(self.dry)
        }
    }

    /// One run: the input, how it is read, and what fails.
    #[derive(Clone, Debug)]
    struct Case {
        input: Vec<u8>,
        reads: Vec<usize>,
        dry: usize,
        block: usize,
        on_error: OnError,
        breaks_at: Option<usize>,
        /// The writer takes no more than this many bytes.
        full_at: usize,
    }

    static RULES: LazyLock<RuleSet> = LazyLock::new(RuleSet::embedded);

    /// The output, the tally, and the error.
    fn run(case: &Case, n_threads: usize) -> (Vec<u8>, Tally, Option<(u8, String)>) {
        let policy = Policy::new().on_error(case.on_error);
        let mut scrubber = Scrubber::new(&RULES, &policy).expect("the policy is plain");
        scrubber.fail_on(b"BOOM");
        let mut pump = Pump::new(case.block, 1, "a script");
        let (reads, dry) = (case.reads.clone(), case.dry);
        let mut input =
            Script { rest: &case.input, reads, n_reads: 0, dry, breaks_at: case.breaks_at };
        let flow = Flow { pump: &mut pump, n_threads, hold: Duration::ZERO };
        let mut out = Vec::new();
        let result = super::run(flow, &mut input, &mut scrubber, |runs| {
            for run in runs {
                let n_bytes = run.len().min(case.full_at - out.len());
                out.extend_from_slice(&run[..n_bytes]);
                if n_bytes < run.len() {
                    return Err(Error::output("a vector", io::ErrorKind::StorageFull.into()));
                }
            }
            Ok(())
        });
        let end = result.err().map(|error| (error.exit_code(), error.to_string()));
        (out, scrubber.tally().clone(), end)
    }

    fn check(case: &Case) -> Result<(), TestCaseError> {
        let one = run(case, 1);
        for n_threads in 2..=4 {
            let many = run(case, n_threads);
            prop_assert!(
                many == one,
                "{n_threads} threads: {:?} and not {:?}",
                (&many.1, &many.2),
                (&one.1, &one.2)
            );
        }
        Ok(())
    }

    /// A line of 64 letters, as in the body of a private key.
    fn body(seed: usize) -> String {
        (0..64)
            .map(|at| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[(seed * 7 + at * 11) % 32]))
            .collect()
    }

    fn key(seed: usize, n_lines: usize, eol: &str, is_ended: bool) -> Vec<u8> {
        let mut text = format!("-----BEGIN RSA PRIVATE KEY-----{eol}");
        (0..n_lines).for_each(|line| text += &(body(seed + line) + eol));
        if is_ended {
            text += &format!("-----END RSA PRIVATE KEY-----{eol}");
        }
        text.into_bytes()
    }

    fn record() -> impl Strategy<Value = Vec<u8>> {
        let lines = [
            "GET /index.html 200\n",
            "\n",
            "\r\n",
            "mail to alice@example.com\r\n",
            "{\"password\":\"hunter2\",\"n\":1}\n",
            "https://bob:hunter2@host/\n",
            "\u{0}\u{1}\n",
        ];
        prop_oneof![
            8 => select(lines.to_vec()).prop_map(|line| line.as_bytes().to_vec()),
            2 => (0..9_usize, 0..20_usize, select(vec!["\n", "\r\n"]), any::<bool>())
                .prop_map(|(seed, n_lines, eol, is_ended)| key(seed, n_lines, eol, is_ended)),
            1 => (1..600_usize).prop_map(|length| [vec![b'x'; length], b"\n".to_vec()].concat()),
            1 => Just(b"BOOM secret hunter2\n".to_vec()),
        ]
    }

    fn case() -> impl Strategy<Value = Case> {
        let input = (vec(record(), 0..60), select(vec!["", "no end", "alice@example.com"]));
        let actions = [OnError::Mask, OnError::Drop, OnError::Stop];
        let full_at = prop_oneof![3 => Just(usize::MAX), 1 => 0..4000_usize];
        let cuts = (vec(1..3000_usize, 1..4), 0..4_usize, 1..2000_usize);
        (
            input,
            cuts,
            select(actions.to_vec()),
            proptest::option::weighted(0.2, 0..2000_usize),
            full_at,
        )
            .prop_map(
                |((records, tail), (reads, dry, block), on_error, breaks_at, full_at)| {
                    let input = [records.concat(), tail.as_bytes().to_vec()].concat();
                    Case { input, reads, dry, block, on_error, breaks_at, full_at }
                },
            )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, rng_seed: RngSeed::Fixed(20_261_125), ..ProptestConfig::default() })]

        #[test]
        fn any_number_of_threads_equals_one_thread(case in case()) {
            check(&case)?;
        }
    }

    fn plain(input: Vec<u8>, block: usize) -> Case {
        let (reads, on_error) = (vec![usize::MAX], OnError::Mask);
        Case { input, reads, dry: 0, block, on_error, breaks_at: None, full_at: usize::MAX }
    }

    #[test]
    fn a_key_across_many_blocks_is_removed_with_any_number_of_threads() {
        let head = b"a line\n".repeat(50);
        let input =
            [&head[..], &key(1, 200, "\n", true), &head, &key(2, 30, "\n", false), &head].concat();
        let case = plain(input, 500);
        check(&case).expect("threads change nothing");
        let (out, tally, _) = run(&case, 3);
        assert!((0..9).all(|seed| memchr::memmem::find(&out, body(seed).as_bytes()).is_none()));
        assert_eq!((tally.findings(), tally.records_in, tally.records_out), (230, 383, 383));
    }

    #[test]
    fn records_over_the_limit_stay_in_order() {
        let long = b"0123456 alice@example.com ".repeat(30_000);
        let line = b"mail to bob@example.com\n".repeat(100);
        let boom = [&long[..300_000], b" BOOM ", &long].concat();
        let input =
            [&line[..], &long, b"\n", &line, &key(3, 9, "\n", false), &long, b"\n", &line, &boom]
                .concat();
        check(&plain(input, 4096)).expect("threads change nothing");
    }

    #[test]
    fn refused_input_produces_no_output() {
        let gzip = [b"\x1f\x8b\x08".to_vec(), b"line\n".repeat(2000)].concat();
        let wide: Vec<u8> =
            "line\n".repeat(2000).encode_utf16().flat_map(u16::to_le_bytes).collect();
        for input in [gzip, wide] {
            let case = plain(input, 64);
            check(&case).expect("threads change nothing");
            let (out, _, end) = run(&case, 3);
            assert_eq!((out.len(), end.map(|(code, _)| code)), (0, Some(3)));
        }
    }
}
