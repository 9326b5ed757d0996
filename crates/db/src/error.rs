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
    /// The database may not be written. Nothing that was acknowledged is lost.
    #[error("database is read-only")]
    ReadOnly(#[source] DbErr),
    /// There is no room to write: the disk is full, a quota is used up, or
    /// the disk fails. Nothing that was acknowledged is lost.
    #[error("no room to write")]
    Full(#[source] DbErr),
    /// The database is damaged or not one of Roster's.
    #[error("database is damaged")]
    Corrupt(#[source] DbErr),
    /// A newer version of the service has migrated the database. Carries the
    /// migration that this version does not know.
    #[error("database is of a newer version, which applied {0}")]
    Newer(String),
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
            Self::ReadOnly(_) => "database is read-only",
            Self::Full(_) => "no room to write",
            Self::Corrupt(_) => "database is damaged",
            Self::Newer(_) => "database is of a newer version",
            Self::Unexpected(_) => "unexpected stored value",
            Self::Other(_) => "database operation failed",
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "another program has it open, stop that first",
            Self::Unavailable(_) | Self::ReadOnly(_) => {
                "it must belong to the user that runs Roster, on a file system that can be written"
            }
            Self::Full(_) => "make room for it, nothing that was acknowledged is lost",
            Self::Corrupt(_) | Self::Unexpected(_) => {
                "restore the whole data directory from your backup"
            }
            Self::Newer(_) => "run that version, or restore the backup from before it",
            Self::Unique(_) | Self::Other(_) => "this is a defect of Roster, report it",
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

    /// Extended codes: what a full disk or quota is told as where SQLite does
    /// not recognise it.
    pub const IOERR_WRITE: u32 = IOERR | 3 << 8;
    pub const IOERR_SHMSIZE: u32 = IOERR | 19 << 8;
}

impl From<DbErr> for DbError {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(what)) = error.sql_err() {
            return Self::Unique(what);
        }
        if let DbErr::ConnectionAcquire(_) | DbErr::Conn(_) = error
            && result_code(&error).is_none()
        {
            return Self::Unavailable(error);
        }
        let code = result_code(&error);
        if let Some(sqlite::IOERR_WRITE | sqlite::IOERR_SHMSIZE) = code {
            return Self::Full(error);
        }
        // The extended code carries the primary one in its low byte.
        match code.map(|code| code & 0xff) {
            Some(sqlite::BUSY | sqlite::LOCKED) => Self::Conflict(error),
            Some(sqlite::READONLY) => Self::ReadOnly(error),
            Some(sqlite::FULL) => Self::Full(error),
            Some(sqlite::CORRUPT | sqlite::NOTADB) => Self::Corrupt(error),
            Some(sqlite::IOERR | sqlite::CANTOPEN) => Self::Unavailable(error),
            Some(_) | None => Self::Other(error),
        }
    }
}

/// The extended result code behind an error.
fn result_code(error: &DbErr) -> Option<u32> {
    let (DbErr::Conn(runtime) | DbErr::Exec(runtime) | DbErr::Query(runtime)) = error else {
        return None;
    };
    let sea_orm::RuntimeErr::SqlxError(cause) = runtime else { return None };
    cause.as_database_error()?.code()?.parse().ok()
}
