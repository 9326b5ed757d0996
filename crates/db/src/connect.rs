//! A pool of connections that read, and one of those that write.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use sea_orm::{
    ConnectionTrait, DbErr, SqliteTransactionMode, TransactionOptions, sqlx::postgres::PgListener,
};

use roster_server::metrics::Meters;

use crate::{DbConfig, DbError, Engine, Tx, engine, pool::Pool, timing::Timing};

/// A service's database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    inner: Arc<Inner>,
    timing: Option<Arc<Timing>>,
}

#[derive(Debug)]
struct Inner {
    config: DbConfig,
    readers: Pool,
    writers: Pool,
    /// Whether the last attempt to write found no room, or no right, to.
    refusing: Refusing,
}

/// Notes of every write whether the database refuses to be written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refusing(Arc<AtomicBool>);

impl Refusing {
    /// Notes that a write failed.
    pub(crate) fn failed(&self, error: DbErr) -> DbError {
        let error = DbError::from(error);
        if let DbError::Full(_) | DbError::ReadOnly(_) = error {
            self.0.store(true, Ordering::Relaxed);
        }
        error
    }

    /// Notes that a write is durable.
    pub(crate) fn written(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Db {
    /// Opens the database. Its schema is not looked at: see [`Db::migrate`].
    /// A server need not be there yet.
    pub async fn open(config: &DbConfig) -> Result<Self, DbError> {
        config.create()?;
        let writers = config.writers().await?;
        let readers = config.readers().await?;
        let refusing = Refusing::default();
        let inner = Inner { config: config.clone(), readers, writers, refusing };
        Ok(Self { inner: Arc::new(inner), timing: None })
    }

    /// Which engine keeps the tables.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.inner.config.engine()
    }

    /// The same database, whose transactions are timed under its `name`.
    #[must_use]
    pub fn measured(mut self, meters: &Meters, name: &'static str) -> Self {
        self.timing = Some(Arc::new(Timing::new(meters, self.engine(), name)));
        self
    }

    /// The connections to read with, outside any transaction. A query on them may
    /// be asked twice, where the first connection was broken: it changes nothing.
    #[must_use]
    pub fn read(&self) -> &Pool {
        &self.inner.readers
    }

    /// Begins a transaction that may write, waiting for its turn.
    ///
    /// On SQLite it is the only one, sees the latest committed state and cannot
    /// fail over a concurrent writer later on (`BEGIN IMMEDIATE`). On PostgreSQL
    /// others write at the same time, and each statement sees what was
    /// committed before it (read committed): what is read and then relied on
    /// has to be locked (`lock_exclusive`), which SQLite takes no notice of.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        let refusing = self.inner.refusing.clone();
        let asked = Instant::now();
        let begun = self.inner.writers.begin(transaction_options()).await;
        let begun = begun.map_err(|error| refusing.failed(error))?;
        if let Some(timing) = &self.timing {
            timing.waited(asked.elapsed());
        }
        Ok(Tx::new(begun, self.engine(), refusing, self.timing.clone()))
    }

    /// Whether the database answers, is one that has been migrated, and can be
    /// written as far as is known. Reads a row: the driver's own ping would
    /// not reach a file. Writes only while the last write was refused.
    pub async fn ping(&self) -> Result<(), DbError> {
        let read = "SELECT 1 FROM seaql_migrations LIMIT 1";
        self.inner.readers.execute_unprepared(read).await?;
        if self.engine() == Engine::Postgres {
            engine::postgres::writable(&self.inner.readers).await?;
        }
        if self.inner.refusing.noted() {
            let tx = self.begin().await?;
            let write = match self.engine() {
                Engine::Sqlite => engine::sqlite::SMALLEST_WRITE,
                Engine::Postgres => engine::postgres::SMALLEST_WRITE,
            };
            tx.execute_unprepared(write)
                .await
                .map_err(|error| self.inner.refusing.failed(error))?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// What other processes tell on `channel` ([`Tx::notify`]), over a
    /// connection of its own; nothing on SQLite, which has one process. A word
    /// can be lost, so nothing may depend on it but how soon.
    pub async fn news(&self, channel: &str) -> Result<Option<News>, DbError> {
        match &self.inner.config {
            DbConfig::Sqlite(_) => Ok(None),
            DbConfig::Postgres(config) => {
                Ok(Some(News(engine::postgres::listen(config, channel).await?)))
            }
        }
    }

    /// Closes all connections, letting SQLite fold its log into the file.
    pub async fn close(&self) -> Result<(), DbError> {
        self.inner.readers.close().await?;
        Ok(self.inner.writers.close().await?)
    }
}

/// What other processes tell.
#[derive(Debug)]
pub struct News(PgListener);

impl News {
    /// Completes at the next word, and when some may have been lost.
    pub async fn next(&mut self) -> Result<(), DbError> {
        engine::postgres::heard(&mut self.0).await
    }
}

/// What a transaction that may write begins with: it takes its turn before it
/// reads.
pub(crate) fn transaction_options() -> TransactionOptions {
    TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    }
}
