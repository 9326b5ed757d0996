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

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use chrono::Datelike as _;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use roster_server::tls::TlsConfig;
    use roster_testkit::eventually;
    use rustix::process::{Signal, getpid, kill_process};

    use super::*;

    /// Issues a certificate that is valid until a year begins.
    fn issue(folder: &Path, year: i32) -> TlsConfig {
        let signing_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 1, 1);
        let issued = params.self_signed(&signing_key).unwrap();
        let tls =
            TlsConfig { certificate: folder.join("roster.pem"), key: folder.join("roster.key") };
        fs::write(&tls.certificate, issued.pem()).unwrap();
        fs::write(&tls.key, signing_key.serialize_pem()).unwrap();
        fs::set_permissions(&tls.key, fs::Permissions::from_mode(0o600)).unwrap();
        tls
    }

    #[tokio::test]
    async fn a_new_certificate_is_in_use_within_seconds_or_when_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let (clock, env) = roster_testkit::env(1);
        let tasks = Tasks::new();
        let config = RosterConfig { tls: issue(folder.path(), 2101), ..RosterConfig::default() };
        let encryption = Encryption::load(&config).unwrap().unwrap();
        let certificates = encryption.keep_fresh(env, &Meters::none(), &tasks);
        let until = |year: i32| certificates.expires_at().date_naive().year() == year;
        // Until it waits for nothing but the time.
        eventually(async || clock.next_wake().is_some()).await;
        assert!(until(2101));

        issue(folder.path(), 2102);
        clock.advance(LOOK);
        eventually(async || until(2102)).await;
        // Time stands still: it is the signal that counts.
        issue(folder.path(), 2103);
        kill_process(getpid(), Signal::HUP).unwrap();
        eventually(async || until(2103)).await;
        tasks.shutdown().await;
    }
}
