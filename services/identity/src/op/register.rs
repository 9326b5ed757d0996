//! Creating an account for oneself.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::Caller;

use super::{Cx, create_user::CreateUser, new_account};
use crate::{domain::User, error::Error, hashing::Lane, store::guard};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.AccountService/Register";

/// Creates an account for whoever calls, where that is allowed. The contract
/// has no field for a role, so that `command` is always about a regular user.
pub async fn register(cx: &Cx, caller: &Caller, command: CreateUser) -> Result<User, Error> {
    if !cx.allow_registration {
        return Err(Error::RegistrationClosed);
    }
    let replay = command.replay.as_ref();
    let hash = cx.hasher.hash(Lane::Public, &command.password).await?;

    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    let turn = guard::take(&tx).await?;
    if let Some(created) = replay::find(&tx, replay, now).await? {
        return Ok(created);
    }
    let created = new_account::insert(cx, &tx, turn, command.account, hash).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
            target: created.id().to_string(),
            fields: Vec::new(),
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, Some(created.id()), &created).await?;
    tx.commit().await?;
    Ok(created)
}
