//! One SQLite file: a pool of readers and one writer.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, RuntimeErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
    sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use roster_server::metrics::Meters;

use crate::{DbError, Tx, timing::Timing};

/// How long a connection waits for another process's lock, and a transaction
/// for the one writer, before the operation fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a service keeps its tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbConfig {
    /// The SQLite file; created when missing, its folder is not.
    pub path: PathBuf,
    /// The most connections that read at the same time.
    pub readers: u32,
}

impl DbConfig {
    /// The file `path` with the default number of readers.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, readers: 4 }
    }

    fn options(&self, connections: u32) -> ConnectOptions {
        let path = self.path.clone();
        // The path goes in as it is: within a URL, '%' and '?' would not.
        let mut options = ConnectOptions::new("sqlite::memory:");
        options
            .max_connections(connections)
            .min_connections(0)
            .connect_timeout(PATIENCE)
            .acquire_timeout(PATIENCE)
            // A ping before each use doubles the cost of a read, and a
            // local file has no connection to lose.
            .test_before_acquire(false)
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(move |_| {
                SqliteConnectOptions::new()
                    .filename(&path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // An acknowledged commit survives a power cut only with
                    // FULL; NORMAL loses the tail of the log.
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .busy_timeout(PATIENCE)
                    .optimize_on_close(true, None)
            });
        options
    }

    /// Makes the file, for its owner alone, if it is not there: it holds hashes
    /// of passwords. SQLite gives its log the same mode.
    fn create(&self) -> Result<(), DbError> {
        let mut options = OpenOptions::new();
        match options.write(true).create_new(true).mode(0o600).open(&self.path) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => {
                Err(DbError::Unavailable(DbErr::Conn(RuntimeErr::Internal(error.to_string()))))
            }
        }
    }

    /// A single connection of its own, for migrations.
    pub(crate) async fn single(&self) -> Result<DatabaseConnection, DbError> {
        self.create()?;
        Ok(Database::connect(self.options(1)).await?)
    }
}

/// A service's database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    inner: Arc<Inner>,
    timing: Option<Arc<Timing>>,
}

#[derive(Debug)]
struct Inner {
    readers: DatabaseConnection,
    writer: DatabaseConnection,
}

impl Db {
    /// Opens the database. Its schema is not looked at: see [`Db::migrate`].
    pub async fn open(config: &DbConfig) -> Result<Self, DbError> {
        config.create()?;
        let writer = Database::connect(config.options(1)).await?;
        let readers = Database::connect(config.options(config.readers)).await?;
        Ok(Self { inner: Arc::new(Inner { readers, writer }), timing: None })
    }

    /// The same database, whose transactions are timed under its `name`.
    #[must_use]
    pub fn measured(mut self, meters: &Meters, name: &'static str) -> Self {
        self.timing = Some(Arc::new(Timing::new(meters, name)));
        self
    }

    /// The connections to read with, outside any transaction.
    #[must_use]
    pub fn read(&self) -> &DatabaseConnection {
        &self.inner.readers
    }

    /// Begins the one transaction that may write, waiting for its turn. It
    /// sees the latest committed state and cannot fail over a concurrent
    /// writer later on (`BEGIN IMMEDIATE`).
    pub async fn begin(&self) -> Result<Tx, DbError> {
        let asked = Instant::now();
        let begun = self.inner.writer.begin_with_options(transaction_options()).await?;
        if let Some(timing) = &self.timing {
            timing.waited(asked.elapsed());
        }
        Ok(Tx::new(begun, self.timing.clone()))
    }

    /// Whether the database answers, and is one that has been migrated. Reads
    /// a row: the driver's own ping would not reach the file.
    pub async fn ping(&self) -> Result<(), DbError> {
        let read = "SELECT 1 FROM seaql_migrations LIMIT 1";
        self.inner.readers.execute_unprepared(read).await?;
        Ok(())
    }

    /// Closes all connections, letting SQLite fold its log into the file.
    pub async fn close(&self) -> Result<(), DbError> {
        self.inner.readers.close_by_ref().await?;
        Ok(self.inner.writer.close_by_ref().await?)
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
