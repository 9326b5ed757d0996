//! Transactions, classes of error and repeated requests, on a real database.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cuts;
mod engine;
mod hold;
mod migrations;
mod postgres;
mod replay;
mod sqlite;
mod transactions;

use roster_db::replay::Migration;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Migration)]
    }
}
