//! The queries of the table `ontology`.

use roster_db::{DbError, Tx};
use roster_kernel::{Etag, PersonaId, Timestamp, UserId};
use roster_participant::{Place, subjects::erased_users};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

use super::{
    entity::ontology::{Column, Entity, Model},
    owned,
};
use crate::domain::{Cursor, Entry, History, Ontology};

/// The ontology of a persona, if it ever had content.
pub async fn find(
    connection: &impl ConnectionTrait,
    persona_id: PersonaId,
) -> Result<Option<Ontology>, DbError> {
    let row = Entity::find_by_id(persona_id.uuid()).one(connection).await?;
    row.map(ontology_of).transpose()
}

/// Stores the present state of an ontology that has a history. Whoever calls
/// has locked the persona.
pub async fn store(tx: &Tx, ontology: &Ontology, history: History) -> Result<(), DbError> {
    let row = row_of(ontology, history)?.into_active_model();
    let mut again = OnConflict::column(Column::PersonaId);
    again.update_columns([Column::Content, Column::Bytes, Column::UpdatedAt, Column::Etag]);
    Entity::insert(row).on_conflict(again).exec_without_returning(&**tx).await?;
    Ok(())
}

/// Where up to `limit` ontologies of `owner` stand, newest first, behind
/// `after`.
pub async fn list(
    connection: &impl ConnectionTrait,
    owner: UserId,
    after: Option<Cursor>,
    limit: u64,
) -> Result<Vec<Entry>, DbError> {
    let query = of(owner).apply_if(after, |query, after| {
        query.filter(place().lt(owned::place_of(after.created_at, after.id)))
    });
    let query = query.order_by_desc(Column::CreatedAt).order_by_desc(Column::PersonaId);
    entries(connection, query, limit).await
}

/// Where up to `limit` ontologies of `owner` stand, oldest first, behind
/// `after`.
pub async fn export(
    connection: &impl ConnectionTrait,
    owner: UserId,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<Entry>, DbError> {
    let query = of(owner).apply_if(after, |query, after| {
        query.filter(place().gt(owned::place_of(after.created_at, after.id)))
    });
    let query = query.order_by_asc(Column::CreatedAt).order_by_asc(Column::PersonaId);
    entries(connection, query, limit).await
}

/// The ontologies of `entries` that are still there and still `owner`'s, in
/// that order.
pub async fn read(
    connection: &impl ConnectionTrait,
    owner: UserId,
    entries: &[Entry],
) -> Result<Vec<Ontology>, DbError> {
    let ids = entries.iter().map(|entry| entry.cursor.id);
    let rows = of(owner).filter(Column::PersonaId.is_in(ids)).all(connection).await?;
    let rows = owned::in_order(entries, rows, |row| row.persona_id);
    rows.into_iter().map(ontology_of).collect()
}

/// Asks how many ontologies each of `users` has.
pub fn counted(users: &[UserId]) -> owned::Counted {
    owned::counted::<Entity>(Column::UserId, Column::PersonaId, users)
}

/// How many ontologies there are.
pub async fn count(connection: &impl ConnectionTrait) -> Result<i64, DbError> {
    Ok(i64::try_from(Entity::find().count(connection).await?).unwrap_or(i64::MAX))
}

/// Deletes the ontology of a persona.
pub async fn delete(tx: &Tx, persona_id: PersonaId) -> Result<(), DbError> {
    Entity::delete_by_id(persona_id.uuid()).exec(&**tx).await?;
    Ok(())
}

/// Gives the ontologies of personas of one user to another; answers how many.
pub async fn give(
    tx: &Tx,
    which: &owned::Given<'_>,
    to: UserId,
    etag: Etag,
    now: Timestamp,
) -> Result<u64, DbError> {
    let given = Entity::update_many()
        .col_expr(Column::UserId, Expr::val(to.uuid()))
        .col_expr(Column::Etag, Expr::val(etag.uuid()))
        .col_expr(Column::UpdatedAt, Expr::val(now))
        .filter(which.condition(Column::UserId, Column::PersonaId))
        .exec(&**tx)
        .await?;
    Ok(given.rows_affected)
}

/// Erases up to `limit` ontologies of a user; answers how many.
pub async fn erase(tx: &Tx, owner: UserId, limit: u64) -> Result<u64, DbError> {
    let ids = of(owner).select_only().column(Column::PersonaId).limit(limit).into_query();
    let erased =
        Entity::delete_many().filter(Column::PersonaId.in_subquery(ids)).exec(&**tx).await?;
    Ok(erased.rows_affected)
}

/// How many ontologies there are of users whose erasure is complete.
pub async fn count_orphans(connection: &impl ConnectionTrait) -> Result<u64, DbError> {
    let orphans = Entity::find().filter(Column::UserId.in_subquery(erased_users()));
    Ok(orphans.count(connection).await?)
}

fn of(owner: UserId) -> Select<Entity> {
    Entity::find().filter(Column::UserId.eq(owner.uuid()))
}

fn place() -> Expr {
    Expr::tuple([Column::CreatedAt.into_expr(), Column::PersonaId.into_expr()])
}

async fn entries(
    connection: &impl ConnectionTrait,
    query: Select<Entity>,
    limit: u64,
) -> Result<Vec<Entry>, DbError> {
    let rows: Vec<(Uuid, Timestamp, i64)> = query
        .select_only()
        .columns([Column::PersonaId, Column::CreatedAt, Column::Bytes])
        .limit(limit)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(owned::entry_of).collect())
}

fn row_of(ontology: &Ontology, history: History) -> Result<Model, DbError> {
    let unfit = |_| DbError::Unexpected("ontology.content");
    let bytes = serde_json::to_vec(&ontology.content).map_err(unfit)?.len();
    Ok(Model {
        persona_id: ontology.persona_id.uuid(),
        user_id: ontology.owner.uuid(),
        content: serde_json::to_value(&ontology.content).map_err(unfit)?,
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        created_at: history.created_at,
        updated_at: history.updated_at,
        etag: history.etag.uuid(),
    })
}

fn ontology_of(row: Model) -> Result<Ontology, DbError> {
    let content = serde_json::from_value(row.content);
    Ok(Ontology {
        persona_id: row.persona_id.into(),
        owner: row.user_id.into(),
        content: content.map_err(|_| DbError::Unexpected("ontology.content"))?,
        history: Some(History {
            created_at: row.created_at,
            updated_at: row.updated_at,
            etag: row.etag.into(),
        }),
    })
}
