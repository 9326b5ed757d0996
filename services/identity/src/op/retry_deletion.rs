//! Going on with a deletion at once.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, DeletionId};

use super::{Cx, admin, deletions};
use crate::{
    domain::{DeletionRecord, DeletionView},
    error::Error,
    store::deletion,
};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.UserAdminService/RetryDeletion";

/// Which deletion, and the name of the request.
#[derive(Clone, Debug)]
pub struct RetryDeletion {
    /// The deletion.
    pub deletion_id: DeletionId,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Asks the participants that have not confirmed again, for an administrator.
pub async fn retry_deletion(
    cx: &Cx,
    caller: &Caller,
    command: &RetryDeletion,
) -> Result<DeletionView, Error> {
    let record = retry(cx, caller, command).await?;
    deletions::view(cx, record).await
}

async fn retry(cx: &Cx, caller: &Caller, command: &RetryDeletion) -> Result<DeletionRecord, Error> {
    let replay = command.replay.as_ref();
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    if let Some(record) = replay::find(&tx, replay, now).await? {
        return Ok(record);
    }
    admin::require(cx, &tx, &caller.actor).await?;
    let record = deletion::find(&*tx, command.deletion_id).await?;
    let record = record.ok_or(Error::DeletionNotFound)?;
    cx.outbox.retry_now(&tx, record.event_id).await?;
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method: METHOD,
            target: record.id.to_string(),
            fields: Vec::new(),
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, None, &record).await?;
    tx.commit().await?;
    Ok(record)
}
