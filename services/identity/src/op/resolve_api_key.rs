//! Finding the key to call a provider with.

use roster_kernel::{ApiKeyId, UserId};
use secrecy::SecretString;

use super::Cx;
use crate::{
    domain::{Owner, Provider, State},
    error::Error,
    store::{api_key, ledger},
};

/// The key to use.
#[derive(Debug)]
pub struct Resolved {
    /// The key.
    pub id: ApiKeyId,
    /// The key itself.
    pub secret: SecretString,
    /// Whose key won.
    pub owner: Owner,
}

/// The key that calls to a provider are made with on behalf of a user: the
/// user's own, else the installation's. Nobody gets one on behalf of somebody
/// who is not there, or may not do anything: not the installation's either.
///
/// It is handed out once its use is counted. Reading takes no lock, and uses
/// of the same moment are counted together, so calls do not wait for each
/// other.
pub async fn resolve_api_key(
    cx: &Cx,
    user_id: UserId,
    provider: Option<&Provider>,
) -> Result<Resolved, Error> {
    let subject = ledger::find(cx.db.read(), user_id).await?;
    match subject.map(|subject| subject.state) {
        Some(State::Active) => {}
        Some(State::Disabled) => return Err(Error::UserDisabled),
        Some(State::Deleted) | None => return Err(Error::UserNotFound),
    }
    let provider = provider.ok_or(Error::ApiKeyNotFound)?;
    let read = cx.db.read();
    let own = api_key::find_active(read, Owner::User(user_id), provider).await?;
    let found = match own {
        Some(own) => Some(own),
        None => api_key::find_active(read, Owner::System, provider).await?,
    };
    let (key, sealed) = found.ok_or(Error::ApiKeyNotFound)?;
    let secret = cx.keyring.open(&key, &sealed)?;
    cx.uses.count(key.id, cx.env.now()).await?;
    Ok(Resolved { id: key.id, secret, owner: key.owner })
}
