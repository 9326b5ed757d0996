//! A server that the network hides. What was connected to it stays silent for
//! good.

use std::time::Duration;

use futures_util::future::join_all;
use roster_db::{Claim, Db, DbConfig, DbError, PostgresConfig};
use roster_testkit::{Link, TempPostgres, Way, eventually};
use sea_orm::{ConnectionTrait as _, DbErr, ExecResult};

use crate::Migrator;

/// How many connections of each kind there are.
const MOST: u32 = 2;

/// A database that is given up soon, and the link to it.
struct World {
    db: Db,
    config: DbConfig,
    link: Link,
    _database: TempPostgres,
}

impl World {
    async fn new() -> Self {
        let database = TempPostgres::new().await;
        let (link, url) = database.linked();
        let mut config = PostgresConfig::new(url, "hidden");
        config.pool.readers = MOST;
        config.pool.writers = MOST;
        config.pool.acquire_timeout = Duration::from_secs(1);
        config.statement_timeout = Duration::from_secs(1);
        let config = DbConfig::Postgres(config);
        Db::migrate::<Migrator>(&config).await.unwrap();
        let db = Db::open(&config).await.unwrap();
        Self { db, config, link, _database: database }
    }

    async fn read(&self) -> Result<ExecResult, DbErr> {
        self.db.read().execute_unprepared("SELECT 1").await
    }

    async fn write(&self) -> Result<(), DbError> {
        let tx = self.db.begin().await?;
        tx.execute_unprepared("SELECT 1").await?;
        tx.commit().await
    }

    /// Uses every connection, all at the same time.
    async fn use_all(&self) {
        let readers = join_all((0..MOST).map(|_| self.db.read().execute_unprepared(LONG))).await;
        let mut writers = Vec::new();
        for _ in 0..MOST {
            writers.push(self.db.begin().await.unwrap());
        }
        assert!(readers.iter().all(Result::is_ok));
    }
}

/// Longer than it takes to ask for the same on another connection.
const LONG: &str = "SELECT pg_sleep(0.1)";

/// What comes long before a system gives up a connection by itself.
async fn in_time<T>(answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), answer).await.unwrap()
}

fn assert_unavailable<T: std::fmt::Debug>(answer: Result<T, impl Into<DbError>>) {
    let error = answer.map_err(Into::into).unwrap_err();
    assert!(matches!(error, DbError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn a_server_that_is_hidden_is_unavailable_and_found_again() {
    for way in [Way::Refused, Way::Swallowed] {
        let world = World::new().await;
        world.use_all().await;
        let [one, other] = [world.db.begin().await.unwrap(), world.db.begin().await.unwrap()];
        world.link.set(way);
        let calls = (0..10).map(|_| async { (world.read().await, world.write().await) });
        let (stated, committed, calls, pinged) = in_time(async {
            tokio::join!(
                one.execute_unprepared("SELECT 1"),
                other.commit(),
                join_all(calls),
                world.db.ping(),
            )
        })
        .await;
        assert_unavailable(stated);
        assert_unavailable(committed);
        assert_unavailable(pinged);
        for (read, write) in calls {
            assert_unavailable(read);
            assert_unavailable(write);
        }
        drop(one);
        world.link.set(Way::Open);
        eventually(async || world.read().await.is_ok() && world.write().await.is_ok()).await;
        // One after the other, as what was connected before has to go.
        for _ in 0..MOST {
            world.read().await.unwrap();
            world.write().await.unwrap();
        }
    }
}

/// What asks a connection that is given back whether it lives waits for ever: the
/// connections must not be missing for as long.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn connections_whose_callers_gave_up_do_not_stay_away() {
    let world = World::new().await;
    world.use_all().await;
    world.link.set(Way::Swallowed);
    let moment = Duration::from_millis(50);
    let calls = (0..MOST).map(|_| async {
        let read = tokio::time::timeout(moment, world.read()).await;
        let write = tokio::time::timeout(moment, world.write()).await;
        assert!(read.is_err() && write.is_err());
    });
    join_all(calls).await;
    world.link.set(Way::Open);
    eventually(async || world.read().await.is_ok()).await;
    eventually(async || world.write().await.is_ok()).await;
    in_time(world.db.close()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn those_who_wait_for_each_other_get_no_more_connections() {
    let world = World::new().await;
    let mut writers = Vec::new();
    for _ in 0..MOST {
        writers.push(world.db.begin().await.unwrap());
    }
    let connected = world.link.connected();
    for waited in join_all((0..5).map(|_| world.write())).await {
        assert_unavailable(waited);
    }
    assert_eq!(world.link.connected(), connected);
    drop(writers);
    world.write().await.unwrap();
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn claims_are_had_again_from_what_the_server_still_has_of_them() {
    for claim in [Claim::Shared, Claim::Alone] {
        let world = World::new().await;
        let hold = Db::claim(&world.config, claim).await.unwrap().unwrap();
        world.link.set(Way::Swallowed);
        assert_unavailable(in_time(hold.keep()).await);
        world.link.set(Way::Open);
        assert!(in_time(hold.keep()).await.unwrap());
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn whoever_hears_nothing_is_told() {
    let world = World::new().await;
    let mut news = world.db.news("numbers").await.unwrap().unwrap();
    world.link.set(Way::Swallowed);
    assert_unavailable(in_time(news.next()).await);
    world.link.set(Way::Open);
    eventually(async || world.db.news("numbers").await.is_ok()).await;
}
