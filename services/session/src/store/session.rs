//! The queries of the table `session`.
//!
//! A session is *live* while it has not expired, its user is active and no
//! newer session epoch of the user is known. Only live sessions open anything,
//! are listed or are counted, whatever has been cleaned up already.

use roster_db::{DbError, Tx};
use roster_kernel::{SessionId, Timestamp, TokenHash, UserId};
use roster_participant::{
    Place, State,
    subjects::{entity as subject, erased_users, state_name},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult,
    JoinType, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, RelationTrait,
    Select, Set,
    sea_query::{Expr, ExprTrait, SelectStatement},
};
use uuid::Uuid;

use super::entity::session::{ActiveModel, Column, Entity, Model, Relation};
use crate::domain::{Cursor, Session, SessionFilter, UserAgent};

/// A live session with what a call needs to know of its user.
#[derive(Clone, Debug, FromQueryResult)]
pub struct LiveSession {
    /// The session.
    pub id: Uuid,
    /// Its user.
    pub user_id: Uuid,
    /// From when on it is over.
    pub expires_at: Timestamp,
    /// When it was last used, coarsely.
    pub last_seen_at: Timestamp,
    /// Whether the user is an administrator.
    pub is_admin: bool,
    /// Whether the user must choose a new password first.
    pub password_change_required: bool,
}

/// Adds a session.
pub async fn insert(tx: &Tx, session: &Session, token: TokenHash) -> Result<(), DbError> {
    let row = ActiveModel {
        id: Set(session.id.uuid()),
        token_hash: Set(token.as_bytes().to_vec()),
        user_id: Set(session.user_id.uuid()),
        epoch: Set(session.epoch),
        created_at: Set(session.created_at),
        expires_at: Set(session.expires_at),
        last_seen_at: Set(session.last_seen_at),
        address: Set(session.address.map(|address| address.to_string())),
        user_agent: Set(session.user_agent.as_str().to_owned()),
    };
    row.insert(&**tx).await?;
    Ok(())
}

/// The live session that a token opens: one look-up by index in each of the
/// two tables, in one query.
pub async fn authenticate(
    connection: &impl ConnectionTrait,
    token: TokenHash,
    now: Timestamp,
) -> Result<Option<LiveSession>, DbError> {
    let found = Entity::find()
        .select_only()
        .columns([Column::Id, Column::UserId, Column::ExpiresAt, Column::LastSeenAt])
        .columns([subject::Column::IsAdmin, subject::Column::PasswordChangeRequired])
        .join(JoinType::InnerJoin, Relation::Subject.def())
        .filter(Column::TokenHash.eq(token.as_bytes().to_vec()))
        .filter(Column::ExpiresAt.gt(now))
        .filter(open_to_user())
        .into_model::<LiveSession>()
        .one(connection)
        .await?;
    Ok(found)
}

/// One live session, by its id and, where given, its owner.
pub async fn find(
    connection: &impl ConnectionTrait,
    id: SessionId,
    owner: Option<UserId>,
    now: Timestamp,
) -> Result<Option<Session>, DbError> {
    let filter = owner.map(SessionFilter::of_user).unwrap_or_default();
    let row = live(&filter, now).filter(Column::Id.eq(id.uuid())).one(connection).await?;
    row.map(session_of).transpose()
}

/// Up to `limit` live sessions that match, newest first, behind `after`.
pub async fn list(
    connection: &impl ConnectionTrait,
    filter: &SessionFilter,
    after: Option<Cursor>,
    limit: u64,
    now: Timestamp,
) -> Result<Vec<Session>, DbError> {
    let mut query =
        live(filter, now).order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).limit(limit);
    if let Some(after) = after {
        let row = Expr::tuple([Column::CreatedAt.into_expr(), Column::Id.into_expr()]);
        let last = Expr::tuple([Expr::val(after.created_at), Expr::val(after.id.uuid())]);
        query = query.filter(row.lt(last));
    }
    query.all(connection).await?.into_iter().map(session_of).collect()
}

/// How many live sessions match, `spared` left out.
pub async fn count(
    connection: &impl ConnectionTrait,
    filter: &SessionFilter,
    spared: Option<SessionId>,
    now: Timestamp,
) -> Result<u64, DbError> {
    Ok(sparing(live(filter, now), spared).count(connection).await?)
}

/// How many live sessions each of `users` has; those without are left out.
pub async fn count_by_user(
    connection: &impl ConnectionTrait,
    users: &[UserId],
    now: Timestamp,
) -> Result<Vec<(UserId, i64)>, DbError> {
    let counts: Vec<(Uuid, i64)> = live(&SessionFilter::default(), now)
        .select_only()
        .column(Column::UserId)
        .column_as(Column::Id.count(), "sessions")
        .filter(Column::UserId.is_in(users.iter().map(|user| user.uuid())))
        .group_by(Column::UserId)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(counts.into_iter().map(|(user, count)| (user.into(), count)).collect())
}

