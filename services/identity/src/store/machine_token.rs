//! The queries of the table `machine_token`.
//!
//! A token is *live* while it has not expired, its issuer is active, and the
//! issuer's session epoch is the one that it was issued under. Only live tokens
//! open anything, are listed or are counted, whatever has been cleaned up
//! already.

use roster_db::{Db, DbError, Tx, delete_in_batches};
use roster_kernel::{MachineTokenId, Timestamp, TokenHash, UserId};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel,
    JoinType, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, RelationTrait,
    Select,
    sea_query::{Expr, ExprTrait, SelectStatement},
};
use uuid::Uuid;

use super::{
    entity::{
        ledger,
        machine_token::{Column, Entity, Model, Relation},
    },
    ledger::state_name,
};
use crate::domain::{MachineToken, MachineTokenCursor, State, TokenName, TokenScope};

/// A live token with what a call needs to know of its issuer.
#[derive(Clone, Debug, FromQueryResult)]
pub struct LiveToken {
    /// The token.
    pub id: Uuid,
    /// Who issued it.
    pub issuer_id: Uuid,
    /// Whether it may only look.
    pub read_only: bool,
    /// From when on it is over.
    pub expires_at: Timestamp,
    /// When it was used last, coarsely.
    pub last_used_at: Option<Timestamp>,
    /// Whether the issuer is an administrator.
    pub is_admin: bool,
    /// Whether the issuer must choose a new password first.
    pub password_change_required: bool,
}

/// Adds a token.
pub async fn insert(tx: &Tx, token: &MachineToken, hash: TokenHash) -> Result<(), DbError> {
    let row = Model {
        id: token.id.uuid(),
        token_hash: hash.as_bytes().to_vec(),
        issuer_id: token.issuer.uuid(),
        epoch: token.epoch,
        name: token.name.as_str().to_owned(),
        read_only: token.scope == TokenScope::ReadOnly,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
    };
    Entity::insert(row.into_active_model()).exec_without_returning(&**tx).await?;
    Ok(())
}

/// The live token that a text stands for: one look-up by index in each of the
/// two tables, in one query.
pub async fn authenticate(
    connection: &impl ConnectionTrait,
    hash: TokenHash,
    now: Timestamp,
) -> Result<Option<LiveToken>, DbError> {
    let of_hash = Column::TokenHash.eq(hash.as_bytes().to_vec());
    Ok(with_issuer(now).filter(of_hash).into_model().one(connection).await?)
}

/// A token that a call was made with, if it is live still.
pub async fn find_live(
    connection: &impl ConnectionTrait,
    id: MachineTokenId,
    now: Timestamp,
) -> Result<Option<LiveToken>, DbError> {
    Ok(with_issuer(now).filter(Column::Id.eq(id.uuid())).into_model().one(connection).await?)
}

/// One live token, locked until the transaction ends.
pub async fn lock(
    tx: &Tx,
    id: MachineTokenId,
    now: Timestamp,
) -> Result<Option<MachineToken>, DbError> {
    let row = live(now).filter(Column::Id.eq(id.uuid())).lock_exclusive().one(&**tx).await?;
    Ok(row.map(token_of))
}

/// Up to `limit` live tokens, newest first, behind `after`.
pub async fn list(
    connection: &impl ConnectionTrait,
    after: Option<MachineTokenCursor>,
    limit: u64,
    now: Timestamp,
) -> Result<Vec<MachineToken>, DbError> {
    let rows = listing(after, limit, now).all(connection).await?;
    Ok(rows.into_iter().map(token_of).collect())
}

fn listing(after: Option<MachineTokenCursor>, limit: u64, now: Timestamp) -> Select<Entity> {
    live(now)
        .apply_if(after, |query, after| {
            let row = Expr::tuple([Expr::col(Column::CreatedAt), Expr::col(Column::Id)]);
            let last = Expr::tuple([Expr::val(after.created_at), Expr::val(after.id.uuid())]);
            query.filter(row.lt(last))
        })
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
}

/// How many tokens are live.
pub async fn count_live(connection: &impl ConnectionTrait, now: Timestamp) -> Result<u64, DbError> {
    Ok(live(now).count(connection).await?)
}

/// All tokens of an issuer, live or not, oldest first.
pub async fn of_issuer(
    connection: &impl ConnectionTrait,
    issuer: UserId,
) -> Result<Vec<MachineToken>, DbError> {
    let rows = issued_by(issuer).order_by_asc(Column::Id).all(connection).await?;
    Ok(rows.into_iter().map(token_of).collect())
}

/// How many tokens an issuer has, live or not.
pub async fn count(connection: &impl ConnectionTrait, issuer: UserId) -> Result<u64, DbError> {
    Ok(issued_by(issuer).count(connection).await?)
}

/// Notes that a token was used at `at`, unless a later use is noted.
pub async fn mark_used(tx: &Tx, id: MachineTokenId, at: Timestamp) -> Result<(), DbError> {
    let earlier = Column::LastUsedAt.is_null().or(Column::LastUsedAt.lt(at));
    Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(at))
        .filter(Column::Id.eq(id.uuid()))
        .filter(earlier)
        .exec(&**tx)
        .await?;
    Ok(())
}

