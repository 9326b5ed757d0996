//! When sessions were last used: noted in memory, stored in batches.
//!
//! Writing on the call's own path would turn every read into a commit. What
//! is noted and not stored yet is lost when the process is killed: a time that
//! is a minute old at the most.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use roster_db::{Db, DbError};
use roster_kernel::{SessionId, Timestamp};

use crate::{domain::Session, store::session};

/// How many rows one transaction changes at the most.
const BATCH: usize = 500;

/// The uses of sessions that are to be stored: one for each session.
#[derive(Debug, Default)]
pub struct LastSeen {
    noted: Mutex<HashMap<SessionId, Timestamp>>,
}

impl LastSeen {
    /// Notes a use at `now` of a session whose stored last use is `stored`;
    /// does nothing when that is less than a minute ago.
    pub fn note(&self, id: SessionId, stored: Timestamp, now: Timestamp) {
        if Session::is_due(stored, now) {
            self.noted().insert(id, now);
        }
    }

    /// Stores what is noted; answers how many sessions that concerned. What
    /// could not be stored stays noted.
    pub async fn store(&self, db: &Db) -> Result<usize, DbError> {
        let mut noted: Vec<_> = self.noted().iter().map(|(id, at)| (*id, *at)).collect();
        // In one order everywhere: two replicas never wait for each other.
        noted.sort_unstable();
        for batch in noted.chunks(BATCH) {
            let tx = db.begin().await?;
            for (id, at) in batch {
                session::mark_seen(&tx, *id, *at).await?;
            }
            tx.commit().await?;
            // A later use, noted meanwhile, is for the next time.
            let mut noted = self.noted();
            for (id, at) in batch {
                if noted.get(id) == Some(at) {
                    noted.remove(id);
                }
            }
        }
        Ok(noted.len())
    }

    fn noted(&self) -> MutexGuard<'_, HashMap<SessionId, Timestamp>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
