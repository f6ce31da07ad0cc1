//! Parallel compression of one stream: the text is split into chunks, which are compressed
//! independently and written in order, as gzip members, zstd or lz4 frames, or streams of the other
//! formats.
//!
//! All streams of a run share the threads. A stream that must wait for its oldest chunk takes a
//! chunk from the queue and compresses it, so every core has work while there is any, and a single
//! thread suffices.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

/// Compresses a chunk into a member or frame that begins with `head`.
pub(super) type CompressChunk = fn(head: &[u8], text: &[u8], level: u32) -> io::Result<Vec<u8>>;

struct ChunkJob {
    head: Vec<u8>,
    text: Vec<u8>,
    level: u32,
    pack: CompressChunk,
    done: Sender<io::Result<Vec<u8>>>,
}

impl ChunkJob {
    fn work(self) {
        let packed = (self.pack)(&self.head, &self.text, self.level);
        // The stream may have been abandoned.
        let _ = self.done.send(packed);
    }
}

#[derive(Default)]
struct ChunkQueue {
    jobs: Mutex<(VecDeque<ChunkJob>, bool)>,
    came: Condvar,
}

impl ChunkQueue {
    fn lock(&self) -> MutexGuard<'_, (VecDeque<ChunkJob>, bool)> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Compresses chunks until the run is over.
    fn serve(&self) {
        let mut jobs = self.lock();
        loop {
            if let Some(job) = jobs.0.pop_front() {
                drop(jobs);
                job.work();
                jobs = self.lock();
            } else if jobs.1 {
                return;
            } else {
                jobs = self.came.wait(jobs).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// The compression threads of a run.
pub(super) struct CompressionPool {
    queue: Arc<ChunkQueue>,
    /// The most chunks in flight for all streams, except one for each stream. Bounds the memory.
    limit: usize,
    n_on_the_way: AtomicUsize,
}

/// ChunkWriter in flight per thread: one being compressed, one waiting for it, one waiting to be
/// written.
const CHUNKS_PER_THREAD: usize = 3;

impl CompressionPool {
    pub(super) fn start(n_threads: usize) -> CompressionPool {
        let queue = Arc::new(ChunkQueue::default());
        for _ in 1..n_threads {
            let queue = Arc::clone(&queue);
            // If the system allows no more threads, the streams compress themselves.
            let _ = thread::Builder::new().name("pack".to_owned()).spawn(move || queue.serve());
        }
        CompressionPool {
            queue,
            limit: CHUNKS_PER_THREAD * n_threads,
            n_on_the_way: AtomicUsize::new(0),
        }
    }
}

impl Drop for CompressionPool {
    fn drop(&mut self) {
        self.queue.lock().1 = true;
        self.queue.came.notify_all();
    }
}

/// Headers for the next chunks, in order. The decoder fills the queue.
pub(super) type ChunkHeaders = Arc<Mutex<VecDeque<Vec<u8>>>>;

/// A stream that is compressed in chunks.
pub(super) struct ChunkWriter<'w> {
    wtr: &'w mut (dyn Write + Send),
    packers: &'w CompressionPool,
    pack: CompressChunk,
    level: u32,
    size: usize,
    heads: ChunkHeaders,
    text: Vec<u8>,
    on_the_way: VecDeque<Receiver<io::Result<Vec<u8>>>>,
    is_empty: bool,
}

impl<'w> ChunkWriter<'w> {
    pub(super) fn new(
        wtr: &'w mut (dyn Write + Send),
        packers: &'w CompressionPool,
        (pack, level, size): (CompressChunk, u32, usize),
        heads: ChunkHeaders,
    ) -> ChunkWriter<'w> {
        let on_the_way = VecDeque::new();
        ChunkWriter {
            wtr,
            packers,
            pack,
            level,
            size,
            heads,
            text: Vec::new(),
            on_the_way,
            is_empty: true,
        }
    }

    fn next_head(&self) -> Option<Vec<u8>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn send(&mut self) -> io::Result<()> {
        let (done, packed) = channel();
        let text = std::mem::take(&mut self.text);
        let job = ChunkJob {
            head: self.next_head().unwrap_or_default(),
            text,
            level: self.level,
            pack: self.pack,
            done,
        };
        self.is_empty = false;
        self.packers.queue.lock().0.push_back(job);
        self.packers.queue.came.notify_one();
        self.on_the_way.push_back(packed);
        self.packers.n_on_the_way.fetch_add(1, Ordering::Relaxed);
        while self.on_the_way.len() > 1
            && self.packers.n_on_the_way.load(Ordering::Relaxed) > self.packers.limit
        {
            self.receive()?;
        }
        Ok(())
    }

    /// Writes the oldest chunk.
    fn receive(&mut self) -> io::Result<()> {
        let Some(oldest) = self.on_the_way.pop_front() else { return Ok(()) };
        self.packers.n_on_the_way.fetch_sub(1, Ordering::Relaxed);
        let packed = loop {
            if let Ok(packed) = oldest.try_recv() {
                break packed;
            }
            let job = self.packers.queue.lock().0.pop_front();
            match job {
                Some(job) => job.work(),
                None => break oldest.recv().map_err(io::Error::other)?,
            }
        };
        self.wtr.write_all(&packed?)
    }

    /// Writes the rest. Headers that are left over get an empty chunk.
    pub(super) fn finish(mut self) -> io::Result<()> {
        while !self.on_the_way.is_empty() {
            self.receive()?;
        }
        while self.is_empty || !self.text.is_empty() {
            let (head, text) =
                (self.next_head().unwrap_or_default(), std::mem::take(&mut self.text));
            self.wtr.write_all(&(self.pack)(&head, &text, self.level)?)?;
            self.is_empty = false;
        }
        while let Some(head) = self.next_head() {
            self.wtr.write_all(&(self.pack)(&head, b"", self.level)?)?;
        }
        Ok(())
    }
}

impl Drop for ChunkWriter<'_> {
    /// ChunkWriter of an abandoned stream no longer count.
    fn drop(&mut self) {
        self.packers.n_on_the_way.fetch_sub(self.on_the_way.len(), Ordering::Relaxed);
    }
}

impl Write for ChunkWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_bytes = bytes.len().min(self.size - self.text.len());
        self.text.extend_from_slice(&bytes[..n_bytes]);
        if self.text.len() == self.size {
            self.send()?;
        }
        Ok(n_bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(head: &[u8], text: &[u8], _: u32) -> io::Result<Vec<u8>> {
        Ok([head, text].concat())
    }

    #[test]
    fn chunks_come_in_order_whatever_the_threads() {
        let input: Vec<u8> = (0..10_000_u32).flat_map(u32::to_le_bytes).collect();
        for n_threads in 1..=3 {
            let packers = CompressionPool::start(n_threads);
            let mut out = Vec::new();
            let mut chunks =
                ChunkWriter::new(&mut out, &packers, (plain, 0, 37), ChunkHeaders::default());
            chunks.write_all(&input).expect("a vector takes everything");
            chunks.finish().expect("a vector takes everything");
            assert!(out == input, "{n_threads}");
        }
    }

    #[test]
    fn every_head_is_written_with_or_without_text() {
        let packers = CompressionPool::start(1);
        let heads = ChunkHeaders::default();
        heads.lock().expect("nobody failed").extend([b"A".to_vec(), b"B".to_vec(), b"C".to_vec()]);
        let mut out = Vec::new();
        let mut chunks = ChunkWriter::new(&mut out, &packers, (plain, 0, 4), heads);
        chunks.write_all(b"1234x").expect("a vector takes everything");
        chunks.finish().expect("a vector takes everything");
        assert_eq!(out, b"A1234BxC");
    }
}
