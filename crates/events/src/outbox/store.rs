//! The queries of the outbox's tables.

use std::collections::HashMap;

use roster_db::{DbError, Tx};
use roster_kernel::{EventId, ServiceName, Timestamp, UserId};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DeleteMany, EntityTrait, ExprTrait,
    IntoActiveModel, JoinType, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    RelationTrait, Select, Set, sea_query::Expr,
};

use super::{
    Backlog, DeliveryState, EventDelivery, Missing, Retention,
    entity::{consumer, delivery, event},
};
use crate::{Event, relay::PARKED_AFTER};

/// An event that is due for publication.
#[derive(Debug)]
pub struct Due {
    pub id: EventId,
    pub attempts: u32,
    pub payload: Vec<u8>,
}

pub async fn insert(
    tx: &Tx,
    event: &Event,
    consumers: &[ServiceName],
    retention: Retention,
) -> Result<(), DbError> {
    // With nobody to confirm it, an event is history as soon as it happens.
    let retired = consumers.is_empty().then_some(event.time);
    let row = event::ActiveModel {
        id: Set(event.id.uuid()),
        kind: Set(event.kind().to_owned()),
        subject: Set(event.subject.uuid()),
        payload: Set(event.encode()),
        kept: Set(retention == Retention::Evidence),
        attempts: Set(0),
        created_at: Set(event.time),
        next_attempt_at: Set(retired.is_none().then_some(event.time)),
        retired_at: Set(retired),
    };
    row.insert(&**tx).await?;
    for consumer in consumers {
        let row = delivery::ActiveModel {
            event_id: Set(event.id.uuid()),
            consumer: Set(consumer.to_string()),
            counts: Set(None),
            completed_at: Set(None),
            failures: Set(0),
            failure: Set(None),
            waived: Set(false),
        };
        row.insert(&**tx).await?;
    }
    Ok(())
}

pub async fn due(tx: &Tx, now: Timestamp, most: u64) -> Result<Vec<Due>, DbError> {
    let rows = event::Entity::find()
        .filter(event::Column::NextAttemptAt.lte(now))
        .order_by_asc(event::Column::NextAttemptAt)
        .limit(most)
        // Two relays take different events, and neither waits for the other.
        .lock_with_behavior(
            sea_orm::sea_query::LockType::Update,
            sea_orm::sea_query::LockBehavior::SkipLocked,
        )
        .all(&**tx)
        .await?;
    let due = rows.into_iter().map(|row| Due {
        id: row.id.into(),
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        payload: row.payload,
    });
    Ok(due.collect())
}

/// Locks an event until the transaction ends.
pub async fn lock(tx: &Tx, event_id: EventId) -> Result<(), DbError> {
    event::Entity::find_by_id(event_id.uuid()).lock_exclusive().one(&**tx).await?;
    Ok(())
}

pub async fn plan(
    tx: &Tx,
    event_id: EventId,
    attempts: u32,
    next: Timestamp,
) -> Result<(), DbError> {
    let attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
    event::Entity::update_many()
        .col_expr(event::Column::Attempts, Expr::value(attempts))
        .col_expr(event::Column::NextAttemptAt, Expr::value(next))
        .filter(event::Column::Id.eq(event_id.uuid()))
        .exec(&**tx)
        .await?;
    Ok(())
}

/// Counts one attempt less at each of `events` that is still waited for.
pub async fn take_back(tx: &Tx, events: &[EventId], next: Timestamp) -> Result<(), DbError> {
    let fewer = Expr::col(event::Column::Attempts).sub(1);
    event::Entity::update_many()
        .col_expr(event::Column::Attempts, fewer)
        .col_expr(event::Column::NextAttemptAt, Expr::value(next))
        .filter(event::Column::Id.is_in(events.iter().map(|id| id.uuid())))
        .filter(event::Column::Attempts.gt(0))
        .filter(event::Column::RetiredAt.is_null())
        .exec(&**tx)
        .await?;
    Ok(())
}

