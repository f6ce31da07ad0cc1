//! Ordered workers: jobs in, results out in the order the jobs came, no more than a few of them on the way.
//!
//! The pool does no I/O and knows nothing of what a job is. Whoever holds it is a worker too: to wait for the oldest result is
//! to do what lies in the queue meanwhile. So a pool of `n` threads starts `n - 1`, and one that can start none is still
//! right. A thread is started when a job comes that would keep it busy, so that little work starts none.
//!
//! A worker that panics panics in the holder, in the order of its job, as if the holder had done it.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread::{self, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender, unbounded};

/// So many jobs for each thread are on the way at most: one in work, and others so that nobody waits for the oldest.
const JOBS_PER_THREAD: usize = 3;

/// Does one job after the other.
pub(crate) trait Worker: Send + 'static {
    type Job: Send + 'static;
    type Done: Send + 'static;

    fn work(&mut self, job: Self::Job) -> Self::Done;

    /// One more, for a thread of its own.
    fn another(&self) -> Self;
}

type Result<W> = thread::Result<<W as Worker>::Done>;

/// Workers and what they have in hand.
pub(crate) struct Pool<W: Worker> {
    own: W,
    n_threads: usize,
    threads: Vec<JoinHandle<()>>,
    /// `None` once the pool is being dropped: then no job comes any more.
    jobs: Option<Sender<(usize, W::Job)>>,
    queue: Receiver<(usize, W::Job)>,
    done: (Sender<(usize, Result<W>)>, Receiver<(usize, Result<W>)>),
    /// A place for each job on the way, the oldest first, with its result once that is there.
    on_the_way: VecDeque<Option<Result<W>>>,
    /// The number of the oldest job on the way.
    first: usize,
}

impl<W: Worker> Pool<W> {
    /// A pool of `n_threads`, the caller's own among them.
    pub(crate) fn new(n_threads: usize, own: W) -> Pool<W> {
        let (jobs, queue) = unbounded();
        Pool {
            own,
            n_threads: n_threads.max(1),
            threads: Vec::new(),
            jobs: Some(jobs),
            queue,
            done: unbounded(),
            on_the_way: VecDeque::new(),
            first: 0,
        }
    }

    /// Whether nothing is on the way.
    pub(crate) fn is_idle(&self) -> bool {
        self.on_the_way.is_empty()
    }

    /// Whether a result must be taken before the next job is handed over.
    pub(crate) fn is_full(&self) -> bool {
        self.on_the_way.len() >= self.n_threads * JOBS_PER_THREAD
    }

    /// Hands over a job.
    pub(crate) fn submit(&mut self, job: W::Job) {
        debug_assert!(!self.is_full(), "a result must be taken first");
        let number = self.first + self.on_the_way.len();
        self.on_the_way.push_back(None);
        if let Some(jobs) = &self.jobs {
            jobs.send((number, job)).expect("the pool itself holds a receiver");
        }
        if self.threads.len() + 1 < self.n_threads && self.threads.len() < self.on_the_way.len() {
            self.start();
        }
    }

    /// The oldest result, when it is there.
    pub(crate) fn try_next(&mut self) -> Option<W::Done> {
        self.sort_in();
        self.pop()
    }

    /// The oldest result; `None` when nothing is on the way.
    pub(crate) fn next(&mut self) -> Option<W::Done> {
        while !self.is_idle() {
            if let Some(done) = self.try_next() {
                return Some(done);
            }
            match self.queue.try_recv() {
                Ok((number, job)) => {
                    let done = attempt(&mut self.own, job);
                    self.put(number, done);
                }
                // All that is on the way is in work, the oldest too.
                Err(_) => {
                    let (number, done) = self.done.1.recv().expect("the pool itself holds a sender");
                    self.put(number, done);
                }
            }
        }
        None
    }

    fn sort_in(&mut self) {
        while let Ok((number, done)) = self.done.1.try_recv() {
            self.put(number, done);
        }
    }

    fn put(&mut self, number: usize, done: Result<W>) {
        self.on_the_way[number - self.first] = Some(done);
    }

