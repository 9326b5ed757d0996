//! A schema of a PostgreSQL database.

pub mod hold;

use std::{io, sync::Arc, time::Duration};

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseBackend, DatabaseConnection, DatabaseTransaction,
    DbErr, RuntimeErr, Statement,
    sqlx::{
        self, Connection as _, Executor as _,
        postgres::{PgConnectOptions, PgListener, PgPoolOptions},
    },
};

use crate::{
    DbError, PostgresConfig,
    error::Class,
    pool::{Bounds, Breaks, Pool},
};

/// The oldest version that Roster works with.
const OLDEST: i32 = 15;

/// A connection that was not used for so long is asked whether it still is
/// one: a server that was restarted, or a firewall, closes them unheard.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How much longer than the server lets a statement run its answer is waited
/// for: who says nothing then, not even that it took too long, is not there.
const GRACE: Duration = Duration::from_secs(2);

/// How long an answer is waited for that takes the server no time.
const ANSWER: Duration = Duration::from_secs(2);

/// How long nobody may have told anything until it is asked whether that is so.
const QUIET: Duration = Duration::from_secs(5);

/// What Roster's advisory locks have in common, so that they meet those of
/// nobody else in the same database.
const LOCKS: i32 = 0x726f_7374;

/// The smallest write there is: it needs the right to write, and reaches the
/// log, but changes nothing.
pub const SMALLEST_WRITE: &str =
    "DELETE FROM seaql_migrations WHERE false; SELECT pg_current_xact_id()";

/// Up to `most` connections, each of which takes its time only as the settings
/// say.
pub async fn pool(config: &PostgresConfig, most: u32) -> Result<Pool, DbError> {
    let mut options = options(config, most, config.statement_timeout)?;
    let breaks = Breaks::default();
    let known = breaks.clone();
    // One that does not say that it lives leaves as much time for making another.
    let says_so = config.pool.acquire_timeout / 2;
    options.map_sqlx_postgres_before_acquire(move |connection, told| {
        let asked = told.idle_for >= TRUSTED_FOR || known.concern(told.idle_for);
        Box::pin(async move {
            if asked {
                within(says_so, connection.ping()).await?;
            }
            Ok(true)
        })
    });
    let endless = config.statement_timeout.is_zero();
    let answer = if endless { Duration::MAX } else { config.statement_timeout + GRACE };
    let connection = config.pool.acquire_timeout;
    Ok(Pool::open(options, Bounds { most: most as usize, connection, answer }, breaks).await?)
}

/// How up to `most` connections are made, whose statements take up to `time`
/// each, or as long as they take when it is zero.
pub fn options(
    config: &PostgresConfig,
    most: u32,
    time: Duration,
) -> Result<ConnectOptions, DbError> {
    let connect = connect_options(config, time)?;
    // The URL, with its secret, is in the driver's options only.
    let mut options = ConnectOptions::new("postgres://localhost");
    options
        .max_connections(most)
        .min_connections(config.pool.idle.min(most))
        .connect_timeout(config.pool.acquire_timeout)
        .acquire_timeout(config.pool.acquire_timeout)
        .test_before_acquire(false)
        // A database that is away at the start is one that is away later on.
        .connect_lazy(true)
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(move |_| connect.clone());
    Ok(options)
}

