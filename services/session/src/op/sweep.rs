//! Clearing away what has expired.

use roster_db::{DbError, replay};
use roster_throttle::MOST_ROWS;

use super::{Cx, attempt::FAMILIAR_FOR};
use crate::store::{familiar, session};

/// How many sessions one transaction deletes at the most, so that others get
/// their turn at the database in between.
const BATCH: u64 = 500;

/// Deletes all expired sessions, answers to old requests, failed attempts to
/// sign in that are forgotten, and addresses that nobody has signed in from for
/// long; answers how many sessions.
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
    roster_throttle::sweep(&cx.db, now, MOST_ROWS).await?;
    loop {
        let tx = cx.db.begin().await?;
        let deleted = familiar::delete_old(&tx, BATCH, now - FAMILIAR_FOR).await?;
        tx.commit().await?;
        if deleted < BATCH {
            return Ok(swept);
        }
    }
}
