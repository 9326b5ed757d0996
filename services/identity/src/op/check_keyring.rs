//! Whether the keys at hand are those that the stored secrets need.

use roster_db::{Db, DbError};

use crate::{
    sealing::{Keyring, SealError},
    store::api_key,
};

/// Why the secrets that are stored cannot be decrypted.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is no key of a version that secrets are encrypted with.
    #[error("it holds no key of version {0}, which API keys are encrypted with")]
    Missing(i32),
    /// The key of a version is not the one that secrets are encrypted with.
    #[error("its key of version {0} is another than the one that API keys are encrypted with")]
    Other(i32),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Makes sure that `keyring` decrypts what is stored in `db`: of every version
/// in use one secret is tried.
pub async fn check_keyring(db: &Db, keyring: &Keyring) -> Result<(), KeyringError> {
    for version in api_key::versions(db.read()).await? {
        if !keyring.holds(version) {
            return Err(KeyringError::Missing(version));
        }
        let Some((key, sealed)) = api_key::any_of_version(db.read(), version).await? else {
            continue;
        };
        keyring.open(&key, &sealed).map_err(|error| match error {
            SealError::KeyMissing(version) => KeyringError::Missing(version),
            SealError::Refused(_) | SealError::Encryption => KeyringError::Other(version),
        })?;
    }
    Ok(())
}
