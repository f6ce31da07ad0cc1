//! Memory for long messages that goes round: a message of 2 MiB in memory that is new each time
//! costs more page faults than scrubbing it costs.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::BytesMut;

/// What is smaller is cheap to make.
const LEAST: usize = 32 << 10;

/// What is larger is seldom needed again.
const MOST: usize = 4 << 20;

/// So much may lie idle, in each of the two kinds.
const IDLE: usize = 16 << 20;

/// Memory that can be used again.
pub(crate) trait Reusable: Default {
    fn room(&self) -> usize;
    fn empty(&mut self);
}

impl Reusable for Vec<u8> {
    fn room(&self) -> usize {
        self.capacity()
    }

    fn empty(&mut self) {
        self.clear();
    }
}

impl Reusable for BytesMut {
    fn room(&self) -> usize {
        self.capacity()
    }

    fn empty(&mut self) {
        self.clear();
        // What was cut out of it is its own again, where nobody has it any more; otherwise its room
        // tells.
        let _ = self.try_reclaim(LEAST);
    }
}

/// Memory that nobody uses.
#[derive(Debug, Default)]
pub(crate) struct Pool<M> {
    idle: Mutex<Vec<M>>,
}

impl<M: Reusable> Pool<M> {
    /// Some that is empty.
    pub(crate) fn take(&self) -> M {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Takes it back; what is too much goes to the system.
    pub(crate) fn give(&self, mut memory: M) {
        memory.empty();
        if !(LEAST..=MOST).contains(&memory.room()) {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.iter().map(M::room).sum::<usize>() + memory.room() <= IDLE {
            idle.push(memory);
        }
    }
}

/// The bytes of a message on its way; their memory goes back where it came from.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    home: Option<Arc<Pool<Vec<u8>>>>,
}

impl Buffer {
    pub(crate) fn of(home: &Arc<Pool<Vec<u8>>>) -> Buffer {
        Buffer { bytes: home.take(), home: Some(Arc::clone(home)) }
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Buffer {
        Buffer { bytes, home: None }
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            home.give(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_goes_round_and_only_so_much_lies_idle() {
        let pool = Arc::new(Pool::default());
        let mut buffer = Buffer::of(&pool);
        buffer.extend_from_slice(&[7; 1 << 20]);
        let place = buffer.as_ptr();
        drop(buffer);
        let again = Buffer::of(&pool);
        assert_eq!((again.as_ptr(), again.len()), (place, 0));
        let many: Vec<Buffer> = (0..40)
            .map(|_| Buffer { bytes: Vec::with_capacity(1 << 20), home: Some(Arc::clone(&pool)) })
            .collect();
        drop((again, many));
        pool.give(Vec::with_capacity(MOST + 1));
        pool.give(Vec::with_capacity(LEAST - 1));
        let idle = pool.idle.lock().expect("nobody panics");
        assert!(idle.iter().map(Vec::capacity).sum::<usize>() <= IDLE);
        assert!(idle.iter().all(|memory| (LEAST..=MOST).contains(&memory.capacity())));
    }
}
