//! Scrubbers for all connections: a pool that a reload replaces as a whole, and the counting of
//! what they did.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::buffer_pool::{BufferPool, PooledBuffer};
use crate::{
    msgpack::{
        ChunkScrubber, TagStates,
        message::{PassOptions, PassedMessage, Refusal},
    },
    report::prometheus::Metrics,
};

/// The most idle scrubbers.
const MAX_IDLE: usize = 16;

/// The scrubbers of one set of rules.
struct Generation {
    template: ChunkScrubber,
    idle: Mutex<Vec<ChunkScrubber>>,
}

/// Scrubs messages of all connections.
pub(crate) struct ScrubberPool {
    generation: RwLock<Arc<Generation>>,
    metrics: Metrics,
    strip_metadata: bool,
    max_inflated: usize,
    buffers: Arc<BufferPool<Vec<u8>>>,
}

impl Generation {
    fn new(template: ChunkScrubber) -> Arc<Generation> {
        Arc::new(Generation { template, idle: Mutex::default() })
    }

    fn take(&self) -> ChunkScrubber {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| self.template.fork())
    }

    fn give_back(&self, scrubber: ChunkScrubber) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(scrubber);
        }
    }
}

impl ScrubberPool {
    /// A pool of forks of `template`. Messages lose their metadata with `strip_metadata`, and may
    /// have at most `max_inflated` bytes when decompressed.
    pub(crate) fn new(
        template: ChunkScrubber,
        metrics: Metrics,
        strip_metadata: bool,
        max_inflated: usize,
    ) -> ScrubberPool {
        ScrubberPool {
            generation: RwLock::new(Generation::new(template)),
            metrics,
            strip_metadata,
            max_inflated,
            buffers: Arc::default(),
        }
    }

    /// Scrubs later messages with forks of `template`.
    pub(crate) fn replace(&self, template: ChunkScrubber) {
        *self.generation.write().unwrap_or_else(PoisonError::into_inner) =
            Generation::new(template);
    }

    /// Scrubs a message of the connection that `states` belong to. `chunk_id` is used unless the
    /// sender chose a usable one. The buffer holds the message to send on.
    pub(crate) fn pass_message(
        &self,
        message: &[u8],
        chunk_id: &str,
        states: &mut TagStates,
    ) -> Result<(PassedMessage, PooledBuffer), Refusal> {
        let generation =
            Arc::clone(&self.generation.read().unwrap_or_else(PoisonError::into_inner));
        let mut scrubber = generation.take();
        let options = PassOptions {
            chunk_id,
            strip_metadata: self.strip_metadata,
            max_inflated: self.max_inflated,
        };
        let mut bytes = PooledBuffer::from_pool(&self.buffers);
        states.switch_rules(scrubber.rules());
        let passed = scrubber.pass_message(message, options, states, &mut bytes);
        self.count(message, &passed, &mut scrubber);
        generation.give_back(scrubber);
        passed.map(|passed| (passed, bytes))
    }

    fn count(
        &self,
        message: &[u8],
        passed: &Result<PassedMessage, Refusal>,
        scrubber: &mut ChunkScrubber,
    ) {
        self.metrics.messages.inc();
        self.metrics.bytes_in.inc_by(message.len() as u64);
        let tally = scrubber.take_tally();
        self.metrics.add(scrubber.rules(), &tally);
        match passed {
            Ok(passed) => self.metrics.entries.inc_by(passed.n_entries),
            Err(_) => self.metrics.refused.inc(),
        };
    }
}