/// Ends a token.
pub async fn delete(tx: &Tx, id: MachineTokenId) -> Result<(), DbError> {
    Entity::delete_by_id(id.uuid()).exec(&**tx).await?;
    Ok(())
}

/// Removes all tokens of an issuer, live or not; answers how many.
pub async fn delete_of_issuer(tx: &Tx, issuer: UserId) -> Result<u64, DbError> {
    let of_issuer = Entity::delete_many().filter(Column::IssuerId.eq(issuer.uuid()));
    Ok(of_issuer.exec(&**tx).await?.rows_affected)
}

/// Removes those tokens of an issuer that are not live.
pub async fn delete_ended(tx: &Tx, issuer: UserId, now: Timestamp) -> Result<(), DbError> {
    let ended = ended(now).filter(Column::IssuerId.eq(issuer.uuid()));
    let ended = ended.select_only().column(Column::Id).into_query();
    Entity::delete_many().filter(Column::Id.in_subquery(ended)).exec(&**tx).await?;
    Ok(())
}

/// Ends all tokens of everybody; answers how many.
pub async fn delete_all(tx: &Tx) -> Result<u64, DbError> {
    Ok(Entity::delete_many().exec(&**tx).await?.rows_affected)
}

/// Removes the tokens that are not live; answers how many.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<u64, DbError> {
    delete_in_batches(db, |batch| {
        let ended = ended(now).select_only().column(Column::Id).limit(batch).into_query();
        Entity::delete_many().filter(Column::Id.in_subquery(ended))
    })
    .await
}

/// The live tokens, each with its issuer.
fn with_issuer(now: Timestamp) -> Select<Entity> {
    Entity::find()
        .select_only()
        .columns([Column::Id, Column::IssuerId, Column::ReadOnly])
        .columns([Column::ExpiresAt, Column::LastUsedAt])
        .columns([ledger::Column::IsAdmin, ledger::Column::PasswordChangeRequired])
        .join(JoinType::InnerJoin, Relation::Issuer.def())
        .filter(Column::ExpiresAt.gt(now))
        .filter(stands())
}

/// What makes an unexpired token live, as far as its issuer is concerned.
fn stands() -> Condition {
    Condition::all().add(ledger::Column::State.eq(state_name(State::Active))).add(
        Expr::col((Entity, Column::Epoch)).equals((ledger::Entity, ledger::Column::SessionEpoch)),
    )
}

fn live(now: Timestamp) -> Select<Entity> {
    // Not a join: the order of a list comes from an index of this table,
    // which must stay the one that is walked.
    Entity::find().filter(Column::ExpiresAt.gt(now)).filter(Expr::exists(standing_issuer()))
}

fn ended(now: Timestamp) -> Select<Entity> {
    let no_issuer = Expr::exists(standing_issuer()).not();
    Entity::find().filter(Column::ExpiresAt.lte(now).or(no_issuer))
}

fn standing_issuer() -> SelectStatement {
    let issuer = Expr::col((ledger::Entity, ledger::Column::UserId));
    ledger::Entity::find()
        .select_only()
        .expr(Expr::val(1))
        .filter(issuer.equals((Entity, Column::IssuerId)))
        .filter(stands())
        .into_query()
}

fn issued_by(issuer: UserId) -> Select<Entity> {
    Entity::find().filter(Column::IssuerId.eq(issuer.uuid()))
}

fn token_of(row: Model) -> MachineToken {
    MachineToken {
        id: row.id.into(),
        name: TokenName::stored(row.name),
        scope: if row.read_only { TokenScope::ReadOnly } else { TokenScope::Admin },
        issuer: row.issuer_id.into(),
        epoch: row.epoch,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    }
}

#[cfg(test)]
mod tests {
    use roster_testkit::TempDb;

    use super::*;
    use crate::Migrator;

    #[tokio::test]
    async fn every_page_is_read_off_an_index() {
        let db = TempDb::new::<Migrator>().await;
        let (_, env) = roster_testkit::env(1);
        let (created_at, id) = (env.now(), MachineTokenId::generate(&env));
        for after in [None, Some(MachineTokenCursor { created_at, id })] {
            let listing = listing(after, 51, env.now());
            let listing = listing.build(db.db.read().get_database_backend());
            let plan = db.plan(&listing.to_string()).await;
            assert!(plan.contains("machine_token_newest"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("Sort"), "{plan}");
        }
    }

    #[tokio::test]
    async fn a_token_is_found_by_its_hash() {
        let db = TempDb::new::<Migrator>().await;
        let (_, env) = roster_testkit::env(1);
        let hash = Column::TokenHash.eq(vec![0_u8; 32]);
        let query = with_issuer(env.now()).filter(hash);
        let query = query.build(db.db.read().get_database_backend());
        let plan = db.plan(&query.to_string()).await;
        assert!(plan.contains("machine_token_hash"), "{plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("Seq Scan"), "{plan}");
    }
}
