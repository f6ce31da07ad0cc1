//! The table of open connections of senders, and the eviction of idle ones.
//!
//! A connection that waits for acknowledgements is busy and is never evicted. Every other
//! connection is idle since its last progress: connecting, a whole message, every
//! [`PROGRESS_BYTES`] of a longer message, the last acknowledgement. A sender that trickles single
//! bytes is therefore as idle as a silent one. When the table is full, the connection that has been
//! idle longest is asked to close. Its sender has received every acknowledgement it was owed and
//! reconnects.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// Receiving this many bytes of a message counts as progress.
pub(crate) const PROGRESS_BYTES: usize = 1 << 10;

/// How long to wait for a free slot before another connection is evicted.
pub(crate) const EVICTION_INTERVAL: Duration = Duration::from_millis(50);

/// The value of [`Activity::idle_since`] while a connection is busy.
const BUSY: u64 = u64::MAX;

/// All open connections.
#[derive(Debug)]
pub(crate) struct ConnectionTable {
    limit: usize,
    created: Instant,
    slots: Mutex<Slots>,
    slot_freed: Notify,
}

#[derive(Debug, Default)]
struct Slots {
    next_id: u64,
    by_id: BTreeMap<u64, Arc<Activity>>,
}

#[derive(Debug)]
struct Activity {
    /// Milliseconds from the creation of the table to the last progress, or [`BUSY`].
    idle_since: AtomicU64,
    is_evicted: AtomicBool,
    evicted: Notify,
}

/// The slot of one connection in the table; freed on drop.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    table: Arc<ConnectionTable>,
    id: u64,
    activity: Arc<Activity>,
}

impl ConnectionTable {
    pub(crate) fn new(limit: usize) -> Arc<ConnectionTable> {
        Arc::new(ConnectionTable {
            limit,
            created: Instant::now(),
            slots: Mutex::default(),
            slot_freed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot, if one is free.
    pub(crate) fn try_acquire(self: &Arc<ConnectionTable>) -> Option<ConnectionSlot> {
        let mut slots = self.lock();
        if slots.by_id.len() >= self.limit {
            return None;
        }
        let id = slots.next_id;
        slots.next_id += 1;
        let activity = Arc::new(Activity {
            idle_since: AtomicU64::new(self.now()),
            is_evicted: AtomicBool::new(false),
            evicted: Notify::new(),
        });
        slots.by_id.insert(id, Arc::clone(&activity));
        Some(ConnectionSlot { table: Arc::clone(self), id, activity })
    }

    /// Asks the connection that has been idle longest to close, among those that were not asked
    /// before. Returns whether there was one.
    pub(crate) fn evict_longest_idle(&self) -> bool {
        let slots = self.lock();
        let longest_idle = slots
            .by_id
            .values()
            .filter(|activity| !activity.is_evicted.load(Ordering::Relaxed))
            .map(|activity| (activity.idle_since.load(Ordering::Relaxed), activity))
            .filter(|(idle_since, _)| *idle_since != BUSY)
            .min_by_key(|(idle_since, _)| *idle_since);
        let Some((_, activity)) = longest_idle else { return false };
        activity.is_evicted.store(true, Ordering::Relaxed);
        activity.evicted.notify_one();
        true
    }

    /// Waits until a slot may be free, at most for [`EVICTION_INTERVAL`].
    pub(crate) async fn slot_freed(&self) {
        // The caller tries again in any case: another listener may have taken the slot.
        let _ = tokio::time::timeout(EVICTION_INTERVAL, self.slot_freed.notified()).await;
    }

    /// Milliseconds since the creation of the table.
    fn now(&self) -> u64 {
        u64::try_from(self.created.elapsed().as_millis()).unwrap_or(BUSY - 1)
    }
}

impl ConnectionSlot {
    /// Restarts the idle time.
    pub(crate) fn mark_progress(&self) {
        self.activity.idle_since.store(self.table.now(), Ordering::Relaxed);
    }

    /// The connection now waits for something that its sender cannot influence.
    pub(crate) fn mark_busy(&self) {
        self.activity.idle_since.store(BUSY, Ordering::Relaxed);
    }

    /// When the connection will have been idle for `limit`. `None` while it is busy, or without a
    /// limit.
    pub(crate) fn idle_deadline(&self, limit: Option<Duration>) -> Option<Instant> {
        let idle_since = self.activity.idle_since.load(Ordering::Relaxed);
        let limit = limit.filter(|_| idle_since != BUSY)?;
        Some(self.table.created + Duration::from_millis(idle_since) + limit)
    }

    /// Completes when the connection is asked to close.
    pub(crate) async fn evicted(&self) {
        while !self.activity.is_evicted.load(Ordering::Relaxed) {
            self.activity.evicted.notified().await;
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.table.lock().by_id.remove(&self.id);
        self.table.slot_freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_evicted(slot: &ConnectionSlot) -> bool {
        slot.activity.is_evicted.load(Ordering::Relaxed)
    }

    fn set_idle_since(slot: &ConnectionSlot, idle_since: u64) {
        slot.activity.idle_since.store(idle_since, Ordering::Relaxed);
    }

    #[test]
    fn the_longest_idle_is_evicted_and_the_busy_stay() {
        let table = ConnectionTable::new(4);
        let slots: Vec<ConnectionSlot> = std::iter::from_fn(|| table.try_acquire()).collect();
        assert_eq!(slots.len(), 4);
        slots[0].mark_busy();
        for (index, idle_since) in [(1, 7), (2, 3), (3, 9)] {
            set_idle_since(&slots[index], idle_since);
        }
        for index in [2, 1, 3] {
            assert!(!is_evicted(&slots[index]), "{index}");
            assert!(table.evict_longest_idle() && is_evicted(&slots[index]), "{index}");
        }
        assert!(!table.evict_longest_idle() && !is_evicted(&slots[0]));
        assert_eq!(slots[0].idle_deadline(Some(Duration::ZERO)), None);
        assert_eq!(slots[1].idle_deadline(None), None);
        assert_eq!(
            slots[1].idle_deadline(Some(Duration::from_secs(1))),
            Some(table.created + Duration::from_millis(1007))
        );
        drop(slots);
        assert!(table.try_acquire().is_some_and(|slot| !is_evicted(&slot)));
    }
}
