//! From a feed to a writer: blocks are filled, scrubbed and written, by one thread or by several.
//!
//! Several share the work while the feed gives more than a block at a time. Each takes whole
//! records with the memory they were read into, scrubs them on the assumption that nothing is open
//! where its block begins, and writes them when it is their turn. Where the assumption turns out
//! wrong (a private key goes on over the edge) the block is scrubbed again, in order; records over
//! the limit are worked through by one thread. So what comes out, and what is counted, is what one
//! thread makes of the same blocks.
//!
//! Nobody waits for the feed while work is shared: when it runs dry all that was read is written
//! first, and what then comes in little pieces meets one thread alone.

use std::{
    io::IoSlice,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Pump, emit};
use crate::{
    error::Error,
    frame::{
        buffer::{Block, BlockBuffer, OwnedBlock},
        reassembly::{FlushPolicy, InputState},
    },
    pool::{self, Worker},
    redact::Spliced,
    scrub::{Scrubber, Step, Trace},
};

/// What bytes are read from.
pub(super) trait Feed: Send {
    /// Waits until something can be read, at most for `limit`.
    fn wait(&mut self, limit: Option<Duration>) -> Waited;

    /// Whether nothing more is to be read, whatever is there.
    fn is_over(&mut self) -> bool;

    /// Reads what is there; 0 at the end.
    fn read(&mut self, space: &mut [u8]) -> Result<usize, Error>;

    /// Whether nothing is there to be read now.
    fn is_dry(&mut self) -> bool;

    /// Whether the caller is wanted: work stops where everything that was read has been written.
    fn is_called(&mut self) -> bool {
        false
    }
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// Something can be read.
    Ready,
    /// Nothing more is to be read.
    Over,
    /// Time has passed and nothing came.
    Late,
    /// The caller is wanted.
    Called,
}

/// Why [`carry`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Carried {
    /// The feed has ended, and everything is written.
    All,
    /// The caller is wanted. Everything is written that does not wait for the rest of a record;
    /// another call goes on.
    SoFar,
}

/// Why filling ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filled {
    Full,
    Dry,
    End,
}

/// Carries everything from `feed` to `write`, by `n_threads` threads, until the feed ends or calls.
/// A record whose rest does not come is held for `hold` while nothing else comes either.
pub(super) fn carry(
    feed: &mut impl Feed,
    pump: &mut Pump,
    scrubber: &mut Scrubber,
    n_threads: usize,
    hold: Duration,
    mut write: impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error> + Send,
) -> Result<Carried, Error> {
    let mut hands: Vec<Hand> = Vec::new();
    loop {
        let mut filled = match feed.wait(pump.is_waiting().then_some(hold)) {
            Waited::Ready => fill(feed, pump.buffer())?,
            Waited::Over => Filled::End,
            Waited::Called => return Ok(Carried::SoFar),
            Waited::Late => {
                pump.drain(scrubber, InputState::TimedOut, &mut write)?;
                continue;
            }
        };
        if filled == Filled::Full && n_threads > 1 {
            hands.resize_with(n_threads, || Hand::new(scrubber, pump.flush_policy()));
            filled = share(feed, pump, scrubber, &mut hands, &mut write)?;
        }
        let input = if filled == Filled::End { InputState::Ended } else { InputState::Open };
        pump.drain(scrubber, input, &mut write)?;
        if filled == Filled::End {
            return Ok(Carried::All);
        }
    }
}

/// Reads until the buffer is full or the feed is dry. A read that filled the buffer is not followed
/// by a question.
fn fill(feed: &mut impl Feed, buffer: &mut BlockBuffer) -> Result<Filled, Error> {
    loop {
        let n_bytes = feed.read(buffer.space())?;
        let is_full = buffer.advance(n_bytes);
        if n_bytes == 0 {
            return Ok(Filled::End);
        }
        if is_full {
            return Ok(Filled::Full);
        }
        if feed.is_dry() {
            return Ok(Filled::Dry);
        }
    }
}

/// The same where nothing may be waited for.
fn fill_on(feed: &mut impl Feed, buffer: &mut BlockBuffer) -> Result<Filled, Error> {
    if feed.is_over() {
        return Ok(Filled::End);
    }
    if feed.is_called() || feed.is_dry() { Ok(Filled::Dry) } else { fill(feed, buffer) }
}

/// Memory for a block and for what stands in its place.
#[derive(Default)]
struct Memory {
    bytes: Vec<u8>,
    out: Spliced,
}

/// A block, what stands in its place, and what its scrubber leaves behind.
struct Scrubbed {
    block: OwnedBlock,
    out: Spliced,
    step: Step,
    trace: Trace,
}

/// One thread's own: what it reads into stays in its core's cache.
struct Hand {
    scrubber: Scrubber,
    flush: FlushPolicy,
    memory: Option<Memory>,
}

impl Hand {
    fn new(scrubber: &Scrubber, flush: FlushPolicy) -> Hand {
        Hand { scrubber: scrubber.fork(), flush, memory: None }
    }
}

impl Worker for Hand {
    type Job = (OwnedBlock, Spliced);
    type Done = Scrubbed;

    fn work(&mut self, (block, mut out): (OwnedBlock, Spliced)) -> Scrubbed {
        let step = self.scrubber.scrub_piece(Block::Records(block.bytes()), self.flush, &mut out);
        Scrubbed { block, out, step, trace: self.scrubber.take_trace() }
    }
}

