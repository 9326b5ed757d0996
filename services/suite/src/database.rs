//! Where the services keep their tables.

use std::{path::Path, time::Duration};

use roster_db::{DatabaseUrl, DbConfig, PoolConfig, PostgresConfig};
use serde::{Deserialize, Serialize};

/// The most connections of one kind that a service may be given.
const MOST: u32 = 1_000;

/// The longest time, in seconds, that can be set: a day.
const LONGEST: u64 = 24 * 60 * 60;

/// Where the services keep their tables: each in a SQLite file of its own in
/// the data directory, or in a schema of its own of one PostgreSQL database. All
/// but the URL is about PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// The PostgreSQL database; empty for SQLite.
    pub url: DatabaseUrl,
    /// The most connections of each service that read.
    pub readers: u32,
    /// The most transactions of each service that write at the same time.
    pub writers: u32,
    /// How many connections of each kind each service keeps open while there is
    /// nothing to do.
    pub idle: u32,
    /// How long is waited for a connection, in seconds.
    pub acquire_seconds: u64,
    /// How long a statement may take, in seconds; 0 for as long as it takes.
    pub statement_seconds: u64,
    /// How long a statement waits for a lock, in seconds; 0 for as long as it
    /// takes.
    pub lock_seconds: u64,
    /// After how long without a word the server ends a transaction, in seconds;
    /// 0 for never.
    pub idle_in_transaction_seconds: u64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: DatabaseUrl::default(),
            readers: 8,
            writers: 8,
            idle: 1,
            acquire_seconds: 5,
            statement_seconds: 30,
            lock_seconds: 10,
            idle_in_transaction_seconds: 30,
        }
    }
}

impl DatabaseConfig {
    /// Where a service's tables are.
    #[must_use]
    pub fn of(&self, data_dir: &Path, service: &str) -> DbConfig {
        if self.url.is_empty() {
            return DbConfig::new(data_dir.join(format!("{service}.db")));
        }
        DbConfig::Postgres(PostgresConfig {
            url: self.url.clone(),
            schema: service.to_owned(),
            pool: PoolConfig {
                readers: self.readers,
                writers: self.writers,
                idle: self.idle,
                acquire_timeout: Duration::from_secs(self.acquire_seconds),
            },
            statement_timeout: Duration::from_secs(self.statement_seconds),
            lock_timeout: Duration::from_secs(self.lock_seconds),
            idle_in_transaction: Duration::from_secs(self.idle_in_transaction_seconds),
        })
    }

    /// Says what is wrong with the settings, naming the key.
    pub fn validate(&self) -> Result<(), String> {
        if !self.url.is_empty() {
            self.url.validate().map_err(|error| format!("url {error}"))?;
        }
        for (key, connections) in [("readers", self.readers), ("writers", self.writers)] {
            if !(1..=MOST).contains(&connections) {
                return Err(format!("{key} must be from 1 to {MOST}"));
            }
        }
        if self.idle > self.readers.min(self.writers) {
            return Err("idle must be at most readers and writers".to_owned());
        }
        if !(1..=LONGEST).contains(&self.acquire_seconds) {
            return Err(format!("acquire_seconds must be from 1 to {LONGEST}"));
        }
        for (key, seconds) in [
            ("statement_seconds", self.statement_seconds),
            ("lock_seconds", self.lock_seconds),
            ("idle_in_transaction_seconds", self.idle_in_transaction_seconds),
        ] {
            if seconds > LONGEST {
                return Err(format!("{key} must be at most {LONGEST}"));
            }
        }
        Ok(())
    }
}
