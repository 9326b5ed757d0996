//! The certificate that clients get to see, kept up to date.

use std::{sync::Arc, time::Duration};

use roster_kernel::Env;
use roster_server::{Tasks, tls::Certificates};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{RosterConfig, StartError};

/// How often the files of the certificate are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The certificate, and what says that there may be another.
#[derive(Debug)]
pub struct Encryption {
    certificates: Arc<Certificates>,
    hangup: Signal,
}

impl Encryption {
    /// Reads the certificate, if the settings name one.
    pub fn load(config: &RosterConfig) -> Result<Option<Self>, StartError> {
        if !config.tls.is_set() {
            return Ok(None);
        }
        let certificates = Certificates::load(&config.tls).map_err(StartError::Tls)?;
        let hangup = signal(SignalKind::hangup()).map_err(StartError::Signal)?;
        Ok(Some(Self { certificates, hangup }))
    }

    /// The certificate, which is looked at anew while `tasks` go on.
    pub fn keep_fresh(self, env: Env, tasks: &Tasks) -> Arc<Certificates> {
        let certificates = Arc::clone(&self.certificates);
        tasks.spawn("certificates", self.watch(env, tasks.token()));
        certificates
    }

    /// Looks every few seconds, and when told to by SIGHUP.
    async fn watch(mut self, env: Env, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = env.sleep(LOOK) => {}
                _ = self.hangup.recv() => {}
                () = stop.cancelled() => return,
            }
            self.certificates.refresh();
        }
    }
}
