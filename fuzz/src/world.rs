//! All of Roster in this process, for targets that call it.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU32, Ordering},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use roster_kernel::{Actor, Caller, Env, Origin, ServiceName, SessionId, UserActor, UserId};
use roster_proto::{
    identity::v1::{
        CreateUserRequest, account_service_client::AccountServiceClient,
        user_admin_service_client::UserAdminServiceClient,
    },
    session::v1::{LoginRequest, session_service_client::SessionServiceClient},
};
use roster_server::{Upstream, outgoing};
use roster_suite::{RosterConfig, Suite};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
};
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse";

/// After so many inputs everything is thrown away: what the inputs before
/// have stored must not slow down those behind them.
const INPUTS: u32 = 20_000;

/// The display names and emails of some users: everything that a pattern, a
/// separator or a comparison could take for something else.
const PEOPLE: [(&str, &str, &str); 6] = [
    ("ann", "Ann", "ann@example.org"),
    ("percent%", "50% of_all\\things", "a_b%c@example.org"),
    ("straße", "STRASSE Straße", ""),
    ("istanbul", "İstanbul ıI", "i@example.org"),
    ("sigma", "ΣΑΣ Ὀδυσσεύς", ""),
    ("lines", "one\ntwo\r\nthree\ttabs", "lines@example.org"),
];

/// A running suite.
pub struct World {
    pub runtime: Runtime,
    edge: Channel,
    connection: SendRequest<Full<Bytes>>,
    services: HashMap<&'static str, Upstream>,
    user: Caller,
    admin: Caller,
    env: Env,
    /// How many strangers have called.
    strangers: AtomicU32,
    suite: Option<Suite>,
    _folder: TempDir,
}

/// Where targets run. What they need is made when they ask for it.
#[derive(Default)]
pub struct Ground {
    world: Option<World>,
    inputs: u32,
}

impl Ground {
    /// All of Roster.
    pub(crate) fn world(&mut self) -> &World {
        self.inputs += 1;
        if self.inputs > INPUTS {
            (self.inputs, self.world) = (0, None);
        }
        self.world.get_or_insert_with(World::new)
    }
}

impl World {
    fn new() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut config = RosterConfig {
            data_dir: folder.path().join("data"),
            listen: "127.0.0.1:0".parse().unwrap(),
            metrics_listen: None,
            ..RosterConfig::default()
        };
        config.identity.allow_registration = true;
        // Hashes that cost next to nothing.
        let mut hashes = config.identity.hash_params();
        (hashes.memory_kib, hashes.iterations) = (8, 1);
        let env = Env::system();
        let (suite, edge, connection, admin) = runtime.block_on(async {
            let mut suite = Suite::assemble(&config, env.clone(), hashes).await.unwrap();
            suite.ensure_first_admin(Some(SecretString::from(PASSWORD))).await.unwrap();
            suite.listen(&config).await.unwrap();
            let address = format!("http://{}", suite.address());
            let edge = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
            let connection = connect(suite.address()).await;
            let admin = sign_in(&edge, "admin", true).await;
            (suite, edge, connection, admin)
        });
        let services = suite.routes().map(|(name, routes)| (name, Upstream::from(routes)));
        let services = HashMap::from(services);
        // Until there is another user.
        let user = admin.clone();
        let mut world = Self {
            runtime,
            edge,
            connection,
            services,
            user,
            admin,
            env,
            strangers: AtomicU32::new(1),
            suite: Some(suite),
            _folder: folder,
        };
        world.people();
        world
    }

    fn people(&mut self) {
        let mut identity = UserAdminServiceClient::new(self.service("identity"));
        self.user = self.runtime.block_on(async {
            for (username, display_name, email) in PEOPLE {
                let request = CreateUserRequest {
                    username: username.to_owned(),
                    display_name: display_name.to_owned(),
                    email: email.to_owned(),
                    password: PASSWORD.to_owned(),
                    ..CreateUserRequest::default()
                };
                identity.create_user(self.request(self.admin.clone(), request)).await.unwrap();
            }
            sign_in(&self.edge, "ann", false).await
        });
    }

    /// A service, as the others reach it.
    pub fn service(&self, name: &str) -> Upstream {
        self.services[name].clone()
    }

    /// A kind of caller, by a number.
    pub fn caller(&self, kind: u8) -> Caller {
        match kind % 4 {
            0 => self.stranger(),
            1 => self.user.clone(),
            2 => self.admin.clone(),
            _ => Caller::service(ServiceName::from_static("gateway")),
        }
    }

    /// A request of the administrator's.
    pub fn of_admin<T>(&self, message: T) -> Request<T> {
        self.request(self.admin.clone(), message)
    }

    /// A request of somebody's who has not signed in, each from an address of
    /// its own: nobody may register without end.
    pub fn of_nobody<T>(&self, message: T) -> Request<T> {
        self.request(self.stranger(), message)
    }

    fn stranger(&self) -> Caller {
        anonymous(Ipv4Addr::from_bits(self.strangers.fetch_add(1, Ordering::Relaxed)))
    }

    fn request<T>(&self, caller: Caller, message: T) -> Request<T> {
        outgoing(message, caller, None, self.env.now())
    }

    /// The connection to the edge.
    pub async fn connection(&self) -> SendRequest<Full<Bytes>> {
        let mut connection = self.connection.clone();
        connection.ready().await.expect("the connection stays");
        connection
    }

    /// A client of accounts, past the edge.
    pub fn accounts(&self) -> AccountServiceClient<Upstream> {
        AccountServiceClient::new(self.service("identity"))
    }
}

/// A connection to the edge that says what it is told to, and nothing else.
async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (calls, connection) = handshake.await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "ends with the runtime")]
    tokio::spawn(async move {
        // What breaks the connection shows itself at the next call.
        let _broken = connection.await;
    });
    calls
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(suite) = self.suite.take() {
            self.runtime.block_on(suite.crash());
        }
    }
}

fn anonymous(address: Ipv4Addr) -> Caller {
    let correlation_id = "fuzz".to_owned();
    let origin = Origin { address: Some(address.into()), ..Origin::default() };
    Caller { actor: Actor::Anonymous, origin, correlation_id }
}

async fn sign_in(edge: &Channel, username: &str, is_admin: bool) -> Caller {
    let credentials = LoginRequest {
        username: username.to_owned(),
        password: PASSWORD.to_owned(),
        ..LoginRequest::default()
    };
    let login = SessionServiceClient::new(edge.clone()).login(credentials).await;
    let session = login.unwrap().into_inner().session.unwrap();
    let actor = Actor::User(UserActor {
        user_id: UserId::parse(&session.user_id).unwrap(),
        session_id: SessionId::parse(&session.session_id).unwrap(),
        is_admin,
        password_change_required: false,
    });
    Caller { actor, ..anonymous(Ipv4Addr::LOCALHOST) }
}
