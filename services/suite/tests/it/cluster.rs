//! The same services, each twice and apart: on PostgreSQL and a broker, with
//! mutual TLS between them, and a clock that moves when told to.

mod events;
mod figures;

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_nats::{ConnectOptions, jetstream};
use roster_events::Backlog;
use roster_identity::HashParams;
use roster_kernel::{Env, ServiceName};
use roster_participant::{ReconcileError, ReconcileReport};
use roster_suite::{Node, Part, RosterConfig, dev_certs, migrate, one_more_certificate};
use roster_testkit::{MockClock, TempNats, TempPostgres, eventually};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use events::{Events, Position};

/// Who may do what on a guarded broker.
const PERMISSIONS: &str = include_str!("../../../../deploy/nats/permissions.conf");

/// How many processes of each service there are.
const REPLICAS: usize = 2;

/// How long nothing may be confirmed until that counts as an end of it.
const STILL: Duration = Duration::from_secs(2);

/// How often is looked whether something has changed.
const LOOK: Duration = Duration::from_millis(5);

/// Certificates, keys and secrets, which take long to make: the same for all.
pub static CERTIFICATES: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    dev_certs(folder.path(), &Env::system()).unwrap();
    let also = ServiceName::from_static("notes");
    one_more_certificate(folder.path(), &also, &Env::system()).unwrap();
    folder
});

/// What the services stand on, which outlives them.
pub struct Ground {
    pub database: TempPostgres,
    pub broker: TempNats,
    /// The broker's passwords, where it asks for them.
    passwords: Option<TempDir>,
}

impl Ground {
    pub async fn new() -> Self {
        let (database, broker) = (TempPostgres::new().await, TempNats::new().await);
        Self { database, broker, passwords: None }
    }

    /// With a broker that lets nobody do more than they have to, and among them
    /// each of `participants`.
    pub async fn guarded(participants: &[&str]) -> Self {
        let database = TempPostgres::new().await;
        let broker = TempNats::guarded(PERMISSIONS, participants).await;
        let passwords = tempfile::tempdir().unwrap();
        for user in ["identity", "session", "persona"].iter().chain(participants) {
            std::fs::write(passwords.path().join(user), TempNats::password_of(user)).unwrap();
        }
        Self { database, broker, passwords: Some(passwords) }
    }

    /// The file with the password of a user of a guarded broker.
    pub fn password_file(&self, user: &str) -> Option<PathBuf> {
        Some(self.passwords.as_ref()?.path().join(user))
    }

    /// Somebody who may look at everything on the broker.
    pub async fn observer(&self) -> jetstream::Context {
        let user = ("observer".to_owned(), TempNats::password_of("observer"));
        let options = if self.passwords.is_some() {
            ConnectOptions::with_user_and_password(user.0, user.1)
        } else {
            ConnectOptions::new()
        };
        jetstream::new(options.connect(self.broker.url()).await.unwrap())
    }
}

/// Services that run.
pub struct Cluster {
    /// In the order in which they were started: the edges last.
    nodes: Vec<Node>,
    next: AtomicUsize,
    pub events: Events,
    /// What is needed to start a service again.
    parts: Vec<Replicas>,
}

/// Where the processes of a service are, and with which settings.
pub struct Replicas {
    part: Part,
    config: RosterConfig,
    places: Vec<Place>,
}

/// An address that nobody else gets while nothing listens there.
struct Place {
    address: SocketAddr,
    _reserved: TcpSocket,
}

impl Place {
    fn take() -> Self {
        let reserved = reusable();
        reserved.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { address: reserved.local_addr().unwrap(), _reserved: reserved }
    }

    fn listen(&self) -> TcpListener {
        let socket = reusable();
        socket.bind(self.address).unwrap();
        socket.listen(1024).unwrap()
    }
}

fn reusable() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket
}

impl Replicas {
    /// The settings of each of them.
    pub const fn config(&self) -> &RosterConfig {
        &self.config
    }

