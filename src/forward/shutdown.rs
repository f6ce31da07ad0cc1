//! Graceful shutdown as a value that every task holds.
//!
//! Tasks that read from senders select on [`Shutdown::started`] and stop taking new messages. Tasks
//! that deliver messages keep running until their queue is empty and closed; [`Shutdown::drained`]
//! waits for them.

use std::{future::Future, time::Instant};

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// Signals shutdown to all tasks and tracks which of them are still running.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    started: watch::Sender<bool>,
    connections: TaskTracker,
    deliveries: TaskTracker,
}

impl Shutdown {
    pub(crate) fn new() -> Shutdown {
        Shutdown {
            started: watch::Sender::new(false),
            connections: TaskTracker::new(),
            deliveries: TaskTracker::new(),
        }
    }

    /// Starts the shutdown: no new messages are accepted from now on.
    pub(crate) fn start(&self) {
        self.started.send_replace(true);
        self.connections.close();
        self.deliveries.close();
    }

    pub(crate) fn is_started(&self) -> bool {
        *self.started.borrow()
    }

    /// Completes when the shutdown starts.
    pub(crate) async fn started(&self) {
        let mut started = self.started.subscribe();
        // Cannot fail: the sender lives as long as `self`.
        let _ = started.wait_for(|is_started| *is_started).await;
    }

    /// Runs a task that accepts or reads from connections of senders.
    pub(crate) fn spawn_connection(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.connections.spawn(task);
    }

    /// Completes when no connection of a sender is left.
    pub(crate) async fn connections_closed(&self) {
        self.connections.wait().await;
    }

    /// Runs a task that delivers messages.
    pub(crate) fn spawn_delivery(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.deliveries.spawn(task);
    }

    /// Completes when every accepted message has been delivered.
    pub(crate) async fn drained(&self) {
        self.deliveries.wait().await;
    }
}

/// Sleeps until `deadline`; forever if there is none.
pub(crate) async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
