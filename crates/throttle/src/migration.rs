//! The table of this crate, for the migrations of the services that keep it.

use roster_db::column;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, binary_len},
};

/// Creates the table `throttle`.
#[derive(Debug)]
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_throttle"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let throttle = Table::create()
            .table("throttle")
            .col(binary_len("key", 16).primary_key())
            .col(big_integer("failures"))
            .col(column::time("since"))
            .col(column::time_null("blocked_until"))
            .col(column::time("forgotten_at"))
            .to_owned();
        manager.create_table(throttle).await?;
        // The sweep, of what is forgotten and of what is too much.
        let mut forgotten = Index::create();
        forgotten.name("throttle_forgotten_at").table("throttle").col("forgotten_at");
        let mut least = Index::create();
        least.name("throttle_least").table("throttle").col("failures").col("forgotten_at");
        for index in [forgotten, least] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
