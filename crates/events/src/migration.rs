//! The tables of this crate, for the migrations of the services that keep
//! them.

use roster_db::column;
use sea_orm_migration::{
    prelude::*,
    schema::{blob, boolean, integer, json, json_null, string, string_null, uuid, uuid_null},
};

/// Creates the outbox: for a service that announces.
pub struct CreateOutbox;

impl MigrationName for CreateOutbox {
    fn name(&self) -> &'static str {
        "m0001_outbox"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateOutbox {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let event = Table::create()
            .table("outbox_event")
            .col(uuid("id").primary_key())
            .col(string("kind"))
            .col(uuid("subject"))
            .col(blob("payload"))
            .col(boolean("kept"))
            .col(integer("attempts"))
            .col(column::time("created_at"))
            .col(column::time_null("next_attempt_at"))
            .col(column::time_null("retired_at"))
            .to_owned();
        manager.create_table(event).await?;
        for (name, indexed) in [
            ("outbox_event_next_attempt_at", "next_attempt_at"),
            ("outbox_event_retired_at", "retired_at"),
            ("outbox_event_subject", "subject"),
        ] {
            let index = Index::create().name(name).table("outbox_event").col(indexed).to_owned();
            manager.create_index(index).await?;
        }
        let delivery = Table::create()
            .table("outbox_delivery")
            .col(uuid("event_id"))
            .col(string("consumer"))
            .col(json_null("counts"))
            .col(column::time_null("completed_at"))
            .col(integer("failures"))
            .col(string_null("failure"))
            .primary_key(Index::create().col("event_id").col("consumer"))
            .foreign_key(
                ForeignKey::create()
                    .from("outbox_delivery", "event_id")
                    .to("outbox_event", "id")
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        manager.create_table(delivery).await
    }
}

/// Creates the inbox: for a service that consumes.
pub struct CreateInbox;

impl MigrationName for CreateInbox {
    fn name(&self) -> &'static str {
        "m0001_inbox"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateInbox {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let inbox = Table::create()
            .table("inbox")
            .col(uuid("event_id").primary_key())
            .col(json("counts"))
            .col(column::time("completed_at"))
            .to_owned();
        manager.create_table(inbox).await
    }
}

/// Finds old receipts without looking at all of them: for
/// a service that consumes.
pub struct IndexInbox;

impl MigrationName for IndexInbox {
    fn name(&self) -> &'static str {
        "m0002_inbox_completed_at"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for IndexInbox {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::create()
            .name("inbox_completed_at")
            .table("inbox")
            .col("completed_at")
            .to_owned();
        manager.create_index(index).await
    }
}

/// Finds retired events that can go without looking at those that are kept for
/// good: for a service that announces.
pub struct IndexRetired;

impl MigrationName for IndexRetired {
    fn name(&self) -> &'static str {
        "m0002_outbox_event_retired"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for IndexRetired {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::create()
            .name("outbox_event_kept_retired_at")
            .table("outbox_event")
            .col("kept")
            .col("retired_at")
            .to_owned();
        manager.create_index(index).await
    }
}

/// Creates the list of consumers that come and go, and lets nobody wait for
/// those that went: for a service that announces.
pub struct CreateConsumers;

impl MigrationName for CreateConsumers {
    fn name(&self) -> &'static str {
        "m0003_outbox_consumer"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateConsumers {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let consumer = Table::create()
            .table("outbox_consumer")
            .col(string("name").primary_key())
            .col(column::time("registered_at"))
            .to_owned();
        manager.create_table(consumer).await?;
        let delivery = Table::alter()
            .table("outbox_delivery")
            .add_column(boolean("waived").default(false))
            .to_owned();
        manager.alter_table(delivery).await
    }
}

/// Names the user in whose name a machine acted: for every service that changes
/// something.
pub struct AddAuditIssuer;

impl MigrationName for AddAuditIssuer {
    fn name(&self) -> &'static str {
        "m0003_audit_issuer"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddAuditIssuer {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column =
            Table::alter().table("audit_event").add_column(uuid_null("issuer_id")).to_owned();
        manager.alter_table(column).await
    }
}

/// Creates the audit trail: for every service that changes something.
pub struct CreateAudit;

impl MigrationName for CreateAudit {
    fn name(&self) -> &'static str {
        "m0001_audit"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateAudit {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let audit = Table::create()
            .table("audit_event")
            .col(uuid("id").primary_key())
            .col(column::time("at"))
            .col(string("actor_kind"))
            .col(string("actor_id"))
            .col(uuid_null("session_id"))
            .col(string_null("address"))
            .col(string("correlation_id"))
            .col(string("method"))
            .col(string("target"))
            .col(json("fields"))
            .col(string("outcome"))
            .col(uuid_null("request_id"))
            .to_owned();
        manager.create_table(audit).await?;
        let index =
            Index::create().name("audit_event_at").table("audit_event").col("at").to_owned();
        manager.create_index(index).await
    }
}
