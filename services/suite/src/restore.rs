//! `roster restore`: one service was put back from a backup, the others were
//! not.

use std::io::{self, Write as _};

use roster_identity::Restored;
use roster_kernel::{Env, UserId};

use crate::{Part, RosterConfig, migrate, offline::Offline};

/// `roster restore identity`.
pub async fn identity(config: &RosterConfig, env: Env, plan: bool) -> anyhow::Result<()> {
    let services = Offline::alone(config, env, Part::Identity).await?;
    let told = match services.restore_identity(plan).await {
        Ok(restored) => tell(&restored, plan).map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    let here = matches!(services, Offline::One(_));
    if !here && !plan && told.is_ok() {
        tell_when_others_hear()?;
    }
    end(services, told, here && !plan).await
}

/// `roster restore session`.
pub async fn session(config: &RosterConfig, env: Env) -> anyhow::Result<()> {
    let services = Offline::alone(config, env, Part::Session).await?;
    let told = match services.end_all_sessions().await {
        Ok(ended) => tell_ended(ended).map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    end(services, told, true).await
}

/// `roster restore persona`.
pub async fn persona(config: &RosterConfig, env: Env) -> anyhow::Result<()> {
    end(Offline::alone(config, env, Part::Persona).await?, Ok(()), true).await
}

/// Makes participants agree with the ledger of users, unless something went
/// wrong or there is nothing to agree upon, and stops the services.
async fn end(services: Offline, told: anyhow::Result<()>, changed: bool) -> anyhow::Result<()> {
    let catch_up = told.is_ok() && changed;
    let reports = if catch_up { services.reconcile().await } else { Ok(Vec::new()) };
    services.stop().await;
    told?;
    migrate::report(reports?)
}

fn tell_when_others_hear() -> io::Result<()> {
    writeln!(io::stdout().lock(), "the other services hear of it when identity serves again")
}

fn tell_ended(sessions: u64) -> io::Result<()> {
    writeln!(io::stdout().lock(), "sessions of the backup, all ended: {sessions}")
}

fn tell(restored: &Restored, plan: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let users = |out: &mut io::StdoutLock<'_>, what: &str, users: &[UserId]| {
        writeln!(out, "{what}: {}", users.len())?;
        users.iter().try_for_each(|user| writeln!(out, "  {user}"))
    };
    let incarnation = restored.incarnation;
    if plan {
        writeln!(out, "identity would begin incarnation {incarnation}; nothing has changed")?;
    } else {
        writeln!(out, "identity begins incarnation {incarnation}")?;
    }
    users(&mut out, "deleted after the backup, and deleted again", &restored.deleted)?;
    users(&mut out, "created after the backup, and erased", &restored.unknown)?;
    writeln!(out, "changed after the backup, and changed again: {}", restored.amended.len())?;
    for amended in &restored.amended {
        writeln!(out, "  {} {}", amended.user_id, amended.fields.join(" "))?;
    }
    writeln!(out, "machine tokens of the backup, all ended: {}", restored.machine_tokens)?;
    writeln!(out, "passwords, profiles and API keys are those of the backup")?;
    if restored.admins == 0 {
        writeln!(out, "nobody is an administrator: roster admin recover makes one")?;
    }
    out.flush()
}
