//! What a server does: schemas, waiting, and being away.

use std::time::Duration;

use futures_util::future::join_all;
use roster_db::{Db, DbConfig, DbError, News, PostgresConfig};
use roster_testkit::{TempDb, TempPostgres, eventually};
use sea_orm::{ConnectionTrait as _, Statement};

use crate::{
    Migrator,
    transactions::{create_table, numbers},
};

async fn setting(db: &Db, name: &str) -> String {
    let backend = db.read().get_database_backend();
    let ask = Statement::from_string(backend, format!("SELECT current_setting('{name}')"));
    db.read().query_one_raw(ask).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Ends all connections but one that reads.
async fn end_others(db: &Db) {
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    db.read().execute_unprepared(others).await.unwrap();
}

/// A database whose statements may take, and wait, for a moment only.
async fn hasty() -> (TempPostgres, Db) {
    let database = TempPostgres::new().await;
    let mut config = PostgresConfig::new(database.url(), "hasty");
    config.pool.idle = 0;
    config.pool.writers = 2;
    config.pool.acquire_timeout = Duration::from_millis(200);
    config.statement_timeout = Duration::from_millis(300);
    config.lock_timeout = Duration::from_millis(100);
    config.idle_in_transaction = Duration::from_mins(1);
    let config = DbConfig::Postgres(config);
    Db::migrate::<Migrator>(&config).await.unwrap();
    let db = Db::open(&config).await.unwrap();
    create_table(&db).await;
    (database, db)
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn services_share_a_database_and_see_only_their_own() {
    let database = TempPostgres::new().await;
    let mut services = Vec::new();
    for schema in ["one", "other"] {
        let config = DbConfig::Postgres(PostgresConfig::new(database.url(), schema));
        assert_eq!(Db::migrate::<Migrator>(&config).await.unwrap().len(), 1);
        let db = Db::open(&config).await.unwrap();
        create_table(&db).await;
        services.push(db);
    }
    let tx = services[0].begin().await.unwrap();
    tx.execute_unprepared("insert into number values (1)").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(numbers(&services[0]).await, 1);
    assert_eq!(numbers(&services[1]).await, 0);
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn connections_say_who_they_are_and_have_their_bounds() {
    let (_database, db) = hasty().await;
    for (name, expected) in [
        ("application_name", "roster hasty"),
        ("search_path", "hasty"),
        ("TimeZone", "UTC"),
        ("default_transaction_isolation", "read committed"),
        ("statement_timeout", "300ms"),
        ("lock_timeout", "100ms"),
        ("idle_in_transaction_session_timeout", "1min"),
    ] {
        assert_eq!(setting(&db, name).await, expected, "{name}");
    }
}

/// Reads and begins at the same time, so often that each connection is used.
async fn use_all(db: &Db) {
    let backend = db.read().get_database_backend();
    let read = async || {
        let long = Statement::from_string(backend, "SELECT 1 FROM pg_sleep(0.1)");
        db.read().query_one_raw(long).await.unwrap();
    };
    join_all((0..8).map(|_| read())).await;
    let begun = join_all((0..8).map(|_| db.begin())).await;
    assert!(begun.iter().all(Result::is_ok));
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn connections_that_a_server_ended_are_replaced_unseen() {
    let database = TempPostgres::new().await;
    let config = DbConfig::Postgres(PostgresConfig::new(database.url(), "ended"));
    Db::migrate::<Migrator>(&config).await.unwrap();
    let (db, other) = (Db::open(&config).await.unwrap(), Db::open(&config).await.unwrap());
    use_all(&db).await;
    end_others(&other).await;
    use_all(&db).await;
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn waiting_ends_and_says_what_for() {
    let (_database, db) = hasty().await;
    let long = db.read().execute_unprepared("SELECT pg_sleep(60)").await;
    let error = DbError::from(long.unwrap_err());
    assert!(matches!(error, DbError::Unavailable(_)), "{error:?}");

    let holder = db.begin().await.unwrap();
    holder.lock("name").await.unwrap();
    let waiter = db.begin().await.unwrap();
    let error = waiter.lock("name").await.unwrap_err();
    assert!(matches!(error, DbError::Conflict(_)), "{error:?}");
    // Two transactions are as many as there may be.
    let error = db.begin().await.unwrap_err();
    assert!(matches!(error, DbError::Unavailable(_)), "{error:?}");
    drop((holder, waiter));
    db.begin().await.unwrap();
}

/// Two that wait for each other: one of them is told to try again.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn a_deadlock_is_a_conflict() {
    let temp = TempDb::postgres::<Migrator>().await;
    let (one, other) = (temp.db.begin().await.unwrap(), temp.db.begin().await.unwrap());
    one.lock("a").await.unwrap();
    other.lock("b").await.unwrap();
    let (ahead, behind) = tokio::join!(
        async {
            let waited = one.lock("b").await;
            drop(one);
            waited
        },
        async {
            let waited = other.lock("a").await;
            drop(other);
            waited
        }
    );
    let errors: Vec<_> = [ahead, behind].into_iter().filter_map(Result::err).collect();
    assert!(matches!(errors[..], [DbError::Conflict(_)]), "{errors:?}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn a_server_that_ends_connections_is_connected_to_anew() {
    let temp = TempDb::postgres::<Migrator>().await;
    let tx = temp.db.begin().await.unwrap();
    end_others(&temp.db).await;
    let error = DbError::from(tx.execute_unprepared("SELECT 1").await.unwrap_err());
    assert!(matches!(error, DbError::Unavailable(_)), "{error:?}");
    drop(tx);
    let tx = temp.db.begin().await.unwrap();
    tx.execute_unprepared("SELECT 1").await.unwrap();
    tx.commit().await.unwrap();
    temp.db.ping().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn a_database_that_cannot_be_written_is_not_healthy_until_it_can() {
    let temp = TempDb::postgres::<Migrator>().await;
    let read_only = async |on: &str| {
        let set = format!(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = \
             {on}', current_database()); END $$"
        );
        temp.db.read().execute_unprepared(&set).await.unwrap();
    };
    read_only("on").await;
    // Connections of before keep their setting.
    let db = Db::open(&temp.config).await.unwrap();
    let tx = db.begin().await.unwrap();
    let refused = tx.execute_unprepared("CREATE TABLE other (id integer)").await;
    let error = DbError::from(refused.unwrap_err());
    assert!(matches!(error, DbError::ReadOnly(_)), "{error:?}");
    drop(tx);
    let error = db.ping().await.unwrap_err();
    assert!(matches!(error, DbError::ReadOnly(_)), "{error:?}");
    read_only("off").await;
    end_others(&temp.db).await;
    // What was used a moment ago is not asked whether it is still there, and
    // fails once or twice.
    eventually(async || db.ping().await.is_ok()).await;
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable_and_no_secret_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("postgres://roster:kept@localhost/base?host={}", folder.path().display());
    let mut config = PostgresConfig::new(roster_db::DatabaseUrl::new(url), "some");
    config.pool.acquire_timeout = Duration::from_millis(50);
    let config = DbConfig::Postgres(config);
    let error = Db::migrate::<Migrator>(&config).await.unwrap_err();
    assert!(matches!(error, DbError::Unavailable(_)), "{error:?}");
    let db = Db::open(&config).await.unwrap();
    let error = db.begin().await.unwrap_err();
    assert!(matches!(error, DbError::Unavailable(_)), "{error:?}");
    let told = format!("{error} {error:?} {config} {config:?} {db:?}");
    assert!(!told.contains("kept"), "{told}");
}

async fn tell(db: &Db, channel: &str) -> Result<(), DbError> {
    let tx = db.begin().await?;
    tx.notify(channel).await?;
    tx.commit().await
}

/// Whether there are news within a time in which they surely come.
async fn hears(news: &mut News) -> bool {
    tokio::time::timeout(Duration::from_secs(20), news.next()).await.is_ok()
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn processes_tell_each_other_what_they_have_committed() {
    let (database, db) = hasty().await;
    let mut heard = db.news("numbers").await.unwrap().unwrap();
    // Of another service, and of another kind: neither is heard here.
    let other = DbConfig::Postgres(PostgresConfig::new(database.url(), "other"));
    Db::migrate::<Migrator>(&other).await.unwrap();
    let other = Db::open(&other).await.unwrap();
    tell(&other, "numbers").await.unwrap();
    tell(&db, "letters").await.unwrap();
    // What is not committed is not told.
    let tx = db.begin().await.unwrap();
    tx.notify("numbers").await.unwrap();
    drop(tx);
    let early = tokio::time::timeout(Duration::from_millis(100), heard.next()).await;
    assert!(early.is_err(), "told what is not so");

    tell(&db, "numbers").await.unwrap();
    assert!(hears(&mut heard).await);

    // Who was cut off is told, as something may have been said meanwhile.
    end_others(&db).await;
    assert!(hears(&mut heard).await);
    eventually(async || tell(&db, "numbers").await.is_ok()).await;
    assert!(hears(&mut heard).await);
}
