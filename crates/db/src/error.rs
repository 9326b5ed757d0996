//! What can go wrong underneath, in the classes that callers act upon.

use sea_orm::{
    DbErr, RuntimeErr, SqlErr,
    sqlx::{self, postgres::PgDatabaseError},
};

use crate::{
    Engine,
    engine::{postgres, sqlite},
};

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
    /// The server is none that Roster works with. Says why.
    #[error("database is not suitable: {0}")]
    Unsuitable(&'static str),
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
            Self::Unsuitable(_) => "database is not suitable",
            Self::Unexpected(_) => "unexpected stored value",
            Self::Other(_) => "database operation failed",
        }
    }

    /// What the operator can do about it.
    #[must_use]
    pub const fn advice(&self, engine: Engine) -> &'static str {
        match (self, engine) {
            (Self::Conflict(_), Engine::Sqlite) => "another program has it open, stop that first",
            (Self::Conflict(_), Engine::Postgres) => {
                "somebody else has locked it for too long, look at pg_locks and try again"
            }
            (Self::Unavailable(_) | Self::ReadOnly(_), Engine::Sqlite) => {
                "it must belong to the user that runs Roster, on a file system that can be written"
            }
            (Self::Unavailable(_), Engine::Postgres) => {
                "it must be there, and let in the user that database.url names"
            }
            (Self::ReadOnly(_), Engine::Postgres) => {
                "it must not be a standby, and the user that database.url names must be able to write"
            }
            (Self::Full(_), _) => "make room for it, nothing that was acknowledged is lost",
            (Self::Corrupt(_) | Self::Unexpected(_), Engine::Sqlite) => {
                "restore the whole data directory from your backup"
            }
            (Self::Corrupt(_) | Self::Unexpected(_), Engine::Postgres) => {
                "restore it from your backup"
            }
            (Self::Newer(_), _) => "run that version, or restore the backup from before it",
            (Self::Unsuitable(_), _) => {
                "Roster needs PostgreSQL 15 or later, and a database whose encoding is UTF8"
            }
            (Self::Unique(_) | Self::Other(_), _) => "this is a defect of Roster, report it",
        }
    }
}

impl From<DbErr> for DbError {
    fn from(error: DbErr) -> Self {
        if let Some(SqlErr::UniqueConstraintViolation(what)) = error.sql_err() {
            return Self::Unique(what);
        }
        if let DbErr::Conn(runtime) | DbErr::Exec(runtime) | DbErr::Query(runtime) = &error
            && let Some(class) = class(runtime)
        {
            return class(error);
        }
        if let DbErr::ConnectionAcquire(_) | DbErr::Conn(_) = error {
            return Self::Unavailable(error);
        }
        Self::Other(error)
    }
}

/// Makes an error one of a class.
pub type Class = fn(DbErr) -> DbError;

/// The class of a failure of the driver, if it says enough.
fn class(error: &RuntimeErr) -> Option<Class> {
    let RuntimeErr::SqlxError(cause) = error else { return None };
    if let sqlx::Error::Database(told) = &**cause {
        let code = told.code().unwrap_or_default();
        let postgres = told.try_downcast_ref::<PgDatabaseError>().is_some();
        return Some(if postgres { postgres::class(&code) } else { sqlite::class(&code) });
    }
    // A connection that ends, or does not come about.
    matches!(
        **cause,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
    )
    .then_some(DbError::Unavailable)
}
