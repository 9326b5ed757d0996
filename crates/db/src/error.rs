//! What can go wrong underneath, in the classes that callers act upon.

use sea_orm::{DbErr, SqlErr};

/// A failed database operation.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// A row with the same unique value exists already. Carries the engine's
    /// words, which name the table and columns.
    #[error("unique constraint violated: {0}")]
    Unique(String),
    /// Another transaction was in the way; the same transaction may succeed
    /// when tried again.
    #[error("conflict with another transaction")]
    Conflict(#[source] DbErr),
    /// The database cannot be reached right now.
    #[error("database unavailable")]
    Unavailable(#[source] DbErr),
    /// The database refuses to write: the disk is full or read-only. Nothing
    /// that was acknowledged is lost.
    #[error("database refuses to write")]
    ReadOnly(#[source] DbErr),
    /// The database is damaged or not one of Roster's.
    #[error("database is damaged")]
    Corrupt(#[source] DbErr),
    /// A stored value is not what the code expects.
    #[error("unexpected stored value in {0}")]
    Unexpected(&'static str),
    /// Anything else: a defect.
    #[error("database operation failed")]
    Other(#[source] DbErr),
}

impl DbError {
    /// Fixed text that names the class: fit for logs and for other services.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Unique(_) => "unique constraint violated",
            Self::Conflict(_) => "conflict with another transaction",
            Self::Unavailable(_) => "database unavailable",
            Self::ReadOnly(_) => "database refuses to write",
            Self::Corrupt(_) => "database is damaged",
            Self::Unexpected(_) => "unexpected stored value",
            Self::Other(_) => "database operation failed",
        }
    }
}

/// SQLite's primary result codes (sqlite.org/rescode.html).
mod sqlite {
    pub const BUSY: u32 = 5;
    pub const LOCKED: u32 = 6;
    pub const READONLY: u32 = 8;
    pub const IOERR: u32 = 10;
    pub const CORRUPT: u32 = 11;
    pub const FULL: u32 = 13;
    pub const CANTOPEN: u32 = 14;
    pub const NOTADB: u32 = 26;
}

impl From<DbErr> for DbError {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(what)) = error.sql_err() {
            return Self::Unique(what);
        }
        if let DbErr::ConnectionAcquire(_) | DbErr::Conn(_) = error
            && primary_code(&error).is_none()
        {
            return Self::Unavailable(error);
        }
        match primary_code(&error) {
            Some(sqlite::BUSY | sqlite::LOCKED) => Self::Conflict(error),
            Some(sqlite::READONLY | sqlite::FULL) => Self::ReadOnly(error),
            Some(sqlite::CORRUPT | sqlite::NOTADB) => Self::Corrupt(error),
            Some(sqlite::IOERR | sqlite::CANTOPEN) => Self::Unavailable(error),
            Some(_) | None => Self::Other(error),
        }
    }
}

/// The primary result code behind an error; the extended one carries it in
/// its low byte.
fn primary_code(error: &DbErr) -> Option<u32> {
    let (DbErr::Conn(runtime) | DbErr::Exec(runtime) | DbErr::Query(runtime)) = error else {
        return None;
    };
    let sea_orm::RuntimeErr::SqlxError(cause) = runtime else { return None };
    let code = cause.as_database_error()?.code()?.parse::<u32>().ok()?;
    Some(code & 0xff)
}
