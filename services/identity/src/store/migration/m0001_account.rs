//! Accounts, what is stored of their passwords, and what happens day by day.

use roster_db::column;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, date, string, text, uuid},
};

/// Creates the tables `user`, `credential` and `activity`.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_account"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let user = Table::create()
            .table("user")
            .col(uuid("id").primary_key())
            .col(column::ordered(manager, "username"))
            .col(string("display_name"))
            .col(string("email"))
            .col(text("search_text"))
            .col(uuid("etag"))
            .col(column::time("created_at"))
            .col(column::time("updated_at"))
            .col(column::time("last_login_at"))
            .to_owned();
        manager.create_table(user).await?;
        // Names are given once, and lists are walked in the order of an index.
        let mut by_name = Index::create();
        by_name.name("user_username").table("user").col("username").unique();
        let mut newest = Index::create();
        newest.name("user_newest").table("user").col("created_at").col("id");
        let mut by_login = Index::create();
        by_login.name("user_last_login").table("user").col("last_login_at").col("id");
        for index in [by_name, newest, by_login] {
            manager.create_index(index).await?;
        }

        let credential = Table::create()
            .table("credential")
            .col(uuid("user_id").primary_key())
            .col(string("hash"))
            .col(column::time("changed_at"))
            .foreign_key(ForeignKey::create().from("credential", "user_id").to("user", "id"))
            .to_owned();
        manager.create_table(credential).await?;

        let activity = Table::create()
            .table("activity")
            .col(date("day").primary_key())
            .col(big_integer("sign_ups"))
            .col(big_integer("logins"))
            .to_owned();
        manager.create_table(activity).await
    }
}
