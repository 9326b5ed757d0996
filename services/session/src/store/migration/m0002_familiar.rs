//! The table of the addresses that users have signed in from.

use roster_db::column;
use sea_orm_migration::{
    prelude::*,
    schema::{binary_len, uuid},
};

/// Creates the table `familiar`.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_familiar"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("familiar")
                    .col(binary_len("key", 16).primary_key())
                    .col(uuid("user_id"))
                    .col(column::time("seen_at"))
                    .to_owned(),
            )
            .await?;
        // Erasure, and the sweep.
        for (name, indexed) in [("familiar_user", "user_id"), ("familiar_seen_at", "seen_at")] {
            let index = Index::create().name(name).table("familiar").col(indexed).to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
