//! The queries of the table `ledger`.

use roster_db::{DbError, Tx};
use roster_kernel::UserId;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Asterisk, Expr, ExprTrait},
};

use super::{
    entity::ledger::{Column, Entity, Model},
    guard::Turn,
};
use crate::domain::{Role, State, Subject, UserTotals, Version};

/// How many states one statement changes at the most.
const TOGETHER: u64 = 10_000;

/// Notes the first state of a user.
pub async fn insert(tx: &Tx, turn: Turn, subject: &Subject) -> Result<(), DbError> {
    row(subject, turn.sequence).into_active_model().insert(&**tx).await?;
    Ok(())
}

/// Notes a later state of a user.
pub async fn update(tx: &Tx, turn: Turn, subject: &Subject) -> Result<(), DbError> {
    row(subject, turn.sequence).into_active_model().reset_all().update(&**tx).await?;
    Ok(())
}

/// The last state of a user, deleted or not.
pub async fn find(
    connection: &impl ConnectionTrait,
    user_id: UserId,
) -> Result<Option<Subject>, DbError> {
    let row = Entity::find_by_id(user_id.uuid()).one(connection).await?;
    row.as_ref().map(subject_of).transpose()
}

/// The same, locked until the transaction ends: a deletion waits for it.
pub async fn lock(tx: &Tx, user_id: UserId) -> Result<Option<Subject>, DbError> {
    let row = Entity::find_by_id(user_id.uuid()).lock_exclusive().one(&**tx).await?;
    row.as_ref().map(subject_of).transpose()
}

/// Up to `limit` states behind a place in the ledger, each with its place.
pub async fn list(
    connection: &impl ConnectionTrait,
    after: i64,
    limit: u64,
) -> Result<Vec<(i64, Subject)>, DbError> {
    let rows = Entity::find()
        .filter(Column::Sequence.gt(after))
        .order_by_asc(Column::Sequence)
        .limit(limit)
        .all(connection)
        .await?;
    rows.into_iter().map(|row| Ok((row.sequence, subject_of(&row)?))).collect()
}

/// The last states of those of some users who ever were.
pub async fn find_some(
    connection: &impl ConnectionTrait,
    users: &[UserId],
) -> Result<Vec<Subject>, DbError> {
    let ids = users.iter().map(|user| user.uuid());
    let rows = Entity::find().filter(Column::UserId.is_in(ids)).all(connection).await?;
    rows.iter().map(subject_of).collect()
}

/// Makes every state newer than all that had been given out before
/// `incarnation`, unchanged otherwise.
pub async fn begin_incarnation(tx: &Tx, incarnation: i64) -> Result<(), DbError> {
    loop {
        // Some at a time, so that no statement takes too long.
        let older = Entity::find()
            .select_only()
            .column(Column::UserId)
            .filter(Column::Incarnation.lt(incarnation))
            .limit(TOGETHER)
            .into_query();
        let updated = Entity::update_many()
            .col_expr(Column::Incarnation, Expr::value(incarnation))
            .filter(Column::UserId.in_subquery(older))
            .exec(&**tx)
            .await?;
        if updated.rows_affected < TOGETHER {
            return Ok(());
        }
    }
}

/// How many users are in a state.
pub async fn count(connection: &impl ConnectionTrait, state: State) -> Result<u64, DbError> {
    let users = Entity::find().filter(Column::State.eq(state_name(state)));
    Ok(users.count(connection).await?)
}

/// Whether there has never been a user.
pub async fn is_empty(connection: &impl ConnectionTrait) -> Result<bool, DbError> {
    Ok(Entity::find().limit(1).one(connection).await?.is_none())
}

/// How many users can administer others.
pub async fn count_enabled_admins(tx: &Tx) -> Result<u64, DbError> {
    let admins = Entity::find()
        .filter(Column::IsAdmin.eq(true))
        .filter(Column::State.eq(state_name(State::Active)));
    Ok(admins.count(&**tx).await?)
}

/// How many users there are: one walk through an index of two short columns,
/// which ends within some milliseconds at 100,000 users. Counters of their own
/// would have to be right after every change, for a page that is rarely looked
/// at.
pub async fn totals(connection: &impl ConnectionTrait) -> Result<UserTotals, DbError> {
    let rows: Vec<(bool, String, i64)> = totalling().into_tuple().all(connection).await?;
    let mut totals = UserTotals::default();
    for (is_admin, state, count) in rows {
        totals.users += count;
        totals.admins += if is_admin { count } else { 0 };
        totals.disabled += if state == state_name(State::Disabled) { count } else { 0 };
    }
    Ok(totals)
}

fn totalling() -> Select<Entity> {
    Entity::find()
        .select_only()
        .column(Column::IsAdmin)
        .column(Column::State)
        .expr_as(Expr::col(Asterisk).count(), "count")
        .filter(Column::State.ne(state_name(State::Deleted)))
        .group_by(Column::IsAdmin)
        .group_by(Column::State)
}

/// The name that a state is stored under.
pub const fn state_name(state: State) -> &'static str {
    match state {
        State::Active => "active",
        State::Disabled => "disabled",
        State::Deleted => "deleted",
    }
}

/// The state that a row holds.
pub fn subject_of(row: &Model) -> Result<Subject, DbError> {
    let state = [State::Active, State::Disabled, State::Deleted]
        .into_iter()
        .find(|state| state_name(*state) == row.state)
        .ok_or(DbError::Unexpected("ledger.state"))?;
    Ok(Subject {
        user_id: row.user_id.into(),
        version: Version { incarnation: row.incarnation, number: row.number },
        session_epoch: row.session_epoch,
        role: Role::of(row.is_admin),
        state,
        password_change_required: row.password_change_required,
    })
}

fn row(subject: &Subject, sequence: i64) -> Model {
    Model {
        user_id: subject.user_id.uuid(),
        incarnation: subject.version.incarnation,
        number: subject.version.number,
        session_epoch: subject.session_epoch,
        is_admin: subject.role == Role::Admin,
        state: state_name(subject.state).to_owned(),
        password_change_required: subject.password_change_required,
        sequence,
    }
}

#[cfg(test)]
mod tests {
    use roster_testkit::TempDb;

    use super::*;
    use crate::Migrator;

    #[tokio::test]
    async fn totals_are_read_off_an_index() {
        let db = TempDb::new::<Migrator>().await;
        let totalling = totalling().build(db.db.read().get_database_backend());
        let plan = db.plan(&totalling.to_string()).await;
        assert!(plan.contains("ledger_role"), "{plan}");
        let covered = plan.contains("COVERING INDEX") || plan.contains("Index Only Scan");
        assert!(covered && !plan.contains("Seq Scan"), "{plan}");
    }
}
