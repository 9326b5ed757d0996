//! The threads that hash.

use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use argon2::Block;
use tokio::sync::oneshot;

use super::HashError;

/// After so long without work a thread gives its memory back.
const IDLE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

/// A fixed number of threads with a bounded queue in front of them.
///
/// Threads of their own, not those of the runtime: a hash takes milliseconds
/// of pure computation, and each thread keeps its memory from one hash to the
/// next. They end when the pool is dropped.
#[derive(Debug)]
pub struct HashPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    capacity: usize,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("jobs", &self.jobs.len()).finish_non_exhaustive()
    }
}

impl HashPool {
    /// Starts `threads` threads, for which up to `capacity` jobs wait.
    pub fn start(threads: usize, capacity: usize) -> io::Result<Self> {
        let shared =
            Arc::new(Shared { capacity, queue: Mutex::default(), changed: Condvar::new() });
        let pool = Self { shared };
        for number in 0..threads {
            let shared = Arc::clone(&pool.shared);
            thread::Builder::new().name(format!("hash-{number}")).spawn(move || work(&shared))?;
        }
        Ok(pool)
    }

    /// How many threads leave one processor to everything else.
    #[must_use]
    pub fn spare_threads() -> usize {
        thread::available_parallelism().map_or(1, |all| all.get().saturating_sub(1).max(1))
    }

    /// How many jobs wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.lock().jobs.len()
    }

    /// Computes `job` on one of the threads, lending it the thread's memory.
    /// A job whose caller has gone away is not begun.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            if !answer.is_closed() {
                // Nobody listens any more: then nobody misses it.
                let _ = answer.send(job(memory));
            }
        });
        self.shared.push(job)?;
        answered.await.map_err(|_| HashError::Lost)
    }
}

impl Drop for HashPool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<(), HashError> {
        let mut queue = self.lock();
        if queue.jobs.len() >= self.capacity {
            return Err(HashError::QueueFull);
        }
        queue.jobs.push_back(job);
        drop(queue);
        self.changed.notify_one();
        Ok(())
    }

    /// The next job; `None` when the pool is gone.
    fn next(&self, memory: &mut Vec<Block>) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            // The real time, not the clock's: it is about the memory of this
            // machine, and nothing that anybody can observe depends on it.
            let waited = self.changed.wait_timeout(queue, IDLE);
            let (woken, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            queue = woken;
            if timeout.timed_out() {
                *memory = Vec::new();
            }
        }
    }
}

fn work(shared: &Shared) {
    let mut memory = Vec::new();
    while let Some(job) = shared.next(&mut memory) {
        // A job that panics has told the panic hook, and drops its answer;
        // the thread goes on with the next one.
        let _ = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Occupies the pool's only thread until the sender is used or dropped.
    async fn occupy(pool: &Arc<HashPool>) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel::<()>();
        let (begun, beginning) = oneshot::channel();
        let pool = Arc::clone(pool);
        let job = async move {
            let occupied = pool.run(move |_| {
                begun.send(()).unwrap();
                let _ = released.recv();
            });
            occupied.await.unwrap();
        };
        roster_server::Tasks::new().spawn("occupant", job);
        beginning.await.unwrap();
        release
    }

    #[tokio::test]
    async fn what_does_not_fit_is_refused_at_once() {
        let pool = Arc::new(HashPool::start(1, 2).unwrap());
        let release = occupy(&pool).await;
        let mut first = std::pin::pin!(pool.run(|_| 1));
        let mut second = std::pin::pin!(pool.run(|_| 2));
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(futures_util::poll!(&mut second).is_pending());
        assert_eq!(pool.waiting(), 2);
        assert!(matches!(pool.run(|_| 3).await, Err(HashError::QueueFull)));
        drop(release);
        assert_eq!(first.await.unwrap(), 1);
        assert_eq!(second.await.unwrap(), 2);
        assert_eq!(pool.run(|_| 4).await.unwrap(), 4);
    }

    #[tokio::test]
    async fn nothing_is_computed_for_nobody() {
        let pool = Arc::new(HashPool::start(1, 2).unwrap());
        let release = occupy(&pool).await;
        let (ran, running) = mpsc::channel();
        {
            let mut abandoned = std::pin::pin!(pool.run(move |_| ran.send(()).unwrap()));
            assert!(futures_util::poll!(&mut abandoned).is_pending());
        }
        drop(release);
        pool.run(|_| ()).await.unwrap();
        assert!(running.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_panic_costs_one_answer() {
        let pool = HashPool::start(1, 2).unwrap();
        let lost = pool.run(|_| panic!("told to")).await;
        assert!(matches!(lost, Err::<(), _>(HashError::Lost)));
        assert_eq!(pool.run(|_| 1).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn the_threads_end_with_the_pool() {
        let pool = HashPool::start(3, 2).unwrap();
        let shared = Arc::downgrade(&pool.shared);
        drop(pool);
        roster_testkit::eventually(async || shared.strong_count() == 0).await;
    }

    #[tokio::test]
    async fn a_thread_lends_the_same_memory_again() {
        let pool = HashPool::start(1, 2).unwrap();
        let address = pool
            .run(|memory| {
                memory.resize(8, Block::new());
                memory.as_ptr() as usize
            })
            .await
            .unwrap();
        assert_eq!(pool.run(|memory| memory.as_ptr() as usize).await.unwrap(), address);
    }
}
