//! `roster participants`: services join the cascade that are no part of Roster,
//! and leave it.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use roster_db::Db;
use roster_events::{BusError, JetStreamBus};
use roster_identity::{Added, Progress, Registry};
use roster_kernel::{Env, ServiceName};

use crate::{RosterConfig, migrate, peers};

const IDENTITY: ServiceName = ServiceName::from_static("identity");

/// How long the broker may take, which may be away.
const TIDY_WITHIN: Duration = Duration::from_secs(10);

/// `roster participants add`.
pub async fn add(
    config: &RosterConfig,
    env: Env,
    name: &str,
    addresses: &[String],
    again: bool,
) -> anyhow::Result<()> {
    for address in addresses {
        ensure!(peers::is_address(address), "{address:?} is not of the form host:port");
    }
    let name = Registry::name(name)?;
    let db = open(config).await?;
    let added = join(&roster_identity::registry(&db, &env), &name, addresses, again).await;
    db.close().await?;
    added
}

async fn join(
    registry: &Registry,
    name: &ServiceName,
    addresses: &[String],
    again: bool,
) -> anyhow::Result<()> {
    let done = match registry.add(name, addresses.to_vec(), again).await? {
        Added::New => "added: every change of a user waits for it from now on",
        Added::Moved => "is asked at the new addresses from now on",
        Added::Known => "has been added before",
    };
    say(&format!("{name} {done}"))?;
    let mut lost = Ok(());
    let told = registry.replay(name, |progress| lost = tell(name, progress)).await?;
    lost?;
    Ok(say(&format!("{name} has been told of {told} users; it confirms while it runs"))?)
}

/// Says how far the replay is, as it goes on.
fn tell(name: &ServiceName, progress: Progress) -> io::Result<()> {
    if progress.complete { Ok(()) } else { say(&format!("{name}: {} users", progress.told)) }
}

/// `roster participants list`.
pub async fn list(config: &RosterConfig, env: Env) -> anyhow::Result<()> {
    let db = open(config).await?;
    let listed = roster_identity::registry(&db, &env).list().await;
    db.close().await?;
    for listed in listed? {
        let it = &listed.participant;
        let replay = match it.replayed_at {
            Some(at) => format!("told of everybody by {}", at.format("%FT%TZ")),
            None => "not told of everybody: run participants add again".to_owned(),
        };
        let (name, addresses, waiting) = (&it.name, it.addresses.join(","), listed.waiting);
        say(&format!("{name} at {addresses}: {replay}; {waiting} receipts missing"))?;
    }
    Ok(())
}

/// `roster participants retire`.
pub async fn retire(config: &RosterConfig, env: Env, name: &str) -> anyhow::Result<()> {
    let name = Registry::name(name)?;
    let db = open(config).await?;
    let retired = roster_identity::registry(&db, &env).retire(&name).await;
    db.close().await?;
    let waived = retired?;
    say(&format!("{name} retired: nothing waits for it any more"))?;
    say(&format!("{waived} events had waited for it; what it keeps stays where it is"))?;
    // The rest is tidying up: without it, the broker keeps a place for nobody.
    let source = IDENTITY;
    let bus = JetStreamBus::connect(&source, config.events.clone()).await?;
    let forgetting = bus.forget(&source, &name);
    let forgotten = tokio::select! {
        forgotten = forgetting => forgotten,
        () = env.sleep(TIDY_WITHIN) => Err(BusError::Unavailable),
    };
    Ok(match forgotten {
        Ok(()) => say("the broker has forgotten it"),
        Err(error) => say(&format!("its consumer is still on the broker: {error}")),
    }?)
}

/// Identity's database, which its processes work on at the same time.
async fn open(config: &RosterConfig) -> anyhow::Result<Db> {
    let several = !config.database.url.is_empty() && !config.events.servers.is_empty();
    ensure!(
        several,
        "participants join an installation of several processes: \
         database.url and events.servers are needed here"
    );
    migrate::up_to_date(config, IDENTITY.as_str()).await?;
    let database = migrate::database(config, IDENTITY.as_str());
    let opened = Db::open(&database).await.map_err(migrate::unusable(&database));
    opened.context("the participants are in identity's database")
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
