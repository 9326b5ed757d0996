//! An installation in this process, with the real clock.

use std::{net::SocketAddr, path::PathBuf};

use roster_identity::HashParams;
use roster_kernel::{Actor, Caller, Env, Origin, SessionId, UserActor, UserId};
use roster_proto::{
    identity::v1::{CreateUserRequest, CreateUserResponse},
    session::v1::{LoginRequest, session_service_client::SessionServiceClient},
};
use roster_server::{Upstream, outgoing};
use roster_suite::{RosterConfig, Suite};
use secrecy::SecretString;
use tempfile::TempDir;
use tonic::{Request, metadata::AsciiMetadataValue, transport::Channel};

use crate::client;

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// Hashes that cost next to nothing, where something else is measured.
pub const CHEAP: HashParams = HashParams { memory_kib: 8, iterations: 1, lanes: 1 };

/// A running suite with an administrator who is signed in.
pub struct World {
    pub config: RosterConfig,
    pub admin: Caller,
    pub token: AsciiMetadataValue,
    pub plain_token: String,
    pub channel: Channel,
    suite: Suite,
    env: Env,
    folder: TempDir,
}

impl World {
    /// A new installation whose hashes cost `hash_params`.
    pub async fn new(hash_params: HashParams) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = RosterConfig {
            data_dir: folder.path().join("data"),
            listen: "127.0.0.1:0".parse().unwrap(),
            metrics_listen: None,
            ..RosterConfig::default()
        };
        let env = Env::system();
        let mut suite = Suite::assemble(&config, env.clone(), hash_params).await.unwrap();
        suite.ensure_first_admin(Some(SecretString::from(PASSWORD))).await.unwrap();
        suite.listen(&config).await.unwrap();
        let channel = client::connect(suite.address()).await;
        let login = SessionServiceClient::new(channel.clone()).login(credentials("admin")).await;
        let login = login.unwrap().into_inner();
        let session = login.session.unwrap();
        let admin = Caller {
            actor: Actor::User(UserActor {
                user_id: UserId::parse(&session.user_id).unwrap(),
                session_id: SessionId::parse(&session.session_id).unwrap(),
                is_admin: true,
                password_change_required: false,
            }),
            origin: Origin::default(),
            correlation_id: "bench".to_owned(),
        };
        let token = client::bearer(&login.token);
        Self { config, admin, token, plain_token: login.token, channel, suite, env, folder }
    }

    /// A service, as the others reach it.
    pub fn upstream(&self, name: &str) -> Upstream {
        let services = self.suite.routes();
        let found = services.into_iter().find(|(service, _)| *service == name);
        Upstream::from(found.unwrap().1)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.suite.address()
    }

    /// The administrator's id.
    pub fn user_id(&self) -> UserId {
        let Actor::User(admin) = &self.admin.actor else { panic!("a user has signed in") };
        admin.user_id
    }

    /// A service's database.
    pub fn database(&self, name: &str) -> PathBuf {
        self.config.data_dir.join(format!("{name}.db"))
    }

    /// A request of the administrator's that goes past the edge.
    pub fn inside<T>(&self, message: T) -> Request<T> {
        outgoing(message, self.admin.clone(), None, self.env.now())
    }

    /// Stops serving; the data is there until the folder is dropped.
    pub async fn stop(self) -> TempDir {
        self.suite.stop().await;
        self.folder
    }
}

/// The credentials of a user.
pub fn credentials(username: &str) -> LoginRequest {
    LoginRequest {
        username: username.to_owned(),
        password: PASSWORD.to_owned(),
        ..LoginRequest::default()
    }
}

/// What a user is created with.
pub fn person(username: String) -> CreateUserRequest {
    CreateUserRequest {
        username,
        display_name: "A person".to_owned(),
        email: "person@example.org".to_owned(),
        password: PASSWORD.to_owned(),
        ..CreateUserRequest::default()
    }
}

/// The id of a user who was created.
pub fn id_of(created: CreateUserResponse) -> UserId {
    UserId::parse(&created.user.unwrap().user_id).unwrap()
}
