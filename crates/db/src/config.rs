//! Where a service keeps its tables.

use std::{fmt, path::PathBuf, time::Duration};

use sea_orm::{ConnectOptions, Database, DatabaseConnection};

use crate::{
    DbError, PostgresConfig, engine,
    pool::{Bounds, Breaks, Pool},
};

/// Where a service keeps its tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DbConfig {
    /// In a file of its own.
    Sqlite(SqliteConfig),
    /// In a schema of a PostgreSQL database.
    Postgres(PostgresConfig),
}

/// A SQLite file: a pool of readers and one writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteConfig {
    /// The file; created when missing, its folder is not.
    pub path: PathBuf,
    /// The most connections that read at the same time.
    pub readers: u32,
}

/// Which engine keeps the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Engine {
    /// Its name as OpenTelemetry has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

impl DbConfig {
    /// The SQLite file `path` with the default number of readers.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self::Sqlite(SqliteConfig { path, readers: 4 })
    }

    /// Which engine it is.
    #[must_use]
    pub const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Makes what has to be there before the first connection.
    pub(crate) fn create(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(file) => engine::sqlite::create(&file.path),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// The connections that read.
    pub(crate) async fn readers(&self) -> Result<Pool, DbError> {
        Ok(match self {
            Self::Sqlite(file) => {
                let options = engine::sqlite::options(&file.path, file.readers);
                Pool::open(options, Bounds::NONE, Breaks::default()).await?
            }
            Self::Postgres(config) => engine::postgres::pool(config, config.pool.readers).await?,
        })
    }

    /// The connections of transactions that may write.
    pub(crate) async fn writers(&self) -> Result<Pool, DbError> {
        Ok(match self {
            Self::Sqlite(file) => {
                let options = engine::sqlite::options(&file.path, 1);
                Pool::open(options, Bounds::NONE, Breaks::default()).await?
            }
            Self::Postgres(config) => engine::postgres::pool(config, config.pool.writers).await?,
        })
    }

    /// A single connection of its own, for migrations, which take as long as
    /// they take.
    pub(crate) async fn single(&self) -> Result<DatabaseConnection, DbError> {
        self.create()?;
        let options: ConnectOptions = match self {
            Self::Sqlite(file) => engine::sqlite::options(&file.path, 1),
            Self::Postgres(config) => {
                let mut options = engine::postgres::options(config, 1, Duration::ZERO)?;
                options.min_connections(0);
                options
            }
        };
        Ok(Database::connect(options).await?)
    }
}

impl fmt::Display for DbConfig {
    /// Says which one it is, without any secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => file.path.display().fmt(f),
            Self::Postgres(config) => config.fmt(f),
        }
    }
}
