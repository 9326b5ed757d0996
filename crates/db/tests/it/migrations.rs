//! A schema that is brought up to date, or left as it was.

use roster_db::{Db, DbConfig};
use sea_orm_migration::{
    MigrationName, MigrationTrait, MigratorTrait, SchemaManager,
    prelude::{DbErr, Table},
    schema::uuid,
};

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

struct Whole;

impl MigratorTrait for Whole {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateTable("first")), Box::new(CreateTable("second"))]
    }
}

#[tokio::test]
async fn an_interrupted_migration_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let config = DbConfig::new(folder.path().join("test.db"));
    Db::migrate::<Broken>(&config).await.unwrap_err();
    assert_eq!(Db::migrate::<Whole>(&config).await.unwrap(), ["first", "second"]);
    assert!(Db::migrate::<Whole>(&config).await.unwrap().is_empty());
}
