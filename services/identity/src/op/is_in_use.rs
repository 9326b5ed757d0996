//! Whether an installation has begun.

use roster_db::{Db, DbError};

use crate::store::ledger;

/// Whether there has ever been a user in `db`, which is up to date: then the
/// other services have a database, too.
pub async fn is_in_use(db: &Db) -> Result<bool, DbError> {
    Ok(!ledger::is_empty(db.read()).await?)
}
