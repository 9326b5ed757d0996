//! Creating an account for oneself.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::Caller;

use super::{Cx, create_user::CreateUser, new_account, repeated, throttle};
use crate::{domain::User, error::Error, hashing::Lane, store::guard};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.AccountService/Register";

/// Creates an account for whoever calls, where that is allowed. The contract
/// has no field for a role, so that `command` is always about a regular user.
pub async fn register(cx: &Cx, caller: &Caller, command: CreateUser) -> Result<User, Error> {
    if !cx.allow_registration {
        return Err(Error::RegistrationClosed);
    }
    // Counted before anything is computed, and not a second time where only
    // the answer was lost.
    if let Some(created) = repeated::earlier(cx, command.replay.as_ref()).await? {
        return Ok(created);
    }
    let attempt = throttle::begin_registration(cx, caller).await?;
    let created = create(cx, caller, command).await;
    // A username that is taken counts: it says that somebody has it.
    if let Err(Error::Hash(_) | Error::Db(_) | Error::Replay(_)) = &created {
        throttle::take_back(cx, &attempt).await;
    }
    created
}

async fn create(cx: &Cx, caller: &Caller, command: CreateUser) -> Result<User, Error> {
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
