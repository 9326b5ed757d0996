//! The schema of this service's database, step by step.

mod m0001_account;
mod m0001_deletion;
mod m0001_ledger;
mod m0002_api_key;
mod m0002_search_text;
mod m0002_skeleton;
mod m0003_machine_token;
mod m0003_participant;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// All steps, those of the shared tables included.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(roster_db::replay::Migration),
            Box::new(roster_events::migration::CreateOutbox),
            Box::new(roster_events::migration::CreateAudit),
            Box::new(m0001_ledger::Migration),
            Box::new(m0001_account::Migration),
            Box::new(m0001_deletion::Migration),
            Box::new(m0002_search_text::Migration),
            Box::new(m0002_api_key::Migration),
            Box::new(m0002_skeleton::Migration),
            Box::new(roster_throttle::Migration),
            Box::new(roster_events::migration::IndexRetired),
            Box::new(roster_events::migration::CreateConsumers),
            Box::new(m0003_participant::Migration),
            Box::new(roster_events::migration::AddAuditIssuer),
            Box::new(m0003_machine_token::Migration),
        ]
    }
}
