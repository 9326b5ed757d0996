//! When sessions were last used: stored in batches, behind the calls.

use roster_db::{Db, DbError};
use roster_kernel::{LastUses, SessionId};

use crate::store::session;

/// How many rows one transaction changes at the most.
const BATCH: usize = 500;

/// The uses of sessions that are to be stored.
pub type LastSeen = LastUses<SessionId>;

/// Stores what is noted; answers how many sessions that concerned. What could
/// not be stored stays noted.
pub async fn store(uses: &LastSeen, db: &Db) -> Result<usize, DbError> {
    let noted = uses.pending();
    for batch in noted.chunks(BATCH) {
        let tx = db.begin().await?;
        for (id, at) in batch {
            session::mark_seen(&tx, *id, *at).await?;
        }
        tx.commit().await?;
        uses.stored(batch);
    }
    Ok(noted.len())
}
