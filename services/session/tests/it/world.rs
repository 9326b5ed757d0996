//! The service with all that it needs, and shorthands for talking to it.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use roster_db::replay::FingerprintKey;
use roster_events::InProcessBus;
use roster_kernel::{
    Actor, Caller, Env, Origin, PageTokens, ServiceName, SessionId, Steps, UserActor, UserId,
};
use roster_participant::{Role, Subject, subjects};
use roster_proto::{
    session::v1::{
        AuthenticateRequest, AuthenticateResponse, LoginRequest, LoginResponse, Session,
        authentication_service_client::AuthenticationServiceClient,
        session_admin_service_client::SessionAdminServiceClient,
        session_service_client::SessionServiceClient,
    },
    subject::v1::subject_data_service_client::SubjectDataServiceClient,
};
use roster_server::{AccessTable, ServiceStack, Tasks, Upstream, metrics::Meters};
use roster_session::{Deps, Migrator, Service, SessionConfig};
pub use roster_testkit::eventually;
use roster_testkit::{MockClock, TempDb};
use tonic::{Request, Status, service::Routes};
use tonic_types::StatusExt;

use crate::identity::{FakeIdentity, PASSWORD};

/// How often uses of sessions are stored.
const STORE_EVERY: TimeDelta = TimeDelta::seconds(10);

/// How often what has expired is cleared away.
const SWEEP_EVERY: TimeDelta = TimeDelta::minutes(10);

/// A day of the mock clock.
pub const DAY: Duration = Duration::from_hours(24);

pub struct World {
    pub clock: Arc<MockClock>,
    pub env: Env,
    pub temp: TempDb,
    pub bus: Arc<InProcessBus>,
    pub identity: Arc<FakeIdentity>,
    pub service: Service,
    pub tasks: Tasks,
    upstream: Upstream,
}

/// A session with what its owner knows of it.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub token: String,
    pub session: Session,
    pub user_id: UserId,
    pub caller: Caller,
}

impl SignedIn {
    /// A call made with the session.
    pub fn says<T>(&self, message: T) -> Request<T> {
        says(&self.caller, message)
    }

    pub fn id(&self) -> String {
        self.session.session_id.clone()
    }
}

impl World {
    pub async fn new() -> Self {
        let identity = Arc::new(FakeIdentity::default());
        let upstream = Upstream::from(identity.routes());
        Self::with_upstream(identity, upstream).await
    }

    pub async fn with_upstream(identity: Arc<FakeIdentity>, upstream: Upstream) -> Self {
        Self::build(identity, upstream, None).await
    }

    /// A service whose steps somebody watches.
    pub async fn watched_by(steps: Arc<dyn Steps>) -> Self {
        let identity = Arc::new(FakeIdentity::default());
        let upstream = Upstream::from(identity.routes());
        Self::build(identity, upstream, Some(steps)).await
    }

    async fn build(
        identity: Arc<FakeIdentity>,
        upstream: Upstream,
        steps: Option<Arc<dyn Steps>>,
    ) -> Self {
        let (clock, env) = roster_testkit::env(42);
        let env = Env { steps, ..env };
        let temp = TempDb::new::<Migrator>().await;
        let bus = Arc::new(InProcessBus::new(env.clone()));
        let tasks = Tasks::new();
        let config = SessionConfig::default();
        let service = service(&config, &temp, &env, &bus, &tasks, &upstream);
        Self { clock, env, temp, bus, identity, service, tasks, upstream }
    }

    /// The service again, over the same database.
    pub async fn restart(&mut self, config: &SessionConfig) {
        self.tasks.shutdown().await;
        self.tasks = Tasks::new();
        self.service =
            service(config, &self.temp, &self.env, &self.bus, &self.tasks, &self.upstream);
    }

    pub fn own(&self) -> SessionServiceClient<Routes> {
        SessionServiceClient::new(self.service.routes.clone())
    }

    pub fn admin(&self) -> SessionAdminServiceClient<Routes> {
        SessionAdminServiceClient::new(self.service.routes.clone())
    }

    pub fn data(&self) -> SubjectDataServiceClient<Routes> {
        SubjectDataServiceClient::new(self.service.routes.clone())
    }

    /// Adds a regular user; the session service has not heard of them.
    pub fn user(&self, username: &str) -> UserId {
        self.identity.add(&self.env, username)
    }

    /// Adds an administrator and signs them in.
    pub async fn signed_in_admin(&self) -> SignedIn {
        self.identity.add_admin(&self.env, "root");
        self.log_in("root").await
    }

    /// Adds a regular user and signs them in.
    pub async fn signed_in(&self, username: &str) -> SignedIn {
        self.user(username);
        self.log_in(username).await
    }

    pub async fn log_in(&self, username: &str) -> SignedIn {
        self.log_in_from(username, "192.0.2.1").await
    }

