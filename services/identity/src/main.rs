//! The identity service's own binary: `roster-identity migrate <database>`
//! brings the service's database up to date.

use std::{env, error::Error, path::PathBuf};

use roster_db::{Db, DbConfig};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [command, database] = arguments.as_slice() else { return Err(USAGE.into()) };
    if command != "migrate" {
        return Err(USAGE.into());
    }
    Db::migrate::<roster_identity::Migrator>(&DbConfig::new(PathBuf::from(database))).await?;
    Ok(())
}

const USAGE: &str = "usage: roster-identity migrate <database>";
