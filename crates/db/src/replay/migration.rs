use sea_orm_migration::{
    prelude::*,
    schema::{json, string, uuid, uuid_null},
};

use crate::column;

/// Creates the table `replay`; part of the migrations of every service whose
/// mutations take a `request_id`.
pub struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_replay"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("replay")
                    .col(string("actor"))
                    .col(string("method"))
                    .col(uuid("request_id"))
                    .col(string("fingerprint"))
                    .col(uuid_null("subject"))
                    .col(json("answer"))
                    .col(column::time("created_at"))
                    .primary_key(Index::create().col("actor").col("method").col("request_id"))
                    .to_owned(),
            )
            .await?;
        for (name, indexed) in [("replay_created_at", "created_at"), ("replay_subject", "subject")]
        {
            manager
                .create_index(Index::create().name(name).table("replay").col(indexed).to_owned())
                .await?;
        }
        Ok(())
    }
}
