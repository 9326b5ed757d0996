//! The right to work on the tables of services.

use std::{sync::Arc, time::Duration};

use roster_db::{Claim, Db, Hold};
use roster_kernel::Env;
use roster_server::Tasks;

use crate::{DataDirLock, RosterConfig, StartError, migrate};

/// How often is looked whether a claim still holds.
const LOOK: Duration = Duration::from_secs(1);

/// Tables that nobody else works on meanwhile, or that others do who run the
/// same service. It ends with the process.
#[derive(Clone, Debug)]
pub struct Claimed {
    holds: Vec<Arc<Hold>>,
    /// Where the tables, or the secrets, are in a folder.
    _folder: Option<Arc<DataDirLock>>,
}

impl Claimed {
    /// All tables, for one process that runs every service, or works on them.
    pub async fn whole(config: &RosterConfig, folder: DataDirLock) -> Result<Self, StartError> {
        let mut holds = Vec::new();
        // Files are locked with their folder.
        if !config.database.url.is_empty() {
            for service in migrate::SERVICES {
                holds.push(Arc::new(claim(config, service, Claim::Alone).await?));
            }
        }
        Ok(Self { holds, _folder: Some(Arc::new(folder)) })
    }

    /// Those of one service, which others may run, too.
    pub async fn shared(config: &RosterConfig, service: &str) -> Result<Self, StartError> {
        let hold = claim(config, service, Claim::Shared).await?;
        Ok(Self { holds: vec![Arc::new(hold)], _folder: None })
    }

    /// Those of one service, which no other process runs.
    pub async fn alone(config: &RosterConfig, service: &str) -> Result<Self, StartError> {
        let hold = claim(config, service, Claim::Alone).await?;
        let database = migrate::database(config, service);
        if !hold.is_undisturbed().await.map_err(migrate::unusable(&database))? {
            return Err(StartError::InUse(database.to_string()));
        }
        Ok(Self { holds: vec![Arc::new(hold)], _folder: None })
    }

    /// Says that calls are answered from now on.
    pub async fn serve(&self) -> Result<(), roster_db::DbError> {
        for hold in &self.holds {
            hold.serve().await?;
        }
        Ok(())
    }

    /// Whether other processes of the service answer calls; they may, where
    /// nobody can tell.
    pub async fn is_served(&self) -> bool {
        for hold in &self.holds {
            if hold.is_served().await.unwrap_or(true) {
                return true;
            }
        }
        false
    }

    /// Sees to it in the background that the claims last, however often the
    /// connection to the database is lost. Where one cannot be had any more, somebody
    /// else has the tables: the process ends.
    pub fn keep(&self, env: &Env, tasks: &Tasks) {
        for hold in &self.holds {
            let (hold, env, stop) = (Arc::clone(hold), env.clone(), tasks.token());
            tasks.spawn("database claim", async move {
                let kept = async {
                    loop {
                        env.sleep(LOOK).await;
                        match hold.keep().await {
                            Ok(true) => {}
                            Ok(false) => break,
                            Err(error) => {
                                // Health tells of a database that is away.
                                tracing::debug!(class = error.class(), "database not claimed");
                            }
                        }
                    }
                };
                tokio::select! {
                    () = kept => panic!("somebody else has claimed the tables"),
                    () = stop.cancelled() => {}
                }
            });
        }
    }
}

async fn claim(config: &RosterConfig, service: &str, claim: Claim) -> Result<Hold, StartError> {
    let database = migrate::database(config, service);
    let hold = Db::claim(&database, claim).await.map_err(migrate::unusable(&database))?;
    hold.ok_or_else(|| match claim {
        Claim::Shared => StartError::Reserved(database.to_string()),
        Claim::Alone => StartError::InUse(database.to_string()),
    })
}
