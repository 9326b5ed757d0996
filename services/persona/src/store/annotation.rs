//! The queries of the table `annotation`.
//!
//! Whatever a user asks for goes through the owner: an annotation of somebody
//! else is not found. Lists find out first where annotations stand and how
//! large they are, and then read those that fit into a page: two hundred of
//! the largest would not fit into memory many times over.

use roster_db::{DbError, Tx};
use roster_kernel::{AnnotationId, Etag, PersonaId, Timestamp, UserId};
use roster_participant::{Place, subjects::erased_users};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{
    entity::annotation::{Column, Entity, Model},
    owned,
};
use crate::domain::{
    Annotation, AnnotationContent, AnnotationFilter, Confidence, Cursor, Entry, Text,
};

/// Adds an annotation. Whoever calls has locked the persona.
pub async fn insert(tx: &Tx, annotation: &Annotation) -> Result<(), DbError> {
    let row = row_of(annotation)?.into_active_model();
    Entity::insert(row).exec_without_returning(&**tx).await?;
    Ok(())
}

/// The annotation `id` of `owner`.
pub async fn find(
    connection: &impl ConnectionTrait,
    id: AnnotationId,
    owner: UserId,
) -> Result<Option<Annotation>, DbError> {
    one(id, owner).one(connection).await?.map(annotation_of).transpose()
}

/// The annotation `id` of `owner`, locked until the transaction ends.
pub async fn lock(tx: &Tx, id: AnnotationId, owner: UserId) -> Result<Option<Annotation>, DbError> {
    one(id, owner).lock_exclusive().one(&**tx).await?.map(annotation_of).transpose()
}

/// Stores the present state of an annotation that exists.
pub async fn update(tx: &Tx, annotation: &Annotation) -> Result<(), DbError> {
    row_of(annotation)?.into_active_model().reset_all().update(&**tx).await?;
    Ok(())
}

/// Deletes an annotation.
pub async fn delete(tx: &Tx, id: AnnotationId) -> Result<(), DbError> {
    Entity::delete_by_id(id.uuid()).exec(&**tx).await?;
    Ok(())
}

/// Deletes the annotations of a persona.
pub async fn delete_of_persona(tx: &Tx, persona_id: PersonaId) -> Result<(), DbError> {
    Entity::delete_many().filter(Column::PersonaId.eq(persona_id.uuid())).exec(&**tx).await?;
    Ok(())
}

/// Where up to `limit` annotations of `owner` that match stand, newest first,
/// behind `after`.
pub async fn list(
    connection: &impl ConnectionTrait,
    owner: UserId,
    filter: &AnnotationFilter,
    after: Option<Cursor>,
    limit: u64,
) -> Result<Vec<Entry>, DbError> {
    let query = of(owner)
        .apply_if(filter.persona_id, |query, id| query.filter(Column::PersonaId.eq(id.uuid())))
        .apply_if(filter.video_id.as_ref(), |query, id| {
            query.filter(Column::VideoId.eq(id.as_str()))
        })
        .apply_if(after, |query, after| {
            query.filter(place().lt(owned::place_of(after.created_at, after.id)))
        });
    let query = query.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    entries(connection, query, limit).await
}

/// Where up to `limit` annotations of `owner` stand, oldest first, behind
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
    let query = query.order_by_asc(Column::CreatedAt).order_by_asc(Column::Id);
    entries(connection, query, limit).await
}

/// The annotations of `entries` that are still there and still `owner`'s, in
/// that order.
pub async fn read(
    connection: &impl ConnectionTrait,
    owner: UserId,
    entries: &[Entry],
) -> Result<Vec<Annotation>, DbError> {
    let ids = entries.iter().map(|entry| entry.cursor.id);
    let rows = of(owner).filter(Column::Id.is_in(ids)).all(connection).await?;
    let rows = owned::in_order(entries, rows, |row| row.id);
    rows.into_iter().map(annotation_of).collect()
}

/// Asks how many annotations each of `users` has.
pub fn counted(users: &[UserId]) -> owned::Counted {
    owned::counted::<Entity>(Column::UserId, Column::Id, users)
}

/// How many annotations there are.
pub async fn count(connection: &impl ConnectionTrait) -> Result<i64, DbError> {
    Ok(i64::try_from(Entity::find().count(connection).await?).unwrap_or(i64::MAX))
}

/// Gives the annotations of personas of one user to another; answers how many.
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

/// Erases up to `limit` annotations of a user; answers how many.
pub async fn erase(tx: &Tx, owner: UserId, limit: u64) -> Result<u64, DbError> {
    let ids = of(owner).select_only().column(Column::Id).limit(limit).into_query();
    let erased = Entity::delete_many().filter(Column::Id.in_subquery(ids)).exec(&**tx).await?;
    Ok(erased.rows_affected)
}

/// How many annotations there are of users whose erasure is complete.
pub async fn count_orphans(connection: &impl ConnectionTrait) -> Result<u64, DbError> {
    let orphans = Entity::find().filter(Column::UserId.in_subquery(erased_users()));
    Ok(orphans.count(connection).await?)
}

fn of(owner: UserId) -> Select<Entity> {
    Entity::find().filter(Column::UserId.eq(owner.uuid()))
}

fn one(id: AnnotationId, owner: UserId) -> Select<Entity> {
    of(owner).filter(Column::Id.eq(id.uuid()))
}

fn place() -> Expr {
    Expr::tuple([Column::CreatedAt.into_expr(), Column::Id.into_expr()])
}

async fn entries(
    connection: &impl ConnectionTrait,
    query: Select<Entity>,
    limit: u64,
) -> Result<Vec<Entry>, DbError> {
    let rows: Vec<(Uuid, Timestamp, i64)> = query
        .select_only()
        .columns([Column::Id, Column::CreatedAt, Column::Bytes])
        .limit(limit)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(owned::entry_of).collect())
}

fn row_of(annotation: &Annotation) -> Result<Model, DbError> {
    let unfit = |_| DbError::Unexpected("annotation.frames");
    let content = annotation.content.clone();
    let bytes = serde_json::to_vec(&content.frames).map_err(unfit)?.len();
    Ok(Model {
        id: annotation.id.uuid(),
        user_id: annotation.owner.uuid(),
        persona_id: annotation.persona_id.uuid(),
        video_id: annotation.video_id.as_str().to_owned(),
        kind: content.kind.into_string(),
        label: content.label.into_string(),
        frames: serde_json::to_value(&content.frames).map_err(unfit)?,
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        confidence: content.confidence.map(Confidence::get),
        source: content.source.into_string(),
        created_at: annotation.created_at,
        updated_at: annotation.updated_at,
        etag: annotation.etag.uuid(),
    })
}

fn annotation_of(row: Model) -> Result<Annotation, DbError> {
    let frames = serde_json::from_value(row.frames);
    Ok(Annotation {
        id: row.id.into(),
        owner: row.user_id.into(),
        persona_id: row.persona_id.into(),
        video_id: Text::stored(row.video_id),
        content: AnnotationContent {
            kind: Text::stored(row.kind),
            label: Text::stored(row.label),
            frames: frames.map_err(|_| DbError::Unexpected("annotation.frames"))?,
            confidence: row.confidence.map(Confidence::stored),
            source: Text::stored(row.source),
        },
        created_at: row.created_at,
        updated_at: row.updated_at,
        etag: row.etag.into(),
    })
}
