//! Locks that last as long as a connection.

use sea_orm::sqlx::{self, Connection as _, PgConnection, postgres::PgPoolOptions};

use super::{ANSWER, LOCKS, connect_options, failed, within};
use crate::{Claim, DbError, PostgresConfig};

/// Whose word it is that a service is in use.
const HELD: &str = " held";

/// The same of whoever answers calls.
const SERVED: &str = " served";

/// A connection of its own, which no pool gives to anybody else.
pub struct Own {
    pub connection: PgConnection,
    /// Its process on the server, and when that began.
    session: (i32, String),
}

/// Makes one.
pub async fn connect(config: &PostgresConfig) -> Result<Own, DbError> {
    let connect = connect_options(config, config.statement_timeout)?;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(config.pool.acquire_timeout)
        .connect_lazy_with(connect);
    let mut connection = pool.acquire().await.map_err(failed)?.detach();
    let look = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()";
    let session = sqlx::query_as(look).fetch_one(&mut connection);
    let session = within(ANSWER, session).await.map_err(failed)?;
    Ok(Own { connection, session })
}

/// Ends what the server still has of `lost`, a connection that this process has
/// given up: the network may have hidden that from it, and it would keep the
/// locks.
pub async fn end(connection: &mut PgConnection, lost: &Own) -> Result<(), DbError> {
    let (process, began) = &lost.session;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE pid = $1 AND backend_start::text = $2";
    let end = sqlx::query(end).bind(process).bind(began).execute(connection);
    within(ANSWER, end).await.map(drop).map_err(failed)
}

/// Whether the connection, with the locks that it has, is still there.
pub async fn ping(connection: &mut PgConnection) -> Result<(), DbError> {
    within(ANSWER, connection.ping()).await.map_err(failed)
}

/// Takes the lock that says that the service is in use, unless others have it
/// in a way that excludes this.
pub async fn hold(
    connection: &mut PgConnection,
    schema: &str,
    claim: Claim,
) -> Result<bool, DbError> {
    let take = match claim {
        Claim::Shared => "SELECT pg_try_advisory_lock_shared($1, hashtext($2))",
        Claim::Alone => "SELECT pg_try_advisory_lock($1, hashtext($2))",
    };
    ask(connection, take, schema, HELD).await
}

/// Takes the lock that says that calls are answered.
pub async fn serve(connection: &mut PgConnection, schema: &str) -> Result<bool, DbError> {
    let take = "SELECT pg_try_advisory_lock_shared($1, hashtext($2))";
    ask(connection, take, schema, SERVED).await
}

/// Whether anybody has the lock that says that calls are answered.
pub async fn is_served(connection: &mut PgConnection, schema: &str) -> Result<bool, DbError> {
    let take = "SELECT pg_try_advisory_lock($1, hashtext($2))";
    if !ask(connection, take, schema, SERVED).await? {
        return Ok(true);
    }
    let release = "SELECT pg_advisory_unlock($1, hashtext($2))";
    ask(connection, release, schema, SERVED).await?;
    Ok(false)
}

/// Whether other connections of the service are open: of a process, for
/// example, that has lost its lock and does not know yet.
pub async fn is_shared(connection: &mut PgConnection) -> Result<bool, DbError> {
    let look = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid() \
                AND application_name = current_setting('application_name'))";
    within(ANSWER, sqlx::query_scalar(look).fetch_one(connection)).await.map_err(failed)
}

/// Lets the server wait: nobody else's time passes.
pub async fn rest(connection: &mut PgConnection) -> Result<(), DbError> {
    let rest = "SELECT true FROM pg_sleep(0.1)";
    let rest = sqlx::query_scalar::<_, bool>(rest).fetch_one(connection);
    within(ANSWER, rest).await.map(drop).map_err(failed)
}

async fn ask(
    connection: &mut PgConnection,
    question: &'static str,
    schema: &str,
    what: &str,
) -> Result<bool, DbError> {
    // The schema may not be there yet.
    let question = sqlx::query_scalar(question).bind(LOCKS).bind(format!("{schema}{what}"));
    within(ANSWER, question.fetch_one(connection)).await.map_err(failed)
}
