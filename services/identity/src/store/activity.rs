//! The queries of the table `activity`.

use roster_db::{DbError, Tx};
use roster_kernel::Timestamp;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, Set,
    sea_query::{Expr, OnConflict},
};

use super::entity::activity::{ActiveModel, Column, Entity};
use crate::domain::{DayActivity, DayRange};

/// Counts an account that is created.
pub async fn count_sign_up(tx: &Tx, now: Timestamp) -> Result<(), DbError> {
    count(tx, now, Column::SignUps, (1, 0)).await
}

/// Counts a user who signs in.
pub async fn count_login(tx: &Tx, now: Timestamp) -> Result<(), DbError> {
    count(tx, now, Column::Logins, (0, 1)).await
}

/// What happened on those of some days on which something happened, in their
/// order.
pub async fn list(
    connection: &impl ConnectionTrait,
    days: DayRange,
) -> Result<Vec<DayActivity>, DbError> {
    let rows = Entity::find()
        .filter(Column::Day.between(days.first(), days.last()))
        .order_by_asc(Column::Day)
        .all(connection)
        .await?;
    let activity = rows.into_iter().map(|row| DayActivity {
        day: row.day,
        sign_ups: row.sign_ups,
        logins: row.logins,
    });
    Ok(activity.collect())
}

/// Adds one to `what`, on a day that begins with `first` sign-ups and logins.
async fn count(tx: &Tx, now: Timestamp, what: Column, first: (i64, i64)) -> Result<(), DbError> {
    let row =
        ActiveModel { day: Set(now.date_naive()), sign_ups: Set(first.0), logins: Set(first.1) };
    let again =
        OnConflict::column(Column::Day).value(what, Expr::col((Entity, what)).add(1)).to_owned();
    Entity::insert(row).on_conflict(again).exec_without_returning(&**tx).await?;
    Ok(())
}
