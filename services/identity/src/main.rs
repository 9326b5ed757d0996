//! `roster-identity`: the identity service's own commands.

use std::path::PathBuf;

use clap::Parser;
use roster_db::{Db, DbConfig};
use roster_identity::Migrator;

/// The identity service.
#[derive(Debug, Parser)]
#[command(version)]
enum Command {
    /// Brings the service's database up to date.
    Migrate {
        /// The SQLite file; created when missing.
        database: PathBuf,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Command::Migrate { database } = Command::parse();
    Db::migrate::<Migrator>(&DbConfig::new(database)).await?;
    Ok(())
}
