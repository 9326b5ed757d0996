//! Whether the caller is an administrator still.

use roster_db::Tx;
use roster_kernel::{Actor, UserId};

use crate::{error::Error, store::ledger};

/// Reads the caller's role within the transaction that is about to change
/// something: the edge's answer is as old as the call.
pub async fn require(tx: &Tx, actor: &Actor) -> Result<UserId, Error> {
    let Actor::User(user) = actor else { return Err(Error::AdminRequired) };
    match ledger::find(&**tx, user.user_id).await? {
        Some(subject) if subject.is_enabled_admin() => Ok(user.user_id),
        Some(_) | None => Err(Error::AdminRequired),
    }
}
