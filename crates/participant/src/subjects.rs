//! The users that a service knows of: one row each, locked by whoever
//! creates or erases something of theirs.

pub mod entity;

use roster_db::{DbError, Tx};
use roster_kernel::{Timestamp, UserId};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait, Set,
    sea_query::{OnConflict, SelectStatement},
};

use crate::{Counts, Role, State, Subject, Version};

/// Whether something may be created for a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may; the row is locked until the transaction ends, so no deletion
    /// can come in between.
    Alive(Subject),
    /// The user is deleted.
    Deleted,
}

/// The state of a user as this service knows it.
pub async fn find(
    connection: &impl ConnectionTrait,
    user_id: UserId,
) -> Result<Option<Subject>, DbError> {
    let row = entity::Entity::find_by_id(user_id.uuid()).one(connection).await?;
    row.map(|row| subject_of(&row)).transpose()
}

/// Asks, first thing in the transaction that creates something for a user,
/// whether that may be. A user never heard of may: the edge knows them.
pub async fn admit(tx: &Tx, user_id: UserId, now: Timestamp) -> Result<Admission, DbError> {
    let unheard = Subject {
        user_id,
        version: Version::default(),
        session_epoch: 0,
        role: Role::User,
        state: State::Active,
        password_change_required: false,
    };
    let subject = lock(tx, unheard, now).await?;
    Ok(match subject.state {
        State::Active | State::Disabled => Admission::Alive(subject),
        State::Deleted => Admission::Deleted,
    })
}

/// Takes a newer state in, or leaves the row as it is when `subject` is not
/// newer; answers the row as it stands afterwards, locked.
pub async fn merge(tx: &Tx, subject: Subject, now: Timestamp) -> Result<Subject, DbError> {
    let stored = lock(tx, subject, now).await?;
    // Deletion is final whatever the versions say: a restored identity may
    // count anew, but an id never comes back.
    let newer = subject.version > stored.version || subject.state == State::Deleted;
    if stored.state == State::Deleted || !newer {
        return Ok(stored);
    }
    let mut row = row_of(subject, now);
    // The epoch only rises: a session that was over stays over.
    let session_epoch = subject.session_epoch.max(stored.session_epoch);
    row.session_epoch = Set(session_epoch);
    row.update(&**tx).await?;
    Ok(Subject { session_epoch, ..subject })
}

/// Inserts the row if it is absent, locks it and answers it.
async fn lock(tx: &Tx, absent: Subject, now: Timestamp) -> Result<Subject, DbError> {
    entity::Entity::insert(row_of(absent, now))
        .on_conflict(OnConflict::column(entity::Column::UserId).do_nothing().to_owned())
        .exec_without_returning(&**tx)
        .await?;
    let row = entity::Entity::find_by_id(absent.user_id.uuid())
        .lock_exclusive()
        .one(&**tx)
        .await?
        .ok_or(DbError::Unexpected("subject"))?;
    subject_of(&row)
}

/// Up to `limit` users whom the service knows of, by id, behind `after`.
pub(crate) async fn list(
    connection: &impl ConnectionTrait,
    after: Option<UserId>,
    limit: u64,
) -> Result<Vec<Subject>, DbError> {
    let rows = entity::Entity::find()
        .apply_if(after, |query, after| query.filter(entity::Column::UserId.gt(after.uuid())))
        .order_by_asc(entity::Column::UserId)
        .limit(limit)
        .all(connection)
        .await?;
    rows.iter().map(subject_of).collect()
}

/// The newest version of all that the service knows.
pub(crate) async fn newest_version(connection: &impl ConnectionTrait) -> Result<Version, DbError> {
    let newest: Option<(i64, i64)> = entity::Entity::find()
        .select_only()
        .columns([entity::Column::Incarnation, entity::Column::Number])
        .order_by_desc(entity::Column::Incarnation)
        .order_by_desc(entity::Column::Number)
        .into_tuple()
        .one(connection)
        .await?;
    let version = |(incarnation, number)| Version { incarnation, number };
    Ok(newest.map(version).unwrap_or_default())
}

/// The ids of the users of whom everything has been erased, for queries that
/// look for what should not be left of them.
#[must_use]
pub fn erased_users() -> SelectStatement {
    entity::Entity::find()
        .select_only()
        .column(entity::Column::UserId)
        .filter(entity::Column::State.eq(state_name(State::Deleted)))
        .filter(entity::Column::ErasedAt.is_not_null())
        .into_query()
}

/// How many rows of each kind have been erased so far; the row must exist, and
/// is locked, so that two that erase do not count over each other.
pub(crate) async fn erased(tx: &Tx, user_id: UserId) -> Result<Counts, DbError> {
    let row = entity::Entity::find_by_id(user_id.uuid())
        .lock_exclusive()
        .one(&**tx)
        .await?
        .ok_or(DbError::Unexpected("subject"))?;
    let counts = row.erased.map(serde_json::from_value).transpose();
    Ok(counts.map_err(|_| DbError::Unexpected("subject.erased"))?.unwrap_or_default())
}

/// Notes how far the erasure of a user is.
pub(crate) async fn note_erasure(
    tx: &Tx,
    user_id: UserId,
    counts: &Counts,
    complete: Option<Timestamp>,
) -> Result<(), DbError> {
    let erased = serde_json::to_value(counts).map_err(|_| DbError::Unexpected("subject.erased"))?;
    let row = entity::ActiveModel {
        user_id: Set(user_id.uuid()),
        erased: Set(Some(erased)),
        erased_at: Set(complete),
        ..Default::default()
    };
    row.update(&**tx).await?;
    Ok(())
}

fn row_of(subject: Subject, now: Timestamp) -> entity::ActiveModel {
    entity::ActiveModel {
        user_id: Set(subject.user_id.uuid()),
        incarnation: Set(subject.version.incarnation),
        number: Set(subject.version.number),
        session_epoch: Set(subject.session_epoch),
        is_admin: Set(subject.role == Role::Admin),
        state: Set(state_name(subject.state).to_owned()),
        password_change_required: Set(subject.password_change_required),
        updated_at: Set(now),
        ..Default::default()
    }
}

/// The name that a state is stored under. Public for queries that join the
/// table, such as the authentication of a session.
#[must_use]
pub const fn state_name(state: State) -> &'static str {
    match state {
        State::Active => "active",
        State::Disabled => "disabled",
        State::Deleted => "deleted",
    }
}

fn subject_of(row: &entity::Model) -> Result<Subject, DbError> {
    let state = [State::Active, State::Disabled, State::Deleted]
        .into_iter()
        .find(|state| state_name(*state) == row.state)
        .ok_or(DbError::Unexpected("subject.state"))?;
    Ok(Subject {
        user_id: row.user_id.into(),
        version: Version { incarnation: row.incarnation, number: row.number },
        session_epoch: row.session_epoch,
        role: if row.is_admin { Role::Admin } else { Role::User },
        state,
        password_change_required: row.password_change_required,
    })
}
