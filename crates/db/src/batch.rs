//! Deleting many rows without keeping everybody else waiting.

use sea_orm::{DeleteMany, EntityTrait};

use crate::{Db, DbError};

/// How many rows one transaction deletes at the most, so that others get
/// their turn at the database in between.
const BATCH: u64 = 500;

/// Runs `delete`, which deletes up to so many rows, in a transaction of its
/// own, again and again until there are fewer; answers how many rows are gone.
pub async fn delete_in_batches<E: EntityTrait>(
    db: &Db,
    delete: impl Fn(u64) -> DeleteMany<E> + Send,
) -> Result<u64, DbError> {
    let mut deleted = 0;
    loop {
        let tx = db.begin().await?;
        let rows = delete(BATCH).exec(&*tx).await?.rows_affected;
        tx.commit().await?;
        deleted += rows;
        if rows < BATCH {
            return Ok(deleted);
        }
    }
}
