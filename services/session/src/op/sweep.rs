//! Clearing away what has expired.

use roster_db::{DbError, replay};

use super::Cx;
use crate::store::session;

/// How many sessions one transaction deletes at the most, so that others get
/// their turn at the database in between.
const BATCH: u64 = 500;

/// Deletes all expired sessions, and answers to old requests; answers how
/// many sessions.
pub async fn sweep(cx: &Cx) -> Result<u64, DbError> {
    let now = cx.env.now();
    let mut swept = 0;
    loop {
        let tx = cx.db.begin().await?;
        let deleted = session::delete_expired(&tx, BATCH, now).await?;
        tx.commit().await?;
        swept += deleted;
        if deleted < BATCH {
            break;
        }
    }
    replay::sweep(&cx.db, now).await?;
    Ok(swept)
}
