//! Creating a user.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::Caller;

use super::{
    Cx, admin,
    new_account::{self, NewAccount},
};
use crate::{
    domain::{Password, User},
    error::Error,
    hashing::Lane,
    store::guard,
};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.UserAdminService/CreateUser";

/// Who the new user is, and the name of the request.
#[derive(Clone, Debug)]
pub struct CreateUser {
    /// Who the new user is.
    pub account: NewAccount,
    /// The password to sign in with.
    pub password: Password,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Creates a user, for an administrator.
pub async fn create_user(cx: &Cx, caller: &Caller, command: CreateUser) -> Result<User, Error> {
    let replay = command.replay.as_ref();
    // Before the transaction: it takes longer than the rest together.
    let hash = cx.hasher.hash(Lane::SignedIn, &command.password).await?;

    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    let turn = guard::take(&tx).await?;
    if let Some(created) = replay::find(&tx, replay, now).await? {
        return Ok(created);
    }
    admin::require(cx, &tx, &caller.actor).await?;
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
