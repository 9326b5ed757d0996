//! The queries of the table `persona`.
//!
//! Whatever a user asks for goes through the owner: a persona of somebody
//! else is not found.

use roster_db::{DbError, Tx};
use roster_kernel::{Etag, PersonaId, Timestamp, UserId};
use roster_participant::{Place, subjects::erased_users};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait},
};

use super::{
    entity::persona::{Column, Entity, Model},
    owned::{self, Given},
};
use crate::domain::{Cursor, Persona, PersonaContent, Text};

/// Adds a persona.
pub async fn insert(tx: &Tx, persona: &Persona) -> Result<(), DbError> {
    let row = row_of(persona).into_active_model();
    Entity::insert(row).exec_without_returning(&**tx).await?;
    Ok(())
}

/// The persona `id` of `owner`.
pub async fn find(
    connection: &impl ConnectionTrait,
    id: PersonaId,
    owner: UserId,
) -> Result<Option<Persona>, DbError> {
    let row = one(id, owner).one(connection).await?;
    Ok(row.map(persona_of))
}

/// The persona `id` of `owner`, locked until the transaction ends.
pub async fn lock(tx: &Tx, id: PersonaId, owner: UserId) -> Result<Option<Persona>, DbError> {
    let row = one(id, owner).lock_exclusive().one(&**tx).await?;
    Ok(row.map(persona_of))
}

/// Up to `limit` personas of `owner`, newest first, behind `after`.
pub async fn list(
    connection: &impl ConnectionTrait,
    owner: UserId,
    include_hidden: bool,
    after: Option<Cursor>,
    limit: u64,
) -> Result<Vec<Persona>, DbError> {
    let rows = of(owner)
        .apply_if((!include_hidden).then_some(()), |query, ()| {
            query.filter(Column::Hidden.eq(false))
        })
        .apply_if(after, |query, after| {
            let row = Expr::tuple([Column::CreatedAt.into_expr(), Column::Id.into_expr()]);
            let last = Expr::tuple([Expr::val(after.created_at), Expr::val(after.id)]);
            query.filter(row.lt(last))
        })
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(limit)
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(persona_of).collect())
}

/// Asks how many personas each of `users` has.
pub fn counted(users: &[UserId]) -> owned::Counted {
    owned::counted::<Entity>(Column::UserId, Column::Id, users)
}

/// How many personas there are.
pub async fn count(connection: &impl ConnectionTrait) -> Result<i64, DbError> {
    Ok(i64::try_from(Entity::find().count(connection).await?).unwrap_or(i64::MAX))
}

/// Up to `limit` personas of `owner`, hidden ones included, oldest first,
/// behind `after`.
pub async fn export(
    connection: &impl ConnectionTrait,
    owner: UserId,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<Persona>, DbError> {
    let rows = of(owner)
        .apply_if(after, |query, after| {
            let row = Expr::tuple([Column::CreatedAt.into_expr(), Column::Id.into_expr()]);
            query.filter(row.gt(Expr::tuple([Expr::val(after.created_at), Expr::val(after.id)])))
        })
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .all(connection)
        .await?;
    Ok(rows.into_iter().map(persona_of).collect())
}

/// Stores the present state of a persona that exists.
pub async fn update(tx: &Tx, persona: &Persona) -> Result<(), DbError> {
    row_of(persona).into_active_model().reset_all().update(&**tx).await?;
    Ok(())
}

/// Gives personas of one user to another; answers how many.
pub async fn give(
    tx: &Tx,
    which: &Given<'_>,
    to: UserId,
    etag: Etag,
    now: Timestamp,
) -> Result<u64, DbError> {
    let given = Entity::update_many()
        .col_expr(Column::UserId, Expr::val(to.uuid()))
        .col_expr(Column::Etag, Expr::val(etag.uuid()))
        .col_expr(Column::UpdatedAt, Expr::val(now))
        .filter(which.condition(Column::UserId, Column::Id))
        .exec(&**tx)
        .await?;
    Ok(given.rows_affected)
}

/// Deletes a persona.
pub async fn delete(tx: &Tx, id: PersonaId) -> Result<(), DbError> {
    Entity::delete_by_id(id.uuid()).exec(&**tx).await?;
    Ok(())
}

/// Erases up to `limit` personas of a user; answers how many.
pub async fn erase(tx: &Tx, owner: UserId, limit: u64) -> Result<u64, DbError> {
    let ids = of(owner).select_only().column(Column::Id).limit(limit).into_query();
    let erased = Entity::delete_many().filter(Column::Id.in_subquery(ids)).exec(&**tx).await?;
    Ok(erased.rows_affected)
}

/// How many personas there are of users whose erasure is complete.
pub async fn count_orphans(connection: &impl ConnectionTrait) -> Result<u64, DbError> {
    let orphans = Entity::find().filter(Column::UserId.in_subquery(erased_users()));
    Ok(orphans.count(connection).await?)
}

fn of(owner: UserId) -> Select<Entity> {
    Entity::find().filter(Column::UserId.eq(owner.uuid()))
}

fn one(id: PersonaId, owner: UserId) -> Select<Entity> {
    of(owner).filter(Column::Id.eq(id.uuid()))
}

fn row_of(persona: &Persona) -> Model {
    let content = persona.content.clone();
    Model {
        id: persona.id.uuid(),
        user_id: persona.owner.uuid(),
        name: content.name.into_string(),
        role: content.role.into_string(),
        information_need: content.information_need.into_string(),
        details: content.details.into_string(),
        hidden: content.hidden,
        is_system_generated: content.is_system_generated,
        created_at: persona.created_at,
        updated_at: persona.updated_at,
        etag: persona.etag.uuid(),
    }
}

fn persona_of(row: Model) -> Persona {
    Persona {
        id: row.id.into(),
        owner: row.user_id.into(),
        content: PersonaContent {
            name: Text::stored(row.name),
            role: Text::stored(row.role),
            information_need: Text::stored(row.information_need),
            details: Text::stored(row.details),
            hidden: row.hidden,
            is_system_generated: row.is_system_generated,
        },
        created_at: row.created_at,
        updated_at: row.updated_at,
        etag: row.etag.into(),
    }
}
