//! Work on the databases while nothing is served.

use std::{fs::DirBuilder, io::Write as _, os::unix::fs::DirBuilderExt as _, path::Path};

use roster_db::{Db, DbConfig, DbError};
use roster_kernel::Env;

use crate::{DataDirLock, RosterConfig, Secrets, StartError, Suite};

/// The services that have a database.
const SERVICES: [&str; 3] = ["identity", "persona", "session"];

/// Where a service's database is.
pub fn database(data_dir: &Path, service: &str) -> DbConfig {
    DbConfig::new(data_dir.join(format!("{service}.db")))
}

/// Names the file of a database that cannot be used.
pub fn unusable(database: &DbConfig) -> impl FnOnce(DbError) -> StartError {
    let path = database.path.display().to_string();
    move |error| StartError::Db(path, error)
}

/// Makes sure of the data directory, which only its owner may look into and
/// only one process may work on, and of the secrets: before the first
/// database, as databases without secrets mean that the secrets were lost.
/// Whoever works on the databases holds the lock until they are closed.
pub fn prepare(config: &RosterConfig, env: &Env) -> Result<(DataDirLock, Secrets), StartError> {
    let folder = &config.data_dir;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| StartError::DataDir(folder.display().to_string(), error))?;
    let lock = DataDirLock::take(folder)?;
    Ok((lock, Secrets::load_or_create(folder, env)?))
}

/// Brings every database up to date; answers what was applied to which.
pub async fn all(config: &RosterConfig) -> Result<Vec<(&'static str, Vec<String>)>, StartError> {
    let mut applied = Vec::new();
    for service in SERVICES {
        let database = database(&config.data_dir, service);
        let migrations = match service {
            "identity" => Db::migrate::<roster_identity::Migrator>(&database).await,
            "persona" => Db::migrate::<roster_persona::Migrator>(&database).await,
            _session => Db::migrate::<roster_session::Migrator>(&database).await,
        };
        let migrations = migrations.map_err(unusable(&database))?;
        applied.push((service, migrations));
    }
    Ok(applied)
}

/// `roster migrate`.
pub async fn run(config: &RosterConfig, env: &Env) -> anyhow::Result<()> {
    let (_lock, _secrets) = prepare(config, env)?;
    let applied = all(config).await?;
    let mut out = std::io::stdout().lock();
    for (service, migrations) in applied {
        if migrations.is_empty() {
            writeln!(out, "{service}: up to date")?;
        }
        for migration in migrations {
            writeln!(out, "{service}: applied {migration}")?;
        }
    }
    Ok(())
}

/// `roster reconcile`.
pub async fn reconcile(config: RosterConfig, env: Env) -> anyhow::Result<()> {
    let suite = Suite::assemble(&config, env, config.identity.hash_params()).await?;
    let reports = suite.reconcile().await;
    suite.stop().await;
    let mut out = std::io::stdout().lock();
    for (service, report) in reports {
        let report = report?;
        writeln!(
            out,
            "{service}: {} states looked at, {} deleted users erased",
            report.states, report.deleted
        )?;
    }
    Ok(())
}
