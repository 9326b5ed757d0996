//! The table of sessions.

use roster_db::column;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, binary_len, string, string_null, uuid},
};

/// Creates the table `session`.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_session"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("session")
                    .col(uuid("id").primary_key())
                    .col(binary_len("token_hash", 32))
                    .col(uuid("user_id"))
                    .col(big_integer("epoch"))
                    .col(column::time("created_at"))
                    .col(column::time("expires_at"))
                    .col(column::time("last_seen_at"))
                    .col(string_null("address"))
                    .col(string("user_agent"))
                    .to_owned(),
            )
            .await?;
        // Authentication: one look-up by hash.
        let mut by_token = Index::create();
        by_token.name("session_token_hash").table("session").col("token_hash").unique();
        // Lists, of everybody and of one user, in their order; the second one
        // also serves counts and erasure.
        let mut newest = Index::create();
        newest.name("session_newest").table("session").col("created_at").col("id");
        let mut by_user = Index::create();
        by_user.name("session_user").table("session").col("user_id").col("created_at").col("id");
        // The sweep.
        let mut by_expiry = Index::create();
        by_expiry.name("session_expires_at").table("session").col("expires_at");
        for index in [by_token, newest, by_user, by_expiry] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
