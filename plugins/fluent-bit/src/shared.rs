//! A scrubber that several threads may call, and that lets no panic out: what fails is withheld.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use logscrub::{Outcome, TagStates, Tally, cli::Scrubbers};

/// What became of an input.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The input is the output.
    Clean,
    /// The output.
    Changed(Vec<u8>),
    /// Nothing may be passed on; why.
    Failed(String),
}

/// A scrubber of one host, for one stream: what a call leaves open, such as a private key, goes on
/// in the next.
#[derive(Debug)]
pub struct Shared {
    id: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    scrubbers: Scrubbers,
    tag_states: TagStates,
    /// Inputs that failed as a whole.
    n_failed: u64,
    /// What was done by scrubbers that failed.
    before: Tally,
}

impl Shared {
    /// A scrubber with those flags of the program; otherwise why there is none.
    pub fn new(flags: Vec<String>) -> Result<Shared, String> {
        silence_panics();
        let made = catch_unwind(AssertUnwindSafe(|| logscrub::cli::scrubbers(flags)));
        let scrubbers = made.map_err(|_| FAULT.to_owned())?.map_err(|error| with_causes(&error))?;
        Ok(Shared::at_start(scrubbers))
    }

    fn at_start(scrubbers: Scrubbers) -> Shared {
        static N_MADE: AtomicU64 = AtomicU64::new(0);
        let inner = Inner {
            scrubbers,
            tag_states: TagStates::default(),
            n_failed: 0,
            before: Tally::default(),
        };
        Shared { id: N_MADE.fetch_add(1, Ordering::Relaxed), inner: Mutex::new(inner) }
    }

    /// Another scrubber with the same rules, for another stream: with nothing open and nothing
    /// counted.
    pub fn fork(&self) -> Result<Shared, String> {
        let inner = self.inner();
        let forked = catch_unwind(AssertUnwindSafe(|| forked(&inner.scrubbers)));
        forked.map(Shared::at_start).map_err(|_| FAULT.to_owned())
    }

    /// Forgets what is open, as at the beginning of a stream. The counts stay.
    pub fn reset(&self) -> Result<(), String> {
        let mut inner = self.inner();
        catch_unwind(AssertUnwindSafe(|| inner.start_new_stream())).map_err(|_| FAULT.to_owned())
    }

    /// A number that no other scrubber of this process has, or will have.
    pub fn id(&self) -> u64 {
        self.id
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Scrubs a chunk of events.
    pub fn scrub_events(&self, tag: &[u8], chunk: &[u8]) -> Answer {
        self.scrub(|inner, out| {
            let outcome =
                inner.scrubbers.chunks.scrub_next_events(&mut inner.tag_states, tag, chunk, out);
            outcome.map_err(|malformed| malformed.to_string())
        })
    }

    /// Scrubs lines of text.
    pub fn scrub_text(&self, text: &[u8]) -> Answer {
        self.scrub(|inner, out| Ok(inner.scrubbers.text.scrub_block(text, out)))
    }

    fn scrub(
        &self,
        scrub: impl FnOnce(&mut Inner, &mut Vec<u8>) -> Result<Outcome, String>,
    ) -> Answer {
        let mut inner = self.inner();
        let mut out = Vec::new();
        let scrubbed = catch_unwind(AssertUnwindSafe(|| scrub(&mut inner, &mut out)));
        let failed = match scrubbed {
            Ok(Ok(Outcome::Clean)) => return Answer::Clean,
            Ok(Ok(Outcome::Changed)) => return Answer::Changed(out),
            Ok(Ok(Outcome::Stopped)) => "a record could not be examined (on_error stop)".to_owned(),
            Ok(Err(why)) => why,
            Err(_) => {
                inner.start_new_stream();
                FAULT.to_owned()
            }
        };
        inner.n_failed += 1;
        Answer::Failed(failed)
    }

    /// Records that were withheld, and inputs that failed.
    pub fn n_withheld(&self) -> u64 {
        let inner = self.inner();
        inner.tallies().map(|tally| tally.withheld + tally.broken).sum::<u64>() + inner.n_failed
    }

    /// Findings that were replaced.
    pub fn n_findings(&self) -> u64 {
        self.inner().tallies().map(Tally::findings).sum()
    }
}

impl Inner {
    fn tallies(&self) -> impl Iterator<Item = &Tally> {
        [self.scrubbers.text.tally(), self.scrubbers.chunks.tally(), &self.before].into_iter()
    }

    /// Begins a new stream. After a fault outside a record, too: the scrubbers may have been left
    /// half done.
    fn start_new_stream(&mut self) {
        self.before.merge(self.scrubbers.text.tally());
        self.before.merge(self.scrubbers.chunks.tally());
        self.scrubbers = forked(&self.scrubbers);
        self.tag_states = TagStates::default();
    }
}

/// The same scrubbers at the beginning of a stream, with nothing counted.
fn forked(scrubbers: &Scrubbers) -> Scrubbers {
    Scrubbers { text: scrubbers.text.fork(), chunks: scrubbers.chunks.fork() }
}

const FAULT: &str = "internal fault; this is a bug, please report it";

/// An error with its causes, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A panic is an answer here, and its message is for nobody: hosts have logs of their own.
fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}