    /// Starts them.
    pub async fn launch(
        &self,
        env: &Env,
        hash_params: HashParams,
        admin_password: &SecretString,
    ) -> Vec<Node> {
        let mut nodes = Vec::new();
        for place in &self.places {
            let node = Node::service(&self.config, self.part, env.clone(), hash_params).await;
            let mut node = node.unwrap();
            let password = Some(admin_password.clone());
            node.start(&self.config, place.listen(), password).await.unwrap();
            nodes.push(node);
        }
        nodes
    }
}

/// What `roster dev-certs` has made for all: the folder.
pub fn certificates() -> &'static Path {
    CERTIFICATES.path()
}

/// The settings of the process of a service, of which `peers` are elsewhere.
pub fn settings(base: &RosterConfig, ground: &Ground, service: &str) -> RosterConfig {
    let folder = CERTIFICATES.path();
    let mut config = base.clone();
    config.database.url = ground.database.url();
    if config.secrets_file.as_os_str().is_empty() {
        config.secrets_file = folder.join("secrets.toml");
    }
    config.events.servers = vec![ground.broker.url()];
    // The edge hears nothing, and says nothing.
    if let Some(file) = ground.password_file(service).filter(|it| it.exists()) {
        service.clone_into(&mut config.events.user);
        config.events.password_file = file;
    }
    let file = |name: &str| Path::join(folder, name);
    config.peers.certificate = file(&format!("{service}.pem"));
    config.peers.key = file(&format!("{service}.key.pem"));
    config.peers.authority = file("ca.pem");
    config.peers.assertion_key = file("assertion.secret");
    config.peers.assertion_keys = file("assertion.public");
    config
}

fn places() -> Vec<Place> {
    (0..REPLICAS).map(|_| Place::take()).collect()
}

fn addresses(places: &[Place]) -> Vec<String> {
    places.iter().map(|it| it.address.to_string()).collect()
}

/// Lets time pass until every process hears what it should: before that, it
/// tries again and again.
async fn subscribed(events: &Events, clock: &MockClock) {
    for (stream, durable) in events::DURABLES {
        eventually(async || {
            let listening = events.listening(stream, durable).await;
            if listening < REPLICAS {
                clock.advance(Duration::from_millis(100));
            }
            listening >= REPLICAS
        })
        .await;
    }
}

/// How far everything is that has been announced.
#[derive(Debug, PartialEq, Eq)]
struct Progress {
    unconfirmed: Backlog,
    is_published: bool,
    positions: Option<Vec<Position>>,
}

impl Progress {
    /// Whether nothing more will happen unless the time moves on.
    fn is_over(&self) -> bool {
        let through = |positions: &Vec<Position>| positions.iter().all(|it| it.is_through());
        self.unconfirmed == Backlog::default()
            || (self.is_published && self.positions.as_ref().is_some_and(through))
    }
}

impl Cluster {
    pub async fn start(
        base: &RosterConfig,
        ground: &Ground,
        (clock, env): (&MockClock, &Env),
        hash_params: HashParams,
        admin_password: &SecretString,
    ) -> Self {
        let [identity, session, persona, edge] = [places(), places(), places(), places()];
        let mut base = base.clone();
        base.peers.identity = addresses(&identity);
        base.peers.session = addresses(&session);
        base.peers.persona = addresses(&persona);
        migrate(&settings(&base, ground, "identity")).await.unwrap();
        let (mut nodes, mut parts) = (Vec::new(), Vec::new());
        for (part, places) in
            [(Part::Identity, identity), (Part::Session, session), (Part::Persona, persona)]
        {
            let replicas = Replicas { part, config: settings(&base, ground, part.name()), places };
            nodes.extend(replicas.launch(env, hash_params, admin_password).await);
            parts.push(replicas);
        }
        let config = settings(&base, ground, "gateway");
        for place in edge {
            let mut node = Node::gateway(&config, env.clone()).await.unwrap();
            node.start(&config, place.listen(), None).await.unwrap();
            nodes.push(node);
        }
        let events = Events::of(ground.observer().await);
        subscribed(&events, clock).await;
        Self { nodes, next: AtomicUsize::new(0), events, parts }
    }

