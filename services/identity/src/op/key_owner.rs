//! Whose keys a call is about, and whether its caller may change them.

use roster_db::Tx;
use roster_kernel::Actor;

use super::{Cx, admin};
use crate::{
    domain::{Owner, State, Subject},
    error::Error,
    store::{guard, ledger},
};

/// The keys of one owner, which nobody else changes at the same time.
pub enum Held {
    /// Those of a user, who may be gone.
    User(Option<Subject>),
    /// Those of the installation.
    System,
}

/// Waits until nobody else changes the keys of `owner`, or deletes their
/// owner. Must come before anything is read that the change depends upon.
pub async fn hold(tx: &Tx, owner: Owner) -> Result<Held, Error> {
    Ok(match owner {
        Owner::User(user_id) => Held::User(ledger::lock(tx, user_id).await?),
        Owner::System => {
            guard::take(tx).await?;
            Held::System
        }
    })
}

impl Held {
    /// Refuses whoever may not change these keys: a user whose account is
    /// gone meanwhile, or somebody who is no administrator any more.
    pub async fn admit(&self, cx: &Cx, tx: &Tx, actor: &Actor) -> Result<(), Error> {
        match self {
            Self::User(Some(subject)) if subject.state == State::Active => Ok(()),
            Self::User(_) => Err(Error::CallerGone),
            Self::System => admin::require(cx, tx, actor).await.map(drop),
        }
    }
}
