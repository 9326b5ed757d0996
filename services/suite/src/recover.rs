//! `roster admin recover`.

use std::io::{self, Write as _};

use anyhow::anyhow;
use roster_identity::{RecoverAdminError, RecoveredAdmin};
use roster_kernel::Env;
use secrecy::ExposeSecret as _;

use crate::{Part, RosterConfig, offline::Offline};

/// Makes `username` an administrator who can sign in. The other services hear
/// of it as of any change, at the latest when Roster starts again: it catches
/// up before it serves. Where every service runs apart, identity goes on meanwhile.
pub async fn run(
    config: &RosterConfig,
    env: Env,
    username: &str,
    create: bool,
) -> anyhow::Result<()> {
    let services = Offline::beside_others(config, env, Some(Part::Identity)).await?;
    let told = recover(&services, username, create).await;
    services.stop().await;
    told
}

async fn recover(services: &Offline, username: &str, create: bool) -> anyhow::Result<()> {
    services.require_whole_ledger().await?;
    let recovered = services.recover_admin(username, create).await;
    let recovered = recovered.map_err(|error| match error.downcast_ref() {
        Some(RecoverAdminError::Unknown(name)) => {
            anyhow!("there is no user {name}: --create makes one")
        }
        Some(_) | None => error,
    });
    Ok(tell(&recovered?)?)
}

/// The password is printed here, once, and nowhere else.
fn tell(admin: &RecoveredAdmin) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let created = if admin.created { "created" } else { "recovered, all sessions ended" };
    writeln!(out, "  administrator   {} ({created})", admin.username)?;
    writeln!(out, "  password        {}", admin.password.expose_secret())?;
    writeln!(out, "                  (shown only now: ChangePassword has to come first)")?;
    out.flush()
}
