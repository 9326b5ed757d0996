//! What SQLite does with its file: damage, room, modes.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use roster_db::{Db, DbConfig, DbError};
use roster_testkit::TempDb;
use sea_orm::ConnectionTrait as _;

use crate::{
    Migrator,
    transactions::{create_table, numbers},
};

async fn with_table() -> TempDb {
    let temp = TempDb::sqlite::<Migrator>().await;
    create_table(&temp.db).await;
    temp
}

fn file(config: &DbConfig) -> PathBuf {
    let DbConfig::Sqlite(file) = config else { panic!("{config} is no file") };
    file.path.clone()
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
    let path = &file(&temp.config);
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(path, &bytes).unwrap();
    let error = Db::migrate::<Migrator>(&temp.config).await.unwrap_err();
    assert!(matches!(error, DbError::Corrupt(_)), "{error:?}");
    assert_eq!(fs::read(path).unwrap(), bytes);
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
async fn databases_are_for_their_owner_alone() {
    let temp = with_table().await;
    for entry in fs::read_dir(file(&temp.config).parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
    }
}
