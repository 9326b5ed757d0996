//! What every new account begins with, whoever creates it.

use roster_db::{DbError, Tx};
use roster_kernel::{Etag, UserId};

use super::Cx;
use crate::{
    domain::{DisplayName, Email, Role, Subject, User, Username},
    error::Error,
    store::{activity, credential, guard::Turn, ledger, user},
};

/// Who the new user is.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// What the user signs in with.
    pub username: Username,
    /// What others see.
    pub display_name: DisplayName,
    /// Where the user can be written to.
    pub email: Email,
    /// The role.
    pub role: Role,
    /// Whether a new password has to be chosen first.
    pub password_change_required: bool,
}

/// Stores an account. Nothing is announced: the ledger and the first login
/// carry its state to the others.
pub async fn insert(
    cx: &Cx,
    tx: &Tx,
    turn: Turn,
    account: NewAccount,
    password_hash: String,
) -> Result<User, Error> {
    available(tx, &account.username).await?;
    let now = cx.env.now();
    let id = UserId::generate(&cx.env);
    let must_change = account.password_change_required;
    let created = User {
        subject: Subject::new(id, turn.version(), account.role, must_change),
        username: account.username,
        display_name: account.display_name,
        email: account.email,
        created_at: now,
        updated_at: now,
        last_login_at: None,
        etag: Etag::generate(&cx.env),
    };
    user::insert(tx, &created).await.map_err(taken)?;
    credential::insert(tx, id, password_hash, now).await?;
    ledger::insert(tx, turn, &created.subject).await?;
    activity::count_sign_up(tx, now).await?;
    Ok(created)
}

/// Refuses a name that somebody has, or that looks like one that somebody has.
/// Nobody can take it meanwhile: accounts are made in turns.
async fn available(tx: &Tx, username: &Username) -> Result<(), Error> {
    let alike = user::find_lookalikes(tx, &username.skeleton()).await?;
    if alike.contains(username) {
        return Err(Error::UsernameTaken);
    }
    if alike.is_empty() { Ok(()) } else { Err(Error::UsernameConfusable) }
}

fn taken(error: DbError) -> Error {
    match error {
        DbError::Unique(what) if what.contains("username") => Error::UsernameTaken,
        error @ (DbError::Unique(_)
        | DbError::Conflict(_)
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