    /// How a service is started.
    pub fn replicas(&self, part: Part) -> &Replicas {
        self.parts.iter().find(|it| it.part == part).unwrap()
    }

    /// Stops all processes of a service, while the others go on.
    pub async fn stop_part(&mut self, part: Part) {
        let (stopped, others) =
            std::mem::take(&mut self.nodes).into_iter().partition(|it| it.name() == part.name());
        self.nodes = others;
        for node in stopped {
            let node: Node = node;
            node.stop().await;
        }
    }

    /// Takes in processes that have been started, and waits until they hear what
    /// they should.
    pub async fn take_in(&mut self, nodes: Vec<Node>, clock: &MockClock) {
        // Identity first, the edges last.
        self.nodes.splice(0..0, nodes);
        self.nodes.sort_by_key(|node| node.name() != Part::Identity.name());
        subscribed(&self.events, clock).await;
    }

    /// Where clients connect: at one edge, then at another.
    pub fn address(&self) -> SocketAddr {
        let edges = &self.nodes[self.nodes.len() - REPLICAS..];
        edges[self.next.fetch_add(1, Ordering::Relaxed) % REPLICAS].address().unwrap()
    }

    /// Where one of the processes of a service is.
    pub fn address_of(&self, service: &str) -> SocketAddr {
        let node = self.nodes.iter().find(|node| node.name() == service).unwrap();
        node.address().unwrap()
    }

    /// A connection to one of the processes of a service, as `caller` has it.
    pub async fn connect_to(&self, service: &str, caller: &str) -> Channel {
        let read = |name: String| fs::read(certificates().join(name)).unwrap();
        let (certificate, key) = (format!("{caller}.pem"), format!("{caller}.key.pem"));
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(read("ca.pem".to_owned())))
            .identity(Identity::from_pem(read(certificate), read(key)))
            // A certificate between services names the service.
            .domain_name(service);
        let address = format!("https://{}", self.address_of(service));
        let endpoint = Endpoint::from_shared(address).unwrap().tls_config(tls).unwrap();
        endpoint.connect().await.unwrap()
    }

    /// Waits until everything announced is confirmed, or nothing more is.
    pub async fn settle(&self) {
        loop {
            let before = self.progress().await;
            if before.is_over() {
                return;
            }
            let changed = async {
                while self.progress().await == before {
                    let _elapsed = tokio::time::timeout(LOOK, std::future::pending::<()>()).await;
                }
            };
            // Who has ended with a message in hand, or does not run, has left
            // something to do. Nothing that comes by itself takes as long.
            if tokio::time::timeout(STILL, changed).await.is_err() {
                return;
            }
        }
    }

    /// In this order: what a relay has in hand is on the broker next, and what is
    /// there is a receipt next.
    async fn progress(&self) -> Progress {
        let unconfirmed = self.nodes[0].backlog().await.unwrap();
        let mut is_published = true;
        for node in &self.nodes {
            is_published &= node.is_idle().await.unwrap();
        }
        Progress { unconfirmed, is_published, positions: self.events.positions().await }
    }

    /// What all processes have measured.
    pub fn scrape(&self) -> String {
        let scrapes = self.nodes.iter().map(|node| node.scraper().text().unwrap());
        figures::sum(&scrapes.collect::<Vec<_>>())
    }

    /// Makes every participant agree with the ledger of users, now: one process of
    /// each, as they share what they keep.
    pub async fn reconcile(&self) -> Vec<(&'static str, Result<ReconcileReport, ReconcileError>)> {
        let mut reports = Vec::new();
        for part in [Part::Persona, Part::Session] {
            let node = self.nodes.iter().find(|node| node.name() == part.name()).unwrap();
            reports.push((node.name(), node.reconcile().await.unwrap()));
        }
        reports
    }

    pub async fn stop(self) {
        for node in self.nodes.into_iter().rev() {
            node.stop().await;
        }
    }

    pub async fn crash(self) {
        for node in self.nodes.into_iter().rev() {
            node.crash().await;
        }
    }
}
