//! The service with all that it needs, and shorthands for talking to it.

use std::{sync::Arc, time::Duration};

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage};
use roster_db::replay::FingerprintKey;
use roster_events::{Bus, InProcessBus};
use roster_identity::{Deps, HashParams, IdentityConfig, Keyring, Migrator, Service, Ways};
use roster_kernel::{
    Actor, Caller, Env, Origin, PageTokens, ServiceName, SessionId, Steps, UserActor, UserId,
};
use roster_proto::{
    identity::v1::{
        CreateUserRequest, GetUserRequest, ListSubjectStatesRequest, ListUsersRequest, User,
        VerifyPasswordRequest, account_service_client::AccountServiceClient,
        api_key_service_client::ApiKeyServiceClient,
        credential_service_client::CredentialServiceClient,
        machine_authentication_service_client::MachineAuthenticationServiceClient,
        machine_token_service_client::MachineTokenServiceClient,
        subject_ledger_service_client::SubjectLedgerServiceClient,
        system_api_key_service_client::SystemApiKeyServiceClient,
        user_admin_service_client::UserAdminServiceClient,
    },
    subject::v1::SubjectState,
};
use roster_server::{AccessTable, ServiceStack, Tasks, Upstream, metrics::Meters};
use roster_testkit::{MockClock, TempDb};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status, service::Routes};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;
use zeroize::Zeroizing;

/// The password of every account that does not say otherwise.
pub const PASSWORD: &str = "correct horse";

/// Hashes that cost next to nothing.
pub const CHEAP: HashParams = HashParams { memory_kib: 8, iterations: 1, lanes: 1 };

pub struct World {
    pub clock: Arc<MockClock>,
    pub env: Env,
    pub bus: Arc<InProcessBus>,
    pub temp: TempDb,
    pub service: Service,
    pub tasks: Tasks,
    /// Tells open streams to end.
    pub draining: CancellationToken,
    /// The first administrator.
    pub root: Caller,
}

/// What the service is built with.
pub struct Setup {
    pub config: IdentityConfig,
    pub participants: Vec<(ServiceName, Upstream)>,
    pub ways: Ways,
    pub hash_params: HashParams,
    pub steps: Option<Arc<dyn Steps>>,
    pub keyring: Arc<Keyring>,
}

impl Default for Setup {
    fn default() -> Self {
        let config = IdentityConfig { allow_registration: true, ..IdentityConfig::default() };
        let keyring = keyring(1, &[1]);
        let (participants, ways) = (Vec::new(), Ways::none());
        Self { config, participants, ways, hash_params: CHEAP, steps: None, keyring }
    }
}

impl World {
    /// The service, without participants: what is announced is in effect at
    /// once.
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let (clock, env) = roster_testkit::env(42);
        let temp = TempDb::new::<Migrator>().await;
        let bus = Arc::new(InProcessBus::new(env.clone()));
        let tasks = Tasks::new();
        let env = Env { steps: setup.steps.clone(), ..env };
        let draining = CancellationToken::new();
        let service = build(&setup, &temp, &env, &bus, &tasks, &draining);
        let first = service.ensure_first_admin("root", Some(PASSWORD.into())).await.unwrap();
        assert_eq!(first.unwrap().username, "root");
        let root = anonymous();
        let mut world = Self { clock, env, bus, temp, service, tasks, draining, root };
        let users = world.ledger_from(0).await;
        world.root = world.caller_of(&users[0].user_id, true);
        world
    }

    /// The service again, over the same database.
    pub fn restart(&mut self, setup: &Setup) {
        self.tasks = Tasks::new();
        let (bus, tasks, draining) = (&self.bus, &self.tasks, &self.draining);
        self.service = build(setup, &self.temp, &self.env, bus, tasks, draining);
    }

    pub fn admin(&self) -> UserAdminServiceClient<Routes> {
        UserAdminServiceClient::new(self.service.routes.clone())
    }

    pub fn api_keys(&self) -> ApiKeyServiceClient<Routes> {
        ApiKeyServiceClient::new(self.service.routes.clone())
    }

    pub fn system_api_keys(&self) -> SystemApiKeyServiceClient<Routes> {
        SystemApiKeyServiceClient::new(self.service.routes.clone())
    }

    pub fn credentials(&self) -> CredentialServiceClient<Routes> {
        CredentialServiceClient::new(self.service.routes.clone())
    }

    pub fn machine_tokens(&self) -> MachineTokenServiceClient<Routes> {
        MachineTokenServiceClient::new(self.service.routes.clone())
    }

    pub fn machine_authentication(&self) -> MachineAuthenticationServiceClient<Routes> {
        MachineAuthenticationServiceClient::new(self.service.routes.clone())
    }

    pub fn account(&self) -> AccountServiceClient<Routes> {
        AccountServiceClient::new(self.service.routes.clone())
    }

    pub fn caller_of(&self, user_id: &str, is_admin: bool) -> Caller {
        let actor = UserActor {
            user_id: UserId::parse(user_id).unwrap(),
            session_id: SessionId::generate(&self.env),
            is_admin,
            password_change_required: false,
        };
        Caller { actor: Actor::User(actor), ..anonymous() }
    }

    /// Creates a user; time goes on, so that users have an order.
    pub async fn create(&self, username: &str) -> User {
        self.create_with(new_user(username)).await
    }

    pub async fn create_admin(&self, username: &str) -> (User, Caller) {
        let request = CreateUserRequest { is_admin: true, ..new_user(username) };
        let user = self.create_with(request).await;
        let caller = self.caller_of(&user.user_id, true);
        (user, caller)
    }

    pub async fn create_with(&self, request: CreateUserRequest) -> User {
        self.clock.advance(Duration::from_secs(1));
        let created = self.admin().create_user(says(&self.root, request)).await.unwrap();
        created.into_inner().user.unwrap()
    }

    pub async fn get(&self, user_id: &str) -> Result<User, Status> {
        let request = GetUserRequest { user_id: user_id.to_owned() };
        let answer = self.admin().get_user(says(&self.root, request)).await?;
        let mut user = answer.into_inner().user.unwrap();
        assert!(user.statistics.take().is_some());
        Ok(user)
    }

    /// The usernames of a list, page by page.
    pub async fn pages(&self, mut request: ListUsersRequest) -> Vec<Vec<String>> {
        let mut pages = Vec::new();
        loop {
            let page = self.admin().list_users(says(&self.root, request.clone())).await;
            let page = page.unwrap().into_inner();
            pages.push(page.users.into_iter().map(|user| user.username).collect());
            if page.next_page_token.is_empty() {
                return pages;
            }
            request.page_token = page.next_page_token;
        }
    }

    pub async fn verify(&self, username: &str, password: &str) -> Result<SubjectState, Status> {
        let request =
            VerifyPasswordRequest { username: username.to_owned(), password: password.to_owned() };
        let mut client = CredentialServiceClient::new(self.service.routes.clone());
        let answer = client.verify_password(says(&peer(), request)).await?;
        Ok(answer.into_inner().state.unwrap())
    }

    pub async fn ledger_from(&self, after_sequence: i64) -> Vec<SubjectState> {
        let request = ListSubjectStatesRequest { after_sequence, page_size: 0 };
        let mut client = SubjectLedgerServiceClient::new(self.service.routes.clone());
        client.list_subject_states(says(&peer(), request)).await.unwrap().into_inner().states
    }

    /// The state of a user, as the ledger has it.
    pub async fn state(&self, user_id: &str) -> SubjectState {
        let states = self.ledger_from(0).await;
        states.into_iter().find(|state| state.user_id == user_id).unwrap()
    }

    /// Calls any method, by its path, with any message.
    pub async fn call(
        &self,
        caller: &Caller,
        path: &str,
        message: DynamicMessage,
    ) -> Result<(), Status> {
        let mut client = tonic::client::Grpc::new(self.service.routes.clone());
        client.ready().await.unwrap();
        let codec = ProstCodec::<DynamicMessage, ()>::default();
        client.unary(says(caller, message), path.parse().unwrap(), codec).await.map(drop)
    }

    /// Does something to the database that the service would not do.
    pub async fn execute(&self, sql: &str) {
        self.temp.execute(sql).await;
    }

    /// The first column of a query, as a number.
    pub async fn number(&self, sql: &str) -> i64 {
        self.temp.number(sql).await
    }
}

