//! What this service itself keeps of a user, kind by kind: the same kinds are
//! counted before a deletion, erased by it, and exported.

use roster_db::Tx;
use roster_kernel::UserId;

use super::Cx;
use crate::{
    domain::{ApiKey, MOST_API_KEYS, MachineToken, Owner, PasswordFacts, User},
    error::Error,
    participants::Counts,
    store::{api_key, credential, machine_token, user},
};

/// A kind of thing. Another one is a variant here, and an arm in each `match`
/// below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnKind {
    /// The keys for providers.
    ApiKeys,
    /// What is stored of the password.
    Credentials,
    /// The tokens that the user has issued for programs.
    MachineTokens,
    /// The account.
    Users,
}

/// One thing, as it is handed out: without secrets.
#[derive(Clone, Debug)]
pub enum OwnRecord {
    /// What is shown of a key.
    ApiKey(Box<ApiKey>),
    /// What can be told of the password.
    Password(PasswordFacts),
    /// What is shown of a token for a program.
    MachineToken(Box<MachineToken>),
    /// The account.
    User(Box<User>),
}

impl OwnKind {
    /// Every kind, ordered by name, which is also an order to erase in: what
    /// belongs to the account goes before it.
    pub const ALL: [Self; 4] = [Self::ApiKeys, Self::Credentials, Self::MachineTokens, Self::Users];

    /// What the contracts call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ApiKeys => "api_keys",
            Self::Credentials => "credentials",
            Self::MachineTokens => "machine_tokens",
            Self::Users => "users",
        }
    }

    /// All that there is of it.
    pub async fn read(self, cx: &Cx, user: UserId) -> Result<Vec<OwnRecord>, Error> {
        let db = cx.db.read();
        let records = match self {
            Self::ApiKeys => {
                let keys = api_key::list(db, Owner::User(user), None, MOST_API_KEYS).await?;
                keys.into_iter().map(Box::new).map(OwnRecord::ApiKey).collect()
            }
            Self::Credentials => {
                let facts = credential::facts(db, user).await?;
                facts.map(OwnRecord::Password).into_iter().collect()
            }
            Self::MachineTokens => {
                let tokens = machine_token::of_issuer(db, user).await?;
                tokens.into_iter().map(Box::new).map(OwnRecord::MachineToken).collect()
            }
            Self::Users => {
                let account = user::find(db, user).await?;
                account.map(Box::new).map(OwnRecord::User).into_iter().collect()
            }
        };
        Ok(records)
    }

    async fn count(self, tx: &Tx, user: UserId) -> Result<i64, Error> {
        let count = match self {
            Self::ApiKeys => {
                let keys = api_key::count(&**tx, Owner::User(user)).await?;
                usize::try_from(keys).unwrap_or(usize::MAX)
            }
            Self::Credentials => credential::facts(&**tx, user).await?.iter().len(),
            Self::MachineTokens => {
                let tokens = machine_token::count(&**tx, user).await?;
                usize::try_from(tokens).unwrap_or(usize::MAX)
            }
            Self::Users => user::find(&**tx, user).await?.iter().len(),
        };
        Ok(i64::try_from(count).unwrap_or(i64::MAX))
    }

    async fn erase(self, tx: &Tx, user: UserId) -> Result<i64, Error> {
        let rows = match self {
            Self::ApiKeys => api_key::delete_of_user(tx, user).await?,
            Self::Credentials => credential::delete(tx, user).await?,
            Self::MachineTokens => machine_token::delete_of_issuer(tx, user).await?,
            Self::Users => user::delete(tx, user).await?,
        };
        Ok(i64::try_from(rows).unwrap_or(i64::MAX))
    }
}

/// How much there is of each kind.
pub async fn count(tx: &Tx, user: UserId) -> Result<Counts, Error> {
    let mut counts = Counts::new();
    for kind in OwnKind::ALL {
        counts.push((kind.name().to_owned(), kind.count(tx, user).await?));
    }
    Ok(counts)
}

/// Erases all of it; answers how many rows of each kind that were.
pub async fn erase(tx: &Tx, user: UserId) -> Result<Counts, Error> {
    let mut erased = Counts::new();
    for kind in OwnKind::ALL {
        erased.push((kind.name().to_owned(), kind.erase(tx, user).await?));
    }
    Ok(erased)
}
