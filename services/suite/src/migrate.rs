//! Work on the databases while nothing is served.

use std::{fs::DirBuilder, io::Write as _, os::unix::fs::DirBuilderExt as _};

use anyhow::{bail, ensure};
use roster_db::{Db, DbConfig, DbError};
use roster_kernel::Env;
use roster_participant::{ReconcileError, ReconcileReport};

use crate::{
    DataDirLock, Part, RosterConfig, Secrets, SecretsError, StartError, claim::Claimed,
    offline::Offline,
};

/// The services that have a database, in the order in which those are made.
pub const SERVICES: [&str; 3] = [IDENTITY, "persona", "session"];

/// The service that knows whether there are users: the first.
const IDENTITY: &str = "identity";

/// What catching up with the ledger has come to, service by service.
pub type Reports = Vec<(&'static str, Result<ReconcileReport, ReconcileError>)>;

/// Where a service's database is.
pub fn database(config: &RosterConfig, service: &str) -> DbConfig {
    config.database.of(&config.data_dir, service)
}

/// Names a database that cannot be used.
pub fn unusable(database: &DbConfig) -> impl FnOnce(DbError) -> StartError {
    let database = Box::new(database.clone());
    move |error| StartError::Db(database, error)
}

/// Makes sure of the data directory, which only its owner may look into and
/// only one process may work on, as on the databases, and of the secrets: before
/// the first database, as databases without secrets mean that the secrets were
/// lost. Whoever works on the databases holds the claim until they are closed.
///
/// Secrets in a file of their own are those of an installation that is more
/// than this process: they are never made here.
pub async fn prepare(config: &RosterConfig, env: &Env) -> Result<(Claimed, Secrets), StartError> {
    let folder = &config.data_dir;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| StartError::DataDir(folder.display().to_string(), error))?;
    let claimed = Claimed::whole(config, DataDirLock::take(folder)?).await?;
    if !config.secrets_file.as_os_str().is_empty() {
        return Ok((claimed, Secrets::load(&config.secrets_file, env)?));
    }
    let secrets = config.secrets();
    if !config.database.url.is_empty()
        && !secrets.exists()
        && !is_missing(&database(config, IDENTITY)).await?
    {
        return Err(SecretsError::Missing(secrets).into());
    }
    Ok((claimed, Secrets::load_or_create(folder, env)?))
}

/// The database of a service that runs in a process of its own: brought up to
/// date by `roster migrate`, and not by whichever process starts first.
pub async fn up_to_date(config: &RosterConfig, service: &str) -> Result<(), StartError> {
    let database = database(config, service);
    let lacks = match service {
        IDENTITY => Db::lacks::<roster_identity::Migrator>(&database).await,
        "persona" => Db::lacks::<roster_persona::Migrator>(&database).await,
        _session => Db::lacks::<roster_session::Migrator>(&database).await,
    };
    match lacks.map_err(unusable(&database))?.first() {
        Some(first) => Err(StartError::Behind(database.to_string(), first.clone())),
        None => Ok(()),
    }
}

/// Refuses to work where nothing is: a mistyped path would seem to work, and
/// leave an installation there that nobody wanted.
pub async fn require_data(config: &RosterConfig) -> anyhow::Result<()> {
    for service in SERVICES {
        if !is_missing(&database(config, service)).await? {
            return Ok(());
        }
    }
    ensure!(
        config.database.url.is_empty(),
        "there is no data in {}: ROSTER__DATABASE__URL says where it is",
        database(config, IDENTITY)
    );
    bail!("there is no data in {}: ROSTER__DATA_DIR says where it is", config.data_dir.display());
}

/// Brings every database up to date; answers what was applied to which. Makes
/// them all on the first start, and none of them later on.
pub async fn all(config: &RosterConfig) -> Result<Vec<(&'static str, Vec<String>)>, StartError> {
    let mut applied = Vec::new();
    let mut in_use = has_others_than_identity(config).await?;
    for service in SERVICES {
        let database = database(config, service);
        if in_use && is_missing(&database).await? {
            return Err(StartError::MissingDb(database.to_string()));
        }
        let migrations = one(&database, service).await?;
        if service == IDENTITY {
            in_use = has_users(&database).await.map_err(unusable(&database))?;
        }
        applied.push((service, migrations));
    }
    Ok(applied)
}

