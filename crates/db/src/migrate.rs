//! Bringing a database's schema up to date.

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbErr, Statement, TransactionTrait as _};
use sea_orm_migration::MigratorTrait;

use crate::{Db, DbConfig, DbError, connect::transaction_options};

impl Db {
    /// Applies the migrations that are missing and answers their names, in
    /// the order in which they ran. Refuses a database that is damaged (all of
    /// it is read: about half a second for 100,000 users) or that a newer
    /// version of the service has migrated.
    ///
    /// All of them or none: a process that is killed here finds the schema as
    /// it was, and starts again. Runs on a connection of its own: the migrator
    /// changes settings of the connection that it works on.
    pub async fn migrate<M: MigratorTrait>(config: &DbConfig) -> Result<Vec<String>, DbError> {
        let connection = config.single().await?;
        check(&connection).await?;
        known::<M>(&connection).await?;
        let pending = M::get_pending_migrations(&connection).await?;
        let names = pending.iter().map(|migration| migration.name().to_owned()).collect();
        let tx = connection.begin_with_options(transaction_options()).await?;
        M::up(&tx, None).await?;
        tx.commit().await?;
        connection.close().await?;
        Ok(names)
    }
}

/// Reads every page, and refuses a database that does not hold together:
/// working on it would make it worse.
async fn check(connection: &DatabaseConnection) -> Result<(), DbError> {
    let check = Statement::from_string(connection.get_database_backend(), "PRAGMA quick_check(1)");
    let row = connection.query_one_raw(check).await?;
    let found: String = row.map_or(Ok("nothing".to_owned()), |row| row.try_get_by_index(0))?;
    // What is found may take several lines.
    let first = found.lines().next().unwrap_or_default();
    if first == "ok" { Ok(()) } else { Err(DbError::Corrupt(DbErr::Custom(first.to_owned()))) }
}

/// Refuses a database with a migration that is none of `M`'s.
async fn known<M: MigratorTrait>(connection: &DatabaseConnection) -> Result<(), DbError> {
    let ours = M::migrations();
    let applied = M::get_migration_models(connection).await?;
    let newer = applied.into_iter().find(|it| ours.iter().all(|own| own.name() != it.version));
    newer.map_or(Ok(()), |it| Err(DbError::Newer(it.version)))
}

/// Column types that mean the same on every engine.
pub mod column {
    use sea_orm_migration::{
        prelude::{ColumnDef, IntoIden},
        schema,
    };

    /// A required point in time, UTC.
    pub fn time(name: impl IntoIden) -> ColumnDef {
        schema::timestamp_with_time_zone(name)
    }

    /// An optional point in time, UTC.
    pub fn time_null(name: impl IntoIden) -> ColumnDef {
        schema::timestamp_with_time_zone_null(name)
    }
}
