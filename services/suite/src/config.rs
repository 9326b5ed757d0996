//! The settings of the whole, and where they come from.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use roster_events::NatsConfig;
use roster_gateway::GatewayConfig;
use roster_identity::IdentityConfig;
use roster_server::{
    Limits,
    config::ConfigError,
    telemetry::{LogFormat, OtlpConfig, OtlpHeaders, TelemetryConfig},
    tls::TlsConfig,
};
use roster_session::SessionConfig;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::{DatabaseConfig, PeersConfig, Secrets};

/// An address in a setting; empty, or `off`, for none.
mod address {
    use std::net::SocketAddr;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub fn serialize<S: Serializer>(
        address: &Option<SocketAddr>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match address {
            Some(address) => serializer.collect_str(address),
            None => serializer.serialize_str(""),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SocketAddr>, D::Error> {
        let text = String::deserialize(deserializer)?;
        if matches!(text.as_str(), "" | "off") {
            return Ok(None);
        }
        let expected = || D::Error::custom(format!("{text:?} is no address with a port, nor off"));
        text.parse().map(Some).map_err(|_| expected())
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// What is logged, as `tracing-subscriber`'s `EnvFilter` reads it; of
    /// libraries, never more than `info`.
    pub filter: String,
    /// `text` for people, `json` for programs.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        // The migrator tells each step twice; `roster migrate` tells it once.
        let filter = "info,sea_orm_migration=warn".to_owned();
        Self { filter, format: LogFormat::Text }
    }
}

/// Where traces, metrics and logs go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExportConfig {
    /// An OTLP collector that speaks gRPC, as a URL; empty for none.
    pub otlp_endpoint: String,
    /// What is sent with each export, such as a token.
    pub otlp_headers: OtlpHeaders,
    /// What tells this process from others like it; empty for a random name
    /// at each start.
    pub instance_id: String,
}

impl ExportConfig {
    /// Says what is wrong with the settings, naming the key.
    fn validate(&self) -> Result<(), String> {
        let endpoint = &self.otlp_endpoint;
        if !endpoint.is_empty() && !endpoint.starts_with("http://") {
            return Err(format!("otlp_endpoint = {endpoint:?} has to begin with http://"));
        }
        self.otlp_headers.validate().map_err(|error| format!("otlp_headers: {error}"))
    }
}

/// Everything that an operator can set. `deploy/roster.example.toml` explains
/// each key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RosterConfig {
    /// Where the databases and the secrets are; made on the first start.
    pub data_dir: PathBuf,
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Allows `listen` to be more than this machine's loopback although the
    /// connection is not encrypted: for use behind a proxy that ends TLS.
    pub allow_plaintext: bool,
    /// Where metrics and health are asked for over HTTP; nowhere when absent.
    #[serde(with = "address")]
    pub metrics_listen: Option<SocketAddr>,
    /// Allows `metrics_listen` to be more than this machine's loopback: nobody
    /// who asks there has to say who they are.
    pub metrics_allow_remote: bool,
    /// Where services of this machine ask for API keys: the path of a Unix
    /// socket, of at most 90 bytes; empty for none.
    pub internal_socket: PathBuf,
    /// A file with the secrets of an installation of several processes; empty
    /// for the one that the first start makes in the data directory.
    pub secrets_file: PathBuf,
    /// Where the services keep their tables.
    pub database: DatabaseConfig,
    /// One process for each service: how they reach each other.
    pub peers: PeersConfig,
    /// One process for each service: the broker that carries events.
    pub events: NatsConfig,
    /// Encryption of the connections to `listen`.
    pub tls: TlsConfig,
    /// Logs.
    pub log: LogConfig,
    /// Traces, metrics and logs.
    pub telemetry: ExportConfig,
    /// Connections.
    pub server: Limits,
    /// The edge.
    pub gateway: GatewayConfig,
    /// The identity service.
    pub identity: IdentityConfig,
    /// The session service.
    pub session: SessionConfig,
}

