//! Changing a key for a provider's API: its name, whether it is in use, and
//! the key itself.

use roster_db::replay::{self, ReplayKey};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{ApiKeyId, Caller, Etag};

use super::{Cx, key_owner};
use crate::{
    domain::{ApiKey, ApiKeyChanges, Owner},
    error::Error,
    store::api_key,
};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.ApiKeyService/UpdateApiKey";

/// The same for keys of the installation.
pub const METHOD_SYSTEM: &str = "roster.identity.v1.SystemApiKeyService/UpdateApiKey";

/// What is to change, and the name of the request.
#[derive(Clone, Debug)]
pub struct UpdateApiKey {
    /// Whose key it is.
    pub owner: Owner,
    /// The key.
    pub id: ApiKeyId,
    /// The new values.
    pub changes: ApiKeyChanges,
    /// Which state is meant; empty for any.
    pub etag: String,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Changes a key; answers it as it is then.
pub async fn update_api_key(
    cx: &Cx,
    caller: &Caller,
    command: UpdateApiKey,
) -> Result<ApiKey, Error> {
    let replay = command.replay.as_ref();
    let owner = command.owner;
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    let held = key_owner::hold(&tx, owner).await?;
    if let Some(updated) = replay::find(&tx, replay, now).await? {
        return Ok(updated);
    }
    held.admit(cx, &tx, &caller.actor).await?;
    let found = api_key::lock(&tx, command.id, owner).await?;
    let mut updated = found.ok_or(Error::ApiKeyNotFound)?;
    if !updated.etag.matches(&command.etag) {
        return Err(Error::ApiKeyChanged);
    }
    let fields = updated.change(&command.changes);
    if !fields.is_empty() {
        updated.updated_at = now;
        updated.etag = Etag::generate(&cx.env);
        let sealed = match &command.changes.secret {
            Some(secret) => Some(cx.keyring.seal(&cx.env, &updated, secret.expose())?),
            None => None,
        };
        api_key::update(&tx, &updated, sealed).await?;
    }
    let method = if owner == Owner::System { METHOD_SYSTEM } else { METHOD };
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method,
            target: updated.id.to_string(),
            fields,
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, owner.user(), &updated).await?;
    tx.commit().await?;
    Ok(updated)
}
