//! What is kept from being done too often: proving a password that one does
//! not know, and creating accounts.

use std::time::Duration;

use chrono::TimeDelta;
use roster_db::{DbError, Tx};
use roster_kernel::{Caller, UserActor};
use roster_server::metrics::{Counter, KeyValue, Meters};
use roster_throttle::{Counted, Key, Keys, Limit, Reservation, ThrottleError, network};

use super::Cx;
use crate::error::Error;

/// What attempts are called in metrics.
const PASSWORD: &str = "password";
const REGISTRATION: &str = "registration";

/// How wrong current passwords are answered.
const PROOFS: Limit = Limit {
    free: 10,
    first_wait: TimeDelta::seconds(1),
    longest_wait: TimeDelta::minutes(15),
    forgiven_every: TimeDelta::minutes(15),
    most: u32::MAX,
};

/// What counts attempts.
#[derive(Debug)]
pub struct Throttle {
    keys: Keys,
    /// How many accounts come from one address.
    registrations: Limit,
    /// How many attempts were refused.
    refused: Counter<u64>,
}

impl Throttle {
    /// Lets `registrations` accounts be created from one address without
    /// waiting.
    #[must_use]
    pub fn new(keys: Keys, registrations: u32, meters: &Meters) -> Self {
        let registrations = Limit {
            free: registrations,
            first_wait: TimeDelta::minutes(1),
            longest_wait: TimeDelta::hours(1),
            forgiven_every: TimeDelta::minutes(30),
            most: u32::MAX,
        };
        let refused = meters.counter(
            "roster.throttle.refused",
            "{attempt}",
            "Registrations and changes of passwords that came too often",
        );
        for attempt in [PASSWORD, REGISTRATION] {
            refused.add(0, &[KeyValue::new("roster.attempt", attempt)]);
        }
        Self { keys, registrations, refused }
    }

    /// By session: whoever has stolen one must not be able to keep the owner
    /// from changing the password in another.
    fn session(&self, actor: &UserActor) -> Key {
        self.keys.key("password.session", &[actor.session_id.uuid().as_bytes()])
    }
}

/// Counts an attempt to prove the current password, unless it has to wait.
pub async fn begin_proof(cx: &Cx, actor: &UserActor) -> Result<Reservation, Error> {
    let counted = Counted { key: cx.throttle.session(actor), limit: PROOFS };
    reserve(cx, counted, PASSWORD, Error::PasswordThrottled).await
}

/// Forgets the failed attempts of the session, in the transaction that rests
/// on the proof.
pub async fn proven(cx: &Cx, tx: &Tx, actor: &UserActor) -> Result<(), DbError> {
    roster_throttle::forget(tx, &[cx.throttle.session(actor)]).await
}

/// Counts an account from the caller's address, unless it has to wait.
pub async fn begin_registration(cx: &Cx, caller: &Caller) -> Result<Reservation, Error> {
    let address = network(caller.origin.address);
    let key = cx.throttle.keys.key("registration.address", &[&address]);
    let counted = Counted { key, limit: cx.throttle.registrations };
    reserve(cx, counted, REGISTRATION, Error::RegistrationThrottled).await
}

async fn reserve(
    cx: &Cx,
    counted: Counted,
    attempt: &'static str,
    throttled: impl FnOnce(Duration) -> Error,
) -> Result<Reservation, Error> {
    match roster_throttle::reserve(&cx.db, cx.env.now(), vec![counted]).await {
        Ok(reservation) => Ok(reservation),
        Err(ThrottleError::Throttled(wait)) => {
            cx.throttle.refused.add(1, &[KeyValue::new("roster.attempt", attempt)]);
            Err(throttled(wait))
        }
        Err(ThrottleError::Db(error)) => Err(error.into()),
    }
}

/// Takes back what turned out to be no attempt.
pub async fn take_back(cx: &Cx, reservation: &Reservation) {
    let taken_back = async {
        let tx = cx.db.begin().await?;
        roster_throttle::give_back(&tx, cx.env.now(), reservation).await?;
        tx.commit().await
    };
    if let Err(error) = taken_back.await {
        tracing::warn!(class = error.class(), "an attempt was not taken back");
    }
}
