//! Reuse of large buffers: page faults of a freshly allocated 2 MiB buffer cost more than scrubbing
//! the message in it.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::BytesMut;

/// Smaller buffers are cheap to allocate and are not pooled.
const MIN_SIZE: usize = 32 << 10;

/// Larger buffers are rarely needed again and are not pooled.
const MAX_SIZE: usize = 4 << 20;

/// The most bytes that one pool keeps.
const MAX_IDLE: usize = 16 << 20;

/// A buffer that can be emptied and used again.
pub(crate) trait Reusable: Default {
    fn capacity(&self) -> usize;
    fn reset(&mut self);
}

impl Reusable for Vec<u8> {
    fn capacity(&self) -> usize {
        self.capacity()
    }

    fn reset(&mut self) {
        self.clear();
    }
}

impl Reusable for BytesMut {
    fn capacity(&self) -> usize {
        self.capacity()
    }

    fn reset(&mut self) {
        self.clear();
        // Recovers the memory of messages that were split off, once they are dropped. Otherwise
        // the capacity stays small and the pool drops the buffer.
        let _ = self.try_reclaim(MIN_SIZE);
    }
}

/// Idle buffers.
#[derive(Debug, Default)]
pub(crate) struct BufferPool<B> {
    idle: Mutex<Vec<B>>,
}

impl<B: Reusable> BufferPool<B> {
    fn lock(&self) -> MutexGuard<'_, Vec<B>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty buffer.
    pub(crate) fn take(&self) -> B {
        self.lock().pop().unwrap_or_default()
    }

    /// Returns a buffer, or frees it if the pool should not keep it.
    pub(crate) fn give_back(&self, mut buffer: B) {
        buffer.reset();
        if !(MIN_SIZE..=MAX_SIZE).contains(&buffer.capacity()) {
            return;
        }
        let mut idle = self.lock();
        if idle.iter().map(B::capacity).sum::<usize>() + buffer.capacity() <= MAX_IDLE {
            idle.push(buffer);
        }
    }
}

/// A byte vector that returns to its pool on drop.
#[derive(Debug, Default)]
pub(crate) struct PooledBuffer {
    bytes: Vec<u8>,
    pool: Option<Arc<BufferPool<Vec<u8>>>>,
}

impl PooledBuffer {
    pub(crate) fn from_pool(pool: &Arc<BufferPool<Vec<u8>>>) -> PooledBuffer {
        PooledBuffer { bytes: pool.take(), pool: Some(Arc::clone(pool)) }
    }
}

impl From<Vec<u8>> for PooledBuffer {
    fn from(bytes: Vec<u8>) -> PooledBuffer {
        PooledBuffer { bytes, pool: None }
    }
}

impl Deref for PooledBuffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for PooledBuffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        if let Some(pool) = &self.pool {
            pool.give_back(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_reused_and_idle_memory_is_limited() {
        let pool = Arc::new(BufferPool::default());
        let mut buffer = PooledBuffer::from_pool(&pool);
        buffer.extend_from_slice(&[7; 1 << 20]);
        let pointer = buffer.as_ptr();
        drop(buffer);
        let again = PooledBuffer::from_pool(&pool);
        assert_eq!((again.as_ptr(), again.len()), (pointer, 0));
        let many: Vec<PooledBuffer> = (0..40)
            .map(|_| PooledBuffer {
                bytes: Vec::with_capacity(1 << 20),
                pool: Some(Arc::clone(&pool)),
            })
            .collect();
        drop((again, many));
        pool.give_back(Vec::with_capacity(MAX_SIZE + 1));
        pool.give_back(Vec::with_capacity(MIN_SIZE - 1));
        let idle = pool.idle.lock().expect("nobody panics");
        assert!(idle.iter().map(Vec::capacity).sum::<usize>() <= MAX_IDLE);
        assert!(idle.iter().all(|buffer| (MIN_SIZE..=MAX_SIZE).contains(&buffer.capacity())));
    }
}
