//! The schema of this service's database, step by step.

mod m0001_session;
mod m0002_familiar;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// All steps, those of the shared tables included.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all: Vec<Box<dyn MigrationTrait>> = vec![
            Box::new(roster_db::replay::Migration),
            Box::new(roster_events::migration::CreateAudit),
        ];
        all.extend(roster_participant::migration::all());
        all.push(Box::new(m0001_session::Migration));
        all.push(Box::new(roster_throttle::Migration));
        all.push(Box::new(m0002_familiar::Migration));
        all.push(Box::new(roster_events::migration::AddAuditIssuer));
        all
    }
}