pub async fn make_due(tx: &Tx, event_id: EventId, now: Timestamp) -> Result<(), DbError> {
    event::Entity::update_many()
        .col_expr(event::Column::Attempts, Expr::value(0))
        .col_expr(event::Column::NextAttemptAt, Expr::value(now))
        .filter(event::Column::Id.eq(event_id.uuid()))
        .filter(event::Column::RetiredAt.is_null())
        .exec(&**tx)
        .await?;
    Ok(())
}

pub async fn next_due(connection: &impl ConnectionTrait) -> Result<Option<Timestamp>, DbError> {
    let row = event::Entity::find()
        .filter(event::Column::NextAttemptAt.is_not_null())
        .order_by_asc(event::Column::NextAttemptAt)
        .one(connection)
        .await?;
    Ok(row.and_then(|row| row.next_attempt_at))
}

pub async fn count_due(connection: &impl ConnectionTrait, now: Timestamp) -> Result<u64, DbError> {
    let due = event::Entity::find().filter(event::Column::NextAttemptAt.lte(now));
    Ok(due.count(connection).await?)
}

pub async fn confirmed(
    connection: &impl ConnectionTrait,
    event_id: EventId,
    consumer: &str,
) -> Result<bool, DbError> {
    let row = delivery::Entity::find_by_id((event_id.uuid(), consumer.to_owned()))
        .one(connection)
        .await?;
    Ok(row.is_none_or(|row| row.completed_at.is_some()))
}

pub async fn unconfirmed(
    connection: &impl ConnectionTrait,
    subject: UserId,
    consumer: &str,
) -> Result<Option<EventId>, DbError> {
    let about = event::Entity::find()
        .select_only()
        .column(event::Column::Id)
        .filter(event::Column::Subject.eq(subject.uuid()))
        .into_query();
    let row = delivery::Entity::find()
        .filter(delivery::Column::Consumer.eq(consumer))
        .filter(delivery::Column::CompletedAt.is_null())
        .filter(delivery::Column::EventId.in_subquery(about))
        // Ids begin with the time.
        .order_by_desc(delivery::Column::EventId)
        .one(connection)
        .await?;
    Ok(row.map(|row| row.event_id.into()))
}

pub async fn confirm(
    tx: &Tx,
    event_id: EventId,
    consumer: &ServiceName,
    counts: &[(String, i64)],
    at: Timestamp,
) -> Result<(), DbError> {
    let row =
        delivery::Entity::find_by_id((event_id.uuid(), consumer.to_string())).one(&**tx).await?;
    // The first receipt stands; its repetitions say the same.
    let Some(row) = row.filter(|row| row.completed_at.is_none()) else { return Ok(()) };
    let mut row = row.into_active_model();
    row.counts = Set(serde_json::to_value(counts).ok());
    row.completed_at = Set(Some(at));
    row.failure = Set(None);
    row.update(&**tx).await?;
    Ok(())
}

pub async fn note_failure(
    tx: &Tx,
    event_id: EventId,
    consumer: &ServiceName,
    failure: &str,
) -> Result<(), DbError> {
    delivery::Entity::update_many()
        .col_expr(delivery::Column::Failures, Expr::col(delivery::Column::Failures).add(1))
        .col_expr(delivery::Column::Failure, Expr::value(failure))
        .filter(delivery::Column::EventId.eq(event_id.uuid()))
        .filter(delivery::Column::Consumer.eq(consumer.as_str()))
        .filter(delivery::Column::CompletedAt.is_null())
        .exec(&**tx)
        .await?;
    Ok(())
}