/// Up to `limit` sessions of a user, live or not, oldest first, behind `after`.
pub async fn export(
    connection: &impl ConnectionTrait,
    user_id: UserId,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<Session>, DbError> {
    let rows = Entity::find()
        .filter(Column::UserId.eq(user_id.uuid()))
        .apply_if(after, |query, after| {
            let row = Expr::tuple([Column::CreatedAt.into_expr(), Column::Id.into_expr()]);
            query.filter(row.gt(Expr::tuple([Expr::val(after.created_at), Expr::val(after.id)])))
        })
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(connection)
        .await?;
    rows.into_iter().map(session_of).collect()
}

/// How many sessions there are of users whose erasure is complete.
pub async fn count_orphans(connection: &impl ConnectionTrait) -> Result<u64, DbError> {
    let orphans = Entity::find().filter(Column::UserId.in_subquery(erased_users()));
    Ok(orphans.count(connection).await?)
}

/// Ends one session of a user, live or not; answers how many that were.
pub async fn delete(tx: &Tx, id: SessionId, owner: UserId) -> Result<u64, DbError> {
    let deleted = Entity::delete_many()
        .filter(Column::Id.eq(id.uuid()))
        .filter(Column::UserId.eq(owner.uuid()))
        .exec(&**tx)
        .await?;
    Ok(deleted.rows_affected)
}

/// Ends up to `limit` live sessions that match, `spared` left out; answers
/// how many.
pub async fn delete_matching(
    tx: &Tx,
    filter: &SessionFilter,
    spared: Option<SessionId>,
    limit: u64,
    now: Timestamp,
) -> Result<u64, DbError> {
    delete_some(tx, sparing(live(filter, now), spared), limit).await
}

/// Erases up to `limit` sessions of a user, live or not; answers how many.
pub async fn erase(tx: &Tx, user_id: UserId, limit: u64) -> Result<u64, DbError> {
    delete_some(tx, Entity::find().filter(Column::UserId.eq(user_id.uuid())), limit).await
}

/// Ends up to `limit` sessions of a user that were opened under an epoch below
/// `epoch`; answers how many.
pub async fn delete_below_epoch(
    tx: &Tx,
    user_id: UserId,
    epoch: i64,
    limit: u64,
) -> Result<u64, DbError> {
    let below =
        Entity::find().filter(Column::UserId.eq(user_id.uuid())).filter(Column::Epoch.lt(epoch));
    delete_some(tx, below, limit).await
}

/// Ends up to `limit` sessions of anybody, live or not; answers how many.
pub async fn delete_any(tx: &Tx, limit: u64) -> Result<u64, DbError> {
    delete_some(tx, Entity::find(), limit).await
}

/// Deletes up to `limit` sessions that have expired; answers how many.
pub async fn delete_expired(tx: &Tx, limit: u64, now: Timestamp) -> Result<u64, DbError> {
    delete_some(tx, Entity::find().filter(Column::ExpiresAt.lte(now)), limit).await
}

/// Notes that a session was used at `at`, unless a later use is noted.
pub async fn mark_seen(tx: &Tx, id: SessionId, at: Timestamp) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::LastSeenAt, Expr::val(at))
        .filter(Column::Id.eq(id.uuid()))
        .filter(Column::LastSeenAt.lt(at))
        .exec(&**tx)
        .await?;
    Ok(())
}

/// What makes an unexpired session live, as far as its user is concerned.
fn open_to_user() -> Condition {
    Condition::all()
        .add(subject::Column::State.eq(state_name(State::Active)))
        .add(Expr::col((Entity, Column::Epoch)).gte(subject::Column::SessionEpoch.into_expr()))
}

/// The live sessions that match.
fn live(filter: &SessionFilter, now: Timestamp) -> Select<Entity> {
    // Not a join: the order of a list comes from an index of this table,
    // which must stay the one that is walked.
    let user: SelectStatement = subject::Entity::find()
        .select_only()
        .expr(Expr::val(1))
        .filter(
            Expr::col((subject::Entity, subject::Column::UserId)).equals((Entity, Column::UserId)),
        )
        .filter(open_to_user())
        .into_query();
    Entity::find()
        .filter(Column::ExpiresAt.gt(now))
        .filter(Expr::exists(user))
        .apply_if(filter.user_id, |query, user| query.filter(Column::UserId.eq(user.uuid())))
        .apply_if(filter.address, |query, address| {
            query.filter(Column::Address.eq(address.to_string()))
        })
        .apply_if(filter.created_from, |query, from| query.filter(Column::CreatedAt.gte(from)))
        .apply_if(filter.created_before, |query, before| query.filter(Column::CreatedAt.lt(before)))
}

fn sparing(query: Select<Entity>, spared: Option<SessionId>) -> Select<Entity> {
    query.apply_if(spared, |query, id| query.filter(Column::Id.ne(id.uuid())))
}

async fn delete_some(tx: &Tx, which: Select<Entity>, limit: u64) -> Result<u64, DbError> {
    // Locked: what somebody else deletes meanwhile does not count towards the
    // limit, so fewer than that means that nothing is left.
    let ids = which.select_only().column(Column::Id).limit(limit).lock_exclusive().into_query();
    let deleted = Entity::delete_many().filter(Column::Id.in_subquery(ids)).exec(&**tx).await?;
    Ok(deleted.rows_affected)
}

fn session_of(row: Model) -> Result<Session, DbError> {
    let address = row.address.map(|text| text.parse()).transpose();
    Ok(Session {
        id: row.id.into(),
        user_id: row.user_id.into(),
        epoch: row.epoch,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_seen_at: row.last_seen_at,
        address: address.map_err(|_| DbError::Unexpected("session.address"))?,
        user_agent: UserAgent::cut(&row.user_agent),
    })
}
