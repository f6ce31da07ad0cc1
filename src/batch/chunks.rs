//! Compression by several threads inside one stream: the text is cut into chunks that are
//! compressed each by itself and written in order, gzip as members, zstd and lz4 as frames, the
//! others as streams.
//!
//! All streams of a run share the threads. Where a stream must wait for its oldest chunk it takes a
//! chunk from the queue and compresses it itself, so every core has work for as long as there is
//! any, and one thread alone is enough.

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

/// How a chunk becomes a member or a frame, with what stands at its head.
pub(super) type Pack = fn(head: &[u8], text: &[u8], level: u32) -> io::Result<Vec<u8>>;

struct Job {
    head: Vec<u8>,
    text: Vec<u8>,
    level: u32,
    pack: Pack,
    done: Sender<io::Result<Vec<u8>>>,
}

impl Job {
    fn work(self) {
        let packed = (self.pack)(&self.head, &self.text, self.level);
        // Who asked may have given up on its stream.
        let _ = self.done.send(packed);
    }
}

#[derive(Default)]
struct Queue {
    jobs: Mutex<(VecDeque<Job>, bool)>,
    came: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, (VecDeque<Job>, bool)> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until the run is over.
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

/// The threads of a run that compress.
pub(super) struct Packers {
    queue: Arc<Queue>,
    /// So many chunks of all streams are on the way at most, one of each stream apart: that bounds
    /// what they take.
    limit: usize,
    n_on_the_way: AtomicUsize,
}

/// So many chunks for each thread: one that it works on, one that waits for it, one that waits to
/// be written.
const CHUNKS_PER_THREAD: usize = 3;

impl Packers {
    pub(super) fn start(n_threads: usize) -> Packers {
        let queue = Arc::new(Queue::default());
        for _ in 1..n_threads {
            let queue = Arc::clone(&queue);
            // Where the system allows no more threads the streams do it themselves.
            let _ = thread::Builder::new().name("pack".to_owned()).spawn(move || queue.serve());
        }
        Packers { queue, limit: CHUNKS_PER_THREAD * n_threads, n_on_the_way: AtomicUsize::new(0) }
    }
}

impl Drop for Packers {
    fn drop(&mut self) {
        self.queue.lock().1 = true;
        self.queue.came.notify_all();
    }
}

/// What stands before the text in the next chunks, in order; the side that reads fills it.
pub(super) type Heads = Arc<Mutex<VecDeque<Vec<u8>>>>;

/// A stream of chunks.
pub(super) struct Chunks<'w> {
    wtr: &'w mut (dyn Write + Send),
    packers: &'w Packers,
    pack: Pack,
    level: u32,
    size: usize,
    heads: Heads,
    text: Vec<u8>,
    on_the_way: VecDeque<Receiver<io::Result<Vec<u8>>>>,
    is_empty: bool,
}

impl<'w> Chunks<'w> {
    pub(super) fn new(
        wtr: &'w mut (dyn Write + Send),
        packers: &'w Packers,
        (pack, level, size): (Pack, u32, usize),
        heads: Heads,
    ) -> Chunks<'w> {
        let on_the_way = VecDeque::new();
        Chunks {
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
        let job = Job {
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

    /// Writes what is left. Heads for which there was no text get a chunk without any.
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

impl Drop for Chunks<'_> {
    /// Of a stream that was given up nothing is on the way any more.
    fn drop(&mut self) {
        self.packers.n_on_the_way.fetch_sub(self.on_the_way.len(), Ordering::Relaxed);
    }
}

impl Write for Chunks<'_> {
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
            let packers = Packers::start(n_threads);
            let mut out = Vec::new();
            let mut chunks = Chunks::new(&mut out, &packers, (plain, 0, 37), Heads::default());
            chunks.write_all(&input).expect("a vector takes everything");
            chunks.finish().expect("a vector takes everything");
            assert!(out == input, "{n_threads}");
        }
    }

    #[test]
    fn every_head_is_written_with_or_without_text() {
        let packers = Packers::start(1);
        let heads = Heads::default();
        heads.lock().expect("nobody failed").extend([b"A".to_vec(), b"B".to_vec(), b"C".to_vec()]);
        let mut out = Vec::new();
        let mut chunks = Chunks::new(&mut out, &packers, (plain, 0, 4), heads);
        chunks.write_all(b"1234x").expect("a vector takes everything");
        chunks.finish().expect("a vector takes everything");
        assert_eq!(out, b"A1234BxC");
    }
}