pub async fn retire_if_confirmed(
    tx: &Tx,
    event_id: EventId,
    now: Timestamp,
) -> Result<(), DbError> {
    let missing = delivery::Entity::find()
        .filter(delivery::Column::EventId.eq(event_id.uuid()))
        .filter(delivery::Column::CompletedAt.is_null())
        .count(&**tx)
        .await?;
    if missing > 0 {
        return Ok(());
    }
    event::Entity::update_many()
        .col_expr(event::Column::NextAttemptAt, Expr::value(Option::<Timestamp>::None))
        .col_expr(event::Column::RetiredAt, Expr::value(now))
        .filter(event::Column::Id.eq(event_id.uuid()))
        .filter(event::Column::RetiredAt.is_null())
        .exec(&**tx)
        .await?;
    Ok(())
}

/// Who was registered, by name.
pub async fn consumers(connection: &impl ConnectionTrait) -> Result<Vec<ServiceName>, DbError> {
    let rows =
        consumer::Entity::find().order_by_asc(consumer::Column::Name).all(connection).await?;
    let name = |row: consumer::Model| ServiceName::parse(&row.name);
    let names = rows.into_iter().map(name).collect::<Option<_>>();
    names.ok_or(DbError::Unexpected("outbox_consumer.name"))
}

pub async fn add_consumer(tx: &Tx, name: &ServiceName, now: Timestamp) -> Result<(), DbError> {
    let row = consumer::ActiveModel { name: Set(name.to_string()), registered_at: Set(now) };
    row.insert(&**tx).await?;
    Ok(())
}

pub async fn remove_consumer(tx: &Tx, name: &ServiceName) -> Result<bool, DbError> {
    let removed = consumer::Entity::delete_by_id(name.to_string()).exec(&**tx).await?;
    Ok(removed.rows_affected > 0)
}

/// The deliveries to a consumer that it has not confirmed.
fn waiting_for(name: &ServiceName) -> Select<delivery::Entity> {
    delivery::Entity::find()
        .filter(delivery::Column::Consumer.eq(name.as_str()))
        .filter(delivery::Column::CompletedAt.is_null())
}

pub async fn count_waiting_for(
    connection: &impl ConnectionTrait,
    name: &ServiceName,
) -> Result<u64, DbError> {
    Ok(waiting_for(name).count(connection).await?)
}

/// Locks up to `limit` events that wait for a consumer, until the transaction
/// ends.
pub async fn lock_waiting_for(
    tx: &Tx,
    name: &ServiceName,
    limit: u64,
) -> Result<Vec<EventId>, DbError> {
    let theirs = waiting_for(name).select_only().column(delivery::Column::EventId).into_query();
    let rows = event::Entity::find()
        .filter(event::Column::RetiredAt.is_null())
        .filter(event::Column::Id.in_subquery(theirs))
        .order_by_asc(event::Column::Id)
        .limit(limit)
        .lock_exclusive()
        .all(&**tx)
        .await?;
    Ok(rows.into_iter().map(|row| row.id.into()).collect())
}

/// Lets some events no longer wait for a consumer.
pub async fn waive(
    tx: &Tx,
    events: &[EventId],
    name: &ServiceName,
    now: Timestamp,
) -> Result<(), DbError> {
    delivery::Entity::update_many()
        .col_expr(delivery::Column::CompletedAt, Expr::value(now))
        .col_expr(delivery::Column::Waived, Expr::value(true))
        .filter(delivery::Column::EventId.is_in(events.iter().map(|id| id.uuid())))
        .filter(delivery::Column::Consumer.eq(name.as_str()))
        .filter(delivery::Column::CompletedAt.is_null())
        .exec(&**tx)
        .await?;
    Ok(())
}

/// Deletes up to `limit` events that were retired before `before`.
pub fn retired(before: Timestamp, limit: u64) -> DeleteMany<event::Entity> {
    let old = event::Entity::find()
        .select_only()
        .column(event::Column::Id)
        .filter(event::Column::RetiredAt.lt(before))
        .filter(event::Column::Kept.eq(false))
        .limit(limit)
        .into_query();
    // Deliveries go with their event (ON DELETE CASCADE).
    event::Entity::delete_many().filter(event::Column::Id.in_subquery(old))
}

