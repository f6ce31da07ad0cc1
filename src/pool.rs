//! Ordered workers: results are accepted in the order of their jobs, with a limited number in
//! flight.
//!
//! The pool does no I/O and knows nothing about the jobs. Its caller provides a function that
//! returns the next job, one that accepts the next result, and the workers. Each thread takes a
//! job, does it, and accepts its result when it is the oldest, along with results that waited for
//! it. The bytes of a job therefore stay in the cache of one core: a pool whose caller read and
//! wrote for all threads took 1.2 times the CPU time of one thread, and was only 1.4 times as fast
//! with two.
//!
//! Threads are started as jobs arrive, one for each job that would have to wait, and end with the
//! run.

use std::{
    any::Any,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    slice::IterMut,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, Scope},
};

/// The most results per thread that wait for the oldest one.
const JOBS_PER_THREAD: usize = 3;

/// Does jobs, one at a time.
pub(crate) trait Worker: Send {
    type Job;
    type Done: Send;

    fn work(&mut self, job: Self::Job) -> Self::Done;
}

/// Does the jobs that `next` returns, until it returns none, with one thread per worker, including
/// the caller's.
///
/// `next` and `accept` are each called by one thread at a time, `accept` in the order of the jobs.
/// After an error of `accept`, neither is called again. A panic of a worker is resumed here once
/// all earlier results are accepted.
pub(crate) fn run<W: Worker, E: Send>(
    workers: &mut [W],
    next: impl FnMut(&mut W) -> Option<W::Job> + Send,
    accept: impl FnMut(&mut W, W::Done) -> Result<(), E> + Send,
) -> Result<(), E> {
    let limit = workers.len() * JOBS_PER_THREAD;
    let mut idle = workers.iter_mut();
    let Some(own) = idle.next() else { return Ok(()) };
    let team = SharedRun {
        idle: Mutex::new(idle),
        source: Mutex::new(Some(next)),
        accept: Mutex::new(accept),
        order: Mutex::new(InFlight {
            results: VecDeque::new(),
            first: 0,
            n_waiting: 0,
            is_accepting: false,
            failure: None,
        }),
        moved: Condvar::new(),
        limit,
    };
    thread::scope(|scope| team.work(scope, own));
    match team.order.into_inner().unwrap_or_else(PoisonError::into_inner).failure {
        None => Ok(()),
        Some(Failure::Error(error)) => Err(error),
        Some(Failure::Panic(panic)) => resume_unwind(panic),
    }
}

/// State shared by the threads of one run.
struct SharedRun<'w, W: Worker, N, A, E> {
    idle: Mutex<IterMut<'w, W>>,
    /// `None` once there are no more jobs.
    source: Mutex<Option<N>>,
    accept: Mutex<A>,
    order: Mutex<InFlight<W::Done, E>>,
    /// Signals that the oldest result was accepted, or that the run is over.
    moved: Condvar,
    limit: usize,
}

/// The results in flight.
struct InFlight<D, E> {
    /// A slot for each job in flight, oldest first.
    results: VecDeque<Option<thread::Result<D>>>,
    /// The number of the oldest job in flight.
    first: usize,
    /// How many threads wait for the oldest result to be accepted. Waking nobody would cost a
    /// system call each time.
    n_waiting: usize,
    /// Whether a thread is accepting. It also accepts the results that arrive meanwhile.
    is_accepting: bool,
    failure: Option<Failure<E>>,
}

enum Failure<E> {
    Error(E),
    Panic(Box<dyn Any + Send>),
}

impl<D, E> InFlight<D, E> {
    fn pop(&mut self) -> Option<thread::Result<D>> {
        let result = self.results.front_mut()?.take()?;
        self.results.pop_front();
        self.first += 1;
        Some(result)
    }
}

