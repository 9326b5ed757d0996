//! `roster admin recover`.

use std::io::{self, Write as _};

use anyhow::anyhow;
use roster_identity::{RecoverAdminError, RecoveredAdmin};
use roster_kernel::Env;
use roster_participant::ReconcileError;
use secrecy::ExposeSecret as _;

use crate::{RosterConfig, Suite, migrate};

/// Makes `username` an administrator who can sign in. The other services hear
/// of it as of any change, at the latest when Roster starts again: it catches
/// up before it serves.
pub async fn run(
    config: &RosterConfig,
    env: Env,
    username: &str,
    create: bool,
) -> anyhow::Result<()> {
    migrate::require_data(config).await?;
    let suite = Suite::assemble(config, env, config.identity.hash_params()).await?;
    let told = match whole(&suite).await {
        Ok(()) => recover(&suite, username, create).await,
        Err(error) => Err(error.into()),
    };
    suite.stop().await;
    told
}

/// Refuses a ledger that has lost changes: another one would be given the
/// version of one of them, and nobody could tell any more.
async fn whole(suite: &Suite) -> Result<(), ReconcileError> {
    for (service, report) in suite.reconcile().await {
        match report {
            Err(error @ ReconcileError::Behind { .. }) => return Err(error),
            Err(error) => tracing::warn!(service, %error, "not caught up with the ledger"),
            Ok(_) => {}
        }
    }
    Ok(())
}

async fn recover(suite: &Suite, username: &str, create: bool) -> anyhow::Result<()> {
    match suite.recover_admin(username, create).await {
        Ok(admin) => Ok(tell(&admin)?),
        Err(RecoverAdminError::Unknown(name)) => {
            Err(anyhow!("there is no user {name}: --create makes one"))
        }
        Err(error) => Err(error.into()),
    }
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