fn build(
    setup: &Setup,
    temp: &TempDb,
    env: &Env,
    bus: &Arc<InProcessBus>,
    tasks: &Tasks,
    draining: &CancellationToken,
) -> Service {
    let access = AccessTable::new(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
    let bus: Arc<dyn Bus> = bus.clone();
    let deps = Deps {
        db: temp.db.clone(),
        bus,
        env: env.clone(),
        page_tokens: Arc::new(PageTokens::new([1; 32])),
        fingerprints: FingerprintKey::new([2; 32]),
        tasks: tasks.clone(),
        stack: ServiceStack::new(access, env.clone()),
        meters: Meters::none(),
        hash_params: setup.hash_params,
        keyring: Arc::clone(&setup.keyring),
        participants: setup.participants.clone(),
        ways: setup.ways.clone(),
        draining: draining.clone(),
    };
    roster_identity::build(&setup.config, deps).unwrap()
}

/// A keyring with a key for each of some versions.
pub fn keyring(active: i32, versions: &[u8]) -> Arc<Keyring> {
    let key = |version: &u8| (i32::from(*version), Zeroizing::new([*version; 32]));
    Arc::new(Keyring::new(active, versions.iter().map(key)).unwrap())
}

pub fn new_user(username: &str) -> CreateUserRequest {
    CreateUserRequest {
        username: username.to_owned(),
        display_name: username.to_uppercase(),
        email: format!("{username}@example.org"),
        password: PASSWORD.to_owned(),
        ..CreateUserRequest::default()
    }
}

pub fn anonymous() -> Caller {
    Caller {
        actor: Actor::Anonymous,
        origin: Origin::default(),
        correlation_id: "call-1".to_owned(),
    }
}

/// Another service.
pub fn peer() -> Caller {
    Caller::service(name("session"))
}

pub fn name(name: &str) -> ServiceName {
    ServiceName::parse(name).unwrap()
}

/// A call by `caller`.
pub fn says<T>(caller: &Caller, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller.clone());
    request
}

/// The code and the reason of a refusal.
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    let details = status.get_error_details();
    let info = details.error_info().expect("an ErrorInfo");
    assert_eq!(info.domain, "roster");
    (status.code(), info.reason.clone())
}

/// The fields that a refusal complains of.
pub fn fields<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<String> {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_error_details();
    let bad = details.bad_request().expect("a BadRequest");
    bad.field_violations.iter().map(|violation| violation.field.clone()).collect()
}

/// A name for a request.
pub fn request_id(number: u8) -> String {
    format!("01890a5d-ac96-774b-bcce-b302099a80{number:02x}")
}

/// The contracts.
pub fn pool() -> DescriptorPool {
    DescriptorPool::decode(roster_proto::FILE_DESCRIPTOR_SET).unwrap()
}

/// A message of the contracts without its type.
pub fn dynamic<M: Message + Name>(message: &M) -> DynamicMessage {
    let descriptor = pool().get_message_by_name(&M::full_name()).unwrap();
    DynamicMessage::decode(descriptor, &*message.encode_to_vec()).unwrap()
}
