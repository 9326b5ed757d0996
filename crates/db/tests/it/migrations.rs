//! A schema that is brought up to date, or left as it was.

use roster_db::{Db, DbError};
use roster_testkit::TempDb;
use sea_orm_migration::{
    MigrationName, MigrationTrait, MigratorTrait, SchemaManager,
    prelude::{DbErr, Table},
    schema::uuid,
};
use tokio::task::JoinSet;

struct CreateTable(&'static str);

impl MigrationName for CreateTable {
    fn name(&self) -> &'static str {
        self.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateTable {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(Table::create().table(self.0).col(uuid("id").primary_key()).to_owned())
            .await
    }
}

/// Makes its table and gets no further, as a process that is killed.
struct Interrupted(CreateTable);

impl MigrationName for Interrupted {
    fn name(&self) -> &'static str {
        self.0.0
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Interrupted {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        self.0.up(manager).await?;
        Err(DbErr::Custom("interrupted".to_owned()))
    }
}

struct Broken;

impl MigratorTrait for Broken {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateTable("first")), Box::new(Interrupted(CreateTable("second")))]
    }
}

struct Empty;

impl MigratorTrait for Empty {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Vec::new()
    }
}

struct First;

impl MigratorTrait for First {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateTable("first"))]
    }
}

struct Whole;

impl MigratorTrait for Whole {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateTable("first")), Box::new(CreateTable("second"))]
    }
}

#[tokio::test]
async fn an_interrupted_migration_leaves_nothing_behind() {
    let temp = TempDb::new::<Empty>().await;
    Db::migrate::<Broken>(&temp.config).await.unwrap_err();
    assert_eq!(Db::migrate::<Whole>(&temp.config).await.unwrap(), ["first", "second"]);
    assert!(Db::migrate::<Whole>(&temp.config).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_plan_says_what_would_run_and_runs_nothing() {
    let temp = TempDb::new::<Empty>().await;
    for _ in 0..2 {
        assert_eq!(Db::plan::<Whole>(&temp.config).await.unwrap(), ["first", "second"]);
    }
    Db::migrate::<First>(&temp.config).await.unwrap();
    assert_eq!(Db::plan::<Whole>(&temp.config).await.unwrap(), ["second"]);
    Db::migrate::<Whole>(&temp.config).await.unwrap();
    assert!(Db::plan::<Whole>(&temp.config).await.unwrap().is_empty());
    let newer = Db::plan::<First>(&temp.config).await.unwrap_err();
    assert!(matches!(&newer, DbError::Newer(name) if name == "second"), "{newer:?}");
}

/// As several replicas do when they start.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_migrate_at_once_one_does_and_none_fails() {
    let temp = TempDb::new::<Empty>().await;
    let mut replicas = JoinSet::new();
    for _ in 0..8 {
        let config = temp.config.clone();
        replicas.spawn(async move { Db::migrate::<Whole>(&config).await.unwrap() });
    }
    let applied = replicas.join_all().await.concat();
    assert_eq!(applied, ["first", "second"]);
}
