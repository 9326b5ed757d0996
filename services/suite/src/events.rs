//! `roster events`: what the services have not confirmed to identity yet.

use std::io::{self, Write as _};

use anyhow::{Context as _, ensure};
use chrono::TimeDelta;
use roster_db::{Db, DbConfig};
use roster_events::{
    audit::{self, OperatorRecord},
    unconfirmed::{self, Unconfirmed, Which},
};
use roster_kernel::{Env, EventId, Timestamp};

use crate::{RosterConfig, migrate};

/// The service that announces.
const IDENTITY: &str = "identity";

/// What the audit trail calls it.
const METHOD: &str = "roster.identity/RetryEvents";

/// Who did it, as the audit trail has it: whoever can run commands on the machine.
const OPERATOR: &str = "events";

/// How many events are read at once.
const PAGE: u64 = 500;

/// `roster events list`: beside processes that serve, as it only reads.
pub async fn list(config: &RosterConfig, env: &Env, which: Which) -> anyhow::Result<()> {
    let (database, db) = open(config).await?;
    let mut after = None;
    loop {
        let page = unconfirmed::list(db.read(), which, after, PAGE).await;
        let page = page.map_err(migrate::unusable(&database))?;
        tell(&page, env.now())?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
    }
    if after.is_none() {
        let what = if which == Which::Parked { "no event is parked" } else { "no event waits" };
        writeln!(io::stdout().lock(), "{what}")?;
    }
    db.close().await.map_err(migrate::unusable(&database))?;
    Ok(())
}

/// `roster events retry`: of one event, or of all that are parked.
pub async fn retry(config: &RosterConfig, env: &Env, only: Option<&str>) -> anyhow::Result<()> {
    let only = only.map(EventId::parse).transpose().ok().context("that is no id of an event")?;
    let (database, db) = open(config).await?;
    let failed = || migrate::unusable(&database);
    let tx = db.begin().await.map_err(failed())?;
    let (retried, target) = if let Some(id) = only {
        let waits = unconfirmed::retry(&tx, id, env.now()).await.map_err(failed())?;
        ensure!(waits, "no event {id} waits to be confirmed");
        (1, id.to_string())
    } else {
        let retried = unconfirmed::retry_parked(&tx, env.now()).await.map_err(failed())?;
        (retried, "parked".to_owned())
    };
    if retried > 0 {
        let record =
            OperatorRecord { operator: OPERATOR, method: METHOD, target, fields: Vec::new() };
        audit::append_operator(&tx, env, record).await.map_err(failed())?;
    }
    tx.commit().await.map_err(failed())?;
    db.close().await.map_err(failed())?;
    writeln!(io::stdout().lock(), "{retried} events are published again within seconds")?;
    Ok(())
}

async fn open(config: &RosterConfig) -> anyhow::Result<(DbConfig, Db)> {
    migrate::require_data(config).await?;
    migrate::up_to_date(config, IDENTITY).await?;
    let database = migrate::database(config, IDENTITY);
    let db = Db::open(&database).await.map_err(migrate::unusable(&database))?;
    Ok((database, db))
}

fn tell(events: &[Unconfirmed], now: Timestamp) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for event in events {
        let kind = event.kind.rsplit('.').next().unwrap_or_default();
        let age = age(now - event.announced);
        let parked = if event.is_parked() { ", parked" } else { "" };
        let Unconfirmed { id, subject, attempts, .. } = event;
        writeln!(out, "{id} {kind} of user {subject}")?;
        writeln!(out, "  announced {age} ago, published {attempts} times{parked}")?;
        for owed in &event.missing {
            write!(out, "  {}: no receipt", owed.consumer)?;
            match &owed.failure {
                Some(class) => writeln!(out, ", failed {} times: {class}", owed.failures)?,
                None => writeln!(out)?,
            }
        }
    }
    out.flush()
}

/// A time as people say it.
fn age(age: TimeDelta) -> String {
    let seconds = age.num_seconds().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_the_unit_that_suits_them() {
        for (seconds, expected) in [
            (-1, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7_199, "119 min"),
            (7_200, "2 h"),
            (172_800, "2 days"),
        ] {
            assert_eq!(age(TimeDelta::seconds(seconds)), expected);
        }
    }
}
