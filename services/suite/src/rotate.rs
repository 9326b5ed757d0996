//! `roster rotate-keys`: another key for the encryption of API keys.

use std::io::Write as _;

use roster_db::Db;
use roster_kernel::Env;

use crate::{Part, RosterConfig, Secrets, StartError, claim::Claimed, migrate, parts};

/// What a change of keys has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The version of the key that all API keys are encrypted with now.
    pub version: i32,
    /// How many API keys were encrypted anew.
    pub encrypted: u64,
    /// Whether an earlier change of keys was brought to its end.
    pub resumed: bool,
}

/// `roster rotate-keys`.
pub async fn run(config: &RosterConfig, env: &Env) -> anyhow::Result<()> {
    migrate::require_data(config).await?;
    let Rotated { version, encrypted, resumed } = rotate_keys(config, env).await?;
    let mut out = std::io::stdout().lock();
    if resumed {
        writeln!(out, "An earlier change of keys had not come to its end; it has now.")?;
    }
    writeln!(out, "{encrypted} API keys encrypted anew, with key version {version}")?;
    Ok(())
}

/// Sees to it that nobody serves what is worked on, and that the tables are up to
/// date. Where every service runs apart, identity alone has to do with API keys.
async fn prepare(config: &RosterConfig, env: &Env) -> Result<(Claimed, Secrets), StartError> {
    if config.is_apart() {
        let claimed = Claimed::alone(config, Part::Identity.name()).await?;
        migrate::up_to_date(config, Part::Identity.name()).await?;
        return Ok((claimed, Secrets::load(&config.secrets_file, env)?));
    }
    let prepared = migrate::prepare(config, env).await?;
    migrate::all(config).await?;
    Ok(prepared)
}

/// Draws another key, encrypts every API key with it, and forgets the old
/// key. Nothing must be served meanwhile.
///
/// It can end anywhere and be run again. The file holds both keys before the
/// first API key is encrypted with the new one, and until the last one is;
/// two keys in the file are what tells that a change is to be brought to its
/// end, instead of another begun.
pub async fn rotate_keys(config: &RosterConfig, env: &Env) -> Result<Rotated, StartError> {
    let file = config.secrets();
    let (_claimed, mut secrets) = prepare(config, env).await?;
    let database = migrate::database(config, "identity");
    let db = Db::open(&database).await.map_err(migrate::unusable(&database))?;
    parts::keyring(config, &secrets, &db).await?;

    let resumed = secrets.api_key_keys.has_older();
    if !resumed {
        secrets.api_key_keys.renew(env);
        secrets.replace(&file, env).await?;
    }
    env.step("rotate_keys.begun").await;

    let keyring = secrets.keyring(&file)?;
    let encrypted = roster_identity::rotate_keys(&db, env, &keyring).await;
    let encrypted = encrypted.map_err(|error| StartError::Rotation(Box::new(error)))?;
    env.step("rotate_keys.encrypted").await;

    secrets.api_key_keys.retire_older();
    secrets.replace(&file, env).await?;
    env.step("rotate_keys.ended").await;
    db.close().await.map_err(migrate::unusable(&database))?;
    Ok(Rotated { version: secrets.api_key_keys.active(), encrypted, resumed })
}
