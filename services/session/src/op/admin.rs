//! Whether the caller is an administrator still.

use roster_db::Tx;
use roster_kernel::{Actor, UserId};
use roster_participant::{Role, State, subjects};

use crate::error::Error;

/// Reads the caller's role within the transaction that is about to change
/// something: the edge's answer is as old as the call.
pub async fn require(tx: &Tx, actor: &Actor) -> Result<UserId, Error> {
    let Actor::User(user) = actor else { return Err(Error::AdminRequired) };
    let known = subjects::find(&**tx, user.user_id).await?;
    match known {
        Some(subject) if subject.role == Role::Admin && subject.state == State::Active => {
            Ok(user.user_id)
        }
        Some(_) | None => Err(Error::AdminRequired),
    }
}
