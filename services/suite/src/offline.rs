//! The services that a command works with, none of which answers anybody.

use anyhow::{Context as _, ensure};
use roster_identity::{RecoveredAdmin, Restored};
use roster_kernel::Env;
use roster_participant::ReconcileError;

use crate::{
    Node, Part, RosterConfig, Suite,
    migrate::{self, Reports},
    node::CommandError,
};

/// The services that a command works with: all of them, where they are to run in
/// one process; or one, which asks the others as it does when it serves.
pub enum Offline {
    One(Box<Suite>),
    Apart(Box<Node>),
}

impl Offline {
    /// Those that are there for something which `part` has to be alone for.
    pub async fn alone(config: &RosterConfig, env: Env, part: Part) -> anyhow::Result<Self> {
        migrate::require_data(config).await?;
        let hash_params = config.identity.hash_params();
        Ok(if config.is_apart() {
            Self::Apart(Box::new(Node::alone(config, part, env, hash_params).await?))
        } else {
            Self::One(Box::new(Suite::assemble(config, env, hash_params).await?))
        })
    }

    /// Those that are there for something which can be done while others serve:
    /// `part`, or else the one that the certificate is for.
    pub async fn beside_others(
        config: &RosterConfig,
        env: Env,
        part: Option<Part>,
    ) -> anyhow::Result<Self> {
        migrate::require_data(config).await?;
        let hash_params = config.identity.hash_params();
        Ok(if config.is_apart() {
            let part = part.map_or_else(|| Part::certified(config), Ok)?;
            Self::Apart(Box::new(Node::service(config, part, env, hash_params).await?))
        } else {
            Self::One(Box::new(Suite::assemble(config, env, hash_params).await?))
        })
    }

    /// Makes participants agree with the ledger of users.
    pub async fn reconcile(&self) -> anyhow::Result<Reports> {
        match self {
            Self::One(suite) => Ok(suite.reconcile().await),
            Self::Apart(node) => {
                let report = node.reconcile().await.context(
                    "identity has the ledger and agrees with it: reconcile the other services, \
                     each with its own settings",
                )?;
                Ok(vec![(node.name(), report)])
            }
        }
    }

    /// See [`Suite::restore_identity`].
    pub async fn restore_identity(&self, planned: bool) -> anyhow::Result<Restored> {
        Ok(match self {
            Self::One(suite) => suite.restore_identity(planned).await?,
            Self::Apart(node) => node.restore_identity(planned).await?,
        })
    }

    /// See [`Suite::end_all_sessions`].
    pub async fn end_all_sessions(&self) -> anyhow::Result<u64> {
        Ok(match self {
            Self::One(suite) => suite.end_all_sessions().await?,
            Self::Apart(node) => node.end_all_sessions().await?,
        })
    }

    /// See [`Suite::recover_admin`].
    pub async fn recover_admin(
        &self,
        username: &str,
        create: bool,
    ) -> anyhow::Result<RecoveredAdmin> {
        Ok(match self {
            Self::One(suite) => suite.recover_admin(username, create).await?,
            Self::Apart(node) => match node.recover_admin(username, create).await {
                Err(CommandError::Recover(error)) => return Err(error.into()),
                recovered => recovered?,
            },
        })
    }

    /// Refuses a ledger that has lost changes: another one would be given the
    /// version of one of them, and nobody could tell any more.
    pub async fn require_whole_ledger(&self) -> anyhow::Result<()> {
        match self {
            Self::One(suite) => {
                for (service, report) in suite.reconcile().await {
                    match report {
                        Err(error @ ReconcileError::Behind { .. }) => return Err(error.into()),
                        Err(error) => {
                            tracing::warn!(service, %error, "not caught up with the ledger");
                        }
                        Ok(_) => {}
                    }
                }
            }
            Self::Apart(node) => {
                ensure!(
                    node.has_whole_ledger().await?,
                    "the ledger of users lacks what other services know: identity was put back \
                     from a backup; run `roster restore identity` first"
                );
            }
        }
        Ok(())
    }

    pub async fn stop(self) {
        match self {
            Self::One(suite) => suite.stop().await,
            Self::Apart(node) => node.stop().await,
        }
    }
}
