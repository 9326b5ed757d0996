//! An installation of real processes.

use std::{collections::BTreeMap, net::SocketAddr, process::Command};

use roster_db::{DatabaseUrl, DbConfig, PostgresConfig};
use roster_testkit::{OwnPostgres, Port, TempBrokers};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

use super::until;
use crate::{
    binary::{self, Roster},
    client::Client,
    cluster::CERTIFICATES,
    kill::{self, clients::Edge},
    world::ADMIN_PASSWORD,
};

/// How many processes of each service there are, and how many brokers.
pub const REPLICAS: usize = 2;
pub const BROKERS: usize = 3;

/// The services that store something, each of which has a user at the brokers.
const STORING: [&str; 3] = ["identity", "session", "persona"];

/// Whom each of them asks.
const ASKED: [(&str, &[&str]); 4] = [
    ("identity", &["session", "persona"]),
    ("session", &["identity"]),
    ("persona", &["identity"]),
    ("gateway", &["identity", "session", "persona"]),
];

const PERMISSIONS: &str = include_str!("../../../../../deploy/nats/permissions.conf");

/// A process of the installation, by the number of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Postgres,
    Broker(usize),
    Service(&'static str, usize),
}

impl Who {
    /// Everybody there is.
    pub fn all() -> Vec<Self> {
        let services = ASKED
            .iter()
            .flat_map(|(service, _)| (0..REPLICAS).map(|replica| Self::Service(service, replica)));
        [Self::Postgres].into_iter().chain((0..BROKERS).map(Self::Broker)).chain(services).collect()
    }
}

pub struct Installation {
    folder: TempDir,
    pub database: OwnPostgres,
    pub brokers: TempBrokers,
    ports: BTreeMap<Who, Port>,
    /// The settings of each service, as variables of its environment.
    settings: BTreeMap<&'static str, Vec<(String, String)>>,
    processes: BTreeMap<Who, Roster>,
}

impl Installation {
    /// A new installation that serves, with an administrator.
    pub async fn start() -> Self {
        let database = OwnPostgres::new().await;
        let permissions = STORING.iter().fold(PERMISSIONS.to_owned(), |text, service| {
            let variable = format!("${}_PASSWORD", service.to_uppercase());
            text.replace(&variable, &format!("{service}-password"))
        });
        let brokers = TempBrokers::new(BROKERS, &permissions);
        let services = Who::all().into_iter().filter(|who| matches!(who, Who::Service(..)));
        let ports = services.map(|who| (who, Port::free())).collect();
        let folder = tempfile::tempdir().unwrap();
        let (settings, processes) = (BTreeMap::new(), BTreeMap::new());
        let mut new = Self { folder, database, brokers, ports, settings, processes };
        for (service, asked) in ASKED {
            let settings = new.settings_of(service, asked);
            new.settings.insert(service, settings);
        }
        let mut migrate = new.command("identity");
        migrate.arg("migrate");
        let migrated = binary::run(migrate);
        assert_eq!(migrated.code, Some(0), "{migrated:?}");
        new.revive();
        new.serves().await;
        new
    }

