//! What hashing costs, and how many wait for it.

use std::{
    sync::{Arc, Weak},
    time::Instant,
};

use roster_server::metrics::{Counter, Histogram, Meters};

use super::{HashPool, workspace::Workspace};

/// The instruments of the hash pool.
#[derive(Debug)]
pub struct HashMeter {
    wait: Histogram<f64>,
    duration: Histogram<f64>,
    refused: Counter<u64>,
}

impl HashMeter {
    pub fn new(meters: &Meters, pool: &Arc<HashPool>) -> Self {
        // The threads end with the pool, which must not live on in here.
        let pool = Arc::downgrade(pool);
        meters.observe(
            "roster.hash.queue.length",
            "{hash}",
            "Passwords that wait to be hashed",
            move |length| length.observe(waiting(&pool), &[]),
        );
        let wait =
            meters.durations("roster.hash.wait.duration", "How long passwords waited to be hashed");
        let duration = meters.durations("roster.hash.duration", "How long hashing a password took");
        let refused = meters.counter(
            "roster.hash.refused",
            "{hash}",
            "Passwords that were not hashed because the queue was full",
        );
        refused.add(0, &[]);
        Self { wait, duration, refused }
    }

    /// The same job, with the time it waits and the time it takes noted.
    pub fn timed<T, J>(&self, job: J) -> impl FnOnce(&mut Workspace) -> T + use<T, J>
    where
        J: FnOnce(&mut Workspace) -> T,
    {
        let (wait, duration) = (self.wait.clone(), self.duration.clone());
        let queued = Instant::now();
        move |workspace| {
            let begun = Instant::now();
            wait.record((begun - queued).as_secs_f64(), &[]);
            let done = job(workspace);
            duration.record(begun.elapsed().as_secs_f64(), &[]);
            done
        }
    }

    pub fn refused(&self) {
        self.refused.add(1, &[]);
    }
}

fn waiting(pool: &Weak<HashPool>) -> i64 {
    let waiting = pool.upgrade().map_or(0, |pool| pool.statistics().waiting);
    i64::try_from(waiting).unwrap_or(i64::MAX)
}
