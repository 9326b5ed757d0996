//! The guard row and the ledger that it numbers.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, boolean, integer, string, uuid},
};

/// Creates the tables `guard`, with its row, and `ledger`.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_ledger"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let guard = Table::create()
            .table("guard")
            .col(integer("id").primary_key())
            .col(big_integer("incarnation"))
            .col(big_integer("ledger_sequence"))
            .to_owned();
        manager.create_table(guard).await?;
        let row = Query::insert()
            .into_table("guard")
            .columns(["id", "incarnation", "ledger_sequence"])
            .values_panic([1.into(), 1.into(), 0.into()])
            .to_owned();
        manager.execute(row).await?;

        let ledger = Table::create()
            .table("ledger")
            .col(uuid("user_id").primary_key())
            .col(big_integer("incarnation"))
            .col(big_integer("number"))
            .col(big_integer("session_epoch"))
            .col(boolean("is_admin"))
            .col(string("state"))
            .col(boolean("password_change_required"))
            .col(big_integer("sequence").unique_key())
            .to_owned();
        manager.create_table(ledger).await?;
        // How many enabled administrators there are, and the rare answers of
        // a list's filters.
        let by_role = Index::create()
            .name("ledger_role")
            .table("ledger")
            .col("is_admin")
            .col("state")
            .to_owned();
        manager.create_index(by_role).await?;
        let by_state = Index::create().name("ledger_state").table("ledger").col("state").to_owned();
        manager.create_index(by_state).await
    }
}