    /// What the processes of `service` are told, who ask those of `asked`.
    fn settings_of(&self, service: &'static str, asked: &[&'static str]) -> Vec<(String, String)> {
        let file = |name: &str| CERTIFICATES.path().join(name).to_str().unwrap().to_owned();
        let list = |all: Vec<String>| all.join(",");
        let mut settings = vec![
            ("METRICS_LISTEN".to_owned(), "off".to_owned()),
            ("LOG__FILTER".to_owned(), "info,roster_gateway::layer::log=warn".to_owned()),
            ("SECRETS_FILE".to_owned(), file("secrets.toml")),
            ("PEERS__CERTIFICATE".to_owned(), file(&format!("{service}.pem"))),
            ("PEERS__KEY".to_owned(), file(&format!("{service}.key.pem"))),
            ("PEERS__AUTHORITY".to_owned(), file("ca.pem")),
            ("PEERS__ASSERTION_KEY".to_owned(), file("assertion.secret")),
            ("PEERS__ASSERTION_KEYS".to_owned(), file("assertion.public")),
            // Logins that are cut short count as guesses, and come from one
            // address.
            ("SESSION__LOGIN__FAILURES_PER_ADDRESS".to_owned(), "10000".to_owned()),
        ];
        for asked in asked {
            let replicas = (0..REPLICAS).map(|replica| self.port(asked, replica).to_string());
            settings.push((format!("PEERS__{}", asked.to_uppercase()), list(replicas.collect())));
        }
        if STORING.contains(&service) {
            let password = self.folder.path().join(service);
            std::fs::write(&password, format!("{service}-password")).unwrap();
            let servers = self.brokers.ports().map(|port| format!("nats://{}", port.address));
            settings.extend([
                ("DATABASE__URL".to_owned(), self.database.url()),
                ("EVENTS__SERVERS".to_owned(), list(servers.collect())),
                ("EVENTS__USER".to_owned(), service.to_owned()),
                ("EVENTS__PASSWORD_FILE".to_owned(), password.to_str().unwrap().to_owned()),
                ("EVENTS__REPLICAS".to_owned(), BROKERS.to_string()),
            ]);
        }
        settings.into_iter().map(|(name, value)| (format!("ROSTER__{name}"), value)).collect()
    }

    fn port(&self, service: &'static str, replica: usize) -> SocketAddr {
        self.ports[&Who::Service(service, replica)].address
    }

    fn command(&self, service: &'static str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_roster"));
        command.env_clear().current_dir(self.folder.path());
        command.envs(self.settings[service].iter().map(|(name, value)| (name, value)));
        command
    }

    fn spawn(&self, service: &'static str, replica: usize) -> Roster {
        let mut serve = self.command(service);
        let address = self.port(service, replica).to_string();
        serve.arg(service).env("ADMIN_PASSWORD", ADMIN_PASSWORD);
        serve.env("ROSTER__LISTEN", &address).env("ROSTER__PEERS__LISTEN", &address);
        Roster::spawn(serve)
    }

    /// Ends a process where it stands.
    pub fn kill(&mut self, who: Who) {
        match who {
            Who::Postgres => self.database.kill(),
            Who::Broker(number) => self.brokers.kill(number),
            Who::Service(..) => {
                // It may have ended by itself.
                if let Some(mut process) = self.processes.remove(&who) {
                    process.kill();
                    ended(&mut process);
                }
            }
        }
    }

    /// Tells a process to end, waits until it has, and until the one that takes
    /// its place does what it did.
    pub async fn restart(&mut self, who: Who) {
        match who {
            Who::Postgres => self.database.stop().await,
            Who::Broker(number) => {
                self.brokers.stop(number).await;
                self.brokers.revive(number);
                until("it has caught up", async || self.brokers.is_healthy(number).await).await;
            }
            Who::Service(..) => {
                let mut process = self.processes.remove(&who).unwrap();
                process.signal("TERM");
                until("it ends", async || process.has_ended()).await;
                assert_eq!(ended(&mut process), Some(0), "{who:?}");
            }
        }
        self.serves().await;
    }

    /// Starts who has ended, as a service manager would.
    pub fn revive(&mut self) {
        for who in Who::all() {
            match who {
                Who::Postgres => self.database.revive(),
                Who::Broker(number) => self.brokers.revive(number),
                Who::Service(service, replica) => {
                    if self.processes.get_mut(&who).is_some_and(|it| !it.has_ended()) {
                        continue;
                    }
                    if let Some(mut before) = self.processes.remove(&who) {
                        ended(&mut before);
                    }
                    let process = self.spawn(service, replica);
                    self.processes.insert(who, process);
                }
            }
        }
    }

    /// Waits until every process serves, starting again who ends meanwhile.
    pub async fn serves(&mut self) {
        self.database.is_back().await;
        until("everybody serves", async || {
            self.revive();
            let mut serving = self.processes.values_mut().all(Roster::serves);
            for edge in 0..REPLICAS {
                serving = serving && self.is_whole(edge).await;
            }
            serving
        })
        .await;
    }

    /// Whether an edge, and every service behind it, says that all is well.
    async fn is_whole(&self, edge: usize) -> bool {
        let Ok(channel) = self.endpoint(edge).connect().await else { return false };
        kill::verdict::is_healthy(channel).await
    }

    fn endpoint(&self, edge: usize) -> Endpoint {
        let address = self.port("gateway", edge);
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        endpoint.user_agent("tests/1.0").unwrap()
    }

    /// Where the edges are.
    pub fn edge_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        (0..REPLICAS).map(|edge| self.port("gateway", edge))
    }

    /// A connection to an edge that comes about when it is needed, and again
    /// when it was lost.
    pub fn channel(&self, edge: usize) -> Channel {
        self.endpoint(edge).connect_lazy()
    }

    /// Both ways in, for the administrator, who signs in once.
    pub async fn edges(&self) -> Vec<Edge> {
        let nobody = Client::new(self.channel(0));
        let admin = kill::clients::sign_in(&nobody, "admin", ADMIN_PASSWORD).await.unwrap();
        let edge = |edge| {
            let nobody = Client::new(self.channel(edge));
            let admin = nobody.with_token(admin.token(), &admin.user_id);
            Edge { nobody, admin }
        };
        (0..REPLICAS).map(edge).collect()
    }

    /// The first way in, over connections that nothing has happened to yet.
    pub fn connected_anew(&self, edge: &Edge) -> Edge {
        let nobody = Client::new(self.channel(0));
        let admin = nobody.with_token(edge.admin.token(), &edge.admin.user_id);
        Edge { nobody, admin }
    }

    /// Where a service keeps its tables.
    pub fn tables(&self, service: &str) -> DbConfig {
        let url = DatabaseUrl::new(self.database.url());
        DbConfig::Postgres(PostgresConfig::new(url, service))
    }
}

/// Reads what a process said, for whatever else became of it: it has not come
/// upon a defect.
fn ended(process: &mut Roster) -> Option<i32> {
    let ended = process.wait();
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    ended.code
}
