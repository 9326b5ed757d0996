//! Deletions.

use roster_db::column;
use sea_orm_migration::{
    prelude::*,
    schema::{json, uuid},
};

/// Creates the table `deletion`.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_deletion"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let deletion = Table::create()
            .table("deletion")
            .col(uuid("id").primary_key())
            .col(uuid("user_id").unique_key())
            .col(uuid("event_id"))
            .col(uuid("requested_by"))
            .col(column::time("created_at"))
            .col(json("erased"))
            .to_owned();
        manager.create_table(deletion).await?;
        let newest = Index::create()
            .name("deletion_newest")
            .table("deletion")
            .col("created_at")
            .col("id")
            .to_owned();
        manager.create_index(newest).await
    }
}
