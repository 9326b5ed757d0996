//! One process of each service, which reach each other, the database and the
//! broker over links that can be cut.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use roster_kernel::Env;
use roster_proto::{
    identity::v1::CreateUserRequest,
    persona::v1::{CreatePersonaRequest, Persona},
    session::v1::LoginRequest,
};
use roster_suite::{Node, Part, RosterConfig, migrate};
use roster_testkit::{Link, MockClock, eventually};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle, time::interval};
use tonic::{Request, transport::Endpoint};

use crate::{
    client::Client,
    cluster::{Ground, settings},
    world::{ADMIN_PASSWORD, CHEAP, PASSWORD, person},
};

/// Who calls, and who is called.
pub type Between = (&'static str, &'static str);

/// How the services reach each other.
pub const SERVICES: [Between; 7] = [
    ("gateway", "identity"),
    ("gateway", "session"),
    ("gateway", "persona"),
    ("session", "identity"),
    ("persona", "identity"),
    ("identity", "session"),
    ("identity", "persona"),
];

/// How long callers wait: for as long as services let them.
pub const WAIT: Duration = Duration::from_mins(1);

/// How often the time is moved on, and by how much.
const TICK: Duration = Duration::from_millis(20);

/// How much faster it passes while nobody calls and something is waited for.
const HASTE: u32 = 4;

/// What somebody has who is kept for as long as the test lasts.
pub const USERNAME: &str = "mara";
pub const PERSONA: &str = "Field ecologist";

pub struct Installation {
    pub admin: Client,
    pub nobody: Client,
    pub mara: Client,
    pub clock: Arc<MockClock>,
    pub env: Env,
    /// The settings of one that reaches everybody, however links are cut.
    pub config: RosterConfig,
    links: HashMap<Between, Link>,
    nodes: Vec<Node>,
    created: AtomicUsize,
    time: JoinHandle<()>,
    _ground: Ground,
    _folder: TempDir,
}

