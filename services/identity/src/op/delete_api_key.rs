//! Deleting a key for a provider's API.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{ApiKeyId, Caller};

use super::{Cx, key_owner};
use crate::{
    domain::{ApiKey, Owner},
    error::Error,
    store::api_key,
};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.ApiKeyService/DeleteApiKey";

/// The same for keys of the installation.
pub const METHOD_SYSTEM: &str = "roster.identity.v1.SystemApiKeyService/DeleteApiKey";

/// Which key to delete, and the name of the request.
#[derive(Clone, Debug)]
pub struct DeleteApiKey {
    /// Whose key it is.
    pub owner: Owner,
    /// The key.
    pub id: ApiKeyId,
    /// Which state is meant; empty for any.
    pub etag: String,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Deletes a key; answers it as it was.
pub async fn delete_api_key(
    cx: &Cx,
    caller: &Caller,
    command: &DeleteApiKey,
) -> Result<ApiKey, Error> {
    let replay = command.replay.as_ref();
    let owner = command.owner;
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    let held = key_owner::hold(&tx, owner).await?;
    if let Some(deleted) = replay::find(&tx, replay, now).await? {
        return Ok(deleted);
    }
    held.admit(cx, &tx, &caller.actor).await?;
    let found = api_key::lock(&tx, command.id, owner).await?;
    let deleted = found.ok_or(Error::ApiKeyNotFound)?;
    if !deleted.etag.matches(&command.etag) {
        return Err(Error::ApiKeyChanged);
    }
    api_key::delete(&tx, deleted.id).await?;
    let method = if owner == Owner::System { METHOD_SYSTEM } else { METHOD };
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method,
            target: deleted.id.to_string(),
            fields: Vec::new(),
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, owner.user(), &deleted).await?;
    tx.commit().await?;
    Ok(deleted)
}
