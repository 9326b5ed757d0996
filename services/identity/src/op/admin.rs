//! Whether the caller may administer users still.

use roster_db::Tx;
use roster_kernel::{Actor, UserId};

use super::Cx;
use crate::{
    error::Error,
    store::{ledger, machine_token},
};

/// Reads the role of the user in whose name the call is made within the
/// transaction that is about to change something, and whether the token that
/// it is made with still holds: the edge's answer is as old as the call.
/// Answers that user. A service acts in nobody's name, and needs no role: it is
/// let in for what is listed for it.
pub async fn require(cx: &Cx, tx: &Tx, actor: &Actor) -> Result<Option<UserId>, Error> {
    match actor {
        Actor::User(user) => match ledger::find(&**tx, user.user_id).await? {
            Some(subject) if subject.is_enabled_admin() => Ok(Some(user.user_id)),
            Some(_) | None => Err(Error::AdminRequired),
        },
        Actor::Machine(machine) => {
            let now = cx.env.now();
            let live = machine_token::find_live(&**tx, machine.token_id, now).await?;
            let live = live.ok_or(Error::TokenInvalid)?;
            live.is_admin.then_some(Some(machine.issuer_id)).ok_or(Error::AdminRequired)
        }
        Actor::Service(_) => Ok(None),
        Actor::Anonymous => Err(Error::AdminRequired),
    }
}
