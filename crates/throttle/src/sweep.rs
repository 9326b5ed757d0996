//! Clearing away what is forgotten, and what is too much.

use roster_db::{Db, DbError};
use roster_kernel::Timestamp;
use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Select,
};

use crate::entity::{Column, Entity};

/// How many rows one transaction deletes at the most, so that others get
/// their turn at the database in between.
const BATCH: u64 = 500;

/// How many rows are kept at the most, from one sweep to the next: about 50
/// MB. Each of them has cost its maker the time of a hash, so it takes a
/// flood of hours to come near.
pub const MOST_ROWS: u64 = 200_000;

/// Deletes what is forgotten; and where more than `most` rows are left, those
/// with the fewest failures, the oldest first: a flood of names that are
/// tried once must not make room by pushing out those that are tried often.
/// Answers how many rows it deleted.
pub async fn sweep(db: &Db, now: Timestamp, most: u64) -> Result<u64, DbError> {
    let forgotten = Entity::find().filter(Column::ForgottenAt.lte(now));
    let mut swept = delete(db, &forgotten, u64::MAX).await?;
    let rows = Entity::find().count(db.read()).await?;
    if rows > most {
        let least = Entity::find().order_by_asc(Column::Failures).order_by_asc(Column::ForgottenAt);
        swept += delete(db, &least, rows - most).await?;
    }
    Ok(swept)
}

/// Deletes up to `most` rows of `which`, in batches.
async fn delete(db: &Db, which: &Select<Entity>, most: u64) -> Result<u64, DbError> {
    let mut deleted = 0;
    while deleted < most {
        let batch = BATCH.min(most - deleted);
        let keys = which.clone().select_only().column(Column::Key).limit(batch).into_query();
        let tx = db.begin().await?;
        let gone = Entity::delete_many().filter(Column::Key.in_subquery(keys)).exec(&*tx).await?;
        tx.commit().await?;
        deleted += gone.rows_affected;
        if gone.rows_affected < batch {
            break;
        }
    }
    Ok(deleted)
}
