//! One SQLite file: a pool of readers and one writer.

use std::{
    fs::OpenOptions,
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, RuntimeErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
    sqlx::{
        Connection as _,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
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
            // Where a disk is full, SQLite ends the transaction by itself; the
            // driver, which then cannot, takes it for open for good.
            .map_sqlx_sqlite_before_acquire(|connection, _| {
                Box::pin(async { Ok(!connection.is_in_transaction()) })
            })
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
    /// of passwords. SQLite gives its log the same mode. One that is there has
    /// to be writable: SQLite would make do with reading it.
    fn create(&self) -> Result<(), DbError> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        options.open(&self.path).map(drop).map_err(|error| {
            let cause = DbErr::Conn(RuntimeErr::Internal(error.to_string()));
            let kind = error.kind();
            if matches!(kind, ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied) {
                DbError::ReadOnly(cause)
            } else if matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
                DbError::Full(cause)
            } else {
                DbError::Unavailable(cause)
            }
        })
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
    pub async fn open(config: &DbConfig) -> Result<Self, DbError> {
        config.create()?;
        let writer = Database::connect(config.options(1)).await?;
        let readers = Database::connect(config.options(config.readers)).await?;
        let refusing = Refusing::default();
        Ok(Self { inner: Arc::new(Inner { readers, writer, refusing }), timing: None })
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
        let refusing = self.inner.refusing.clone();
        let asked = Instant::now();
        let begun = self.inner.writer.begin_with_options(transaction_options()).await;
        let begun = begun.map_err(|error| refusing.failed(error))?;
        if let Some(timing) = &self.timing {
            timing.waited(asked.elapsed());
        }
        Ok(Tx::new(begun, refusing, self.timing.clone()))
    }

    /// Whether the database answers, is one that has been migrated, and can be
    /// written as far as is known. Reads a row: the driver's own ping would
    /// not reach the file. Writes only while the last write was refused.
    pub async fn ping(&self) -> Result<(), DbError> {
        let read = "SELECT 1 FROM seaql_migrations LIMIT 1";
        self.inner.readers.execute_unprepared(read).await?;
        if self.inner.refusing.noted() {
            let tx = self.begin().await?;
            // The smallest change there is: nothing reads this number.
            tx.execute_unprepared("PRAGMA user_version = 0").await?;
            tx.commit().await?;
        }
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
