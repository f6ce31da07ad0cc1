//! The end as a value that is passed in: whoever waits for something else waits for it too.

use std::future::Future;

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// Tells tasks that the hop drains, and knows when they have ended.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    drains: watch::Sender<bool>,
    peers: TaskTracker,
    tasks: TaskTracker,
}

impl Shutdown {
    pub(crate) fn new() -> Shutdown {
        Shutdown {
            drains: watch::Sender::new(false),
            peers: TaskTracker::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Nothing new is taken from now on.
    pub(crate) fn drain(&self) {
        self.drains.send_replace(true);
        self.peers.close();
        self.tasks.close();
    }

    pub(crate) fn is_draining(&self) -> bool {
        *self.drains.borrow()
    }

    /// Ends when the hop drains.
    pub(crate) async fn begun(&self) {
        let mut drains = self.drains.subscribe();
        // The sender lives as long as this value.
        let _ = drains.wait_for(|drains| *drains).await;
    }

    /// Runs the task of a connection that messages come from.
    pub(crate) fn spawn_peer(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.peers.spawn(task);
    }

    /// Ends when all connections that messages come from have.
    pub(crate) async fn peers_finished(&self) {
        self.peers.wait().await;
    }

    /// Runs a task that passes messages on, and whose end is waited for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Ends when all tasks that pass messages on have.
    pub(crate) async fn finished(&self) {
        self.tasks.wait().await;
    }
}