fn connect_options(config: &PostgresConfig, time: Duration) -> Result<PgConnectOptions, DbError> {
    use sea_orm::sqlx::ConnectOptions as _;

    // What the parser says may repeat parts of the URL.
    let options: PgConnectOptions = config.url.expose().parse().map_err(|_| {
        DbError::Unavailable(DbErr::Conn(RuntimeErr::Internal("the URL is not valid".to_owned())))
    })?;
    let milliseconds = |time: Duration| time.as_millis().to_string();
    Ok(options
        .application_name(&format!("roster {}", config.schema))
        .disable_statement_logging()
        .options([
            ("search_path", config.schema.clone()),
            ("timezone", "UTC".to_owned()),
            // "relation already exists, skipping" is nobody's news.
            ("client_min_messages", "warning".to_owned()),
            // What the locks of transactions are made for.
            ("default_transaction_isolation", "read committed".to_owned()),
            ("statement_timeout", milliseconds(time)),
            ("lock_timeout", milliseconds(config.lock_timeout)),
            ("idle_in_transaction_session_timeout", milliseconds(config.idle_in_transaction)),
            // A machine that is gone keeps no locks: by default the server would
            // take two hours to notice.
            ("tcp_keepalives_idle", "10".to_owned()),
            ("tcp_keepalives_interval", "10".to_owned()),
            ("tcp_keepalives_count", "3".to_owned()),
        ]))
}

/// Tells those who listen on `channel` that there is news, once `tx` commits.
pub async fn notify(tx: &impl ConnectionTrait, channel: &str) -> Result<(), DbError> {
    let tell = "SELECT pg_notify(current_schema() || $1, '')";
    let channel = format!(".{channel}");
    let tell = Statement::from_sql_and_values(DatabaseBackend::Postgres, tell, [channel.into()]);
    tx.execute_raw(tell).await?;
    Ok(())
}

/// A connection of its own that listens on `channel`.
pub async fn listen(config: &PostgresConfig, channel: &str) -> Result<PgListener, DbError> {
    let connect = connect_options(config, config.statement_timeout)?;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(config.pool.acquire_timeout)
        .connect_lazy_with(connect);
    let mut listener = PgListener::connect_with(&pool).await.map_err(failed)?;
    let channel = format!("{}.{channel}", config.schema);
    within(ANSWER, listener.listen(&channel)).await.map_err(failed)?;
    Ok(listener)
}

/// Waits for the next word; answers, too, when the connection was lost, as
/// nobody knows what was said meanwhile.
pub async fn heard(listener: &mut PgListener) -> Result<(), DbError> {
    loop {
        if let Ok(heard) = tokio::time::timeout(QUIET, listener.try_recv()).await {
            return heard.map(drop).map_err(failed);
        }
        within(ANSWER, listener.execute("")).await.map_err(failed)?;
    }
}

