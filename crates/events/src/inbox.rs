//! What was consumed already, and what was answered.

mod entity;

use roster_db::{DbError, Tx};
use roster_kernel::{EventId, Timestamp};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, Set};

use crate::Receipt;

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
}
