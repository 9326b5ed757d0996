//! The queries of the table `api_key`.
//!
//! Whatever is asked for goes through the owner: a key of somebody else is
//! not found.

use roster_db::{DbError, Tx};
use roster_kernel::{ApiKeyId, Timestamp, UserId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{CaseStatement, Expr, ExprTrait},
};
use uuid::Uuid;

use super::entity::api_key::{Column, Entity, Model};
use crate::domain::{ApiKey, KeyName, Owner, Provider, Sealed};

/// Adds a key. A second one of an owner for a provider is
/// [`DbError::Unique`].
pub async fn insert(tx: &Tx, key: &ApiKey, sealed: Sealed) -> Result<(), DbError> {
    let row = Model {
        id: key.id.uuid(),
        user_id: key.owner.user().map(UserId::uuid),
        provider: key.provider.as_str().to_owned(),
        name: key.name.as_str().to_owned(),
        mask: key.mask.clone(),
        ciphertext: sealed.ciphertext,
        nonce: sealed.nonce,
        key_version: sealed.key_version,
        active: key.active,
        use_count: key.use_count,
        last_used_at: key.last_used_at,
        created_at: key.created_at,
        updated_at: key.updated_at,
        etag: key.etag.uuid(),
    };
    Entity::insert(row.into_active_model()).exec_without_returning(&**tx).await?;
    Ok(())
}

/// The key `id` of `owner`, locked until the transaction ends.
pub async fn lock(tx: &Tx, id: ApiKeyId, owner: Owner) -> Result<Option<ApiKey>, DbError> {
    let row = of(owner).filter(Column::Id.eq(id.uuid())).lock_exclusive().one(&**tx).await?;
    Ok(row.map(|row| key_of(row).0))
}

/// Up to `limit` keys of `owner`, ordered by provider, behind `after`.
pub async fn list(
    connection: &impl ConnectionTrait,
    owner: Owner,
    after: Option<String>,
    limit: u64,
) -> Result<Vec<ApiKey>, DbError> {
    let rows = listing(owner, after, limit).all(connection).await?;
    Ok(rows.into_iter().map(|row| key_of(row).0).collect())
}

fn listing(owner: Owner, after: Option<String>, limit: u64) -> Select<Entity> {
    of(owner)
        .apply_if(after, |query, after| query.filter(Column::Provider.gt(after)))
        .order_by_asc(Column::Provider)
        .limit(limit)
}

/// The key that `owner` has in use for a provider, with its secret.
pub async fn find_active(
    connection: &impl ConnectionTrait,
    owner: Owner,
    provider: &Provider,
) -> Result<Option<(ApiKey, Sealed)>, DbError> {
    let row = of(owner)
        .filter(Column::Provider.eq(provider.as_str()))
        .filter(Column::Active.eq(true))
        .one(connection)
        .await?;
    Ok(row.map(key_of))
}

/// How many keys `owner` has.
pub async fn count(connection: &impl ConnectionTrait, owner: Owner) -> Result<u64, DbError> {
    Ok(of(owner).count(connection).await?)
}

/// How many keys of users there are, those of the installation left out.
pub async fn count_of_users(connection: &impl ConnectionTrait) -> Result<u64, DbError> {
    Ok(Entity::find().filter(Column::UserId.is_not_null()).count(connection).await?)
}

/// How many keys each of `users` has; those without are left out.
pub async fn count_by_user(
    connection: &impl ConnectionTrait,
    users: &[UserId],
) -> Result<Vec<(UserId, i64)>, DbError> {
    let counts: Vec<(Uuid, i64)> = Entity::find()
        .select_only()
        .column(Column::UserId)
        .column_as(Column::Id.count(), "api_keys")
        .filter(Column::UserId.is_in(users.iter().map(|user| user.uuid())))
        .group_by(Column::UserId)
        .into_tuple()
        .all(connection)
        .await?;
    Ok(counts.into_iter().map(|(user, count)| (user.into(), count)).collect())
}

/// Stores the present state of a key that exists, with another secret if
/// there is one. What is counted when it is handed out is left alone.
pub async fn update(tx: &Tx, key: &ApiKey, sealed: Option<Sealed>) -> Result<(), DbError> {
    let mut update = Entity::update_many()
        .col_expr(Column::Name, Expr::value(key.name.as_str()))
        .col_expr(Column::Mask, Expr::value(key.mask.as_str()))
        .col_expr(Column::Active, Expr::value(key.active))
        .col_expr(Column::UpdatedAt, Expr::value(key.updated_at))
        .col_expr(Column::Etag, Expr::value(key.etag.uuid()));
    if let Some(sealed) = sealed {
        update = update
            .col_expr(Column::Ciphertext, Expr::value(sealed.ciphertext))
            .col_expr(Column::Nonce, Expr::value(sealed.nonce))
            .col_expr(Column::KeyVersion, Expr::value(sealed.key_version));
    }
    update.filter(Column::Id.eq(key.id.uuid())).exec(&**tx).await?;
    Ok(())
}

