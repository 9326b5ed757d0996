//! The queries of the table `deletion`.

use std::collections::HashMap;

use roster_db::{DbError, Tx};
use roster_kernel::{DeletionId, UserId};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Set,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::entity::deletion::{ActiveModel, Column, Entity, Model};
use crate::domain::{DeletionCursor, DeletionRecord};

/// Adds a deletion.
pub async fn insert(tx: &Tx, deletion: &DeletionRecord) -> Result<(), DbError> {
    let erased = serde_json::to_value(&deletion.erased);
    let row = ActiveModel {
        id: Set(deletion.id.uuid()),
        user_id: Set(deletion.user_id.uuid()),
        event_id: Set(deletion.event_id.uuid()),
        requested_by: Set(deletion.requested_by.map_or(Uuid::nil(), UserId::uuid)),
        created_at: Set(deletion.created_at),
        erased: Set(erased.map_err(|_| DbError::Unexpected("deletion.erased"))?),
    };
    row.insert(&**tx).await?;
    Ok(())
}

/// One deletion.
pub async fn find(
    connection: &impl ConnectionTrait,
    id: DeletionId,
) -> Result<Option<DeletionRecord>, DbError> {
    let row = Entity::find_by_id(id.uuid()).one(connection).await?;
    row.map(record_of).transpose()
}

/// The deletion of a user.
pub async fn find_by_user(
    connection: &impl ConnectionTrait,
    user_id: UserId,
) -> Result<Option<DeletionRecord>, DbError> {
    let row = Entity::find().filter(Column::UserId.eq(user_id.uuid())).one(connection).await?;
    row.map(record_of).transpose()
}

/// The deletions of some users.
pub async fn ids_of(
    connection: &impl ConnectionTrait,
    users: &[UserId],
) -> Result<HashMap<UserId, DeletionId>, DbError> {
    let ids = users.iter().map(|user| user.uuid());
    let rows = Entity::find().filter(Column::UserId.is_in(ids)).all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.user_id.into(), row.id.into())).collect())
}

/// Up to `limit` deletions, newest first, behind `after`.
pub async fn list(
    connection: &impl ConnectionTrait,
    user_id: Option<UserId>,
    after: Option<DeletionCursor>,
    limit: u64,
) -> Result<Vec<DeletionRecord>, DbError> {
    let rows = Entity::find()
        .apply_if(user_id, |query, user| query.filter(Column::UserId.eq(user.uuid())))
        .apply_if(after, |query, after| {
            let row = Expr::tuple([Expr::col(Column::CreatedAt), Expr::col(Column::Id)]);
            let last = Expr::tuple([Expr::val(after.created_at), Expr::val(after.id.uuid())]);
            query.filter(row.lt(last))
        })
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(connection)
        .await?;
    rows.into_iter().map(record_of).collect()
}

fn record_of(row: Model) -> Result<DeletionRecord, DbError> {
    let erased = serde_json::from_value(row.erased);
    Ok(DeletionRecord {
        id: row.id.into(),
        user_id: row.user_id.into(),
        event_id: row.event_id.into(),
        requested_by: Some(row.requested_by).filter(|user| !user.is_nil()).map(UserId::from),
        created_at: row.created_at,
        erased: erased.map_err(|_| DbError::Unexpected("deletion.erased"))?,
    })
}
