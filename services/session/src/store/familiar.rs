//! The queries of the table `familiar`.

use roster_db::{DbError, Tx};
use roster_kernel::{Timestamp, UserId};
use roster_throttle::Key;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait, Set,
    sea_query::OnConflict,
};

use super::entity::familiar::{ActiveModel, Column, Entity};

/// When somebody last signed in to this account from this address.
pub async fn find(
    connection: &impl ConnectionTrait,
    key: Key,
) -> Result<Option<Timestamp>, DbError> {
    let row = Entity::find_by_id(key.as_bytes().to_vec()).one(connection).await?;
    Ok(row.map(|row| row.seen_at))
}

/// Notes that a user has signed in from this address.
pub async fn note(tx: &Tx, key: Key, user_id: UserId, now: Timestamp) -> Result<(), DbError> {
    let row = ActiveModel {
        key: Set(key.as_bytes().to_vec()),
        user_id: Set(user_id.uuid()),
        seen_at: Set(now),
    };
    let again =
        OnConflict::column(Column::Key).update_columns([Column::UserId, Column::SeenAt]).to_owned();
    Entity::insert(row).on_conflict(again).exec_without_returning(&**tx).await?;
    Ok(())
}

/// Erases what is noted of a user.
pub async fn erase(tx: &Tx, user_id: UserId) -> Result<(), DbError> {
    Entity::delete_many().filter(Column::UserId.eq(user_id.uuid())).exec(&**tx).await?;
    Ok(())
}

/// Deletes up to `limit` notes from before `before`; answers how many.
pub async fn delete_old(tx: &Tx, limit: u64, before: Timestamp) -> Result<u64, DbError> {
    let old = Entity::find()
        .select_only()
        .column(Column::Key)
        .filter(Column::SeenAt.lt(before))
        .limit(limit)
        .into_query();
    let deleted = Entity::delete_many().filter(Column::Key.in_subquery(old)).exec(&**tx).await?;
    Ok(deleted.rows_affected)
}
