//! Checking a password: what a login begins with.

use roster_db::Tx;
use roster_kernel::UserId;

use super::Cx;
use crate::{
    domain::{Password, State, Subject, Username},
    error::Error,
    hashing::Lane,
    store::{activity, credential, ledger, user},
};

/// The state of the user whom `username` and `password` belong to. A disabled
/// user's password is still the user's password.
///
/// The state is read in the transaction in which the password is known to be
/// the present one, so whoever raises the session epoch with a new password
/// either comes before it, or is noticed by the newer epoch.
pub async fn verify_password(
    cx: &Cx,
    username: &str,
    password: &Password,
) -> Result<Subject, Error> {
    // A text that cannot be a username is looked for like any other: it costs
    // what an unknown one costs.
    let username = Username::claimed(username);
    loop {
        let known = credential::find_by_username(cx.db.read(), &username).await?;
        let stored = known.as_ref().map(|(_, hash)| hash.as_str());
        let verified = cx.hasher.verify(Lane::Public, password, stored).await?;
        let Some((user_id, hash)) = known.filter(|_| verified.matches) else {
            return Err(Error::InvalidCredentials);
        };
        let rehashed = if verified.outdated { rehash(cx, password).await } else { None };

        let tx = cx.db.begin().await?;
        // Nobody changes the password, or deletes the account, from here on.
        if user::lock(&tx, user_id).await?.is_none() {
            return Err(Error::InvalidCredentials);
        }
        match credential::find(&*tx, user_id).await? {
            None => return Err(Error::InvalidCredentials),
            // The password was changed while it was checked: it is the new
            // one that has to be right.
            Some(now) if now != hash => {}
            Some(_) => return sign_in(cx, tx, user_id, rehashed).await,
        }
    }
}

/// Another hash of the same password, at what hashes cost now. Comes again
/// with the next login where there is no room for it.
async fn rehash(cx: &Cx, password: &Password) -> Option<String> {
    cx.hasher.hash(Lane::Public, password).await.ok()
}

async fn sign_in(
    cx: &Cx,
    tx: Tx,
    user_id: UserId,
    rehashed: Option<String>,
) -> Result<Subject, Error> {
    let subject = ledger::find(&*tx, user_id).await?.ok_or(Error::InvalidCredentials)?;
    if let Some(hash) = rehashed {
        credential::rehash(&tx, user_id, hash).await?;
    }
    if subject.state == State::Active {
        let now = cx.env.now();
        user::mark_login(&tx, user_id, now).await?;
        activity::count_login(&tx, now).await?;
    }
    tx.commit().await?;
    Ok(subject)
}
