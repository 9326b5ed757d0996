//! The certificate that clients get to see, kept up to date.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use roster_kernel::{Env, Timestamp};
use roster_server::{
    Tasks,
    metrics::{Gauge, Meters},
    tls::Certificates,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{RosterConfig, StartError};

/// How often the files of the certificate are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// A certificate that expires sooner is complained of, once a day. Whoever
/// renews them by themselves, as ACME clients do, does it before.
const SOON: TimeDelta = TimeDelta::days(14);
const AGAIN: TimeDelta = TimeDelta::days(1);

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
    pub fn keep_fresh(self, env: Env, meters: &Meters, tasks: &Tasks) -> Arc<Certificates> {
        let certificates = Arc::clone(&self.certificates);
        let expiry = Expiry::new(meters);
        tasks.spawn("certificates", self.watch(env, expiry, tasks.token()));
        certificates
    }

    /// Looks every few seconds, and when told to by SIGHUP.
    async fn watch(mut self, env: Env, mut expiry: Expiry, stop: CancellationToken) {
        loop {
            expiry.look(self.certificates.expires_at(), env.now());
            tokio::select! {
                () = env.sleep(LOOK) => {}
                _ = self.hangup.recv() => {}
                () = stop.cancelled() => return,
            }
            self.certificates.refresh();
        }
    }
}

/// Sees a certificate's end come.
#[derive(Debug)]
struct Expiry {
    left: Gauge<f64>,
    told_at: Option<Timestamp>,
}

impl Expiry {
    fn new(meters: &Meters) -> Self {
        let help = "How long the certificate that clients see is still valid";
        Self { left: meters.seconds("roster.tls.certificate.time_left", help), told_at: None }
    }

    fn look(&mut self, expires_at: Timestamp, now: Timestamp) {
        let left = expires_at - now;
        self.left.record(left.as_seconds_f64(), &[]);
        if left < SOON && self.told_at.is_none_or(|told_at| now - told_at >= AGAIN) {
            self.told_at = Some(now);
            tracing::warn!(%expires_at, "certificate expires soon");
        }
    }
}