    fn pop(&mut self) -> Option<W::Done> {
        let done = self.on_the_way.front_mut()?.take()?;
        self.on_the_way.pop_front();
        self.first += 1;
        Some(done.unwrap_or_else(|panic| resume_unwind(panic)))
    }

    fn start(&mut self) {
        let mut worker = self.own.another();
        let (queue, done) = (self.queue.clone(), self.done.0.clone());
        let work = move || {
            for (number, job) in queue {
                let result = attempt(&mut worker, job);
                let is_over = result.is_err();
                if done.send((number, result)).is_err() || is_over {
                    return;
                }
            }
        };
        match thread::Builder::new().name("scrub".to_owned()).spawn(work) {
            Ok(thread) => self.threads.push(thread),
            // The system allows no more of them: those that are there do the work.
            Err(_) => self.n_threads = self.threads.len() + 1,
        }
    }
}

/// A worker that panicked is done with nothing more that anybody takes: what comes after its job is behind the panic.
fn attempt<W: Worker>(worker: &mut W, job: W::Job) -> Result<W> {
    catch_unwind(AssertUnwindSafe(|| worker.work(job)))
}

/// What is queued is forgotten; what is in work is waited for.
impl<W: Worker> Drop for Pool<W> {
    fn drop(&mut self) {
        self.jobs = None;
        while self.queue.try_recv().is_ok() {}
        for thread in self.threads.drain(..) {
            // A panic went to whoever took the result; nobody takes one now.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    const BAD: u64 = u64::MAX;

    /// Squares numbers, the odd ones slowly; counts how many workers there are.
    struct Squares(Arc<AtomicUsize>);

    impl Worker for Squares {
        type Job = u64;
        type Done = u64;

        fn work(&mut self, job: u64) -> u64 {
            assert!(job != BAD, "a job that cannot be done");
            (0..job % 2 * 20_000).for_each(|n| assert!(std::hint::black_box(n) < job * 20_000));
            job * job
        }

        fn another(&self) -> Squares {
            self.0.fetch_add(1, Ordering::Relaxed);
            Squares(Arc::clone(&self.0))
        }
    }

    fn pool(n_threads: usize) -> (Pool<Squares>, Arc<AtomicUsize>) {
        let n_started = Arc::new(AtomicUsize::new(0));
        (Pool::new(n_threads, Squares(Arc::clone(&n_started))), n_started)
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        for n_threads in 1..=4 {
            let (mut pool, n_started) = pool(n_threads);
            let mut results = Vec::new();
            for job in 0..2000 {
                results.extend(pool.try_next());
                if pool.is_full() {
                    results.extend(pool.next());
                }
                pool.submit(job);
                assert!(pool.on_the_way.len() <= n_threads * JOBS_PER_THREAD);
            }
            results.extend(std::iter::from_fn(|| pool.next()));
            assert!(pool.is_idle() && results.iter().copied().eq((0..2000).map(|job| job * job)), "{n_threads}");
            assert_eq!(n_started.load(Ordering::Relaxed), n_threads - 1);
        }
    }

    #[test]
    fn little_work_starts_few_threads() {
        let (mut pool, n_started) = pool(64);
        for job in 0..2 {
            pool.submit(job);
        }
        assert_eq!((pool.next(), pool.next(), pool.next()), (Some(0), Some(1), None));
        assert!(n_started.load(Ordering::Relaxed) <= 2);
    }

    #[test]
    fn what_is_on_the_way_when_the_pool_goes_is_forgotten() {
        let (mut pool, _) = pool(3);
        (0..9).for_each(|job| pool.submit(job));
        drop(pool);
    }

    #[test]
    fn a_panic_comes_in_the_order_of_its_job() {
        for n_threads in 1..=3 {
            let (mut pool, _) = pool(n_threads);
            [3, BAD, 5].into_iter().for_each(|job| pool.submit(job));
            let mut results = Vec::new();
            let taking = AssertUnwindSafe(|| {
                while let Some(result) = pool.next() {
                    results.push(result)
                }
            });
            assert!(catch_unwind(taking).is_err(), "{n_threads}");
            assert_eq!(results, [9], "{n_threads}");
        }
    }
}