impl<'w, W, N, A, E> SharedRun<'w, W, N, A, E>
where
    W: Worker,
    N: FnMut(&mut W) -> Option<W::Job> + Send,
    A: FnMut(&mut W, W::Done) -> Result<(), E> + Send,
    E: Send,
{
    fn work<'s>(&'s self, scope: &'s Scope<'s, '_>, worker: &mut W) {
        while let Some((number, job)) = self.take(worker) {
            // A single job needs no second thread.
            if number > 0 {
                self.start(scope);
            }
            let result = catch_unwind(AssertUnwindSafe(|| worker.work(job)));
            self.deliver(worker, number, result);
        }
    }

    /// Starts another thread, if there is an idle worker.
    fn start<'s>(&'s self, scope: &'s Scope<'s, '_>) {
        if let Some(worker) = lock(&self.idle).next() {
            let builder = thread::Builder::new().name("scrub".to_owned());
            // If the system allows no more threads, the existing ones do the work.
            let _ = builder.spawn_scoped(scope, move || self.work(scope, worker));
        }
    }

    /// The next job with its number; `None` if there is none, or its result is no longer needed.
    fn take(&self, worker: &mut W) -> Option<(usize, W::Job)> {
        let mut order = lock(&self.order);
        while order.results.len() >= self.limit && order.failure.is_none() {
            order.n_waiting += 1;
            order = self.moved.wait(order).unwrap_or_else(PoisonError::into_inner);
            order.n_waiting -= 1;
        }
        if order.failure.is_some() {
            return None;
        }
        drop(order);
        let mut source = lock(&self.source);
        let job = source.as_mut().and_then(|next| next(worker));
        if job.is_none() {
            *source = None;
        }
        let job = job?;
        // Numbered before another thread can take the next job.
        let mut order = lock(&self.order);
        order.results.push_back(None);
        Some((order.first + order.results.len() - 1, job))
    }

    /// Stores a result, and accepts all results that are next in order, unless another thread is
    /// doing so.
    fn deliver(&self, worker: &mut W, number: usize, result: thread::Result<W::Done>) {
        let mut order = lock(&self.order);
        let place = number - order.first;
        order.results[place] = Some(result);
        if order.is_accepting {
            return;
        }
        order.is_accepting = true;
        while order.failure.is_none()
            && let Some(result) = order.pop()
        {
            drop(order);
            let failure = self.accept(worker, result).err();
            order = lock(&self.order);
            order.failure = failure;
            if order.n_waiting > 0 {
                self.moved.notify_all();
            }
        }
        order.is_accepting = false;
    }

    fn accept(&self, worker: &mut W, result: thread::Result<W::Done>) -> Result<(), Failure<E>> {
        let done = result.map_err(Failure::Panic)?;
        let mut accept = lock(&self.accept);
        let accepted = catch_unwind(AssertUnwindSafe(|| accept(worker, done)));
        accepted.map_err(Failure::Panic)?.map_err(Failure::Error)
    }
}

/// A panic of another thread is reported at the end of the run.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: u64 = u64::MAX;

    /// Squares numbers, odd ones slowly, and counts them.
    #[derive(Default)]
    struct Squares(usize);

    impl Worker for Squares {
        type Job = u64;
        type Done = u64;

        fn work(&mut self, job: u64) -> u64 {
            assert!(job != BAD, "a job that cannot be done");
            (0..job % 2 * 20_000).for_each(|n| assert!(std::hint::black_box(n) < job * 20_000));
            self.0 += 1;
            job * job
        }
    }

    fn workers(n_threads: usize) -> Vec<Squares> {
        std::iter::repeat_with(Squares::default).take(n_threads).collect()
    }

    /// The accepted squares of `jobs`, up to a result that is an error.
    fn squares(
        workers: &mut [Squares],
        jobs: impl IntoIterator<Item = u64>,
        bad: u64,
    ) -> (Vec<u64>, Result<(), u64>) {
        let mut accepted = Vec::new();
        let jobs: Vec<u64> = jobs.into_iter().collect();
        let mut jobs = jobs.into_iter();
        let accept = |_: &mut Squares, square: u64| {
            if square == bad {
                return Err(square);
            }
            accepted.push(square);
            Ok(())
        };
        let result = run(workers, |_| jobs.next(), accept);
        (accepted, result)
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        for n_threads in 1..=4 {
            let mut workers = workers(n_threads);
            let (accepted, result) = squares(&mut workers, 0..2000, BAD);
            assert!(
                result.is_ok() && accepted.iter().copied().eq((0..2000).map(|job| job * job)),
                "{n_threads}"
            );
            assert_eq!(workers.iter().map(|worker| worker.0).sum::<usize>(), 2000);
        }
    }

    #[test]
    fn one_job_is_done_by_the_caller_alone() {
        let mut workers = workers(4);
        assert_eq!(squares(&mut workers, [3], BAD), (vec![9], Ok(())));
        assert_eq!(workers.iter().map(|worker| worker.0).collect::<Vec<_>>(), [1, 0, 0, 0]);
    }

    #[test]
    fn nothing_is_accepted_behind_an_error() {
        for n_threads in 1..=4 {
            let (accepted, result) = squares(&mut workers(n_threads), 0..500, 100 * 100);
            assert_eq!((accepted.len(), result), (100, Err(10_000)));
        }
    }

    #[test]
    fn a_panic_comes_in_the_order_of_its_job() {
        for n_threads in 1..=3 {
            let mut workers = workers(n_threads);
            let mut accepted = Vec::new();
            let mut jobs = [3, 4, BAD, 5, 6, 7].into_iter();
            let mut accept = |_: &mut Squares, square: u64| {
                accepted.push(square);
                Ok::<(), ()>(())
            };
            let running = AssertUnwindSafe(|| run(&mut workers, |_| jobs.next(), &mut accept));
            assert!(catch_unwind(running).is_err(), "{n_threads}");
            assert_eq!(accepted, [9, 16], "{n_threads}");
        }
    }
}
