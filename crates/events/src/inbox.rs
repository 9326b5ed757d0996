//! What was consumed already, and what was answered.

mod entity;

use chrono::TimeDelta;
use roster_db::{Db, DbError, Tx};
use roster_kernel::{EventId, Timestamp};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
    QueryTrait, Set,
};

use crate::Receipt;

/// How long a receipt is kept for repetitions of its event. An event that
/// comes again even later is carried out again, which its consumers allow:
/// states carry versions, and erasing what is erased finds nothing.
const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// The inbox of a consumer: one row for each event whose effect is committed.
#[derive(Clone, Copy, Debug)]
pub struct Inbox;

impl Inbox {
    /// Records, in the transaction that completes the effect of an event,
    /// that it is complete, and answers the receipt. Fails with
    /// [`DbError::Unique`] when it is recorded already: the effect must not
    /// happen a second time, so the transaction has to be given up.
    pub async fn record(
        tx: &Tx,
        event_id: EventId,
        counts: Vec<(String, i64)>,
        at: Timestamp,
    ) -> Result<Receipt, DbError> {
        let row = entity::ActiveModel {
            event_id: Set(event_id.uuid()),
            counts: Set(
                serde_json::to_value(&counts).map_err(|_| DbError::Unexpected("inbox.counts"))?
            ),
            completed_at: Set(at),
        };
        row.insert(&**tx).await?;
        Ok(Receipt::Done { event_id, counts, at })
    }

    /// The receipt of an event whose effect is committed.
    pub async fn find(
        connection: &impl ConnectionTrait,
        event_id: EventId,
    ) -> Result<Option<Receipt>, DbError> {
        let Some(row) = entity::Entity::find_by_id(event_id.uuid()).one(connection).await? else {
            return Ok(None);
        };
        let counts =
            serde_json::from_value(row.counts).map_err(|_| DbError::Unexpected("inbox.counts"))?;
        Ok(Some(Receipt::Done { event_id, counts, at: row.completed_at }))
    }

    /// Deletes receipts that are older than any repetition.
    pub async fn sweep(db: &Db, now: Timestamp) -> Result<u64, DbError> {
        roster_db::delete_in_batches(db, |batch| {
            let old = entity::Entity::find()
                .select_only()
                .column(entity::Column::EventId)
                .filter(entity::Column::CompletedAt.lt(now - KEPT_FOR))
                .limit(batch)
                .into_query();
            entity::Entity::delete_many().filter(entity::Column::EventId.in_subquery(old))
        })
        .await
    }
}
