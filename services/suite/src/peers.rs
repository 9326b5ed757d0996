//! How the services of different processes reach each other.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use roster_kernel::ServiceName;
use roster_peers::{AllowList, InvalidRule, Target, TrustDomain};
use serde::{Deserialize, Serialize};

/// Whom the gateway calls to see whether a service can do its work.
const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// The most, in seconds, that clocks may differ by: what is signed is good for
/// ten, and would be for as much longer.
const MOST_TOLERANCE: u64 = 30;

/// How the services of different processes reach each other, and prove who
/// they are. Of no use in one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeersConfig {
    /// Where the other services connect.
    pub listen: SocketAddr,
    /// This service's certificate and those that lead to its authority, as PEM.
    pub certificate: PathBuf,
    /// The certificate's private key, as PEM.
    pub key: PathBuf,
    /// The authorities whose certificates count, as PEM.
    pub authority: PathBuf,
    /// In which domain the names in certificates are valid.
    pub trust_domain: TrustDomain,
    /// Where the identity service is, as `host:port`: every address of every
    /// host is a replica.
    pub identity: Vec<String>,
    /// Where the session service is.
    pub session: Vec<String>,
    /// Where the persona service is.
    pub persona: Vec<String>,
    /// The gateway's: what it signs with whom it calls for, a `k4.secret`.
    pub assertion_key: PathBuf,
    /// The others': what such signatures are checked with, a `k4.public` on
    /// each line.
    pub assertion_keys: PathBuf,
    /// By how much clocks may differ, in seconds: at most 30.
    pub clock_tolerance_seconds: u64,
    /// Which other services may call which methods on their own account, each
    /// as `service /package.Service/Method`.
    pub allow: Vec<String>,
}

impl Default for PeersConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            authority: PathBuf::new(),
            trust_domain: TrustDomain::default(),
            identity: Vec::new(),
            session: Vec::new(),
            persona: Vec::new(),
            assertion_key: PathBuf::new(),
            assertion_keys: PathBuf::new(),
            clock_tolerance_seconds: 2,
            allow: Vec::new(),
        }
    }
}

impl PeersConfig {
    /// Says what is wrong with the settings, naming the key.
    pub fn validate(&self) -> Result<(), String> {
        if self.clock_tolerance_seconds > MOST_TOLERANCE {
            return Err(format!("clock_tolerance_seconds must be at most {MOST_TOLERANCE}"));
        }
        for (key, addresses) in
            [("identity", &self.identity), ("session", &self.session), ("persona", &self.persona)]
        {
            if let Some(address) = addresses.iter().find(|it| !is_address(it)) {
                return Err(format!("{key}: {address:?} is not of the form host:port"));
            }
        }
        self.allow_list().map(drop).map_err(|error| format!("allow: {error}"))
    }

    /// Which service may call which method on its own account.
    pub fn allow_list(&self) -> Result<AllowList, InvalidRule> {
        let more = self.allow.iter().map(|rule| rule.split_once(' ').unwrap_or((rule, "")));
        AllowList::new(more.chain([(roster_peers::GATEWAY.as_str(), HEALTH)]))
    }

    /// By how much clocks may differ.
    #[must_use]
    pub const fn clock_tolerance(&self) -> Duration {
        Duration::from_secs(self.clock_tolerance_seconds)
    }

    /// What this service shows, and whose it believes.
    #[must_use]
    pub fn certificates(&self) -> roster_peers::IdentityConfig {
        roster_peers::IdentityConfig {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            authority: self.authority.clone(),
            trust_domain: self.trust_domain.clone(),
        }
    }

    /// Where `service` is; nothing where the settings do not say.
    #[must_use]
    pub fn target(&self, service: &ServiceName) -> Option<Target> {
        let addresses = match service.as_str() {
            "identity" => &self.identity,
            "session" => &self.session,
            "persona" => &self.persona,
            _unknown => return None,
        };
        let target = || Target { service: service.clone(), addresses: addresses.clone() };
        (!addresses.is_empty()).then(target)
    }
}

/// Whether `text` is of the form `host:port`.
pub fn is_address(text: &str) -> bool {
    let port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    text.rsplit_once(':').is_some_and(|(host, number)| !host.is_empty() && port(number))
}