    pub async fn log_in_from(&self, username: &str, address: &str) -> SignedIn {
        let caller = somebody_at(address);
        let opened = self.try_log_in(&caller, credentials(username)).await.unwrap();
        let session = opened.session.unwrap();
        let subject = self.identity.subject(username);
        let actor = UserActor {
            user_id: subject.user_id,
            session_id: SessionId::parse(&session.session_id).unwrap(),
            is_admin: subject.role == Role::Admin,
            password_change_required: false,
        };
        SignedIn {
            token: opened.token,
            session,
            user_id: subject.user_id,
            caller: Caller { actor: Actor::User(actor), ..caller },
        }
    }

    pub async fn try_log_in(
        &self,
        caller: &Caller,
        request: LoginRequest,
    ) -> Result<LoginResponse, Status> {
        Ok(self.own().login(says(caller, request)).await?.into_inner())
    }

    pub async fn authenticate(&self, token: &str) -> Result<AuthenticateResponse, Status> {
        let message = AuthenticateRequest { token: token.to_owned() };
        let mut client = AuthenticationServiceClient::new(self.service.routes.clone());
        Ok(client.authenticate(says(&peer(), message)).await?.into_inner())
    }

    /// Lets the service hear what identity has to say.
    pub async fn announce(&self) {
        self.service.reconcile().await.unwrap();
    }

    /// What happens elsewhere while identity checks the next password: the
    /// service hears of a newer state.
    pub fn hears_meanwhile(&self, subject: Subject) {
        let (db, now) = (self.temp.db.clone(), self.env.now());
        *self.identity.meanwhile.lock().unwrap() = Some(Box::pin(async move {
            let tx = db.begin().await.unwrap();
            subjects::merge(&tx, subject, now).await.unwrap();
            tx.commit().await.unwrap();
        }));
    }

    /// The one number that a query answers.
    pub async fn number(&self, query: &str) -> i64 {
        self.temp.number(query).await
    }

    /// How many rows there are, live or not.
    pub async fn rows(&self) -> i64 {
        self.number("SELECT COUNT(*) FROM session").await
    }

    /// How often a method is in the audit trail.
    pub async fn audited(&self, method: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) FROM audit_event WHERE method = '{method}'")).await
    }

    /// Makes each session into `times` sessions alike.
    pub async fn multiply(&self, times: u32) {
        let (id, token) = (self.temp.random_id(), self.temp.random_bytes());
        let alike = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {times})
             INSERT INTO session SELECT {id}, {token}, user_id, epoch, created_at, expires_at,
             last_seen_at, address, user_agent FROM session, n"
        );
        self.temp.execute(&alike).await;
    }

    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Waits until the clearing away of what has expired rests.
    pub async fn swept(&self) {
        let rests_until = self.env.now() + SWEEP_EVERY;
        eventually(async || self.clock.is_awaited(rests_until)).await;
    }

    /// Moves the time and waits until the storing of uses has run and rests
    /// again.
    pub async fn settle_after(&self, by: Duration) {
        self.advance(by);
        let rests_until = self.env.now() + STORE_EVERY;
        eventually(async || self.clock.is_awaited(rests_until)).await;
    }
}

fn service(
    config: &SessionConfig,
    temp: &TempDb,
    env: &Env,
    bus: &Arc<InProcessBus>,
    tasks: &Tasks,
    identity: &Upstream,
) -> Service {
    let access = AccessTable::new(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
    let deps = Deps {
        db: temp.db.clone(),
        bus: bus.clone(),
        env: env.clone(),
        page_tokens: Arc::new(PageTokens::new([1; 32])),
        fingerprints: FingerprintKey::new([2; 32]),
        tasks: tasks.clone(),
        stack: ServiceStack::new(access, env.clone()),
        meters: Meters::none(),
        identity: identity.clone(),
    };
    roster_session::build(config, deps).unwrap()
}

/// A peer service, such as the edge.
pub fn peer() -> Caller {
    Caller::service(ServiceName::parse("gateway").unwrap())
}

/// A caller who has not signed in.
pub fn somebody_at(address: &str) -> Caller {
    let origin =
        Origin { address: Some(address.parse().unwrap()), user_agent: "a test".to_owned() };
    Caller { actor: Actor::Anonymous, origin, correlation_id: "call-1".to_owned() }
}

pub fn credentials(username: &str) -> LoginRequest {
    LoginRequest {
        username: username.to_owned(),
        password: PASSWORD.to_owned(),
        remember_me: false,
    }
}

/// A call by `caller`.
pub fn says<T>(caller: &Caller, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller.clone());
    request
}

/// The reason of a refusal.
pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// The fields that a refusal complains of.
pub fn fields(status: &Status) -> Vec<String> {
    let violations =
        status.get_details_bad_request().into_iter().flat_map(|it| it.field_violations);
    violations.map(|violation| violation.field).collect()
}
