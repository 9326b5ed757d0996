//! Encrypting the stored secrets with another key.

use roster_db::{Db, DbError, Tx};
use roster_events::audit::{self, AuditRecord};
use roster_kernel::{Caller, Env, ServiceName};
use secrecy::ExposeSecret as _;

use crate::{
    sealing::{Keyring, SealError},
    store::api_key,
};

/// What the audit trail calls it.
const METHOD: &str = "roster.identity/RotateKeys";

/// How many secrets are encrypted anew in one transaction.
const BATCH: u64 = 100;

/// Why secrets could not be encrypted with another key.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// A secret could not be decrypted.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Encrypts every secret in `db` with the active key of `keyring`, on the
/// account of the service `name`; answers how many it were. Can be cut short
/// anywhere and begun again: each batch is whole, and what is done is not done
/// twice. With the last of it the audit trail gets an entry, one for each
/// version.
pub async fn rotate_keys(
    db: &Db,
    env: &Env,
    keyring: &Keyring,
    name: &ServiceName,
) -> Result<u64, RotationError> {
    let mut encrypted = 0;
    loop {
        let tx = db.begin().await?;
        let outdated = api_key::lock_other_versions(&tx, keyring.active(), BATCH).await?;
        let ended = outdated.is_empty();
        for (key, sealed) in outdated {
            let secret = keyring.open(&key, &sealed)?;
            let sealed = keyring.seal(env, &key, secret.expose_secret().as_bytes())?;
            api_key::reseal(&tx, key.id, sealed).await?;
            encrypted += 1;
        }
        if ended {
            note(&tx, env, keyring.active(), name).await?;
        }
        env.step("rotate_keys.prepared").await;
        tx.commit().await?;
        env.step("rotate_keys.committed").await;
        if ended {
            return Ok(encrypted);
        }
    }
}

async fn note(tx: &Tx, env: &Env, version: i32, name: &ServiceName) -> Result<(), DbError> {
    let target = format!("key-encryption-key/{version}");
    if audit::is_noted(tx, METHOD, &target).await? {
        return Ok(());
    }
    let caller = &Caller::service(name.clone());
    let fields = vec!["key_version"];
    audit::append(tx, env, AuditRecord { caller, method: METHOD, target, fields, request_id: None })
        .await
}
