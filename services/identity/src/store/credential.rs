//! The queries of the table `credential`.

use roster_db::{DbError, Tx};
use roster_kernel::{Timestamp, UserId};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter,
    QuerySelect, RelationTrait, Set,
};

use super::entity::{
    credential::{ActiveModel, Column, Entity, Relation},
    user,
};
use crate::domain::{PasswordFacts, Username};

/// Stores the hash of a new user's password.
pub async fn insert(tx: &Tx, user_id: UserId, hash: String, now: Timestamp) -> Result<(), DbError> {
    let row = ActiveModel { user_id: Set(user_id.uuid()), hash: Set(hash), changed_at: Set(now) };
    row.insert(&**tx).await?;
    Ok(())
}

/// The stored hash of a user's password.
pub async fn find(
    connection: &impl ConnectionTrait,
    user_id: UserId,
) -> Result<Option<String>, DbError> {
    Ok(Entity::find_by_id(user_id.uuid()).one(connection).await?.map(|row| row.hash))
}

/// What can be told of a user's password.
pub async fn facts(
    connection: &impl ConnectionTrait,
    user_id: UserId,
) -> Result<Option<PasswordFacts>, DbError> {
    let row = Entity::find_by_id(user_id.uuid()).one(connection).await?;
    Ok(row.map(|row| PasswordFacts { changed_at: row.changed_at }))
}

/// Whose password a username stands for, and its stored hash: one query,
/// whether there is such a user or not.
pub async fn find_by_username(
    connection: &impl ConnectionTrait,
    username: &Username,
) -> Result<Option<(UserId, String)>, DbError> {
    let row = Entity::find()
        .join(JoinType::InnerJoin, Relation::User.def())
        .filter(user::Column::Username.eq(username.as_str()))
        .one(connection)
        .await?;
    Ok(row.map(|row| (row.user_id.into(), row.hash)))
}

/// Stores the hash of another password.
pub async fn change(tx: &Tx, user_id: UserId, hash: String, now: Timestamp) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::Hash, Expr::value(hash))
        .col_expr(Column::ChangedAt, Expr::value(now))
        .filter(Column::UserId.eq(user_id.uuid()))
        .exec(&**tx)
        .await?;
    Ok(())
}

/// Stores another hash of the same password.
pub async fn rehash(tx: &Tx, user_id: UserId, hash: String) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::Hash, Expr::value(hash))
        .filter(Column::UserId.eq(user_id.uuid()))
        .exec(&**tx)
        .await?;
    Ok(())
}

/// Removes the credential of a user; answers how many rows that were.
pub async fn delete(tx: &Tx, user_id: UserId) -> Result<u64, DbError> {
    Ok(Entity::delete_by_id(user_id.uuid()).exec(&**tx).await?.rows_affected)
}
