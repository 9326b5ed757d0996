//! Changing a user.

use roster_db::{
    Tx,
    replay::{self, ReplayKey},
};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, Deadline, Etag, EventId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::{Cx, admin, effect, transition};
use crate::{
    domain::{Password, User, UserChanges},
    error::Error,
    hashing::Lane,
    store::{
        credential,
        guard::{self, Turn},
        user,
    },
};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.UserAdminService/UpdateUser";

/// What is to change, and the name of the request.
#[derive(Clone, Debug)]
pub struct UpdateUser {
    /// The user.
    pub user_id: UserId,
    /// The new values.
    pub changes: UserChanges,
    /// The new password, if there is to be one.
    pub password: Option<Password>,
    /// Whether all sessions of the user are to end.
    pub revoke_sessions: bool,
    /// Which state is meant; empty for any.
    pub etag: String,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// What a change has led to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Changed {
    /// The user as it is then.
    pub user: User,
    /// What has to be confirmed before the change is in effect.
    pub event: Option<EventId>,
}

/// Changes a user, for an administrator; answers the user once the change is
/// in effect.
pub async fn update_user(
    cx: &Cx,
    caller: &Caller,
    deadline: Option<Deadline>,
    command: UpdateUser,
) -> Result<User, Error> {
    let changed = change(cx, caller, command).await?;
    effect::confirm(cx, changed.event, deadline).await?;
    Ok(changed.user)
}

async fn change(cx: &Cx, caller: &Caller, command: UpdateUser) -> Result<Changed, Error> {
    let replay = command.replay.as_ref();
    let hash = match &command.password {
        Some(password) => Some(cx.hasher.hash(Lane::SignedIn, password).await?),
        None => None,
    };

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
    let mut fields = after.change(command.changes);
    if command.revoke_sessions {
        after.subject.end_sessions();
        fields.push("revoke_sessions");
    }
    if let Some(hash) = hash {
        credential::change(&tx, before.id(), hash, now).await?;
        fields.push("password");
    }
    let changed = store(cx, &tx, turn, &before, after, &fields, now).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
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

/// Stores the state of a user after `fields` have changed, and announces it
/// where others act upon it.
pub(super) async fn store(
    cx: &Cx,
    tx: &Tx,
    turn: Turn,
    before: &User,
    mut after: User,
    fields: &[&'static str],
    now: Timestamp,
) -> Result<Changed, Error> {
    if fields.is_empty() {
        let event = transition::pending(cx, tx, &before.subject).await?;
        return Ok(Changed { user: after, event });
    }
    let (subject, event) =
        transition::announce(cx, tx, turn, &before.subject, after.subject).await?;
    after.subject = subject;
    after.updated_at = now;
    after.etag = Etag::generate(&cx.env);
    user::update(tx, &after).await?;
    Ok(Changed { user: after, event })
}
