//! Work on the databases while nothing is served.

use std::{
    fs::{self, DirBuilder},
    io::Write as _,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use anyhow::ensure;
use roster_db::{Db, DbConfig, DbError};
use roster_kernel::Env;

use crate::{DataDirLock, RosterConfig, Secrets, StartError, Suite};

/// The services that have a database, in the order in which those are made.
const SERVICES: [&str; 3] = [IDENTITY, "persona", "session"];

/// The service that knows whether there are users: the first.
const IDENTITY: &str = "identity";

/// Where a service's database is.
pub fn database(data_dir: &Path, service: &str) -> DbConfig {
    DbConfig::new(data_dir.join(format!("{service}.db")))
}

/// Names a database that cannot be used.
pub fn unusable(database: &DbConfig) -> impl FnOnce(DbError) -> StartError {
    let database = Box::new(database.clone());
    move |error| StartError::Db(database, error)
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

/// Refuses to work where nothing is: a mistyped path would seem to work, and
/// leave an installation there that nobody wanted.
pub fn require_data(config: &RosterConfig) -> anyhow::Result<()> {
    let place = config.data_dir.display();
    let there = |service| !is_missing(&database(&config.data_dir, service));
    ensure!(
        SERVICES.into_iter().any(there),
        "there is no data in {place}: ROSTER__DATA_DIR says where it is"
    );
    Ok(())
}

/// Brings every database up to date; answers what was applied to which. Makes
/// them all on the first start, and none of them later on.
pub async fn all(config: &RosterConfig) -> Result<Vec<(&'static str, Vec<String>)>, StartError> {
    let mut applied = Vec::new();
    let mut in_use = has_others_than_identity(&config.data_dir);
    for service in SERVICES {
        let database = database(&config.data_dir, service);
        if in_use && is_missing(&database) {
            return Err(StartError::MissingDb(database.to_string()));
        }
        let migrations = match service {
            IDENTITY => Db::migrate::<roster_identity::Migrator>(&database).await,
            "persona" => Db::migrate::<roster_persona::Migrator>(&database).await,
            _session => Db::migrate::<roster_session::Migrator>(&database).await,
        };
        let migrations = migrations.map_err(unusable(&database))?;
        if service == IDENTITY {
            in_use = has_users(&database).await.map_err(unusable(&database))?;
        }
        applied.push((service, migrations));
    }
    Ok(applied)
}

/// Whether a database is gone, or cut down to nothing: for SQLite, a new one.
fn is_missing(database: &DbConfig) -> bool {
    let DbConfig::Sqlite(file) = database else { return false };
    fs::metadata(&file.path).map_or(true, |file| file.len() == 0)
}

/// Whether there are databases that are made after identity's.
fn has_others_than_identity(data_dir: &Path) -> bool {
    let others = SERVICES.into_iter().filter(|service| *service != IDENTITY);
    others.map(|service| database(data_dir, service)).any(|database| !is_missing(&database))
}

/// Whether there has ever been a user: not before all databases were made,
/// however a first start has ended.
async fn has_users(identity: &DbConfig) -> Result<bool, DbError> {
    let db = Db::open(identity).await?;
    let in_use = roster_identity::is_in_use(&db).await;
    db.close().await?;
    in_use
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
    require_data(&config)?;
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
