//! Fork-join threads: every worker's share of a job is run once, and the caller waits for all.
//!
//! A worker that has not begun when the caller is done with its own share need not come any more: the
//! caller runs that share, too. Where other programs use the cores, nobody waits for a thread that waits
//! for a core.
//!
//! A region costs well under a microsecond while workers spin, which they do for at most
//! [`SPIN`] after the last one; then they park and cost nothing.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::fmt;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a worker without work spins before it parks.
pub const SPIN: Duration = Duration::from_micros(50);

/// How long anybody spins before offering the core to others between two looks: where there are
/// fewer free cores than threads, whoever is waited for may need this one.
const SPIN_ALONE: Duration = Duration::from_micros(5);

/// Spins between two looks at the clock: reading it costs about as much as twenty spins.
const SPINS_PER_LOOK: usize = 64;

/// What every worker runs, called with the worker's number.
type Job<'a> = dyn Fn(usize) + Sync + 'a;

/// A job panicked on some worker; the others finished theirs and the pool can be used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerPanic {
    /// The message of the first panic that was noticed.
    pub message: String,
}

impl fmt::Display for WorkerPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a worker panicked: {}", self.message)
    }
}

impl std::error::Error for WorkerPanic {}

/// Keeps a word that one side writes and the other spins on away from its neighbours' cache lines.
#[repr(align(128))]
struct CacheLine<T>(T);

/// One worker thread as the caller sees it.
struct Worker {
    /// Set by the worker before it parks, cleared by whoever wakes it.
    parked: CacheLine<AtomicBool>,
    /// The last region of which somebody took this worker's share: itself or the caller.
    taken: CacheLine<AtomicUsize>,
}

/// What the caller and the workers share.
struct Shared {
    /// Counts regions; a change is the signal to start.
    epoch: CacheLine<AtomicUsize>,
    /// Shares of workers that are not finished in the current region.
    remaining: CacheLine<AtomicUsize>,
    /// The job of the current region. Written while `remaining` is 0 and before `epoch` changes;
    /// read by workers after they took their share and before they count `remaining` down.
    job: UnsafeCell<Option<&'static Job<'static>>>,
    /// Set once, when the pool is dropped; seen together with a change of `epoch`.
    stop: AtomicBool,
    /// The first panic of the current region.
    panic: Mutex<Option<String>>,
    /// State of worker `index + 1`.
    workers: Vec<Worker>,
}

// SAFETY: `job` is the only part that is not `Sync` by itself; the protocol written at the field
// orders its one writer (who holds `Pool::region`) before and after all readers.
unsafe impl Sync for Shared {}
// SAFETY: the job it holds is `Sync`, so a reference to it may go to another thread.
unsafe impl Send for Shared {}

thread_local! {
    /// The pool inside whose region this thread is, as an address; null outside of regions.
    static INSIDE: Cell<*const ()> = const { Cell::new(ptr::null()) };
}

/// A fixed number of threads that run regions together, the calling thread among them.
pub struct Pool {
    shared: Arc<Shared>,
    handles: Vec<JoinHandle<()>>,
    /// Held by the caller of the region that runs; other callers queue here.
    region: Mutex<()>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads()).finish()
    }
}

impl Pool {
    /// A pool of `threads` workers; the caller of each region is worker 0, so `threads - 1` threads
    /// are started. 0 counts as 1. If the system refuses to start a thread, the pool is smaller.
    pub fn new(threads: usize) -> Pool {
        let wanted = threads.saturating_sub(1);
        let mut handles = Vec::with_capacity(wanted);
        let worker = || Worker {
            parked: CacheLine(AtomicBool::new(false)),
            taken: CacheLine(AtomicUsize::new(0)),
        };
        let shared = Arc::new(Shared {
            epoch: CacheLine(AtomicUsize::new(0)),
            remaining: CacheLine(AtomicUsize::new(0)),
            job: UnsafeCell::new(None),
            stop: AtomicBool::new(false),
            panic: Mutex::new(None),
            workers: (0..wanted).map(|_| worker()).collect(),
        });
        for index in 0..wanted {
            let shared = Arc::clone(&shared);
            let started = thread::Builder::new()
                .name(format!("glassbox-{}", index + 1))
                .spawn(move || shared.work(index));
            match started {
                Ok(handle) => handles.push(handle),
                Err(_) => break,
            }
        }
        Pool { shared, handles, region: Mutex::new(()) }
    }

