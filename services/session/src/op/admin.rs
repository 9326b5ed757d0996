//! Whether the caller is an administrator still.

use roster_db::Tx;
use roster_kernel::Actor;
use roster_participant::{Role, State, subjects};

use crate::error::Error;

/// Reads the role of the user in whose name the call is made, within the
/// transaction that is about to change something: the edge's answer is as old
/// as the call. A service needs none: it is let in for what is listed for it.
pub async fn require(tx: &Tx, actor: &Actor) -> Result<(), Error> {
    let user_id = match actor {
        Actor::User(user) => user.user_id,
        Actor::Machine(machine) => machine.issuer_id,
        Actor::Service(_) => return Ok(()),
        Actor::Anonymous => return Err(Error::AdminRequired),
    };
    match subjects::find(&**tx, user_id).await? {
        Some(subject) if subject.role == Role::Admin && subject.state == State::Active => Ok(()),
        Some(_) | None => Err(Error::AdminRequired),
    }
}
