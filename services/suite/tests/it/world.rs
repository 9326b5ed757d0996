//! The whole of Roster, with a clock that moves when told to.

use std::{fs, future::Future, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use roster_db::DbConfig;
use roster_identity::HashParams;
use roster_kernel::{Env, Steps};
use roster_proto::{
    identity::v1::{CreateUserRequest, User},
    session::v1::LoginRequest,
};
use roster_suite::{Node, Part, RosterConfig, Suite};
use roster_testkit::{MockClock, Passes};
use secrecy::SecretString;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

use crate::{
    binary::PATIENCE,
    client::Client,
    cluster::{Cluster, Ground, certificates},
    whole::{Whole, is_distributed},
};

pub const ADMIN_PASSWORD: &str = "the first administrator's";
pub const PASSWORD: &str = "correct horse";

/// Hashes that cost next to nothing, so that tests wait for what they test.
pub const CHEAP: HashParams = HashParams { memory_kib: 8, iterations: 1, lanes: 1 };

/// A running suite.
pub struct World {
    pub suite: Whole,
    pub clock: Arc<MockClock>,
    pub env: Env,
    pub config: RosterConfig,
    pub admin: Client,
    nobody: Client,
    waits: Arc<Passes>,
    ground: Option<Arc<Ground>>,
    folder: Arc<TempDir>,
}

impl World {
    /// A new installation with an administrator, who is signed in.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A new installation with other settings.
    pub async fn with(settings: impl FnOnce(&mut RosterConfig)) -> Self {
        Self::in_mode(is_distributed(), settings, None).await
    }

    /// A new installation with somebody watching the steps.
    pub async fn watched(steps: Arc<dyn Steps>) -> Self {
        Self::in_mode(is_distributed(), |_| {}, Some(steps)).await
    }

    /// A new installation whose services run apart, whatever the mode of the
    /// tests: for what there is only then.
    pub async fn apart(settings: impl FnOnce(&mut RosterConfig)) -> Self {
        Self::in_mode(true, settings, None).await
    }

    async fn in_mode(
        distributed: bool,
        settings: impl FnOnce(&mut RosterConfig),
        steps: Option<Arc<dyn Steps>>,
    ) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let mut config = RosterConfig {
            data_dir: folder.path().join("data"),
            listen: "127.0.0.1:0".parse().unwrap(),
            metrics_listen: None,
            ..RosterConfig::default()
        };
        settings(&mut config);
        let (clock, env) = roster_testkit::env(1);
        let ground = distributed && config.database.url.is_empty();
        if ground {
            // Its own, as it may be changed.
            config.secrets_file = folder.path().join("secrets.toml");
            fs::copy(certificates().join("secrets.toml"), &config.secrets_file).unwrap();
        }
        let ground = if ground { Some(Arc::new(Ground::new().await)) } else { None };
        Box::pin(Self::start(ground, folder, config, clock, env, steps)).await
    }

    async fn start(
        ground: Option<Arc<Ground>>,
        folder: Arc<TempDir>,
        config: RosterConfig,
        clock: Arc<MockClock>,
        env: Env,
        steps: Option<Arc<dyn Steps>>,
    ) -> Self {
        let waits = Arc::new(Passes::of("outbox.waiting"));
        let steps = steps.unwrap_or_else(|| waits.clone());
        let env = Env { steps: Some(steps), ..env };
        let password = SecretString::from(ADMIN_PASSWORD);
        let suite = if let Some(ground) = &ground {
            let time = (&*clock, &env);
            let cluster = Cluster::start(&config, ground, time, CHEAP, &password).await;
            Whole::Apart(Box::new(cluster))
        } else {
            let mut suite = Suite::assemble(&config, env.clone(), CHEAP).await.unwrap();
            suite.ensure_first_admin(Some(password)).await.unwrap();
            suite.listen(&config).await.unwrap();
            Whole::One(Box::new(suite))
        };
        let nobody = Client::new(connect(&suite).await);
        let admin = sign_in(&nobody, "admin", ADMIN_PASSWORD).await;
        Self { suite, clock, env, config, admin, nobody, waits, ground, folder }
    }

    /// Ends the process where it stands, and starts another on what it left.
    pub async fn crash_and_restart(self) -> Self {
        let Self { suite, clock, env, config, ground, folder, .. } = self;
        suite.crash().await;
        Box::pin(Self::start(ground, folder, config, clock, env, None)).await
    }

    /// Stops and starts again.
    pub async fn restart(self) -> Self {
        self.restart_after(|| {}).await
    }

    /// Stops, does something to what is left, and starts again.
    pub async fn restart_after(self, meanwhile: impl FnOnce()) -> Self {
        let Self { suite, clock, env, config, ground, folder, .. } = self;
        suite.stop().await;
        meanwhile();
        Box::pin(Self::start(ground, folder, config, clock, env, None)).await
    }

    /// Stops, does something to what is left that takes its time, and starts
    /// again. The settings are those of identity, where services run apart.
    pub async fn restart_around(self, meanwhile: impl AsyncFnOnce(&RosterConfig, &Env)) -> Self {
        let settings = self.settings();
        let Self { suite, clock, env, config, ground, folder, .. } = self;
        suite.stop().await;
        meanwhile(&settings, &env).await;
        Box::pin(Self::start(ground, folder, config, clock, env, None)).await
    }

    /// What services that run apart stand on.
    pub fn ground(&self) -> Arc<Ground> {
        self.ground.clone().expect("services that run apart")
    }

    /// The settings of the one process; of identity's, where services run apart.
    pub fn settings(&self) -> RosterConfig {
        match &self.ground {
            Some(_) => self.config_of(Part::Identity),
            None => self.config.clone(),
        }
    }

    /// The settings of a service that runs apart.
    pub fn config_of(&self, part: Part) -> RosterConfig {
        self.suite.apart().replicas(part).config().clone()
    }

    /// Stops one service, while the others go on.
    pub async fn stop_part(&mut self, part: Part) {
        self.suite.apart_mut().stop_part(part).await;
    }

    /// Starts it again.
    pub async fn start_part(&mut self, part: Part) {
        let nodes = self.launch(part).await;
        self.take_in(nodes).await;
    }

    /// Starts the processes of one service, which belong to nobody yet.
    pub async fn launch(&self, part: Part) -> Vec<Node> {
        let password = SecretString::from(ADMIN_PASSWORD);
        self.suite.apart().replicas(part).launch(&self.env, CHEAP, &password).await
    }

    /// The same world, whose administrator has signed in anew.
    pub async fn sign_in_again(mut self) -> Self {
        self.admin = sign_in(&self.nobody, "admin", ADMIN_PASSWORD).await;
        self
    }

    /// Lets such processes belong to the others.
    pub async fn take_in(&mut self, nodes: Vec<Node>) {
        self.suite.apart_mut().take_in(nodes, &self.clock).await;
    }

    /// Where services of the same machine ask for API keys.
    pub fn internal_socket(&self) -> PathBuf {
        self.folder.path().join("internal.sock")
    }

    /// A new installation that a service can ask for API keys: one of the same
    /// machine through the socket, and where services run apart, the notes.
    pub async fn with_socket() -> Self {
        Self::with(|config| {
            config.internal_socket = config.data_dir.with_file_name("internal.sock");
            config.peers.allow =
                vec!["notes /roster.identity.v1.CredentialService/ResolveApiKey".to_owned()];
        })
        .await
    }

    /// A client of this process with the token of another one's.
    pub fn same_token(&self, client: &Client) -> Client {
        self.nobody.with_token(client.token(), &client.user_id)
    }

    /// Where a service keeps its tables.
    pub fn tables(&self, service: &str) -> DbConfig {
        let mut config = self.config.database.clone();
        if let Some(ground) = &self.ground {
            config.url = ground.database.url();
        }
        config.of(&self.config.data_dir, service)
    }

    /// The file of a service's database: of one process alone.
    pub fn database(&self, service: &str) -> PathBuf {
        self.config.data_dir.join(format!("{service}.db"))
    }

    /// A client without a token.
    pub fn nobody(&self) -> Client {
        self.nobody.clone()
    }

    /// A client with a connection of its own, without a token.
    pub async fn another_connection(&self) -> Client {
        Client::new(connect(&self.suite).await)
    }

    /// A client that connects from `address`, without a token.
    pub async fn client_at(&self, address: IpAddr) -> Client {
        let endpoint = endpoint(&self.suite).local_address(Some(address));
        Client::new(endpoint.connect().await.unwrap())
    }

    /// Creates a regular user.
    pub async fn create_user(&self, username: &str) -> User {
        self.create(CreateUserRequest { username: username.to_owned(), ..person() }).await
    }

    /// Creates an administrator and signs in.
    pub async fn create_admin(&self, username: &str) -> Client {
        let request =
            CreateUserRequest { username: username.to_owned(), is_admin: true, ..person() };
        self.create(request).await;
        self.sign_in(username).await
    }

    /// Creates a regular user and signs in.
    pub async fn create_signed_in(&self, username: &str) -> Client {
        self.create_user(username).await;
        self.sign_in(username).await
    }

    pub async fn create(&self, request: CreateUserRequest) -> User {
        let answer = self.admin.users().create_user(request).await.unwrap();
        answer.into_inner().user.unwrap()
    }

    /// Signs in with the usual password.
    pub async fn sign_in(&self, username: &str) -> Client {
        sign_in(&self.nobody, username, PASSWORD).await
    }

    /// Signs in with another password.
    pub async fn sign_in_with(&self, username: &str, password: &str) -> Client {
        sign_in(&self.nobody, username, password).await
    }

    /// Lets everything happen that happens without time passing.
    pub async fn settle(&self) {
        let settled = tokio::time::timeout(PATIENCE, self.suite.settle()).await;
        settled.expect("an end of what happens");
    }

    /// Answers `call`, moving the time on whenever it waits for a receipt
    /// that does not come without.
    pub async fn drive<T>(&self, call: impl Future<Output = T>) -> T {
        let mut waiting = self.waits.watch();
        let mut call = std::pin::pin!(call);
        loop {
            tokio::select! {
                answer = &mut call => return answer,
                waits = waiting.changed() => {
                    waits.unwrap();
                    self.settle().await;
                    // As long as a wait takes to look again by itself.
                    self.clock.advance(Duration::from_millis(500));
                }
            }
        }
    }
}

/// What a user is created with, the username excepted.
pub fn person() -> CreateUserRequest {
    CreateUserRequest {
        display_name: "A person".to_owned(),
        password: PASSWORD.to_owned(),
        ..CreateUserRequest::default()
    }
}

async fn connect(suite: &Whole) -> Channel {
    endpoint(suite).connect().await.unwrap()
}

fn endpoint(suite: &Whole) -> Endpoint {
    let endpoint = Endpoint::from_shared(format!("http://{}", suite.address())).unwrap();
    endpoint.user_agent("tests/1.0").unwrap()
}

pub async fn sign_in(nobody: &Client, username: &str, password: &str) -> Client {
    let request = LoginRequest {
        username: username.to_owned(),
        password: password.to_owned(),
        ..LoginRequest::default()
    };
    let answer = nobody.sessions().login(request).await.unwrap().into_inner();
    nobody.with_token(&answer.token, &answer.session.unwrap().user_id)
}
