//! Disabling a user, and enabling one.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, Deadline, UserId};

use super::{
    Cx, admin, effect,
    update_user::{self, Changed},
};
use crate::{
    domain::{State, User},
    error::Error,
    store::{guard, user},
};

/// The full name of the method that disables.
pub const METHOD_DISABLE: &str = "roster.identity.v1.UserAdminService/DisableUser";

/// The full name of the method that enables.
pub const METHOD_ENABLE: &str = "roster.identity.v1.UserAdminService/EnableUser";

/// Whom to disable or enable, and the name of the request.
#[derive(Clone, Debug)]
pub struct SetDisabled {
    /// The user.
    pub user_id: UserId,
    /// Whether the user is to be disabled.
    pub disabled: bool,
    /// Which state is meant; empty for any.
    pub etag: String,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Disables or enables a user, for an administrator; answers the user once
/// that is in effect.
pub async fn set_disabled(
    cx: &Cx,
    caller: &Caller,
    deadline: Option<Deadline>,
    command: &SetDisabled,
) -> Result<User, Error> {
    let changed = change(cx, caller, command).await?;
    effect::confirm(cx, changed.event, deadline).await?;
    Ok(changed.user)
}

async fn change(cx: &Cx, caller: &Caller, command: &SetDisabled) -> Result<Changed, Error> {
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    let turn = guard::take(&tx).await?;
    if let Some(changed) = replay::find(&tx, replay, now).await? {
        return Ok(changed);
    }
    admin::require(cx, &tx, &caller.actor).await?;
    let before = user::lock(&tx, command.user_id).await?.ok_or(Error::UserNotFound)?;
    if !before.etag.matches(&command.etag) {
        return Err(Error::EtagMismatch);
    }
    let mut after = before.clone();
    let mut fields = Vec::new();
    if before.is_disabled() != command.disabled {
        fields.push("disabled");
        if command.disabled {
            after.subject.disable();
        } else {
            after.subject.state = State::Active;
        }
    }
    let changed = update_user::store(cx, &tx, turn, &before, after, &fields, now).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: if command.disabled { METHOD_DISABLE } else { METHOD_ENABLE },
            target: before.id().to_string(),
            fields,
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, Some(before.id()), &changed).await?;
    tx.commit().await?;
    Ok(changed)
}
