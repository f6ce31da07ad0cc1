//! Who is connected, and who goes when a newcomer finds no room.
//!
//! A connection that waits for acknowledgements is busy and keeps its seat. All others are idle,
//! from their last progress on: when they came, when a whole message came, every [`PROGRESS`] bytes
//! of a longer one, and when the last acknowledgement went out. So a sender that gives a byte now
//! and then is as idle as a silent one. When all seats are taken, the connection that has been idle
//! longest is asked to go; its sender has been told of all that arrived, and connects again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// So many bytes of a message are progress.
pub(crate) const PROGRESS: usize = 1 << 10;

/// The time of progress of one that is busy.
const BUSY: u64 = u64::MAX;

/// How long a newcomer waits before the next one is asked to go.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// The places of all connections.
#[derive(Debug)]
pub(crate) struct Seats {
    limit: usize,
    begin: Instant,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    seats: BTreeMap<u64, Arc<State>>,
}

#[derive(Debug)]
struct State {
    /// Milliseconds from the beginning until the last progress, or [`BUSY`].
    since: AtomicU64,
    /// Whether it was asked to go.
    is_asked: AtomicBool,
    asked: Notify,
}

/// The place of one connection, which is free when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    number: u64,
    state: Arc<State>,
}

impl Seats {
    pub(crate) fn new(limit: usize) -> Arc<Seats> {
        Arc::new(Seats {
            limit,
            begin: Instant::now(),
            taken: Mutex::default(),
            freed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, where one is free.
    pub(crate) fn take(self: &Arc<Seats>) -> Option<Seat> {
        let mut taken = self.lock();
        if taken.seats.len() >= self.limit {
            return None;
        }
        let number = taken.next;
        taken.next += 1;
        let since = AtomicU64::new(self.now());
        let state =
            Arc::new(State { since, is_asked: AtomicBool::new(false), asked: Notify::new() });
        taken.seats.insert(number, Arc::clone(&state));
        Some(Seat { seats: Arc::clone(self), number, state })
    }

    /// Asks the one that has been idle longest to go, of those that were not asked yet; answers
    /// whether there is one.
    pub(crate) fn ask_longest_idle(&self) -> bool {
        let taken = self.lock();
        let idle = taken.seats.values().filter(|state| !state.is_asked.load(Ordering::Relaxed));
        let idle = idle
            .map(|state| (state.since.load(Ordering::Relaxed), state))
            .filter(|(since, _)| *since != BUSY);
        let Some((_, longest)) = idle.min_by_key(|(since, _)| *since) else { return false };
        longest.is_asked.store(true, Ordering::Relaxed);
        longest.asked.notify_one();
        true
    }

    /// Waits until a place may be free.
    pub(crate) async fn freed(&self) {
        // Whoever else was told may have taken it.
        let _ = tokio::time::timeout(PATIENCE, self.freed.notified()).await;
    }

    /// Milliseconds from the beginning.
    fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(BUSY - 1)
    }
}

impl Seat {
    /// Something came, or went out.
    pub(crate) fn progress(&self) {
        self.state.since.store(self.seats.now(), Ordering::Relaxed);
    }

    /// From now on it waits for something that is not its sender's to give.
    pub(crate) fn busy(&self) {
        self.state.since.store(BUSY, Ordering::Relaxed);
    }

    /// When it will have been idle for `limit`; never while it is busy, or where there is no limit.
    pub(crate) fn deadline(&self, limit: Option<Duration>) -> Option<Instant> {
        let since = self.state.since.load(Ordering::Relaxed);
        let limit = limit.filter(|_| since != BUSY)?;
        Some(self.seats.begin + Duration::from_millis(since) + limit)
    }

    /// Ends when it is asked to go.
    pub(crate) async fn asked(&self) {
        while !self.state.is_asked.load(Ordering::Relaxed) {
            self.state.asked.notified().await;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.lock().seats.remove(&self.number);
        self.seats.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_asked(seat: &Seat) -> bool {
        seat.state.is_asked.load(Ordering::Relaxed)
    }

    fn idle_since(seat: &Seat, since: u64) {
        seat.state.since.store(since, Ordering::Relaxed);
    }

    #[test]
    fn the_longest_idle_goes_and_the_busy_stay() {
        let seats = Seats::new(4);
        let taken: Vec<Seat> = std::iter::from_fn(|| seats.take()).collect();
        assert_eq!(taken.len(), 4);
        taken[0].busy();
        [(1, 7), (2, 3), (3, 9)]
            .into_iter()
            .for_each(|(index, since)| idle_since(&taken[index], since));
        let order = [2, 1, 3];
        for index in order {
            assert!(
                !is_asked(&taken[index]) && seats.ask_longest_idle() && is_asked(&taken[index]),
                "{index}"
            );
        }
        assert!(!seats.ask_longest_idle() && !is_asked(&taken[0]));
        assert_eq!(taken[0].deadline(Some(Duration::ZERO)), None);
        assert_eq!(taken[1].deadline(None), None);
        assert_eq!(
            taken[1].deadline(Some(Duration::from_secs(1))),
            Some(seats.begin + Duration::from_millis(1007))
        );
        drop(taken);
        assert!(seats.take().is_some_and(|seat| !is_asked(&seat)));
    }
}
