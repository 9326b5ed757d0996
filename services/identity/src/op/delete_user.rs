//! Deleting a user: the first transaction of the cascade.

use roster_db::{
    Tx,
    replay::{self, ReplayKey},
};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, Deadline, DeletionId, UserId};

use super::{Cx, admin, deletions, effect, own_data, plan_user_deletion::blockers, transition};
use crate::{
    announce,
    domain::{DeletionRecord, DeletionView, Subject, User},
    error::Error,
    store::{
        deletion,
        guard::{self, Turn},
        user,
    },
};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.UserAdminService/DeleteUser";

/// Whom to delete, and the name of the request.
#[derive(Clone, Debug)]
pub struct DeleteUser {
    /// The user.
    pub user_id: UserId,
    /// Which state is meant; empty for any.
    pub etag: String,
    /// Whether only to check.
    pub validate_only: bool,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The user is deleted, now or before, and no session is left.
    Deleted(DeletionView),
    /// The user can be deleted.
    Deletable(UserId),
}

/// Deletes a user, for an administrator; answers once no session of the user
/// opens anything. What the participants erase goes on after that.
pub async fn delete_user(
    cx: &Cx,
    caller: &Caller,
    deadline: Option<Deadline>,
    command: &DeleteUser,
) -> Result<Outcome, Error> {
    let Some(record) = delete(cx, caller, command).await? else {
        return Ok(Outcome::Deletable(command.user_id));
    };
    cx.env.step("delete_user.committed").await;
    effect::confirm(cx, Some(record.event_id), deadline).await?;
    Ok(Outcome::Deleted(deletions::view(cx, record).await?))
}

async fn delete(
    cx: &Cx,
    caller: &Caller,
    command: &DeleteUser,
) -> Result<Option<DeletionRecord>, Error> {
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    let turn = guard::take(&tx).await?;
    if let Some(record) = replay::find(&tx, replay, now).await? {
        return Ok(Some(record));
    }
    let requested_by = admin::require(cx, &tx, &caller.actor).await?;
    if let Some(record) = deletion::find_by_user(&*tx, command.user_id).await? {
        return Ok(Some(record));
    }
    let doomed = user::lock(&tx, command.user_id).await?.ok_or(Error::UserNotFound)?;
    if let Some(blocker) = blockers(&tx, &doomed, requested_by).await?.into_iter().next() {
        return Err(blocker);
    }
    if !doomed.etag.matches(&command.etag) {
        return Err(Error::EtagMismatch);
    }
    let record = erase(cx, &tx, turn, &doomed, requested_by).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
            target: doomed.id().to_string(),
            fields: Vec::new(),
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, None, &record).await?;
    if command.validate_only {
        // All of it was tried; dropping the transaction undoes it.
        return Ok(None);
    }
    cx.env.step("delete_user.prepared").await;
    tx.commit().await?;
    Ok(Some(record))
}

/// Erases all that this service keeps of the user, except for the fact.
async fn erase(
    cx: &Cx,
    tx: &Tx,
    turn: Turn,
    doomed: &User,
    requested_by: Option<UserId>,
) -> Result<DeletionRecord, Error> {
    let mut after = doomed.subject;
    after.delete();
    // Deleting raises the epoch, so there is always a next state.
    let next = transition::note(tx, turn, &doomed.subject, after).await?.unwrap_or(after);
    close(cx, tx, &next, requested_by).await
}

/// Does the rest about a user whose state in the ledger, `deleted`, says that
/// they are: erases the account, if there is one, and announces it.
pub(super) async fn close(
    cx: &Cx,
    tx: &Tx,
    deleted: &Subject,
    requested_by: Option<UserId>,
) -> Result<DeletionRecord, Error> {
    let user_id = deleted.user_id;
    let erased = own_data::erase(tx, user_id).await?;
    replay::forget(tx, user_id).await?;
    let id = DeletionId::generate(&cx.env);
    let record = DeletionRecord {
        id,
        user_id,
        event_id: announce::deleted(&cx.outbox, tx, deleted, id).await?,
        requested_by,
        created_at: cx.env.now(),
        erased,
    };
    deletion::insert(tx, &record).await?;
    Ok(record)
}