pub async fn attempts(
    connection: &impl ConnectionTrait,
    event_id: EventId,
) -> Result<u32, DbError> {
    let row = event::Entity::find_by_id(event_id.uuid()).one(connection).await?;
    Ok(row.map_or(0, |row| u32::try_from(row.attempts).unwrap_or(0)))
}

pub async fn ids(connection: &impl ConnectionTrait) -> Result<Vec<EventId>, DbError> {
    let rows = event::Entity::find().order_by_asc(event::Column::CreatedAt).all(connection).await?;
    Ok(rows.into_iter().map(|row| row.id.into()).collect())
}

/// What no receipt has come for. Looks at what is unconfirmed only, however
/// much has been confirmed before.
pub async fn backlog(connection: &impl ConnectionTrait) -> Result<Backlog, DbError> {
    let (events, oldest): (i64, Option<Timestamp>) = event::Entity::find()
        .select_only()
        .column_as(event::Column::Id.count(), "events")
        .column_as(event::Column::CreatedAt.min(), "oldest")
        .filter(event::Column::RetiredAt.is_null())
        .into_tuple()
        .one(connection)
        .await?
        .unwrap_or_default();
    let parked = Expr::case(
        Expr::col((event::Entity, event::Column::Attempts)).gte(PARKED_AFTER),
        Expr::val(1),
    )
    .finally(Expr::val(0));
    let missing: Vec<(String, i64, i64)> = event::Entity::find()
        .select_only()
        .column(delivery::Column::Consumer)
        .column_as(delivery::Column::EventId.count(), "receipts")
        .column_as(Expr::expr(parked).sum().cast_as("bigint"), "parked")
        .join(JoinType::InnerJoin, event::Relation::Delivery.def())
        .filter(event::Column::RetiredAt.is_null())
        .filter(delivery::Column::CompletedAt.is_null())
        .group_by(delivery::Column::Consumer)
        .order_by_asc(delivery::Column::Consumer)
        .into_tuple()
        .all(connection)
        .await?;
    let missing = missing.into_iter().map(|(consumer, receipts, parked)| Missing {
        consumer,
        receipts: receipts.unsigned_abs(),
        parked: parked.unsigned_abs(),
    });
    Ok(Backlog { events: events.unsigned_abs(), oldest, missing: missing.collect() })
}

pub async fn deliveries(
    connection: &impl ConnectionTrait,
    events: &[EventId],
) -> Result<Vec<(EventId, EventDelivery)>, DbError> {
    let ids: Vec<_> = events.iter().map(|id| id.uuid()).collect();
    let attempts: HashMap<_, _> = event::Entity::find()
        .filter(event::Column::Id.is_in(ids.iter().copied()))
        .all(connection)
        .await?
        .into_iter()
        .map(|row| (row.id, u32::try_from(row.attempts).unwrap_or(0)))
        .collect();
    let rows = delivery::Entity::find()
        .filter(delivery::Column::EventId.is_in(ids))
        .order_by_asc(delivery::Column::EventId)
        .order_by_asc(delivery::Column::Consumer)
        .all(connection)
        .await?;
    rows.into_iter()
        .map(|row| {
            let attempts = attempts.get(&row.event_id).copied().unwrap_or(0);
            Ok((row.event_id.into(), delivery_of(row, attempts)?))
        })
        .collect()
}

fn delivery_of(row: delivery::Model, attempts: u32) -> Result<EventDelivery, DbError> {
    let state = match row.completed_at {
        Some(_) if row.waived => DeliveryState::Waived,
        Some(_) => DeliveryState::Done,
        None if attempts >= PARKED_AFTER => DeliveryState::Parked,
        None => DeliveryState::Pending,
    };
    let counts = row
        .counts
        .map(serde_json::from_value)
        .transpose()
        .map_err(|_| DbError::Unexpected("outbox_delivery.counts"))?;
    Ok(EventDelivery {
        consumer: row.consumer,
        state,
        attempts,
        counts: counts.unwrap_or_default(),
        complete_time: row.completed_at,
        failure: row.failure,
    })
}
