//! An attempt to sign in, as it is counted.
//!
//! It counts against the account at the caller's address, against the address,
//! and against the account as strangers see it; whichever has failed too often
//! makes it wait. From an address that its user has signed in from before,
//! only the first of the three counts: no stranger elsewhere, and nobody at
//! the same address who tries other accounts, can keep a user out of where
//! they usually sign in. Who exists makes no difference to any of it.

use chrono::TimeDelta;
use roster_db::{DbError, Tx};
use roster_kernel::{Caller, Timestamp, UserId};
use roster_throttle::{Counted, Key, Keys, Limit, Reservation, ThrottleError, network};
use tokio::sync::Semaphore;

use super::Cx;
use crate::{domain::account, error::Error, store::familiar};

/// How long an address stays known after its user has signed in from there.
pub const FAMILIAR_FOR: TimeDelta = TimeDelta::days(90);

/// How exact the time is that says when that was.
const NOTED_EVERY: TimeDelta = TimeDelta::days(1);

/// The most failures on one account that strangers have at the same time:
/// NIST SP 800-63B-4, 3.2.2.
const MOST_FROM_STRANGERS: u32 = 100;

/// How failed attempts to sign in are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginLimits {
    /// Those at one account from one address.
    pub pair: Limit,
    /// Those from one address, at whatever accounts.
    pub address: Limit,
    /// Those at one account from all the addresses that are strange to it.
    pub account: Limit,
}

impl LoginLimits {
    /// The limits that let so many failures of each kind go free, and make
    /// one address wait for `longest_wait` at the most.
    #[must_use]
    pub const fn new(pair: u32, address: u32, account: u32, longest_wait: TimeDelta) -> Self {
        let at_address = Limit {
            free: pair,
            first_wait: TimeDelta::seconds(1),
            longest_wait,
            forgiven_every: TimeDelta::minutes(15),
            most: u32::MAX,
        };
        Self {
            pair: at_address,
            address: Limit { free: address, forgiven_every: TimeDelta::minutes(5), ..at_address },
            account: Limit {
                free: account,
                first_wait: TimeDelta::seconds(30),
                longest_wait: TimeDelta::hours(1),
                forgiven_every: TimeDelta::hours(6),
                most: MOST_FROM_STRANGERS,
            },
        }
    }
}

/// What keeps signing in from being used for guessing.
#[derive(Debug)]
pub struct LoginThrottle {
    /// What is counted is named by them.
    pub keys: Keys,
    /// How failures are answered.
    pub limits: LoginLimits,
    /// The turns of those who sign in at the same time.
    pub turns: Semaphore,
}

/// An attempt that is counted as a failure until it is known to be none.
#[derive(Debug)]
pub struct Attempt {
    pair: Key,
    /// When the user last signed in from there, where they have.
    familiar: Option<Timestamp>,
    reservation: Reservation,
}

impl Attempt {
    /// Counts an attempt of `caller` at `username`, unless one has to wait.
    pub async fn begin(cx: &Cx, caller: &Caller, username: &str) -> Result<Self, Error> {
        let LoginThrottle { keys, limits, .. } = &cx.throttle;
        let now = cx.env.now();
        let account = account(username);
        let (account, address) = (account.as_bytes(), network(caller.origin.address));
        let pair = keys.key("login.pair", &[account, &address]);
        let familiar = familiar::find(cx.db.read(), pair).await?;
        let familiar = familiar.filter(|seen_at| *seen_at > now - FAMILIAR_FOR);
        let mut counted = vec![Counted { key: pair, limit: limits.pair }];
        if familiar.is_none() {
            let address = keys.key("login.address", &[&address]);
            let account = keys.key("login.account", &[account]);
            counted.push(Counted { key: address, limit: limits.address });
            counted.push(Counted { key: account, limit: limits.account });
        }
        let reserved = roster_throttle::reserve(&cx.db, now, counted).await;
        let reservation = reserved.map_err(|error| match error {
            ThrottleError::Throttled(wait) => Error::Throttled(wait),
            ThrottleError::Db(error) => Error::Db(error),
        })?;
        Ok(Self { pair, familiar, reservation })
    }

    /// Notes, in the transaction that opens the session, that it has
    /// succeeded. What failed at this address before was the user's own
    /// mistyping; what strangers have failed in is not undone, or one account
    /// of one's own would pay for guessing at all the others.
    pub async fn succeeded(&self, tx: &Tx, user_id: UserId, now: Timestamp) -> Result<(), DbError> {
        // In this order: what is given back is locked in the order in which
        // others lock it, the pair included.
        if self.familiar.is_none() {
            roster_throttle::give_back(tx, now, &self.reservation).await?;
        }
        roster_throttle::forget(tx, &[self.pair]).await?;
        if self.familiar.is_none_or(|seen_at| seen_at <= now - NOTED_EVERY) {
            familiar::note(tx, self.pair, user_id, now).await?;
        }
        Ok(())
    }

    /// Takes it back: no password was checked, or the right one.
    pub async fn take_back(&self, cx: &Cx) -> Result<(), DbError> {
        let tx = cx.db.begin().await?;
        roster_throttle::give_back(&tx, cx.env.now(), &self.reservation).await?;
        tx.commit().await
    }
}
