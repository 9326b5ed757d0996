//! The tables of this crate, for the migrations of every participant.

use roster_db::column;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, boolean, json_null, string, uuid},
};

/// Creates the table `subject`.
pub struct CreateSubject;

impl MigrationName for CreateSubject {
    fn name(&self) -> &'static str {
        "m0001_subject"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateSubject {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let subject = Table::create()
            .table("subject")
            .col(uuid("user_id").primary_key())
            .col(big_integer("incarnation"))
            .col(big_integer("number"))
            .col(big_integer("session_epoch"))
            .col(boolean("is_admin"))
            .col(string("state"))
            .col(boolean("password_change_required"))
            .col(json_null("erased"))
            .col(column::time_null("erased_at"))
            .col(column::time("updated_at"))
            .to_owned();
        manager.create_table(subject).await?;
        let ledger = Table::create()
            .table("ledger_position")
            .col(string("source").primary_key())
            .col(big_integer("sequence"))
            .to_owned();
        manager.create_table(ledger).await
    }
}

/// Tells in which incarnation of the ledger a position is. Before it was told
/// there had been only the first.
pub struct LedgerIncarnation;

impl MigrationName for LedgerIncarnation {
    fn name(&self) -> &'static str {
        "m0002_ledger_position_incarnation"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for LedgerIncarnation {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let incarnation = Table::alter()
            .table("ledger_position")
            .add_column(big_integer("incarnation").default(1))
            .to_owned();
        manager.alter_table(incarnation).await
    }
}

/// Finds the newest version that is known without looking at all users.
pub struct IndexVersion;

impl MigrationName for IndexVersion {
    fn name(&self) -> &'static str {
        "m0002_subject_version"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for IndexVersion {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::create()
            .name("subject_version")
            .table("subject")
            .col("incarnation")
            .col("number")
            .to_owned();
        manager.create_index(index).await
    }
}

/// All tables of a participant, the inbox included, in their order.
#[must_use]
pub fn all() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(roster_events::migration::CreateInbox),
        Box::new(roster_events::migration::IndexInbox),
        Box::new(CreateSubject),
        Box::new(LedgerIncarnation),
        Box::new(IndexVersion),
    ]
}
