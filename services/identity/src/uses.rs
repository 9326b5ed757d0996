//! Counts how often API keys are handed out.
//!
//! No count is lost, and nobody waits longer than necessary: what comes while
//! one transaction is written goes into the next, all of it together. A key is
//! handed out once its use is stored.

use std::collections::HashMap;

use roster_db::{Db, DbError};
use roster_kernel::{ApiKeyId, Timestamp};
use roster_server::Tasks;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{error::Error, store::api_key};

/// How many uses go into one transaction at the most.
const MOST_AT_ONCE: usize = 256;

/// A key that is to be handed out.
#[derive(Debug)]
struct Use {
    id: ApiKeyId,
    at: Timestamp,
    counted: oneshot::Sender<bool>,
}

/// Counts uses. Cheap to clone.
#[derive(Clone, Debug)]
pub struct UseCounter {
    uses: mpsc::Sender<Use>,
}

impl UseCounter {
    /// Begins to count, in `db`.
    pub fn start(db: Db, tasks: &Tasks) -> Self {
        let (uses, arriving) = mpsc::channel(MOST_AT_ONCE);
        tasks.spawn("identity.uses", run(db, arriving, tasks.token()));
        Self { uses }
    }

    /// How many uses wait for a transaction.
    pub fn waiting(&self) -> usize {
        self.uses.max_capacity() - self.uses.capacity()
    }

    /// Counts that a key is handed out at `at`; returns when that is stored.
    pub async fn count(&self, id: ApiKeyId, at: Timestamp) -> Result<(), Error> {
        let (counted, stored) = oneshot::channel();
        let sent = self.uses.send(Use { id, at, counted }).await;
        sent.map_err(|_| Error::UseNotCounted)?;
        match stored.await {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Error::UseNotCounted),
        }
    }
}

async fn run(db: Db, mut arriving: mpsc::Receiver<Use>, stop: CancellationToken) {
    let mut uses = Vec::with_capacity(MOST_AT_ONCE);
    loop {
        let arrived = tokio::select! {
            arrived = arriving.recv_many(&mut uses, MOST_AT_ONCE) => arrived,
            () = stop.cancelled(), if !arriving.is_closed() => {
                // What has come so far is counted; nothing comes any more.
                arriving.close();
                continue;
            }
        };
        if arrived == 0 {
            return;
        }
        let stored = match store(&db, &uses).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(class = error.class(), "uses of API keys not counted");
                false
            }
        };
        for it in uses.drain(..) {
            // Whoever asked may have given up; the use is counted all the same.
            let _gone = it.counted.send(stored);
        }
    }
}

async fn store(db: &Db, uses: &[Use]) -> Result<(), DbError> {
    let mut sums: HashMap<ApiKeyId, (i64, Timestamp)> = HashMap::new();
    for it in uses {
        let (times, last) = sums.entry(it.id).or_insert((0, it.at));
        *times += 1;
        *last = it.at.max(*last);
    }
    // In one order everywhere: two replicas never wait for each other.
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_unstable_by_key(|(id, _)| *id);
    let tx = db.begin().await?;
    for (id, (times, last)) in sums {
        api_key::count_uses(&tx, id, times, last).await?;
    }
    tx.commit().await
}
