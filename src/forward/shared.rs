//! State that all connections and the admin endpoint share.

use std::time::Duration;

use tokio::sync::mpsc;

use super::{
    budget::MemoryBudget, destination::Destination, handshake::ServerAuth, scrubbers::ScrubberPool,
    shutdown::Shutdown,
};
use crate::{error::Error, report::prometheus::Metrics};

/// State that all connections share.
pub(crate) struct Shared {
    pub(crate) scrubbers: ScrubberPool,
    pub(crate) auth: Option<ServerAuth>,
    pub(crate) destination: Destination,
    pub(crate) budget: MemoryBudget,
    pub(crate) max_chunk: usize,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: Shutdown,
    /// Stops the program with an error.
    pub(crate) stop: mpsc::Sender<Error>,
}