    /// How many workers run each region, the caller included.
    pub fn threads(&self) -> usize {
        self.handles.len() + 1
    }

    /// Runs `job(worker)` once for each worker in `0..threads()` and returns when all have finished. Calls
    /// may follow each other on one thread, so that none may wait for another.
    ///
    /// Allocates nothing. Callers on several threads queue. Called from inside a job of the same
    /// pool, it runs all the calls one after the other on the spot.
    pub fn run(&self, job: &Job<'_>) -> Result<(), WorkerPanic> {
        let identity = Arc::as_ptr(&self.shared).cast::<()>();
        if self.handles.is_empty() || INSIDE.get() == identity {
            return catch_unwind(AssertUnwindSafe(|| (0..self.threads()).for_each(job)))
                .map_err(|payload| WorkerPanic { message: message_of(payload) });
        }
        let region = lock(&self.region);
        let epoch = self.start(job);
        let outside = INSIDE.replace(identity);
        self.shared.attempt(job, 0);
        // Whoever is woken last is least likely to have begun.
        for index in (0..self.handles.len()).rev() {
            if self.shared.take(index, epoch) {
                self.shared.attempt(job, index + 1);
                self.shared.remaining.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        INSIDE.set(outside);
        // From `start` to here nothing can unwind, so the job outlives its last use by a worker.
        self.shared.wait_for_workers();
        let panic = lock(&self.shared.panic).take();
        drop(region);
        panic.map_or(Ok(()), |message| Err(WorkerPanic { message }))
    }

    /// Splits `0..items` in chunks of `chunk` items (the last may be shorter) and calls `body` with
    /// each. Worker `w` takes the `w`-th share of the chunks, so who does what depends on the
    /// number of threads, but which chunks there are does not.
    pub fn for_each_chunk(
        &self,
        items: usize,
        chunk: usize,
        body: &(dyn Fn(Range<usize>) + Sync),
    ) -> Result<(), WorkerPanic> {
        let chunk = chunk.max(1);
        let chunks = items.div_ceil(chunk);
        let share = |worker: usize, workers: usize| {
            for index in share_of(chunks, workers, worker) {
                body(index * chunk..items.min((index + 1) * chunk));
            }
        };
        if chunks <= 1 {
            return catch_unwind(AssertUnwindSafe(|| share(0, 1)))
                .map_err(|payload| WorkerPanic { message: message_of(payload) });
        }
        self.run(&|worker| share(worker, self.threads()))
    }

    /// Splits `data` in chunks of `chunk` elements (the last may be shorter) and calls `body` with the
    /// index of each chunk's first element and the chunk, as [`Pool::for_each_chunk`] does.
    pub fn for_each_chunk_mut<T: Send>(
        &self,
        data: &mut [T],
        chunk: usize,
        body: &(dyn Fn(usize, &mut [T]) + Sync),
    ) -> Result<(), WorkerPanic> {
        let (start, len) = (Start(data.as_mut_ptr()), data.len());
        self.for_each_chunk(len, chunk, &|range| {
            let start = &start;
            // SAFETY: chunks do not overlap, each is handed out once, and lies within `data`, which
            // is borrowed until all workers have finished.
            let chunk = unsafe {
                std::slice::from_raw_parts_mut(start.0.wrapping_add(range.start), range.len())
            };
            body(range.start, chunk);
        })
    }

    /// Publishes `job`, wakes whoever sleeps and tells the region's number. The caller holds `region` and
    /// must wait for the workers before `job` goes out of scope.
    fn start(&self, job: &Job<'_>) -> usize {
        // SAFETY: only the lifetime is changed. `run` returns after `remaining` has been counted down for
        // every worker, which each one that took its share does after its last use of the job.
        let job = unsafe { std::mem::transmute::<&Job<'_>, &'static Job<'static>>(job) };
        // SAFETY: `region` is held and the previous region's shares are all finished (`remaining` is 0 and
        // was read with Acquire), so nobody reads `job` now.
        unsafe { *self.shared.job.get() = Some(job) };
        self.shared.remaining.0.store(self.handles.len(), Ordering::Relaxed);
        self.signal()
    }

    /// Changes the epoch, unparks the workers that sleep and tells the new epoch.
    fn signal(&self) -> usize {
        // Sequentially consistent together with the accesses in `Shared::wait_for_epoch`: either
        // the worker sees the new epoch, or this thread sees that it is parked.
        let epoch = self.shared.epoch.0.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        for (worker, handle) in self.shared.workers.iter().zip(&self.handles) {
            if worker.parked.0.load(Ordering::SeqCst)
                && worker.parked.0.swap(false, Ordering::SeqCst)
            {
                handle.thread().unpark();
            }
        }
        epoch
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.signal();
        for handle in self.handles.drain(..) {
            // A worker catches its jobs' panics, so there is none to pass on.
            let _ = handle.join();
        }
    }
}

impl Shared {
    /// The life of worker `index + 1`.
    fn work(&self, index: usize) {
        INSIDE.set(ptr::from_ref(self).cast());
        let mut epoch = 0;
        loop {
            epoch = self.wait_for_epoch(epoch, index);
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            if !self.take(index, epoch) {
                continue;
            }
            // SAFETY: the epoch was read with Acquire at least, after `start` wrote the job, and nobody
            // writes it again before `remaining` is counted down for the share that was taken.
            if let Some(job) = unsafe { *self.job.get() } {
                self.attempt(job, index + 1);
            }
            self.remaining.0.fetch_sub(1, Ordering::Release);
        }
    }

    /// Takes the share of worker `index + 1` in the region of this number: true for the first who asks.
    /// After a region all shares of it are taken, so that who comes late asks in vain.
    fn take(&self, index: usize, epoch: usize) -> bool {
        let taken = &self.workers[index].taken.0;
        let before = epoch.wrapping_sub(1);
        taken.load(Ordering::Relaxed) == before
            && taken.compare_exchange(before, epoch, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Runs the share of a worker; a panic is noted.
    fn attempt(&self, job: &Job<'_>, worker: usize) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| job(worker))) {
            self.note_panic(payload);
        }
    }

    /// Waits until the epoch is another than `seen` and returns it: spins first, then parks.
    fn wait_for_epoch(&self, seen: usize, index: usize) -> usize {
        let since = Instant::now();
        loop {
            let waited = since.elapsed();
            if waited >= SPIN {
                break;
            } else if waited >= SPIN_ALONE {
                thread::yield_now();
            }
            for _ in 0..SPINS_PER_LOOK {
                let epoch = self.epoch.0.load(Ordering::Acquire);
                if epoch != seen {
                    return epoch;
                }
                std::hint::spin_loop();
            }
        }
        let parked = &self.workers[index].parked.0;
        loop {
            parked.store(true, Ordering::SeqCst);
            let epoch = self.epoch.0.load(Ordering::SeqCst);
            if epoch != seen {
                // If the signal was given meanwhile, its unpark only shortens a later sleep.
                parked.store(false, Ordering::SeqCst);
                return epoch;
            }
            thread::park();
        }
    }

    /// The caller's wait for the other workers: spins first, then lets others have the core.
    fn wait_for_workers(&self) {
        let since = Instant::now();
        loop {
            for _ in 0..SPINS_PER_LOOK {
                if self.remaining.0.load(Ordering::Acquire) == 0 {
                    return;
                }
                std::hint::spin_loop();
            }
            if since.elapsed() >= SPIN_ALONE {
                thread::yield_now();
            }
        }
    }

    /// Keeps the message of a region's first panic.
    fn note_panic(&self, payload: Box<dyn Any + Send>) {
        let message = message_of(payload);
        lock(&self.panic).get_or_insert(message);
    }
}

/// The start of a slice that workers share out among themselves.
struct Start<T>(*mut T);

// SAFETY: every worker makes references to elements of its own only, and `T` may change threads.
unsafe impl<T: Send> Sync for Start<T> {}

/// The words of a panic. The payload's own drop must not unwind into the pool.
fn message_of(payload: Box<dyn Any + Send>) -> String {
    let message = if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "(a payload that is no text)".to_owned()
    };
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    message
}

/// Locks a mutex whose holders cannot leave it inconsistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The `part`-th of `parts` contiguous shares of `0..items`; sizes differ by at most one.
pub fn share_of(items: usize, parts: usize, part: usize) -> Range<usize> {
    let (size, larger) = (items / parts, items % parts);
    let start = part * size + part.min(larger);
    start..start + size + usize::from(part < larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Regions in a test that wants many: Miri is some thousand times slower.
    const MANY: usize = if cfg!(miri) { 20 } else { 20_000 };

    #[test]
    fn every_worker_runs_each_region_exactly_once() {
        for threads in [1, 2, 3, 5] {
            let pool = Pool::new(threads);
            assert_eq!(pool.threads(), threads);
            let counts: Vec<AtomicUsize> = (0..threads).map(|_| AtomicUsize::new(0)).collect();
            let regions = if threads <= 2 { MANY } else { MANY / 20 };
            for _ in 0..regions {
                pool.run(&|worker| {
                    counts[worker].fetch_add(1, Ordering::Relaxed);
                })
                .expect("no panic");
            }
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == regions));
        }
    }

    #[test]
    fn no_threads_means_the_caller_alone() {
        assert_eq!(Pool::new(0).threads(), 1);
    }

    #[test]
    fn parked_workers_wake_up() {
        let (pool, caller) = (Pool::new(2), thread::current().id());
        for _ in 0..5 {
            thread::sleep(SPIN * 20);
            let came = AtomicBool::new(false);
            pool.run(&|worker| {
                let since = Instant::now();
                if worker == 1 {
                    came.store(thread::current().id() != caller, Ordering::Relaxed);
                }
                // The caller would run both shares, were it done with its own at once.
                while worker == 0 && !came.load(Ordering::Relaxed) && since.elapsed().as_secs() < 60
                {
                    thread::yield_now();
                }
            })
            .expect("no panic");
            assert!(came.into_inner());
        }
    }

    #[test]
    fn the_caller_runs_the_share_of_a_worker_that_does_not_come_in_time() {
        let (pool, caller) = (Pool::new(2), thread::current().id());
        let (by_caller, all) = (AtomicUsize::new(0), AtomicUsize::new(0));
        for _ in 0..50 {
            // A thread that sleeps takes longer to come than the caller takes for nothing.
            thread::sleep(SPIN * 4);
            pool.run(&|worker| {
                let mine = worker == 1 && thread::current().id() == caller;
                by_caller.fetch_add(usize::from(mine), Ordering::Relaxed);
                all.fetch_add(1, Ordering::Relaxed);
            })
            .expect("no panic");
        }
        assert!(by_caller.into_inner() > 0);
        assert_eq!(all.into_inner(), 100);
    }

    #[test]
    fn a_pause_near_the_spinning_time_loses_no_wake_up() {
        let pool = Pool::new(2);
        for round in 0..MANY / 40 {
            let pause = SPIN + Duration::from_nanos((round as u64 * 37) % 4_000);
            let since = Instant::now();
            while since.elapsed() < pause {
                std::hint::spin_loop();
            }
            pool.run(&|_| ()).expect("no panic");
        }
    }

    #[test]
    fn a_panic_on_any_worker_is_an_error_and_the_pool_goes_on() {
        for threads in [1, 3] {
            let pool = Pool::new(threads);
            for culprit in 0..threads {
                let count = AtomicUsize::new(0);
                let result = pool.run(&|worker| {
                    assert!(worker != culprit, "worker {worker} gives up");
                    count.fetch_add(1, Ordering::Relaxed);
                });
                let message = result.expect_err("a panic").message;
                assert_eq!(message, format!("worker {culprit} gives up"));
                assert_eq!(count.into_inner(), threads - 1);
                assert_eq!(pool.run(&|_| ()), Ok(()));
            }
        }
    }

    #[test]
    fn concurrent_callers_queue() {
        let pool = Pool::new(2);
        let (inside, total) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..MANY / 100 {
                        pool.run(&|_| {
                            // At most the two workers of one region are inside at once.
                            assert!(inside.fetch_add(1, Ordering::SeqCst) < 2);
                            total.fetch_add(1, Ordering::Relaxed);
                            inside.fetch_sub(1, Ordering::SeqCst);
                        })
                        .expect("no panic");
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 3 * (MANY / 100) * 2);
    }

    #[test]
    fn a_region_inside_a_region_runs_on_the_spot() {
        let pool = Pool::new(2);
        let count = AtomicUsize::new(0);
        pool.run(&|_| {
            pool.run(&|_| {
                count.fetch_add(1, Ordering::Relaxed);
            })
            .expect("no panic");
        })
        .expect("no panic");
        assert_eq!(count.into_inner(), 4);
    }

    #[test]
    fn dropping_joins_spinning_and_parked_workers() {
        for pause in [Duration::ZERO, SPIN * 40] {
            let pool = Pool::new(3);
            pool.run(&|_| ()).expect("no panic");
            thread::sleep(pause);
            let shared = Arc::downgrade(&pool.shared);
            drop(pool);
            assert_eq!(shared.strong_count(), 0);
        }
    }

    #[test]
    fn chunks_cover_every_item_once_whatever_the_threads() {
        for threads in [1, 2, 3] {
            let pool = Pool::new(threads);
            for (items, chunk) in [(0, 4), (1, 4), (4, 4), (9, 4), (100, 7), (5, 0)] {
                let seen: Vec<AtomicUsize> = (0..items).map(|_| AtomicUsize::new(0)).collect();
                pool.for_each_chunk(items, chunk, &|range| {
                    assert_eq!(range.start % chunk.max(1), 0);
                    assert!(range.len() == chunk.max(1) || range.end == items);
                    for item in range {
                        seen[item].fetch_add(1, Ordering::Relaxed);
                    }
                })
                .expect("no panic");
                assert!(seen.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn mutable_chunks_are_disjoint_and_know_their_place() {
        let pool = Pool::new(2);
        let mut data = vec![0; 101];
        pool.for_each_chunk_mut(&mut data, 8, &|start, chunk| {
            for (offset, value) in chunk.iter_mut().enumerate() {
                *value += start + offset;
            }
        })
        .expect("no panic");
        assert!(data.iter().enumerate().all(|(index, &value)| index == value));
    }

    #[test]
    fn shares_are_contiguous_and_even() {
        let shares: Vec<_> = (0..4).map(|part| share_of(10, 4, part)).collect();
        assert_eq!(shares, [0..3, 3..6, 6..8, 8..10]);
    }

    #[test]
    #[ignore = "prints a measurement; run with --release --no-capture"]
    fn measure_region_latency() {
        let pool = Pool::new(2);
        let regions = 200_000;
        let mut nanoseconds: Vec<f64> = (0..5)
            .map(|_| {
                let since = Instant::now();
                for _ in 0..regions {
                    pool.run(&|_| ()).expect("no panic");
                }
                since.elapsed().as_nanos() as f64 / f64::from(regions)
            })
            .collect();
        nanoseconds.sort_by(f64::total_cmp);
        println!("a region of 2 threads: {:.0} ns (median of 5 runs)", nanoseconds[2]);
    }
}
