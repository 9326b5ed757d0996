//! One SQLite file.

use std::{
    fs::OpenOptions, io::ErrorKind, os::unix::fs::OpenOptionsExt as _, path::Path, time::Duration,
};

use sea_orm::{
    ConnectOptions, ConnectionTrait as _, DatabaseConnection, DbErr, RuntimeErr, Statement,
    sqlx::{
        Connection as _,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use crate::{DbError, error::Class};

/// How long a connection waits for another process's lock, and a transaction
/// for the one writer, before the operation fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// The smallest write there is: nothing reads this number.
pub const SMALLEST_WRITE: &str = "PRAGMA user_version = 0";

/// How `connections` of the file are made.
pub fn options(path: &Path, connections: u32) -> ConnectOptions {
    let path = path.to_owned();
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
pub fn create(path: &Path) -> Result<(), DbError> {
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map(drop).map_err(|error| {
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

/// Reads every page, and refuses a database that does not hold together:
/// working on it would make it worse.
pub async fn check(connection: &DatabaseConnection) -> Result<(), DbError> {
    let check = Statement::from_string(connection.get_database_backend(), "PRAGMA quick_check(1)");
    let row = connection.query_one_raw(check).await?;
    let found: String = row.map_or(Ok("nothing".to_owned()), |row| row.try_get_by_index(0))?;
    // What is found may take several lines.
    let first = found.lines().next().unwrap_or_default();
    if first == "ok" { Ok(()) } else { Err(DbError::Corrupt(DbErr::Custom(first.to_owned()))) }
}

/// Primary result codes (sqlite.org/rescode.html).
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READONLY: u32 = 8;
const IOERR: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANTOPEN: u32 = 14;
const NOTADB: u32 = 26;

/// Extended codes: what a full disk or quota is told as where SQLite does
/// not recognise it.
const IOERR_WRITE: u32 = IOERR | 3 << 8;
const IOERR_SHMSIZE: u32 = IOERR | 19 << 8;

/// The class of an error with this extended result code.
pub fn class(code: &str) -> Class {
    let code = code.parse::<u32>().ok();
    if let Some(IOERR_WRITE | IOERR_SHMSIZE) = code {
        return DbError::Full;
    }
    // The extended code carries the primary one in its low byte.
    match code.map(|code| code & 0xff) {
        Some(BUSY | LOCKED) => DbError::Conflict,
        Some(READONLY) => DbError::ReadOnly,
        Some(FULL) => DbError::Full,
        Some(CORRUPT | NOTADB) => DbError::Corrupt,
        Some(IOERR | CANTOPEN) => DbError::Unavailable,
        Some(_) | None => DbError::Other,
    }
}
