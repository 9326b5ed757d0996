//! Services that join while the installation is running.

use roster_db::column;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, json, string},
};

/// Creates the table `participant`.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_participant"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let participant = Table::create()
            .table("participant")
            .col(string("name").primary_key())
            .col(json("addresses"))
            .col(column::time("added_at"))
            .col(big_integer("replayed_to"))
            .col(column::time_null("replayed_at"))
            .to_owned();
        manager.create_table(participant).await
    }
}