impl Default for RosterConfig {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("./data"),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            allow_plaintext: false,
            metrics_listen: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9090))),
            metrics_allow_remote: false,
            internal_socket: PathBuf::new(),
            secrets_file: PathBuf::new(),
            database: DatabaseConfig::default(),
            peers: PeersConfig::default(),
            events: NatsConfig::default(),
            tls: TlsConfig::default(),
            log: LogConfig::default(),
            telemetry: ExportConfig::default(),
            server: Limits::default(),
            gateway: GatewayConfig::default(),
            identity: IdentityConfig::default(),
            session: SessionConfig::default(),
        }
    }
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// They cannot be read.
    #[error(transparent)]
    Unreadable(Box<ConfigError>),
    /// A value makes no sense. Says which.
    #[error("configuration: {0}")]
    Invalid(String),
}

/// The most bytes of the path of a socket. The system takes 107 of them, and
/// a socket is made in a folder beside its place.
const LONGEST_SOCKET_PATH: usize = 90;

/// The guide's names for settings.
const GUIDE: [(&str, &str); 2] = [
    ("ALLOW_REGISTRATION", "identity.allow_registration"),
    ("SESSION_TIMEOUT_DAYS", "session.timeout_days"),
];

/// Reads the settings, and the password of the first administrator: no
/// setting, as it counts only once and must not be shown.
pub fn load(
    file: Option<&Path>,
    mut environment: Vec<(String, String)>,
) -> Result<(RosterConfig, Option<SecretString>), LoadError> {
    let given = environment.iter().position(|(name, _)| name == "ADMIN_PASSWORD");
    let admin_password = given.map(|index| SecretString::from(environment.swap_remove(index).1));
    let named = |name: &str| environment.iter().any(|(given, _)| given == name);
    let used: Vec<_> = GUIDE.into_iter().filter(|(name, _)| named(name)).collect();
    let defaults = RosterConfig::default();
    let config = roster_server::config::load(&defaults, file, environment, &used)
        .map_err(|error| LoadError::Unreadable(Box::new(error)))?;
    config.validate().map_err(|error| LoadError::Invalid(placed(error, &used)))?;
    Ok((config, admin_password))
}

/// Says under which of the guide's names the value was given that makes no
/// sense.
fn placed(error: String, used: &[(&str, &str)]) -> String {
    match used.iter().find(|(_, key)| error.starts_with(key)) {
        Some((name, _)) => format!("{error} (given as {name})"),
        None => error,
    }
}

impl RosterConfig {
    /// Says what is wrong with the settings, naming the key.
    pub fn validate(&self) -> Result<(), String> {
        let encrypted = self.tls.is_set() || self.allow_plaintext;
        if !self.listen.ip().is_loopback() && !encrypted {
            return Err(format!(
                "listen = {} is reachable from other machines, and the connection is not \
                 encrypted: set tls.certificate and tls.key, or put a proxy that ends TLS in \
                 front and set allow_plaintext = true",
                self.listen
            ));
        }
        if let Some(address) = self.metrics_listen
            && !address.ip().is_loopback()
            && !self.metrics_allow_remote
        {
            return Err(format!(
                "metrics_listen = {address} is reachable from other machines, and anybody can \
                 read there: allow it with metrics_allow_remote = true"
            ));
        }
        self.telemetry.validate().map_err(|error| format!("telemetry.{error}"))?;
        if self.internal_socket.as_os_str().len() > LONGEST_SOCKET_PATH {
            return Err(format!("internal_socket must have at most {LONGEST_SOCKET_PATH} bytes"));
        }
        self.database.validate().map_err(|error| format!("database.{error}"))?;
        self.peers.validate().map_err(|error| format!("peers.{error}"))?;
        if !self.events.servers.is_empty() {
            self.events.validate().map_err(|error| format!("events.{error}"))?;
        }
        self.tls.validate().map_err(|error| format!("tls: {error}"))?;
        self.server.validate().map_err(|error| format!("server.{error}"))?;
        self.gateway.validate()?;
        self.identity.validate().map_err(|error| format!("identity.{error}"))?;
        self.session.validate().map_err(|error| format!("session.{error}"))
    }

