//! Bringing a database's schema up to date.

use sea_orm::TransactionTrait as _;
use sea_orm_migration::MigratorTrait;

use crate::{Db, DbConfig, DbError, connect::transaction_options};

impl Db {
    /// Applies the migrations that are missing and answers their names, in
    /// the order in which they ran. Refuses a database that a newer version
    /// of the service has migrated.
    ///
    /// All of them or none: a process that is killed here finds the schema as
    /// it was, and starts again. Runs on a connection of its own: the migrator
    /// changes settings of the connection that it works on.
    pub async fn migrate<M: MigratorTrait>(config: &DbConfig) -> Result<Vec<String>, DbError> {
        let connection = config.single().await?;
        let pending = M::get_pending_migrations(&connection).await?;
        let names = pending.iter().map(|migration| migration.name().to_owned()).collect();
        let tx = connection.begin_with_options(transaction_options()).await?;
        M::up(&tx, None).await?;
        tx.commit().await?;
        connection.close().await?;
        Ok(names)
    }
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