fn failed(error: sqlx::Error) -> DbError {
    DbError::from(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
}

/// What is answered within `time`: a connection can be dead without a word.
async fn within<T>(
    time: Duration,
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let silent = || sqlx::Error::Io(io::ErrorKind::TimedOut.into());
    tokio::time::timeout(time, answer).await.unwrap_or_else(|_| Err(silent()))
}

/// Refuses a server that Roster does not work with.
pub async fn check(connection: &DatabaseConnection) -> Result<(), DbError> {
    let ask = "SELECT current_setting('server_version_num')::int, \
               current_setting('server_encoding')";
    let ask = Statement::from_string(DatabaseBackend::Postgres, ask);
    let row = connection.query_one_raw(ask).await?.ok_or(DbError::Unexpected("settings"))?;
    let (version, encoding): (i32, String) = row.try_get_many_by_index()?;
    if version / 10_000 < OLDEST {
        return Err(DbError::Unsuitable("it is older than PostgreSQL 15"));
    }
    if encoding != "UTF8" {
        return Err(DbError::Unsuitable("its encoding is not UTF8"));
    }
    Ok(())
}

/// Refuses a server that lets nobody write, such as a standby: it says so
/// before anybody tries.
pub async fn writable(connection: &impl ConnectionTrait) -> Result<(), DbError> {
    let ask = "SELECT current_setting('transaction_read_only')::bool";
    let ask = Statement::from_string(DatabaseBackend::Postgres, ask);
    let row = connection.query_one_raw(ask).await?.ok_or(DbError::Unexpected("settings"))?;
    if row.try_get_by_index(0)? {
        return Err(DbError::ReadOnly(DbErr::Custom("the server is read-only".to_owned())));
    }
    Ok(())
}

/// Takes the one turn at migrating the schema, waiting for whoever has it, and
/// makes the schema. The turn ends with the transaction.
pub async fn take_turn(tx: &DatabaseTransaction, schema: &str) -> Result<(), DbError> {
    // Another replica migrates for as long as that takes; whoever uses a
    // table meanwhile is waited for no longer than anywhere else.
    tx.execute_unprepared("SET LOCAL lock_timeout = 0").await?;
    let lock = Statement::from_sql_and_values(
        DatabaseBackend::Postgres,
        "SELECT pg_advisory_xact_lock($1, hashtext($2))",
        [LOCKS.into(), schema.into()],
    );
    tx.execute_raw(lock).await?;
    tx.execute_unprepared("SET LOCAL lock_timeout TO DEFAULT").await?;
    // Asked first: making one needs a right that who migrates may not have.
    let ask = Statement::from_sql_and_values(
        DatabaseBackend::Postgres,
        "SELECT 1 FROM pg_namespace WHERE nspname = $1",
        [schema.into()],
    );
    if tx.query_one_raw(ask).await?.is_none() {
        tx.execute_unprepared(&format!("CREATE SCHEMA \"{schema}\"")).await?;
    }
    Ok(())
}

/// Takes the lock `name` of the schema, until the transaction ends.
pub async fn lock(tx: &impl ConnectionTrait, name: &str) -> Result<(), DbError> {
    lock_with(tx, "pg_advisory_xact_lock", name).await
}

/// Takes the lock `name` together with others who take it like this.
pub async fn lock_shared(tx: &impl ConnectionTrait, name: &str) -> Result<(), DbError> {
    lock_with(tx, "pg_advisory_xact_lock_shared", name).await
}

async fn lock_with(tx: &impl ConnectionTrait, how: &str, name: &str) -> Result<(), DbError> {
    // Two names with the same hash wait for each other, which harms nobody.
    let lock = Statement::from_sql_and_values(
        DatabaseBackend::Postgres,
        format!("SELECT {how}(hashtextextended(current_schema() || ' ' || $1, $2))"),
        [name.into(), i64::from(LOCKS).into()],
    );
    tx.execute_raw(lock).await?;
    Ok(())
}

/// The class of an error with this SQLSTATE
/// (postgresql.org/docs/current/errcodes-appendix.html).
pub fn class(code: &str) -> Class {
    match code {
        // Serialization failure, deadlock, a lock that did not come in time.
        "40001" | "40P01" | "55P03" => DbError::Conflict,
        "53100" => DbError::Full,
        "25006" => DbError::ReadOnly,
        // A statement that took too long, a server that shuts down, starts or
        // lets nobody in.
        "57014" | "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "3D000" | "55000" => {
            DbError::Unavailable
        }
        _ => match code.get(..2) {
            // Connections, authorization, resources, the system beneath.
            Some("08" | "28" | "53" | "58") => DbError::Unavailable,
            Some("XX") if code != "XX000" => DbError::Corrupt,
            Some(_) | None => DbError::Other,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_classes() {
        for (code, expected) in [
            ("40001", "conflict with another transaction"),
            ("40P01", "conflict with another transaction"),
            ("55P03", "conflict with another transaction"),
            ("57014", "database unavailable"),
            ("57P01", "database unavailable"),
            ("08006", "database unavailable"),
            ("28P01", "database unavailable"),
            ("53300", "database unavailable"),
            ("53100", "no room to write"),
            ("25006", "database is read-only"),
            ("XX001", "database is damaged"),
            ("XX000", "database operation failed"),
            ("42P01", "database operation failed"),
            ("", "database operation failed"),
        ] {
            let error = class(code)(DbErr::Custom(String::new()));
            assert_eq!(error.class(), expected, "{code}");
        }
    }
}
