//! The table of personas.

use roster_db::column;
use sea_orm_migration::{
    prelude::*,
    schema::{boolean, text, uuid},
};

/// Creates the table `persona`.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_persona"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("persona")
                    .col(uuid("id").primary_key())
                    .col(uuid("user_id"))
                    .col(text("name"))
                    .col(text("role"))
                    .col(text("information_need"))
                    .col(text("details"))
                    .col(boolean("hidden"))
                    .col(boolean("is_system_generated"))
                    .col(column::time("created_at"))
                    .col(column::time("updated_at"))
                    .col(uuid("etag"))
                    .to_owned(),
            )
            .await?;
        // Lists of one owner, in their order; also serves counts and erasure.
        let mut by_owner = Index::create();
        by_owner.name("persona_user").table("persona").col("user_id").col("created_at").col("id");
        manager.create_index(by_owner).await
    }
}
