//! What commits is there, what does not is not, and failures have a class.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use roster_db::{Db, DbConfig, DbError};
use roster_testkit::TempDb;
use sea_orm::ConnectionTrait;
use tokio::task::JoinSet;

use crate::Migrator;

async fn numbers(db: &Db) -> u64 {
    let statement = sea_orm::Statement::from_string(
        db.read().get_database_backend(),
        "select value from number".to_owned(),
    );
    u64::try_from(db.read().query_all_raw(statement).await.unwrap().len()).unwrap()
}

async fn with_table() -> TempDb {
    let temp = TempDb::new::<Migrator>().await;
    let tx = temp.db.begin().await.unwrap();
    tx.execute_unprepared("create table number (value integer primary key)").await.unwrap();
    tx.commit().await.unwrap();
    temp
}

#[tokio::test]
async fn what_is_not_committed_leaves_nothing_and_wakes_nobody() {
    let temp = with_table().await;
    let woken = Arc::new(AtomicU32::new(0));
    for commit in [false, true] {
        let tx = temp.db.begin().await.unwrap();
        tx.execute_unprepared("insert into number values (1)").await.unwrap();
        let hook = Arc::clone(&woken);
        tx.after_commit(move || {
            hook.fetch_add(1, Ordering::SeqCst);
        });
        if commit {
            tx.commit().await.unwrap();
        } else {
            drop(tx);
        }
    }
    assert_eq!(numbers(&temp.db).await, 1);
    assert_eq!(woken.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_second_row_with_the_same_key_is_told_apart() {
    let temp = with_table().await;
    let tx = temp.db.begin().await.unwrap();
    tx.execute_unprepared("insert into number values (1)").await.unwrap();
    let twice = tx.execute_unprepared("insert into number values (1)").await;
    let error = DbError::from(twice.unwrap_err());
    assert!(matches!(error, DbError::Unique(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_take_turns_and_none_fails() {
    let temp = with_table().await;
    let mut writers = JoinSet::new();
    for _ in 0..64 {
        let db = temp.db.clone();
        writers.spawn(async move {
            // Reads, then writes what follows from it: a deferred
            // transaction would fail here when another came in between.
            let tx = db.begin().await.unwrap();
            tx.execute_unprepared(
                "insert into number select coalesce(max(value), 0) + 1 from number",
            )
            .await
            .unwrap();
            tx.commit().await.unwrap();
        });
    }
    writers.join_all().await;
    assert_eq!(numbers(&temp.db).await, 64);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("foreign.db");
    fs::write(&path, "certainly no database, whatever its name may say. ".repeat(100)).unwrap();
    let error = Db::migrate::<Migrator>(&DbConfig::new(path)).await.unwrap_err();
    assert!(matches!(error, DbError::Corrupt(_)), "{error:?}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/some.db");
    let error = Db::migrate::<Migrator>(&DbConfig::new(path)).await.unwrap_err();
    assert!(matches!(error, DbError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_page_that_is_damaged_is_found_before_anything_is_done() {
    let temp = with_table().await;
    let tx = temp.db.begin().await.unwrap();
    let many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) \
                insert into number select i from n";
    tx.execute_unprepared(many).await.unwrap();
    tx.commit().await.unwrap();
    temp.db.close().await.unwrap();
    let path = &temp.config.path;
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(path, &bytes).unwrap();
    let error = Db::migrate::<Migrator>(&temp.config).await.unwrap_err();
    assert!(matches!(error, DbError::Corrupt(_)), "{error:?}");
    assert_eq!(fs::read(path).unwrap(), bytes);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let temp = TempDb::new::<Migrator>().await;
    let tx = temp.db.begin().await.unwrap();
    tx.execute_unprepared("insert into seaql_migrations values ('m9999_later', 0)").await.unwrap();
    tx.commit().await.unwrap();
    let error = Db::migrate::<Migrator>(&temp.config).await.unwrap_err();
    assert!(matches!(&error, DbError::Newer(name) if name == "m9999_later"), "{error:?}");
}

/// What a full disk does, with a limit of the engine's own: a write that finds
/// no room leaves nothing, and the next one that does is as if nothing had been.
#[tokio::test]
async fn a_database_without_room_refuses_and_goes_on_when_there_is_room() {
    let temp = with_table().await;
    for round in 0..3 {
        let tx = temp.db.begin().await.unwrap();
        tx.execute_unprepared("PRAGMA max_page_count = 1").await.unwrap();
        let much = "insert into number select value + 1000000 from \
                    (with recursive n(value) as (select 1 union all select value + 1 from n \
                    where value < 20000) select value from n)";
        let error = DbError::from(tx.execute_unprepared(much).await.unwrap_err());
        assert!(matches!(error, DbError::Full(_)), "{error:?}");
        drop(tx);
        assert_eq!(numbers(&temp.db).await, round);
        temp.db.ping().await.unwrap();
        let tx = temp.db.begin().await.unwrap();
        tx.execute_unprepared(&format!("insert into number values ({round})")).await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn migrations_are_applied_once() {
    let temp = TempDb::new::<Migrator>().await;
    assert_eq!(Db::migrate::<Migrator>(&temp.config).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn databases_are_for_their_owner_alone() {
    let temp = with_table().await;
    for entry in fs::read_dir(temp.config.path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
}