/// Where each service listens.
async fn listeners() -> HashMap<&'static str, TcpListener> {
    let mut listeners = HashMap::new();
    for service in ["identity", "session", "persona", "gateway"] {
        listeners.insert(service, TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    listeners
}

impl Installation {
    /// One whose link `cut` is going to be cut.
    pub async fn start(cut: Between) -> Self {
        let (folder, ground) = (tempfile::tempdir().unwrap(), Ground::new().await);
        let base = base(&folder);
        let config = settings(&base, &ground, "identity");
        migrate(&config).await.unwrap();
        let (clock, env) = roster_testkit::env(1);
        let time = pass(Arc::clone(&clock));
        let mut listeners = listeners().await;
        let mut links: HashMap<Between, Link> = SERVICES
            .map(|(from, to)| ((from, to), Link::to(listeners[to].local_addr().unwrap())))
            .into();
        let mut nodes = Vec::new();
        for part in [Part::Identity, Part::Session, Part::Persona] {
            let name = part.name();
            let mut own = settings(&base, &ground, name);
            let (database, url) = ground.database.linked();
            let broker = Link::to(ground.broker.address());
            own.database.url = url;
            if cut == (name, "database") {
                be_impatient(&mut own);
            }
            own.events.servers = vec![format!("nats://{}", broker.address())];
            links.insert((name, "database"), database);
            links.insert((name, "broker"), broker);
            tell_ways(&mut own, &links, name);
            let mut node = Node::service(&own, part, env.clone(), CHEAP).await.unwrap();
            let password = Some(SecretString::from(ADMIN_PASSWORD));
            let listener = listeners.remove(name).unwrap();
            Box::pin(node.start(&own, listener, password)).await.unwrap();
            nodes.push(node);
        }
        let mut own = settings(&base, &ground, "gateway");
        tell_ways(&mut own, &links, "gateway");
        let mut edge = Node::gateway(&own, env.clone()).await.unwrap();
        let listener = listeners.remove("gateway").unwrap();
        Box::pin(edge.start(&own, listener, None)).await.unwrap();
        let address = format!("http://{}", edge.address().unwrap());
        nodes.push(edge);
        let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
        let nobody = Client::new(channel);
        let admin = sign_in(&nobody, "admin", ADMIN_PASSWORD).await;
        let mut installation = Self {
            mara: admin.clone(),
            admin,
            nobody,
            clock,
            env,
            config,
            links,
            nodes,
            created: AtomicUsize::new(0),
            time,
            _ground: ground,
            _folder: folder,
        };
        installation.mara = installation.somebody(USERNAME).await;
        installation
    }

    /// One of the links.
    pub fn link(&self, between: Between) -> &Link {
        &self.links[&between]
    }

    /// Somebody who is signed in and has a persona.
    pub async fn somebody(&self, username: &str) -> Client {
        let request = CreateUserRequest { username: username.to_owned(), ..person() };
        self.admin.users().create_user(within(request)).await.unwrap();
        let client = sign_in(&self.nobody, username, PASSWORD).await;
        let persona = Persona { name: Some(PERSONA.to_owned()), ..Persona::default() };
        let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
        client.personas().create_persona(within(request)).await.unwrap();
        client
    }

    /// A username that nobody has had yet.
    pub fn new_username(&self) -> String {
        format!("newcomer-{}", self.created.fetch_add(1, Ordering::Relaxed))
    }

    /// Waits for what happens when time passes.
    pub async fn converges(&self, mut holds: impl AsyncFnMut() -> bool) {
        eventually(async || {
            let asked = Instant::now();
            let now = holds().await;
            if !now {
                self.clock.advance(asked.elapsed() * HASTE);
            }
            now
        })
        .await;
    }

    pub async fn stop(self) {
        for node in self.nodes.into_iter().rev() {
            node.stop().await;
        }
        self.time.abort();
    }
}

/// A call of somebody who waits for as long as may be: a machine that does much else
/// at the same time is no reason not to be answered.
pub fn within<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(WAIT);
    request
}

async fn sign_in(nobody: &Client, username: &str, password: &str) -> Client {
    let request = LoginRequest {
        username: username.to_owned(),
        password: password.to_owned(),
        ..LoginRequest::default()
    };
    let answer = nobody.sessions().login(within(request)).await.unwrap().into_inner();
    nobody.with_token(&answer.token, &answer.session.unwrap().user_id)
}

/// What all of them have in common.
fn base(folder: &TempDir) -> RosterConfig {
    let mut base = RosterConfig {
        data_dir: folder.path().join("data"),
        listen: "127.0.0.1:0".parse().unwrap(),
        metrics_listen: None,
        ..RosterConfig::default()
    };
    base.database.readers = 4;
    base.database.writers = 4;
    base.events.ack_wait_seconds = 2;
    base
}

/// Lets a database be given up soon, and give up the transactions of who is cut off
/// from it. There are fewer connections than calls, so that a few that stay away
/// would be missed.
const fn be_impatient(config: &mut RosterConfig) {
    config.database.readers = 2;
    config.database.writers = 2;
    config.database.acquire_seconds = 3;
    config.database.statement_seconds = 5;
    config.database.idle_in_transaction_seconds = 3;
}

/// Says where the others are for `from`.
fn tell_ways(config: &mut RosterConfig, links: &HashMap<Between, Link>, from: &'static str) {
    let way = |to| links.get(&(from, to)).map(|link| link.address().to_string());
    config.peers.identity = way("identity").into_iter().collect();
    config.peers.session = way("session").into_iter().collect();
    config.peers.persona = way("persona").into_iter().collect();
}

#[expect(clippy::disallowed_methods, reason = "time passes beside the test")]
fn pass(clock: Arc<MockClock>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = interval(TICK);
        loop {
            ticks.tick().await;
            clock.advance(TICK);
        }
    })
}
