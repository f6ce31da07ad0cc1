//! Scrubbers for all connections: rules that can be exchanged while messages pass, and the counting
//! of what was done.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::buffer_pool::{Buffer, Pool};
use crate::{
    msgpack::{
        ChunkScrubber, Seams,
        message::{Passed, Passing, Refusal},
    },
    report::prometheus::Metrics,
};

/// So many scrubbers are kept for the next messages.
const KEPT: usize = 16;

/// One set of rules, and the scrubbers that have it.
struct Generation {
    first: ChunkScrubber,
    idle: Mutex<Vec<ChunkScrubber>>,
}

/// Hands out scrubbers.
pub(crate) struct Engine {
    generation: RwLock<Arc<Generation>>,
    metrics: Metrics,
    strip_metadata: bool,
    max_inflated: usize,
    memory: Arc<Pool<Vec<u8>>>,
}

impl Engine {
    pub(crate) fn new(
        first: ChunkScrubber,
        metrics: Metrics,
        strip_metadata: bool,
        max_inflated: usize,
    ) -> Engine {
        let generation = Generation { first, idle: Mutex::default() };
        let memory = Arc::default();
        Engine {
            generation: RwLock::new(Arc::new(generation)),
            metrics,
            strip_metadata,
            max_inflated,
            memory,
        }
    }

    /// From now on messages are scrubbed with other rules.
    pub(crate) fn exchange(&self, first: ChunkScrubber) {
        let generation = Arc::new(Generation { first, idle: Mutex::default() });
        *self.generation.write().unwrap_or_else(PoisonError::into_inner) = generation;
    }

    /// Scrubs a message; its bytes are what goes on. `chunk` names it where its sender did not.
    /// `seams` are its connection's.
    pub(crate) fn pass(
        &self,
        message: &[u8],
        chunk: &str,
        seams: &mut Seams,
    ) -> Result<(Passed, Buffer), Refusal> {
        let generation =
            Arc::clone(&self.generation.read().unwrap_or_else(PoisonError::into_inner));
        let idle = generation.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut scrubber = idle.unwrap_or_else(|| generation.first.fork());
        let passing =
            Passing { chunk, strip_metadata: self.strip_metadata, max_inflated: self.max_inflated };
        let mut bytes = Buffer::of(&self.memory);
        seams.under(scrubber.rules());
        let passed = scrubber.pass(message, passing, seams, &mut bytes);
        self.count(message, &passed, &mut scrubber);
        let mut idle = generation.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(scrubber);
        }
        passed.map(|passed| (passed, bytes))
    }

    fn count(
        &self,
        message: &[u8],
        passed: &Result<Passed, Refusal>,
        scrubber: &mut ChunkScrubber,
    ) {
        self.metrics.messages.inc();
        self.metrics.bytes_in.inc_by(message.len() as u64);
        let tally = scrubber.take_tally();
        self.metrics.add(scrubber.rules(), &tally);
        match passed {
            Ok(passed) => {
                self.metrics.entries.inc_by(passed.n_entries);
            }
            Err(_) => {
                self.metrics.refused.inc();
            }
        }
    }
}
