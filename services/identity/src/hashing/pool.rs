//! The threads that hash.

mod queue;

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use roster_kernel::{Env, Timestamp};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use super::{HashError, workspace::Workspace};
use queue::{Queue, Ticket};

pub use queue::Lane;

/// Memory that no hash has used for so long is given back.
const IDLE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce(&mut Workspace) + Send>;

/// What the pool has done so far, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HashStatistics {
    /// How many jobs were computed.
    pub computed: u64,
    /// How many blocks of 1 KiB were filled: the work that was done.
    pub filled_blocks: u64,
    /// How many jobs were refused because the queue was full.
    pub refused: u64,
    /// How many jobs wait for a thread now.
    pub waiting: usize,
    /// How much memory is kept for the next jobs, in bytes.
    pub idle_bytes: usize,
}

/// A fixed number of threads with a bounded queue in front of them.
///
/// Threads of their own, not those of the runtime: a hash takes milliseconds
/// of pure computation. The memory of a hash is kept for the next one, and
/// given back when there is none for a while. The threads end when the pool is
/// dropped.
#[derive(Debug)]
pub struct HashPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    env: Env,
    state: Mutex<State>,
    changed: Condvar,
    /// Told when memory has been put aside.
    put_aside: Notify,
    computed: AtomicU64,
    filled: AtomicU64,
    refused: AtomicU64,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    /// Memory that no thread uses, with the time of its last use; the last
    /// used comes last, and is used first.
    idle: Vec<(Timestamp, Workspace)>,
    closed: bool,
}

impl HashPool {
    /// Starts `threads` threads, for which up to `capacity` jobs wait in each
    /// lane.
    pub fn start(threads: usize, capacity: usize, env: Env) -> io::Result<Self> {
        let state = State { queue: Queue::new(capacity), idle: Vec::new(), closed: false };
        let shared = Arc::new(Shared {
            env,
            state: Mutex::new(state),
            changed: Condvar::new(),
            put_aside: Notify::new(),
            computed: AtomicU64::new(0),
            filled: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
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

    /// What it has done, and what it holds.
    #[must_use]
    pub fn statistics(&self) -> HashStatistics {
        let state = self.shared.lock();
        HashStatistics {
            computed: self.shared.computed.load(Ordering::Relaxed),
            filled_blocks: self.shared.filled.load(Ordering::Relaxed),
            refused: self.shared.refused.load(Ordering::Relaxed),
            waiting: state.queue.len(),
            idle_bytes: state.idle.iter().map(|(_, workspace)| workspace.bytes()).sum(),
        }
    }

    /// Computes `job` on one of the threads. A caller who goes away leaves
    /// its place in the queue.
    pub async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl FnOnce(&mut Workspace) -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let (answer, answered) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let job: Job = Box::new(move |workspace| {
            if !answer.is_closed() {
                let computed = job(workspace);
                // Before the answer: whoever has it finds it counted.
                shared.count(workspace);
                // Nobody listens any more: then nobody misses it.
                let _ = answer.send(computed);
            }
        });
        let ticket = self.shared.push(lane, job)?;
        let _place = Place { shared: &self.shared, ticket };
        answered.await.map_err(|_| HashError::Lost)
    }

    /// Gives memory back that is not used any more, until told to stop.
    pub fn give_back(&self, stop: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move {
            loop {
                tokio::select! {
                    () = shared.put_aside.notified() => {}
                    () = stop.cancelled() => return,
                }
                while let Some(due) = shared.free_idle() {
                    tokio::select! {
                        () = shared.env.clock.sleep_until(due) => {}
                        () = stop.cancelled() => return,
                    }
                }
            }
        }
    }
}

impl Drop for HashPool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

/// A job's place in the queue, given up when dropped.
struct Place<'a> {
    shared: &'a Shared,
    ticket: Ticket,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let abandoned = self.shared.lock().queue.remove(self.ticket);
        // Whatever the job holds is dropped without the lock.
        drop(abandoned);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, lane: Lane, job: Job) -> Result<Ticket, HashError> {
        let pushed = self.lock().queue.push(lane, job);
        if pushed.is_some() {
            self.changed.notify_one();
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        pushed.ok_or(HashError::QueueFull)
    }

    /// The next job with memory for it; `None` when the pool is gone.
    fn next(&self) -> Option<(Job, Workspace)> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop() {
                let workspace = state.idle.pop().map(|(_, workspace)| workspace);
                return Some((job, workspace.unwrap_or_default()));
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn count(&self, workspace: &mut Workspace) {
        self.filled.fetch_add(workspace.take_filled(), Ordering::Relaxed);
        self.computed.fetch_add(1, Ordering::Relaxed);
    }

    fn put_aside(&self, workspace: Workspace) {
        let now = self.env.now();
        self.lock().idle.push((now, workspace));
        self.put_aside.notify_one();
    }

    /// Frees what has not been used for a while; answers when something is to
    /// be freed next, if something is left.
    fn free_idle(&self) -> Option<Timestamp> {
        let now = self.env.now();
        let mut state = self.lock();
        let unused = state.idle.partition_point(|(used, _)| *used + IDLE <= now);
        let freed: Vec<_> = state.idle.drain(..unused).collect();
        let due = state.idle.first().map(|(used, _)| *used + IDLE);
        drop(state);
        drop(freed);
        due
    }
}

fn work(shared: &Shared) {
    while let Some((job, mut workspace)) = shared.next() {
        // A job that panics has told the panic hook, and drops its answer;
        // the thread goes on with the next one.
        let _ = catch_unwind(AssertUnwindSafe(|| job(&mut workspace)));
        shared.put_aside(workspace);
    }
}

#[cfg(test)]
mod tests;
