//! Repeating a mutation safely (AIP-155): the first answer to a `request_id`
//! is kept for a day and given again.
//!
//! The answer is recorded in the transaction of the change, so either both
//! exist or neither does.

mod entity;
mod migration;

use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use prost::Message;
use roster_kernel::{Actor, Caller, RequestId, Timestamp, UserId};
use roster_server::Violations;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DbErr, EntityTrait, IntoSimpleExpr, QueryFilter, QuerySelect,
    QueryTrait, Set,
    sea_query::{Expr, ExprTrait},
};
use serde::{Serialize, de::DeserializeOwned};
use sha2::Sha256;

pub use migration::Migration;

use crate::{Db, DbError, Tx};

/// How long the first answer is given again.
pub const KEPT_FOR: TimeDelta = TimeDelta::hours(24);

/// The secret that fingerprints of requests are made with. A request may hold
/// a password; under a key its fingerprint is of no use for guessing it.
#[derive(Clone)]
pub struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// Takes 32 secret bytes, the same on every replica.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// A secret for another purpose, which tells nothing about this one.
    #[must_use]
    pub fn derived(&self, purpose: &'static str) -> [u8; 32] {
        authenticate(self, purpose.as_bytes())
    }
}

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FingerprintKey(..)")
    }
}

/// Names one mutation of one caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayKey {
    actor: String,
    method: &'static str,
    request_id: RequestId,
    fingerprint: String,
}

impl ReplayKey {
    /// The key of a call of `method` whose encoded request is `request`.
    #[must_use]
    pub fn new(
        actor: &Actor,
        method: &'static str,
        request_id: RequestId,
        request: &[u8],
        key: &FingerprintKey,
    ) -> Self {
        let actor = match actor {
            Actor::Anonymous => "anonymous".to_owned(),
            Actor::User(user) => user.user_id.to_string(),
            // Of a token, not of its issuer: whoever holds another one did not
            // make the call. Neither name can be a user's, or the other's.
            Actor::Machine(machine) => format!("machine/{}", machine.token_id),
            Actor::Service(name) => format!("service/{name}"),
        };
        Self { actor, method, request_id, fingerprint: fingerprint(key, request) }
    }

    /// The client's name for the mutation.
    #[must_use]
    pub const fn request_id(&self) -> RequestId {
        self.request_id
    }
}

/// What recognises a repetition of a mutation.
#[derive(Clone, Copy, Debug)]
pub struct Repetition<'a> {
    /// Who makes it.
    pub caller: &'a Caller,
    /// The full name of the method.
    pub method: &'static str,
    /// The key of fingerprints.
    pub fingerprints: &'a FingerprintKey,
}

impl Repetition<'_> {
    /// The key of a request, if it is named; notes a malformed name.
    pub fn key(
        &self,
        violations: &mut Violations,
        request_id: &str,
        request: &impl Message,
    ) -> Option<ReplayKey> {
        if request_id.is_empty() {
            return None;
        }
        let request_id = violations.field("request_id", RequestId::parse(request_id))?;
        let encoded = request.encode_to_vec();
        let actor = &self.caller.actor;
        Some(ReplayKey::new(actor, self.method, request_id, &encoded, self.fingerprints))
    }
}

fn fingerprint(key: &FingerprintKey, request: &[u8]) -> String {
    use std::fmt::Write as _;

    authenticate(key, request).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn authenticate(key: &FingerprintKey, data: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("a key of any length");
    mac.update(data);
    mac.finalize().into_bytes().into()
}

/// Why an earlier answer could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The caller used the same `request_id` for a different request.
    #[error("the request_id was used for another request")]
    Mismatch,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The first answer to `key`, if there was one within [`KEPT_FOR`]. Without a
/// key there never is. Of two with the same key at the same time, the second
/// waits for the first to end.
pub async fn find<T: DeserializeOwned>(
    tx: &Tx,
    key: Option<&ReplayKey>,
    now: Timestamp,
) -> Result<Option<T>, ReplayError> {
    let Some(key) = key else { return Ok(None) };
    tx.lock(&format!("replay {} {} {}", key.actor, key.method, key.request_id.uuid())).await?;
    let row = entity::Entity::find_by_id((
        key.actor.clone(),
        key.method.to_owned(),
        key.request_id.uuid(),
    ))
    .one(&**tx)
    .await
    .map_err(DbError::from)?;
    let Some(row) = row.filter(|row| row.created_at > now - KEPT_FOR) else { return Ok(None) };
    if row.fingerprint != key.fingerprint {
        return Err(ReplayError::Mismatch);
    }
    let answer = serde_json::from_value(row.answer).map_err(|_| DbError::Unexpected("replay"))?;
    Ok(Some(answer))
}

/// Records the answer to `key`. `subject` is the user whose data the answer
/// holds, if any: see [`forget`].
pub async fn record<T: Serialize>(
    tx: &Tx,
    key: Option<&ReplayKey>,
    now: Timestamp,
    subject: Option<UserId>,
    answer: &T,
) -> Result<(), DbError> {
    let Some(key) = key else { return Ok(()) };
    let answer = serde_json::to_value(answer).map_err(|_| DbError::Unexpected("replay"))?;
    // One that was not found is older than a day.
    entity::Entity::delete_by_id((key.actor.clone(), key.method.to_owned(), key.request_id.uuid()))
        .filter(entity::Column::CreatedAt.lte(now - KEPT_FOR))
        .exec(&**tx)
        .await?;
    let row = entity::ActiveModel {
        actor: Set(key.actor.clone()),
        method: Set(key.method.to_owned()),
        request_id: Set(key.request_id.uuid()),
        fingerprint: Set(key.fingerprint.clone()),
        subject: Set(subject.map(UserId::uuid)),
        answer: Set(answer),
        created_at: Set(now),
    };
    let recorded = row.insert(&**tx).await.map(drop).map_err(DbError::from);
    // Whoever was faster has the first answer: it is found when asked again.
    match recorded {
        Err(DbError::Unique(what)) => Err(DbError::Conflict(DbErr::Custom(what))),
        recorded => recorded,
    }
}

/// Erases all answers that hold data of `subject`: part of its deletion.
pub async fn forget(tx: &Tx, subject: UserId) -> Result<u64, DbError> {
    let erased = entity::Entity::delete_many()
        .filter(entity::Column::Subject.eq(subject.uuid()))
        .exec(&**tx)
        .await?;
    Ok(erased.rows_affected)
}

/// Deletes the answers that are no longer given; answers how many.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<u64, DbError> {
    let key = [entity::Column::Actor, entity::Column::Method, entity::Column::RequestId];
    crate::delete_in_batches(db, |batch| {
        let old = entity::Entity::find()
            .select_only()
            .columns(key)
            .filter(entity::Column::CreatedAt.lte(now - KEPT_FOR))
            .limit(batch)
            .into_query();
        let row = Expr::tuple(key.map(IntoSimpleExpr::into_simple_expr));
        entity::Entity::delete_many().filter(row.in_subquery(old))
    })
    .await
}