/// Counts that a key was handed out `times` times, the last time at `at`.
pub async fn count_uses(tx: &Tx, id: ApiKeyId, times: i64, at: Timestamp) -> Result<(), DbError> {
    // The clocks of two replicas may differ: the later time stands.
    let later = CaseStatement::new()
        .case(Expr::col(Column::LastUsedAt).gt(at), Expr::col(Column::LastUsedAt))
        .finally(Expr::value(at));
    Entity::update_many()
        .col_expr(Column::UseCount, Expr::col(Column::UseCount).add(times))
        .col_expr(Column::LastUsedAt, later.into())
        .filter(Column::Id.eq(id.uuid()))
        .exec(&**tx)
        .await?;
    Ok(())
}

/// Deletes a key.
pub async fn delete(tx: &Tx, id: ApiKeyId) -> Result<(), DbError> {
    Entity::delete_by_id(id.uuid()).exec(&**tx).await?;
    Ok(())
}

/// Removes all keys of a user; answers how many rows that were.
pub async fn delete_of_user(tx: &Tx, user_id: UserId) -> Result<u64, DbError> {
    let of_user = Entity::delete_many().filter(Column::UserId.eq(user_id.uuid()));
    Ok(of_user.exec(&**tx).await?.rows_affected)
}

/// The versions of the keys that secrets are encrypted with, in order.
pub async fn versions(connection: &impl ConnectionTrait) -> Result<Vec<i32>, DbError> {
    let versions = Entity::find()
        .select_only()
        .column(Column::KeyVersion)
        .group_by(Column::KeyVersion)
        .order_by_asc(Column::KeyVersion)
        .into_tuple();
    Ok(versions.all(connection).await?)
}

/// One key whose secret is encrypted with a version, if there is any.
pub async fn any_of_version(
    connection: &impl ConnectionTrait,
    version: i32,
) -> Result<Option<(ApiKey, Sealed)>, DbError> {
    let row =
        Entity::find().filter(Column::KeyVersion.eq(version)).limit(1).one(connection).await?;
    Ok(row.map(key_of))
}

/// Up to `limit` keys whose secrets are encrypted with another version than
/// `version`, locked until the transaction ends.
pub async fn lock_other_versions(
    tx: &Tx,
    version: i32,
    limit: u64,
) -> Result<Vec<(ApiKey, Sealed)>, DbError> {
    let rows = Entity::find()
        .filter(Column::KeyVersion.ne(version))
        .order_by_asc(Column::Id)
        .limit(limit)
        .lock_exclusive()
        .all(&**tx)
        .await?;
    Ok(rows.into_iter().map(key_of).collect())
}

/// Stores another encryption of the same secret.
pub async fn reseal(tx: &Tx, id: ApiKeyId, sealed: Sealed) -> Result<(), DbError> {
    Entity::update_many()
        .col_expr(Column::Ciphertext, Expr::value(sealed.ciphertext))
        .col_expr(Column::Nonce, Expr::value(sealed.nonce))
        .col_expr(Column::KeyVersion, Expr::value(sealed.key_version))
        .filter(Column::Id.eq(id.uuid()))
        .exec(&**tx)
        .await?;
    Ok(())
}

fn of(owner: Owner) -> Select<Entity> {
    Entity::find().filter(match owner {
        Owner::User(user_id) => Column::UserId.eq(user_id.uuid()),
        Owner::System => Column::UserId.is_null(),
    })
}

fn key_of(row: Model) -> (ApiKey, Sealed) {
    let key = ApiKey {
        id: row.id.into(),
        owner: row.user_id.map(UserId::from).into(),
        provider: Provider::stored(row.provider),
        name: KeyName::stored(row.name),
        mask: row.mask,
        active: row.active,
        use_count: row.use_count,
        last_used_at: row.last_used_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
        etag: row.etag.into(),
    };
    let sealed =
        Sealed { ciphertext: row.ciphertext, nonce: row.nonce, key_version: row.key_version };
    (key, sealed)
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
        let user = Owner::User(UserId::generate(&env));
        for (owner, index) in [(user, "api_key_owner"), (Owner::System, "api_key_")] {
            for after in [None, Some("m".to_owned())] {
                let listing = listing(owner, after, 51);
                let listing = listing.build(db.db.read().get_database_backend());
                let plan = db.plan(&listing.to_string()).await;
                assert!(plan.contains(index), "{plan}");
                assert!(!plan.contains("TEMP B-TREE") && !plan.contains("Sort"), "{plan}");
            }
        }
    }
}
