//! When machine tokens were last used: stored in batches, behind the calls.

use roster_db::DbError;
use roster_kernel::{LastUses, MachineTokenId};

use super::Cx;
use crate::store::machine_token;

/// How many rows one transaction changes at the most.
const BATCH: usize = 500;

/// The uses of tokens that are to be stored.
pub type TokenUses = LastUses<MachineTokenId>;

/// Stores what is noted. What could not be stored stays noted.
pub async fn store(cx: &Cx) -> Result<(), DbError> {
    for batch in cx.token_uses.pending().chunks(BATCH) {
        let tx = cx.db.begin().await?;
        for (id, at) in batch {
            machine_token::mark_used(&tx, *id, *at).await?;
        }
        tx.commit().await?;
        cx.token_uses.stored(batch);
    }
    Ok(())
}
