//! Databases that vanish with the test.

use std::fs;

use roster_db::{Db, DbConfig, Engine, PoolConfig, PostgresConfig};
use sea_orm::{ConnectionTrait as _, DatabaseBackend, Statement};
use sea_orm_migration::MigratorTrait;
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    postgres::{self, TempPostgres},
    query,
};

/// A migrated database of its own, removed when dropped.
#[derive(Debug)]
pub struct TempDb {
    /// The open database.
    pub db: Db,
    /// Where it is.
    pub config: DbConfig,
    _place: Place,
}

/// What goes when the database is dropped.
#[derive(Debug)]
enum Place {
    Folder { _folder: TempDir },
    Server { _database: TempPostgres },
}

impl TempDb {
    /// A new database with the schema of `M`: on PostgreSQL where the
    /// environment names a server (see [`POSTGRES`](crate::POSTGRES)), a SQLite file elsewhere.
    ///
    /// # Panics
    ///
    /// When there is no room for it, or the migrations fail.
    pub async fn new<M: MigratorTrait>() -> Self {
        if TempPostgres::wanted() { Self::postgres::<M>().await } else { Self::sqlite::<M>().await }
    }

    /// A SQLite file: for tests that are about SQLite.
    ///
    /// # Panics
    ///
    /// As [`TempDb::new`].
    pub async fn sqlite<M: MigratorTrait>() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = DbConfig::new(folder.path().join("test.db"));
        Self::at::<M>(config, Place::Folder { _folder: folder }).await
    }

    /// A PostgreSQL database: for tests that are about PostgreSQL.
    ///
    /// # Panics
    ///
    /// As [`TempDb::new`], and when the environment names no server.
    pub async fn postgres<M: MigratorTrait>() -> Self {
        let database = TempPostgres::new().await;
        let mut config = PostgresConfig::new(database.url(), "test");
        // Many tests share one server.
        config.pool = PoolConfig { readers: 4, writers: 4, idle: 0, ..config.pool };
        Self::at::<M>(DbConfig::Postgres(config), Place::Server { _database: database }).await
    }

    /// Whether `bytes` are kept anywhere in it, as they are or, on PostgreSQL, as
    /// its texts show binary values.
    ///
    /// # Panics
    ///
    /// When it cannot be read.
    pub async fn holds(&self, bytes: &[u8]) -> bool {
        let holds = |kept: &[u8], bytes: &[u8]| kept.windows(bytes.len()).any(|it| it == bytes);
        match &self.config {
            DbConfig::Sqlite(file) => {
                let folder = file.path.parent().expect("a folder of its own");
                fs::read_dir(folder).expect("a folder that can be read").any(|entry| {
                    let path = entry.expect("an entry that can be read").path();
                    holds(&fs::read(path).expect("a file that can be read"), bytes)
                })
            }
            DbConfig::Postgres(_) => {
                let kept = postgres::rows(&self.db).await;
                let hex = postgres::hex(bytes);
                holds(kept.as_bytes(), bytes)
                    || holds(kept.replace('-', "").as_bytes(), hex.as_bytes())
            }
        }
    }

    /// Does something that the service would not do, with SQL that both engines
    /// understand.
    ///
    /// # Panics
    ///
    /// When it cannot be done.
    pub async fn execute(&self, sql: &str) {
        query::execute(&self.db, sql).await;
    }

    /// The first column of a query's first row, as a number.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn number(&self, sql: &str) -> i64 {
        query::number(&self.db, sql).await
    }

    /// The first column of a query's rows, each as a text.
    ///
    /// # Panics
    ///
    /// When the query fails.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        query::texts(&self.db, sql).await
    }

    /// An id as it is written in SQL.
    #[must_use]
    pub fn literal(&self, id: Uuid) -> String {
        query::literal(&self.db, id)
    }

    /// An expression for a random id, another one for each row.
    #[must_use]
    pub fn random_id(&self) -> &'static str {
        query::random(&self.db).0
    }

    /// An expression for 32 random bytes, others for each row.
    #[must_use]
    pub fn random_bytes(&self) -> &'static str {
        query::random(&self.db).1
    }

    /// Runs `statement` with each update of `column`, in its transaction.
    ///
    /// # Panics
    ///
    /// When it cannot be arranged.
    pub async fn on_update(&self, table: &str, column: &str, statement: &str) {
        query::on_update(&self.db, table, column, statement).await;
    }

    /// How the engine goes about `query` where there are very many rows.
    ///
    /// # Panics
    ///
    /// When it does not say.
    pub async fn plan(&self, query: &str) -> String {
        match self.db.engine() {
            Engine::Sqlite => sqlite_plan(&self.db, query).await,
            Engine::Postgres => postgres::plan(&self.db, query).await,
        }
    }

    async fn at<M: MigratorTrait>(config: DbConfig, place: Place) -> Self {
        Db::migrate::<M>(&config).await.expect("migrations that run");
        let db = Db::open(&config).await.expect("a database that opens");
        Self { db, config, _place: place }
    }
}

async fn sqlite_plan(db: &Db, query: &str) -> String {
    let explain = format!("EXPLAIN QUERY PLAN {query}");
    let explain = Statement::from_string(DatabaseBackend::Sqlite, explain);
    let rows = db.read().query_all_raw(explain).await.expect("a plan");
    let lines = rows.iter().map(|row| row.try_get("", "detail").expect("a step of the plan"));
    lines.collect::<Vec<String>>().join("\n")
}
