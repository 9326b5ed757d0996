//! API keys.

use roster_db::column;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, blob, boolean, integer, string, uuid, uuid_null},
};

/// Creates the table `api_key`.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_api_key"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let api_key = Table::create()
            .table("api_key")
            .col(uuid("id").primary_key())
            .col(uuid_null("user_id"))
            .col(column::ordered(manager, "provider"))
            .col(string("name"))
            .col(string("mask"))
            .col(blob("ciphertext"))
            .col(blob("nonce"))
            .col(integer("key_version"))
            .col(boolean("active"))
            .col(big_integer("use_count"))
            .col(column::time_null("last_used_at"))
            .col(column::time("created_at"))
            .col(column::time("updated_at"))
            .col(uuid("etag"))
            .foreign_key(ForeignKey::create().from("api_key", "user_id").to("user", "id"))
            .to_owned();
        manager.create_table(api_key).await?;
        let mut of_user = Index::create();
        of_user.name("api_key_owner").table("api_key").col("user_id").col("provider").unique();
        // To a unique index no null is like another: the keys that no user
        // owns need one of their own.
        let mut of_system = Index::create();
        of_system
            .name("api_key_system")
            .table("api_key")
            .col("provider")
            .unique()
            .and_where(Expr::col("user_id").is_null());
        // What is left to be encrypted anew.
        let mut by_version = Index::create();
        by_version.name("api_key_version").table("api_key").col("key_version").col("id");
        for index in [of_user, of_system, by_version] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
