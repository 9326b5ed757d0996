//! The queries of the table `activity`.

use roster_db::{DbError, Tx};
use roster_kernel::Timestamp;
use sea_orm::{
    EntityTrait, ExprTrait, Set,
    sea_query::{Expr, OnConflict},
};

use super::entity::activity::{ActiveModel, Column, Entity};

/// Counts an account that is created.
pub async fn count_sign_up(tx: &Tx, now: Timestamp) -> Result<(), DbError> {
    count(tx, now, Column::SignUps).await
}

/// Counts a user who signs in.
pub async fn count_login(tx: &Tx, now: Timestamp) -> Result<(), DbError> {
    count(tx, now, Column::Logins).await
}

async fn count(tx: &Tx, now: Timestamp, what: Column) -> Result<(), DbError> {
    let first = |column| i64::from(column == what);
    let row = ActiveModel {
        day: Set(now.date_naive()),
        sign_ups: Set(first(Column::SignUps)),
        logins: Set(first(Column::Logins)),
    };
    let again = OnConflict::column(Column::Day)
        .value(what, Expr::col((Entity, what)).add(1))
        .to_owned();
    Entity::insert(row).on_conflict(again).exec_without_returning(&**tx).await?;
    Ok(())
}
