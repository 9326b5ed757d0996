//! Bringing a database's schema up to date.

use std::fs;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, EntityName as _, EntityTrait as _,
    TransactionTrait as _,
};
use sea_orm_migration::{MigratorTrait, SchemaManager, seaql_migrations};

use crate::{Db, DbConfig, DbError, connect::transaction_options, engine};

impl Db {
    /// Applies the migrations that are missing and answers their names, in
    /// the order in which they ran. Refuses a database that is damaged (of
    /// SQLite's all is read: about half a second for 100,000 users) or that a newer
    /// version of the service has migrated.
    ///
    /// All of them or none: a process that is killed here finds the schema as
    /// it was, and starts again. Of several processes that do this at the same
    /// time one migrates, and the others find it done. Runs on a connection of
    /// its own: the migrator changes settings of the connection that it works on.
    pub async fn migrate<M: MigratorTrait>(config: &DbConfig) -> Result<Vec<String>, DbError> {
        let connection = config.single().await?;
        check(config, &connection).await?;
        let tx = connection.begin_with_options(transaction_options()).await?;
        if let DbConfig::Postgres(config) = config {
            engine::postgres::take_turn(&tx, &config.schema).await?;
        }
        let pending = pending::<M>(&tx).await?;
        M::up(&tx, None).await?;
        tx.commit().await?;
        connection.close().await?;
        Ok(pending)
    }

    /// The names of the migrations that [`Db::migrate`] would apply now, in
    /// their order. Changes nothing, and makes nothing.
    pub async fn plan<M: MigratorTrait>(config: &DbConfig) -> Result<Vec<String>, DbError> {
        if let DbConfig::Sqlite(file) = config
            && !file.path.exists()
        {
            return Ok(names::<M>());
        }
        let connection = config.single().await?;
        check(config, &connection).await?;
        let tx = connection.begin().await?;
        let pending = pending::<M>(&tx).await?;
        tx.rollback().await?;
        connection.close().await?;
        Ok(pending)
    }

    /// The names of the migrations that are missing, for a process that must not
    /// apply them itself. A database that a newer version has migrated lacks
    /// nothing: older processes go on while newer ones take their places.
    pub async fn lacks<M: MigratorTrait>(config: &DbConfig) -> Result<Vec<String>, DbError> {
        let connection = config.single().await?;
        let tx = connection.begin().await?;
        let applied = applied(&tx).await?;
        tx.rollback().await?;
        connection.close().await?;
        Ok(names::<M>().into_iter().filter(|name| !applied.contains(name)).collect())
    }

    /// Whether there is nothing: no migration was ever applied, or a file is
    /// gone or cut down to nothing. Makes nothing.
    pub async fn is_missing(config: &DbConfig) -> Result<bool, DbError> {
        if let DbConfig::Sqlite(file) = config {
            return Ok(fs::metadata(&file.path).map_or(true, |file| file.len() == 0));
        }
        let connection = config.single().await?;
        let tx = connection.begin().await?;
        let missing = applied(&tx).await?.is_empty();
        tx.rollback().await?;
        connection.close().await?;
        Ok(missing)
    }
}

/// Refuses a database that is not to be worked on.
async fn check(config: &DbConfig, connection: &DatabaseConnection) -> Result<(), DbError> {
    match config {
        DbConfig::Sqlite(_) => engine::sqlite::check(connection).await,
        DbConfig::Postgres(_) => engine::postgres::check(connection).await,
    }
}

/// The names of the migrations that have been applied.
async fn applied(tx: &DatabaseTransaction) -> Result<Vec<String>, DbError> {
    let table = seaql_migrations::Entity;
    if !SchemaManager::new(tx).has_table(table.table_name()).await? {
        return Ok(Vec::new());
    }
    let rows = seaql_migrations::Entity::find().all(tx).await?;
    Ok(rows.into_iter().map(|row| row.version).collect())
}

fn names<M: MigratorTrait>() -> Vec<String> {
    M::migrations().iter().map(|own| own.name().to_owned()).collect()
}

/// Which of `M`'s migrations are missing. Refuses a database with one that is
/// none of them.
async fn pending<M: MigratorTrait>(tx: &DatabaseTransaction) -> Result<Vec<String>, DbError> {
    let ours = names::<M>();
    let applied = applied(tx).await?;
    if let Some(newer) = applied.iter().find(|it| !ours.contains(it)) {
        return Err(DbError::Newer(newer.clone()));
    }
    let missing = |name: &String| !applied.contains(name);
    Ok(ours.into_iter().filter(missing).collect())
}

/// Column types that mean the same on every engine.
pub mod column {
    use sea_orm_migration::{
        SchemaManager,
        prelude::{ColumnDef, IntoIden},
        schema,
        sea_orm::DatabaseBackend,
    };

    /// A required text whose order is that of its bytes, whatever the order of
    /// the database is: for lists that are walked by it.
    pub fn ordered(manager: &SchemaManager<'_>, name: impl IntoIden) -> ColumnDef {
        let mut column = schema::string(name);
        if manager.get_database_backend() == DatabaseBackend::Postgres {
            column.extra("COLLATE \"C\"");
        }
        column
    }

    /// A required point in time, UTC.
    pub fn time(name: impl IntoIden) -> ColumnDef {
        schema::timestamp_with_time_zone(name)
    }

    /// An optional point in time, UTC.
    pub fn time_null(name: impl IntoIden) -> ColumnDef {
        schema::timestamp_with_time_zone_null(name)
    }
}
