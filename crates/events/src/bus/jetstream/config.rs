//! How to reach the broker, and what it is asked to keep.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// A broker and what it keeps. It names files that hold secrets, and holds
/// none itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NatsConfig {
    /// The servers, such as `nats://nats-1:4222`. One that answers is enough.
    pub servers: Vec<String>,
    /// The user to be, together with `password_file`.
    pub user: String,
    /// A file with the user's password.
    pub password_file: PathBuf,
    /// A credentials file: a JWT and its seed.
    pub credentials_file: PathBuf,
    /// A file with the seed of an nkey.
    pub nkey_file: PathBuf,
    /// How the connection is encrypted.
    pub tls: NatsTls,
    /// On how many servers each stream is kept: 1, 3 or 5.
    pub replicas: usize,
    /// For how many hours a message is kept at the most.
    pub max_age_hours: u32,
    /// The most bytes that a stream keeps; the oldest messages make room.
    pub max_bytes: u32,
    /// After how many seconds without acknowledgement a message comes again.
    pub ack_wait_seconds: u32,
    /// How many messages of one consumer are on their way at the most.
    pub max_in_flight: u32,
}

/// The authority of the broker and the certificate to show to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NatsTls {
    /// The authorities that may vouch for the broker, as PEM; those of the
    /// system when empty.
    pub ca: PathBuf,
    /// The client's certificate, as PEM.
    pub certificate: PathBuf,
    /// The certificate's private key, as PEM.
    pub key: PathBuf,
    /// Refuse a connection without TLS.
    pub required: bool,
}

impl Default for NatsConfig {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            user: String::new(),
            password_file: PathBuf::new(),
            credentials_file: PathBuf::new(),
            nkey_file: PathBuf::new(),
            tls: NatsTls::default(),
            replicas: 1,
            max_age_hours: 7 * 24,
            max_bytes: 1 << 30,
            ack_wait_seconds: 30,
            max_in_flight: 256,
        }
    }
}

impl NatsConfig {
    /// Says what is wrong with the settings, naming the key.
    pub fn validate(&self) -> Result<(), String> {
        let is_set = |path: &PathBuf| !path.as_os_str().is_empty();
        if self.servers.is_empty() {
            return Err("servers: at least one is needed".to_owned());
        }
        if self.servers.iter().any(|server| server.contains('@')) {
            return Err("servers: a password belongs into password_file".to_owned());
        }
        if self.user.is_empty() == is_set(&self.password_file) {
            return Err("user and password_file are set together, or neither".to_owned());
        }
        let ways =
            [&self.password_file, &self.credentials_file, &self.nkey_file].map(is_set).into_iter();
        if ways.filter(|set| *set).count() > 1 {
            return Err("password_file, credentials_file, nkey_file: one at the most".to_owned());
        }
        if is_set(&self.tls.certificate) != is_set(&self.tls.key) {
            return Err("tls.certificate and tls.key are set together, or neither".to_owned());
        }
        if ![1, 3, 5].contains(&self.replicas) {
            return Err("replicas: 1, 3 or 5".to_owned());
        }
        let bounds = [self.max_age_hours, self.max_bytes, self.ack_wait_seconds];
        if bounds.contains(&0) || self.max_in_flight == 0 {
            return Err("max_age_hours, max_bytes, ack_wait_seconds, max_in_flight: \
                        more than 0"
                .to_owned());
        }
        Ok(())
    }

    pub(super) fn max_age(&self) -> Duration {
        Duration::from_hours(u64::from(self.max_age_hours))
    }

    pub(super) fn ack_wait(&self) -> Duration {
        Duration::from_secs(u64::from(self.ack_wait_seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid() -> NatsConfig {
        NatsConfig { servers: vec!["nats://localhost".to_owned()], ..NatsConfig::default() }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(valid().validate(), Ok(()));
        let wrong: [(&str, NatsConfig); 6] = [
            ("servers", NatsConfig::default()),
            ("servers", NatsConfig { servers: vec!["nats://a:b@c".to_owned()], ..valid() }),
            ("password_file", NatsConfig { user: "session".to_owned(), ..valid() }),
            (
                "one at the most",
                NatsConfig { credentials_file: "a".into(), nkey_file: "b".into(), ..valid() },
            ),
            ("replicas", NatsConfig { replicas: 2, ..valid() }),
            ("max_in_flight", NatsConfig { max_in_flight: 0, ..valid() }),
        ];
        for (key, config) in wrong {
            let error = config.validate().unwrap_err();
            assert!(error.contains(key), "{error}");
        }
    }
}
