//! Machine tokens.

use roster_db::column;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, binary_len, boolean, string, uuid},
};

/// Creates the table `machine_token`.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_machine_token"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let machine_token = Table::create()
            .table("machine_token")
            .col(uuid("id").primary_key())
            .col(binary_len("token_hash", 32))
            .col(uuid("issuer_id"))
            .col(big_integer("epoch"))
            .col(string("name"))
            .col(boolean("read_only"))
            .col(column::time("created_at"))
            .col(column::time("expires_at"))
            .col(column::time_null("last_used_at"))
            .foreign_key(ForeignKey::create().from("machine_token", "issuer_id").to("user", "id"))
            .to_owned();
        manager.create_table(machine_token).await?;
        // Authentication: one look-up by hash.
        let mut by_token = Index::create();
        by_token.name("machine_token_hash").table("machine_token").col("token_hash").unique();
        let mut newest = Index::create();
        newest.name("machine_token_newest").table("machine_token").col("created_at").col("id");
        // Counts, exports and erasure.
        let mut by_issuer = Index::create();
        by_issuer.name("machine_token_issuer").table("machine_token").col("issuer_id");
        for index in [by_token, newest, by_issuer] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
