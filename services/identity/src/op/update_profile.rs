//! Changing one's own account.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, Etag, UserActor};

use super::Cx;
use crate::{
    domain::{User, UserChanges},
    error::Error,
    store::user,
};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.AccountService/UpdateProfile";

/// What is to change, and the name of the request.
#[derive(Clone, Debug)]
pub struct UpdateProfile {
    /// The new values: of what users may change themselves.
    pub changes: UserChanges,
    /// Which state is meant; empty for any.
    pub etag: String,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Changes the account of the user who calls. Nothing that others act upon
/// changes, so nothing is announced, and no turn is taken.
pub async fn update_profile(
    cx: &Cx,
    caller: &Caller,
    actor: &UserActor,
    command: UpdateProfile,
) -> Result<User, Error> {
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    if let Some(updated) = replay::find(&tx, replay, now).await? {
        return Ok(updated);
    }
    let mut updated = user::lock(&tx, actor.user_id).await?.ok_or(Error::CallerGone)?;
    if !updated.etag.matches(&command.etag) {
        return Err(Error::EtagMismatch);
    }
    let fields = updated.change(command.changes);
    if !fields.is_empty() {
        updated.updated_at = now;
        updated.etag = Etag::generate(&cx.env);
        user::update(&tx, &updated).await?;
    }
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
            target: updated.id().to_string(),
            fields,
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, Some(updated.id()), &updated).await?;
    tx.commit().await?;
    Ok(updated)
}