/// Shares the work from a full buffer on, for as long as each block that follows is full too and
/// can be taken. All that was taken is written when it answers how filling ended.
fn share(
    feed: &mut impl Feed,
    pump: &mut Pump,
    scrubber: &mut Scrubber,
    hands: &mut [Hand],
    write: &mut (impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error> + Send),
) -> Result<Filled, Error> {
    let spare = Mutex::new(Vec::new());
    let mut filled = Ok(Filled::Full);
    let mut is_first = true;
    let mut held = Held { records: Vec::new(), flush: pump.flush_policy() };
    let next = |hand: &mut Hand| {
        let Memory { mut bytes, out } =
            hand.memory.take().or_else(|| lock(&spare).pop()).unwrap_or_default();
        // The first block was read before the work was shared. Each that follows is read into its
        // thread's own memory; what a block leaves of its last record waits in the memory that this
        // exchange gives.
        if !std::mem::take(&mut is_first) {
            bytes = pump.buffer().move_into(bytes);
            filled = fill_on(feed, pump.buffer());
        }
        let block =
            if matches!(filled, Ok(Filled::Full)) { pump.buffer().take(|| bytes) } else { None }?;
        if let Err(refused) = pump.pass(block.bytes()) {
            filled = Err(refused);
            return None;
        }
        Some((block, out))
    };
    let accept = |hand: &mut Hand, done: Scrubbed| {
        let memory = settle(done, &mut held, scrubber, write)?;
        // The thread's own block is the first that it writes; those of others behind it go back by
        // way of all.
        match &mut hand.memory {
            Some(_) => lock(&spare).push(memory),
            own => *own = Some(memory),
        }
        Ok(())
    };
    pool::run(hands, next, accept)?;
    if !held.records.is_empty() {
        pump.buffer().put_back(&held.records);
    }
    filled
}

/// Whole records that wait for the rest of one, which lies in a block that another thread has.
struct Held {
    records: Vec<u8>,
    flush: FlushPolicy,
}

fn lock(spare: &Mutex<Vec<Memory>>) -> MutexGuard<'_, Vec<Memory>> {
    spare.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes one block, which is next in order; it is scrubbed again where its thread began with a
/// wrong assumption, or records wait for what is in it.
fn settle(
    done: Scrubbed,
    held: &mut Held,
    scrubber: &mut Scrubber,
    write: &mut impl FnMut(&mut [IoSlice<'_>]) -> Result<(), Error>,
) -> Result<Memory, Error> {
    let Scrubbed { block, mut out, mut step, trace } = done;
    if scrubber.is_closed() && held.records.is_empty() {
        scrubber.follow(trace);
        emit(&step, block.bytes(), &out, write)?;
        held.records.extend_from_slice(&block.bytes()[step.done.end..]);
    } else {
        out.clear();
        held.records.extend_from_slice(block.bytes());
        step = scrubber.scrub_piece(Block::Records(&held.records), held.flush, &mut out);
        emit(&step, &held.records, &out, write)?;
        held.records.drain(..step.done.end);
    }
    scrubber.tally_mut().records_out += step.records_out;
    out.clear();
    Ok(Memory { bytes: block.into_memory(), out })
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

    /// Gives `input` in reads of those sizes, over and over; the feed is dry where one of every
    /// `dry` reads ends.
    struct Script<'i> {
        rest: &'i [u8],
        reads: Vec<usize>,
        n_reads: usize,
        dry: usize,
        /// Reading fails when so many bytes are left.
        breaks_at: Option<usize>,
    }

    impl Feed for Script<'_> {
        fn wait(&mut self, _: Option<Duration>) -> Waited {
            Waited::Ready
        }

        fn is_over(&mut self) -> bool {
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

    /// One run: what is read, how, and what goes wrong.
    #[derive(Clone, Debug)]
    struct Case {
        input: Vec<u8>,
        reads: Vec<usize>,
        dry: usize,
        block: usize,
        on_error: OnError,
        breaks_at: Option<usize>,
        /// The writer takes no more than so many bytes.
        full_at: usize,
    }

    static RULES: LazyLock<RuleSet> = LazyLock::new(RuleSet::embedded);

    /// What came out, what was counted, and how it ended.
    fn run(case: &Case, n_threads: usize) -> (Vec<u8>, Tally, Option<(u8, String)>) {
        let policy = Policy::new().on_error(case.on_error);
        let mut scrubber = Scrubber::new(&RULES, &policy).expect("the policy is plain");
        scrubber.fail_on(b"BOOM");
        let mut pump = Pump::new(case.block, 1, "a script");
        let (reads, dry) = (case.reads.clone(), case.dry);
        let mut feed =
            Script { rest: &case.input, reads, n_reads: 0, dry, breaks_at: case.breaks_at };
        let mut out = Vec::new();
        let result =
            carry(&mut feed, &mut pump, &mut scrubber, n_threads, Duration::ZERO, |runs| {
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

    /// A line of 64 letters such as a key is made of.
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
        fn any_number_of_threads_does_what_one_does(case in case()) {
            check(&case)?;
        }
    }

    fn plain(input: Vec<u8>, block: usize) -> Case {
        let (reads, on_error) = (vec![usize::MAX], OnError::Mask);
        Case { input, reads, dry: 0, block, on_error, breaks_at: None, full_at: usize::MAX }
    }

    #[test]
    fn a_key_over_many_blocks_is_gone_whatever_the_threads() {
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
    fn records_over_the_limit_keep_their_place() {
        let long = b"0123456 alice@example.com ".repeat(30_000);
        let line = b"mail to bob@example.com\n".repeat(100);
        let boom = [&long[..300_000], b" BOOM ", &long].concat();
        let input =
            [&line[..], &long, b"\n", &line, &key(3, 9, "\n", false), &long, b"\n", &line, &boom]
                .concat();
        check(&plain(input, 4096)).expect("threads change nothing");
    }

    #[test]
    fn what_is_refused_is_refused_before_anything_is_passed() {
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
