//! Which PostgreSQL database, and how it is connected to.

use std::{fmt, time::Duration};

use sea_orm::sqlx::postgres::PgConnectOptions;
use serde::{Deserialize, Serialize};

/// The URL of a PostgreSQL database, with whatever secret it holds.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Takes `postgres://user:password@host:port/database?options`.
    #[must_use]
    pub const fn new(url: String) -> Self {
        Self(url)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says what is wrong with it, without repeating it.
    pub fn validate(&self) -> Result<(), &'static str> {
        if !self.0.starts_with("postgres://") && !self.0.starts_with("postgresql://") {
            return Err("has to begin with postgres://");
        }
        self.0.parse::<PgConnectOptions>().map(drop).map_err(|_| "is not a valid URL")
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(..)")
    }
}

/// How many connections there are. Those that write are apart from those that
/// read, so that no read waits while writers wait for each other's locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolConfig {
    /// The most connections that read.
    pub readers: u32,
    /// The most transactions that write at the same time.
    pub writers: u32,
    /// How many connections of each kind are kept open while there is nothing
    /// to do.
    pub idle: u32,
    /// How long is waited for a connection, new or free.
    pub acquire_timeout: Duration,
}

/// A schema of a PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresConfig {
    /// The database.
    pub url: DatabaseUrl,
    /// The schema: ASCII letters in lower case, digits and `_`. Made by the
    /// migrations when it is missing.
    pub schema: String,
    /// The connections.
    pub pool: PoolConfig,
    /// How long a statement may take; zero for as long as it takes.
    pub statement_timeout: Duration,
    /// How long a statement waits for somebody else's lock; zero for as long
    /// as it takes.
    pub lock_timeout: Duration,
    /// After how long without a word the server ends a transaction: a process
    /// that hangs must not keep its locks. Zero for never.
    pub idle_in_transaction: Duration,
}

impl PostgresConfig {
    /// The schema `schema` of the database at `url`, with the default settings.
    #[must_use]
    pub fn new(url: DatabaseUrl, schema: &str) -> Self {
        Self {
            url,
            schema: schema.to_owned(),
            pool: PoolConfig {
                readers: 8,
                writers: 8,
                idle: 1,
                acquire_timeout: Duration::from_secs(5),
            },
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(10),
            idle_in_transaction: Duration::from_secs(30),
        }
    }
}

impl fmt::Display for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(options) = self.url.expose().parse::<PgConnectOptions>() else {
            return write!(f, "schema {}", self.schema);
        };
        let database = options.get_database().unwrap_or_default();
        let (host, port) = (options.get_host(), options.get_port());
        write!(f, "schema {} of database {database} at {host}:{port}", self.schema)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_holds_the_password() {
        let url = DatabaseUrl::new("postgres://roster:kept@db.example:5433/users".to_owned());
        let config = PostgresConfig::new(url, "identity");
        let shown = format!("{config} {config:?}");
        assert!(!shown.contains("kept"), "{shown}");
        assert!(shown.contains("schema identity of database users at db.example:5433"), "{shown}");
    }

    #[test]
    fn what_is_no_url_of_a_database_is_refused() {
        for url in ["mysql://localhost", "localhost", "postgres://user:kept@host:port/base"] {
            let error = DatabaseUrl::new(url.to_owned()).validate().unwrap_err();
            assert!(!error.contains("kept"), "{error}");
        }
        for url in ["postgres://localhost", "postgresql://u:p@[::1]:1/d?sslmode=require"] {
            DatabaseUrl::new(url.to_owned()).validate().unwrap();
        }
    }
}