/// Brings the database of a service up to date.
async fn one(database: &DbConfig, service: &str) -> Result<Vec<String>, StartError> {
    let migrations = match service {
        IDENTITY => Db::migrate::<roster_identity::Migrator>(database).await,
        "persona" => Db::migrate::<roster_persona::Migrator>(database).await,
        _session => Db::migrate::<roster_session::Migrator>(database).await,
    };
    migrations.map_err(unusable(database))
}

/// What would be applied to the databases of `services`.
async fn plan(
    config: &RosterConfig,
    services: &[&'static str],
) -> Result<Vec<(&'static str, Vec<String>)>, StartError> {
    let mut planned = Vec::new();
    for &service in services {
        let database = database(config, service);
        let migrations = match service {
            IDENTITY => Db::plan::<roster_identity::Migrator>(&database).await,
            "persona" => Db::plan::<roster_persona::Migrator>(&database).await,
            _session => Db::plan::<roster_session::Migrator>(&database).await,
        };
        planned.push((service, migrations.map_err(unusable(&database))?));
    }
    Ok(planned)
}

/// Whether a database is gone.
async fn is_missing(database: &DbConfig) -> Result<bool, StartError> {
    Db::is_missing(database).await.map_err(unusable(database))
}

/// Whether there are databases that are made after identity's.
async fn has_others_than_identity(config: &RosterConfig) -> Result<bool, StartError> {
    for service in SERVICES.into_iter().filter(|service| *service != IDENTITY) {
        if !is_missing(&database(config, service)).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether there has ever been a user: not before all databases were made,
/// however a first start has ended.
async fn has_users(identity: &DbConfig) -> Result<bool, DbError> {
    let db = Db::open(identity).await?;
    let in_use = roster_identity::is_in_use(&db).await;
    db.close().await?;
    in_use
}

/// `roster migrate`, of all databases or of that of one service.
pub async fn run(config: &RosterConfig, env: &Env, only: Option<Part>) -> anyhow::Result<()> {
    // Where there is more than one process, there is no data directory to lock,
    // and others go on meanwhile: of several that migrate at the same time, one
    // does.
    let alone = config.secrets_file.as_os_str().is_empty();
    if let Some(part) = only {
        ensure!(!config.database.url.is_empty(), "one data directory is migrated as a whole");
        let migrations = one(&database(config, part.name()), part.name()).await?;
        return tell("applied", vec![(part.name(), migrations)]);
    }
    let _prepared = if alone { Some(prepare(config, env).await?) } else { None };
    tell("applied", all(config).await?)
}

/// `roster migrate --plan`: changes nothing, and makes nothing.
pub async fn show_plan(config: &RosterConfig, only: Option<Part>) -> anyhow::Result<()> {
    let planned = match only {
        Some(part) => plan(config, &[part.name()]).await?,
        None => plan(config, &SERVICES).await?,
    };
    tell("would apply", planned)
}

fn tell(what: &str, migrations: Vec<(&'static str, Vec<String>)>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for (service, migrations) in migrations {
        if migrations.is_empty() {
            writeln!(out, "{service}: up to date")?;
        }
        for migration in migrations {
            writeln!(out, "{service}: {what} {migration}")?;
        }
    }
    Ok(())
}

/// `roster reconcile`.
pub async fn reconcile(config: &RosterConfig, env: Env) -> anyhow::Result<()> {
    let services = Offline::beside_others(config, env, None).await?;
    let reports = services.reconcile().await;
    services.stop().await;
    report(reports?)
}

/// Says what catching up with the ledger has come to.
pub fn report(reports: Reports) -> anyhow::Result<()> {
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
