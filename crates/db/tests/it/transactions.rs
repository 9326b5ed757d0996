//! What commits is there, what does not is not, and failures have a class.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use roster_db::{Db, DbError};
use roster_testkit::TempDb;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QuerySelect, Set};
use tokio::task::JoinSet;

use crate::Migrator;

pub async fn numbers(db: &Db) -> u64 {
    let statement = sea_orm::Statement::from_string(
        db.read().get_database_backend(),
        "select value from number".to_owned(),
    );
    u64::try_from(db.read().query_all_raw(statement).await.unwrap().len()).unwrap()
}

pub async fn create_table(db: &Db) {
    let tx = db.begin().await.unwrap();
    tx.execute_unprepared("create table number (value integer primary key)").await.unwrap();
    tx.commit().await.unwrap();
}

async fn with_table() -> TempDb {
    let temp = TempDb::new::<Migrator>().await;
    create_table(&temp.db).await;
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

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let temp = TempDb::new::<Migrator>().await;
    let tx = temp.db.begin().await.unwrap();
    tx.execute_unprepared("insert into seaql_migrations values ('m9999_later', 0)").await.unwrap();
    tx.commit().await.unwrap();
    let error = Db::migrate::<Migrator>(&temp.config).await.unwrap_err();
    assert!(matches!(&error, DbError::Newer(name) if name == "m9999_later"), "{error:?}");
}

#[tokio::test]
async fn migrations_are_applied_once() {
    let temp = TempDb::new::<Migrator>().await;
    assert_eq!(Db::migrate::<Migrator>(&temp.config).await.unwrap(), Vec::<String>::new());
}

/// A number that many want to raise.
mod counter {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "counter")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub value: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_writes_over_what_another_has_written() {
    let temp = TempDb::new::<Migrator>().await;
    let tx = temp.db.begin().await.unwrap();
    let table = "create table counter (id integer primary key, value integer not null)";
    tx.execute_unprepared(table).await.unwrap();
    tx.execute_unprepared("insert into counter values (1, 0)").await.unwrap();
    tx.commit().await.unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..64 {
        let db = temp.db.clone();
        writers.spawn(async move {
            // Reads, then writes what follows from it.
            let tx = db.begin().await.unwrap();
            let row = counter::Entity::find_by_id(1).lock_exclusive();
            let row = row.one(&*tx).await.unwrap().unwrap();
            let value = row.value + 1;
            let mut row = row.into_active_model();
            row.value = Set(value);
            row.update(&*tx).await.unwrap();
            tx.commit().await.unwrap();
        });
    }
    writers.join_all().await;
    let row = counter::Entity::find_by_id(1).one(temp.db.read()).await.unwrap().unwrap();
    assert_eq!(row.value, 64);
}

/// What is not there yet has no row that could be locked.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_name_has_it_alone() {
    let temp = with_table().await;
    let mut writers = JoinSet::new();
    for _ in 0..32 {
        let db = temp.db.clone();
        writers.spawn(async move {
            let tx = db.begin().await.unwrap();
            tx.lock("the next number").await.unwrap();
            let next = "insert into number select coalesce(max(value), 0) + 1 from number";
            tx.execute_unprepared(next).await.unwrap();
            tx.commit().await.unwrap();
        });
    }
    writers.join_all().await;
    assert_eq!(numbers(&temp.db).await, 32);
}