    /// Whether every service runs in processes of its own: then each of them has
    /// a certificate, and what is done to a service is done with its own.
    #[must_use]
    pub fn is_apart(&self) -> bool {
        !self.peers.certificate.as_os_str().is_empty()
    }

    /// Where the secrets are.
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        if self.secrets_file.as_os_str().is_empty() {
            Secrets::path(&self.data_dir)
        } else {
            self.secrets_file.clone()
        }
    }

    /// What telemetry is set up with.
    #[must_use]
    pub fn telemetry(&self) -> TelemetryConfig {
        TelemetryConfig {
            filter: self.log.filter.clone(),
            format: self.log.format,
            otlp: self.otlp(),
        }
    }

    /// The collector, if there is one.
    #[must_use]
    pub fn otlp(&self) -> Option<OtlpConfig> {
        let ExportConfig { otlp_endpoint, otlp_headers, instance_id } = self.telemetry.clone();
        (!otlp_endpoint.is_empty()).then_some(OtlpConfig {
            endpoint: otlp_endpoint,
            headers: otlp_headers,
            instance: instance_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_guides_names_work_as_they_stand() {
        let environment = env(&[
            ("ALLOW_REGISTRATION", "true"),
            ("SESSION_TIMEOUT_DAYS", "3"),
            ("ADMIN_PASSWORD", "secret"),
        ]);
        let (config, password) = load(None, environment).unwrap();
        assert!(config.identity.allow_registration);
        assert_eq!(config.session.timeout_days, 3);
        assert!(password.is_some());
    }

    #[test]
    fn the_environment_goes_before_the_defaults() {
        let environment = env(&[
            ("ROSTER__DATA_DIR", "/somewhere"),
            ("ROSTER__LISTEN", "127.0.0.1:1234"),
            ("ROSTER__LOG__FORMAT", "json"),
            ("PATH", "/bin"),
        ]);
        let (config, password) = load(None, environment).unwrap();
        assert_eq!(config.data_dir, PathBuf::from("/somewhere"));
        assert_eq!(config.listen.port(), 1234);
        assert_eq!(config.log.format, LogFormat::Json);
        assert!(password.is_none());
    }

    #[test]
    fn the_listener_for_metrics_can_be_turned_off() {
        for (value, expected) in [
            ("", None),
            ("off", None),
            ("127.0.0.1:0", Some("127.0.0.1:0")),
            ("[::1]:9091", Some("[::1]:9091")),
        ] {
            let (config, _) = load(None, env(&[("ROSTER__METRICS_LISTEN", value)])).unwrap();
            assert_eq!(config.metrics_listen, expected.map(|it| it.parse().unwrap()), "{value}");
        }
    }

    #[test]
    fn an_encrypted_listener_may_be_reachable_from_other_machines() {
        let environment = env(&[
            ("ROSTER__LISTEN", "0.0.0.0:8080"),
            ("ROSTER__TLS__CERTIFICATE", "certificate.pem"),
            ("ROSTER__TLS__KEY", "key.pem"),
            ("ROSTER__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1"),
        ]);
        let (config, _) = load(None, environment).unwrap();
        assert_eq!(config.server.trusted_proxies.to_string(), "10.0.0.0/8, 192.0.2.1/32");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, value, named) in [
            ("ROSTER__LISTEN", "0.0.0.0:8080", "allow_plaintext"),
            ("ROSTER__METRICS_LISTEN", "0.0.0.0:9090", "metrics_allow_remote"),
            ("ROSTER__METRICS_LISTEN", "nowhere", "metrics_listen"),
            ("ROSTER__TELEMETRY__OTLP_ENDPOINT", "localhost:4317", "telemetry.otlp_endpoint"),
            ("ROSTER__TELEMETRY__OTLP_HEADERS", "token", "telemetry.otlp_headers"),
            ("ROSTER__LISTEN", "0.0.0.0:8080", "tls.certificate"),
            ("ROSTER__DATABASE__URL", "mysql://localhost", "database.url"),
            ("ROSTER__DATABASE__WRITERS", "0", "database.writers"),
            ("ROSTER__DATABASE__IDLE", "9", "database.idle"),
            ("ROSTER__DATABASE__ACQUIRE_SECONDS", "0", "database.acquire_seconds"),
            ("ROSTER__PEERS__SESSION", "session", "peers.session"),
            ("ROSTER__PEERS__CLOCK_TOLERANCE_SECONDS", "31", "peers.clock_tolerance_seconds"),
            ("ROSTER__PEERS__ALLOW", "crm GetUser", "peers.allow"),
            ("ROSTER__EVENTS__SERVERS", "nats://user:word@host", "events.servers"),
            ("ROSTER__TLS__KEY", "key.pem", "tls"),
            ("ROSTER__TLS__CERTIFICATE", "certificate.pem", "tls"),
            ("ROSTER__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, proxy", "`proxy`"),
            ("ROSTER__SERVER__STALL_SECONDS", "0", "server.stall_seconds"),
            ("ROSTER__GATEWAY__MAX_STREAMS", "0", "gateway.max_streams"),
            ("ROSTER__LISTENN", "127.0.0.1:1", "listenn"),
            ("ROSTER__SESSION__TIMEOUT", "1", "timeout"),
            ("ROSTER__SESSION__TIMEOUT_DAYS", "0", "session.timeout_days"),
            ("ROSTER__GATEWAY__MAX_CONCURRENT_CALLS", "0", "gateway.max_concurrent_calls"),
            ("ROSTER__LOG__FORMAT", "xml", "xml"),
            ("SESSION_TIMEOUT_DAYS", "many", "in SESSION_TIMEOUT_DAYS"),
            ("SESSION_TIMEOUT_DAYS", "0", "given as SESSION_TIMEOUT_DAYS"),
            ("ALLOW_REGISTRATION", "maybe", "in ALLOW_REGISTRATION"),
            ("ROSTER__IDENTITY__ALLOW_REGISTRATION", "maybe", "in ROSTER__IDENTITY__ALLOW"),
            ("ROSTER__INTERNAL_SOCKET", &"/".repeat(91), "internal_socket"),
        ] {
            let message = load(None, env(&[(name, value)])).unwrap_err().to_string();
            assert!(message.contains(named), "{name}={value}: {message}");
        }
    }

    #[test]
    fn the_password_of_a_database_is_in_no_complaint() {
        let url = "postgres://roster:kept@host:port/base";
        let error = load(None, env(&[("ROSTER__DATABASE__URL", url)])).unwrap_err();
        assert_eq!(error.to_string(), "configuration: database.url is not a valid URL");
        let url = "postgres://roster:kept@host/base";
        let (config, _) = load(None, env(&[("ROSTER__DATABASE__URL", url)])).unwrap();
        let shown = format!("{config:?} {}", config.database.of(&config.data_dir, "identity"));
        assert!(!shown.contains("kept"), "{shown}");
    }

    #[test]
    fn the_example_file_holds_every_key_and_its_default() {
        let text = include_str!("../../../deploy/roster.example.toml");
        // A key that is commented out shows its default.
        let uncommented: String = text
            .lines()
            .map(|line| line.strip_prefix("#").filter(|it| it.contains(" = ")).unwrap_or(line))
            .fold(String::new(), |all, line| all + line + "\n");
        let example: toml::Value = toml::from_str(&uncommented).unwrap();
        let defaults = toml::Value::try_from(RosterConfig::default()).unwrap();
        assert_eq!(example, defaults);
    }
}
