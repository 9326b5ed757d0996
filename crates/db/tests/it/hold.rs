//! Who works on the tables of a service, where there is no folder to lock.

use roster_db::{Claim, Db, DbConfig, Hold, PostgresConfig};
use roster_testkit::TempPostgres;
use sea_orm::ConnectionTrait as _;

struct World {
    database: TempPostgres,
}

impl World {
    async fn new() -> Self {
        Self { database: TempPostgres::new().await }
    }

    fn config(&self, service: &str) -> DbConfig {
        DbConfig::Postgres(PostgresConfig::new(self.database.url(), service))
    }

    async fn claim(&self, claim: Claim) -> Option<Hold> {
        Db::claim(&self.config("service"), claim).await.unwrap()
    }

    /// Ends every other connection to the database, as a restart of the server
    /// would.
    async fn end_connections(&self) {
        let db = Db::open(&self.config("elsewhere")).await.unwrap();
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        db.read().execute_unprepared(end).await.unwrap();
        db.close().await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn many_share_a_claim_or_one_has_it_alone() {
    let world = World::new().await;
    let (one, other) = (world.claim(Claim::Shared).await, world.claim(Claim::Shared).await);
    assert!(one.is_some() && other.is_some());
    assert!(world.claim(Claim::Alone).await.is_none());
    // Another service has nothing to do with it.
    let another = Db::claim(&world.config("another"), Claim::Alone).await.unwrap();
    assert!(another.is_some());
    drop((one, other));
    let alone = world.claim(Claim::Alone).await;
    assert!(alone.is_some());
    assert!(world.claim(Claim::Shared).await.is_none());
    drop(alone);
    assert!(world.claim(Claim::Shared).await.is_some());
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn a_claim_that_is_lost_with_its_connection_is_made_again_or_is_over() {
    let world = World::new().await;
    let (one, other) =
        (world.claim(Claim::Shared).await.unwrap(), world.claim(Claim::Shared).await.unwrap());
    one.serve().await.unwrap();
    assert!(one.keep().await.unwrap());
    world.end_connections().await;
    assert!(one.keep().await.unwrap());
    assert!(other.is_served().await.is_err() && other.keep().await.unwrap());
    assert!(other.is_served().await.unwrap());
    assert!(world.claim(Claim::Alone).await.is_none());

    world.end_connections().await;
    let _alone = world.claim(Claim::Alone).await.unwrap();
    assert!(!one.keep().await.unwrap());
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn whoever_is_to_be_alone_sees_connections_without_a_claim() {
    let world = World::new().await;
    let alone = world.claim(Claim::Alone).await.unwrap();
    assert!(alone.is_undisturbed().await.unwrap());
    let db = Db::open(&world.config("service")).await.unwrap();
    db.read().execute_unprepared("SELECT 1").await.unwrap();
    assert!(!alone.is_undisturbed().await.unwrap());
    db.close().await.unwrap();
    assert!(alone.is_undisturbed().await.unwrap());
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn one_that_answers_calls_is_seen_by_the_others() {
    let world = World::new().await;
    let (one, other) =
        (world.claim(Claim::Shared).await.unwrap(), world.claim(Claim::Shared).await.unwrap());
    assert!(!one.is_served().await.unwrap() && !other.is_served().await.unwrap());
    one.serve().await.unwrap();
    assert!(other.is_served().await.unwrap());
    drop(one);
    roster_testkit::eventually(async || !other.is_served().await.unwrap()).await;
}

#[tokio::test]
async fn of_files_there_is_nothing_to_claim() {
    let folder = tempfile::tempdir().unwrap();
    let config = DbConfig::new(folder.path().join("test.db"));
    let _one = Db::claim(&config, Claim::Alone).await.unwrap().unwrap();
    let other = Db::claim(&config, Claim::Alone).await.unwrap().unwrap();
    other.serve().await.unwrap();
    assert!(other.keep().await.unwrap() && other.is_undisturbed().await.unwrap());
    assert!(!other.is_served().await.unwrap() && !config_exists(folder.path()));
}

/// Nothing is made on the way.
fn config_exists(folder: &std::path::Path) -> bool {
    folder.join("test.db").exists()
}
