//! Adding a key for a provider's API.

use roster_db::{
    DbError,
    replay::{self, ReplayKey},
};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{ApiKeyId, Caller, Etag};

use super::{Cx, key_owner};
use crate::{
    domain::{ApiKey, ApiSecret, KeyName, MOST_API_KEYS, Owner, Provider},
    error::Error,
    store::api_key,
};

/// The full name of the method.
pub const METHOD: &str = "roster.identity.v1.ApiKeyService/CreateApiKey";

/// The same for keys of the installation.
pub const METHOD_SYSTEM: &str = "roster.identity.v1.SystemApiKeyService/CreateApiKey";

/// What key is to be added, and the name of the request.
#[derive(Clone, Debug)]
pub struct CreateApiKey {
    /// Whose key it is.
    pub owner: Owner,
    /// What it opens.
    pub provider: Provider,
    /// What the owner calls it.
    pub name: KeyName,
    /// The key itself.
    pub secret: ApiSecret,
    /// Whether it is handed out.
    pub active: bool,
    /// Makes a repetition safe.
    pub replay: Option<ReplayKey>,
}

/// Adds a key. Neither the answer nor what is kept of it for repetitions
/// holds the secret.
pub async fn create_api_key(
    cx: &Cx,
    caller: &Caller,
    command: CreateApiKey,
) -> Result<ApiKey, Error> {
    let replay = command.replay.as_ref();
    let owner = command.owner;
    let now = cx.env.now();
    let tx = cx.db.begin().await?;
    let held = key_owner::hold(&tx, owner).await?;
    if let Some(created) = replay::find(&tx, replay, now).await? {
        return Ok(created);
    }
    held.admit(cx, &tx, &caller.actor).await?;
    let created = ApiKey {
        id: ApiKeyId::generate(&cx.env),
        owner,
        provider: command.provider,
        name: command.name,
        mask: command.secret.mask(),
        active: command.active,
        use_count: 0,
        last_used_at: None,
        created_at: now,
        updated_at: now,
        etag: Etag::generate(&cx.env),
    };
    let full = api_key::count(&*tx, owner).await? >= MOST_API_KEYS;
    let sealed = cx.keyring.seal(&cx.env, &created, command.secret.expose())?;
    api_key::insert(&tx, &created, sealed).await.map_err(taken)?;
    // Last, so that what exists is said of a full list, too.
    if full {
        return Err(Error::ApiKeyLimit);
    }
    let method = if owner == Owner::System { METHOD_SYSTEM } else { METHOD };
    audit::append(
        &tx,
        &cx.env,
        AuditRecord {
            caller,
            method,
            target: created.id.to_string(),
            fields: Vec::new(),
            request_id: replay.map(ReplayKey::request_id),
        },
    )
    .await?;
    replay::record(&tx, replay, now, owner.user(), &created).await?;
    tx.commit().await?;
    Ok(created)
}

fn taken(error: DbError) -> Error {
    match error {
        DbError::Unique(_) => Error::ApiKeyExists,
        error @ (DbError::Conflict(_)
        | DbError::Unavailable(_)
        | DbError::ReadOnly(_)
        | DbError::Full(_)
        | DbError::Newer(_)
        | DbError::Corrupt(_)
        | DbError::Unsuitable(_)
        | DbError::Unexpected(_)
        | DbError::Other(_)) => Error::Db(error),
    }
}
