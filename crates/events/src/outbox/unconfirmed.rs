//! What has not been confirmed yet, event by event: for people, who may have to
//! see to it. Works on the tables alone, beside whoever publishes.

use std::collections::BTreeMap;

use roster_db::{DbError, Tx};
use roster_kernel::{EventId, Timestamp, UserId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};

use super::entity::{delivery, event};
use crate::relay::PARKED_AFTER;

/// An event that some consumer has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    /// Its id.
    pub id: EventId,
    /// What happened, as the contract names it.
    pub kind: String,
    /// Whom it is about.
    pub subject: UserId,
    /// When it was announced.
    pub announced: Timestamp,
    /// How often it was published.
    pub attempts: u32,
    /// When it is published again.
    pub next: Option<Timestamp>,
    /// Whose receipts are missing, by name.
    pub missing: Vec<Owed>,
}

/// A receipt that has not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// Who owes it.
    pub consumer: String,
    /// How often the consumer has said that it failed.
    pub failures: u32,
    /// The class of the last failure.
    pub failure: Option<String>,
}

impl Unconfirmed {
    /// Whether it is published hourly only.
    #[must_use]
    pub const fn is_parked(&self) -> bool {
        self.attempts >= PARKED_AFTER
    }
}

/// Which events are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All that some consumer has not confirmed.
    All,
    /// Those of them that are parked.
    Parked,
}

/// Some of the events that wait to be confirmed, behind `after`, oldest first.
pub async fn list(
    connection: &impl ConnectionTrait,
    which: Which,
    after: Option<EventId>,
    most: u64,
) -> Result<Vec<Unconfirmed>, DbError> {
    let mut query = event::Entity::find().filter(event::Column::RetiredAt.is_null());
    if which == Which::Parked {
        query = query.filter(event::Column::Attempts.gte(PARKED_AFTER));
    }
    if let Some(after) = after {
        query = query.filter(event::Column::Id.gt(after.uuid()));
    }
    // Ids begin with the time.
    let rows = query.order_by_asc(event::Column::Id).limit(most).all(connection).await?;
    let mut missing = owed(connection, &rows).await?;
    let events = rows.into_iter().map(|row| Unconfirmed {
        missing: missing.remove(&row.id.into()).unwrap_or_default(),
        id: row.id.into(),
        kind: row.kind,
        subject: row.subject.into(),
        announced: row.created_at,
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        next: row.next_attempt_at,
    });
    Ok(events.collect())
}

async fn owed(
    connection: &impl ConnectionTrait,
    events: &[event::Model],
) -> Result<BTreeMap<EventId, Vec<Owed>>, DbError> {
    let rows = delivery::Entity::find()
        .filter(delivery::Column::EventId.is_in(events.iter().map(|it| it.id)))
        .filter(delivery::Column::CompletedAt.is_null())
        .order_by_asc(delivery::Column::Consumer)
        .all(connection)
        .await?;
    let mut owed: BTreeMap<EventId, Vec<Owed>> = BTreeMap::new();
    for row in rows {
        owed.entry(row.event_id.into()).or_default().push(Owed {
            consumer: row.consumer,
            failures: u32::try_from(row.failures).unwrap_or(0),
            failure: row.failure,
        });
    }
    Ok(owed)
}

/// Has an event published again as soon as `tx` has committed and the relay looks,
/// which it does every few seconds; its count of attempts begins anew. Answers
/// whether there is such an event that waits to be confirmed.
pub async fn retry(tx: &Tx, event_id: EventId, now: Timestamp) -> Result<bool, DbError> {
    let due = make_due(now).filter(event::Column::Id.eq(event_id.uuid()));
    Ok(due.exec(&**tx).await?.rows_affected > 0)
}

/// The same of all events that are parked; answers how many they are.
pub async fn retry_parked(tx: &Tx, now: Timestamp) -> Result<u64, DbError> {
    let due = make_due(now).filter(event::Column::Attempts.gte(PARKED_AFTER));
    Ok(due.exec(&**tx).await?.rows_affected)
}

fn make_due(now: Timestamp) -> sea_orm::UpdateMany<event::Entity> {
    event::Entity::update_many()
        .col_expr(event::Column::Attempts, Expr::value(0))
        .col_expr(event::Column::NextAttemptAt, Expr::value(now))
        .filter(event::Column::RetiredAt.is_null())
}
