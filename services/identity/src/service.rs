//! How the service is put together.

use std::{fmt, io, sync::Arc};

use roster_db::{Db, replay::FingerprintKey};
use roster_events::{Bus, Outbox};
use roster_kernel::{Env, PageTokens, ServiceName};
use roster_proto::identity::v1::{
    account_service_server::{self, AccountServiceServer},
    api_key_service_server::ApiKeyServiceServer,
    credential_service_server::CredentialServiceServer,
    machine_authentication_service_server::MachineAuthenticationServiceServer,
    machine_token_service_server::MachineTokenServiceServer,
    subject_ledger_service_server::SubjectLedgerServiceServer,
    system_api_key_service_server::SystemApiKeyServiceServer,
    user_admin_service_server::{self, UserAdminServiceServer},
};
use roster_server::{ServiceStack, Tasks, Upstream, health::Probe, metrics::Meters};
use roster_throttle::Keys;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::{
    ConfigError, FirstAdmin, HashParams, IdentityConfig, RecoveredAdmin, background,
    domain::{InvalidPassword, InvalidUsername, Restored},
    error::Error,
    hashing::{HashError, HashPool, HashStatistics, Hasher},
    measure,
    op::{
        Cx, ensure_first_admin,
        participants::Registry,
        recover_admin,
        restore::{self, RestoreError},
        rotate_keys::{self, RotationError},
        throttle::Throttle,
        token_uses::TokenUses,
    },
    participants::{Participants, Ways},
    rpc::{
        AccountRpc, ApiKeyRpc, CredentialRpc, MachineAuthenticationRpc, MachineTokenRpc, RpcCx,
        SubjectLedgerRpc, SystemApiKeyRpc, UserAdminRpc,
    },
    sealing::Keyring,
    uses::UseCounter,
};

const NAME: ServiceName = ServiceName::from_static("identity");

/// What the service needs of the world around it.
#[derive(Debug)]
pub struct Deps {
    /// This service's own database, migrated.
    pub db: Db,
    /// Where events are published and receipts arrive.
    pub bus: Arc<dyn Bus>,
    /// Time and randomness.
    pub env: Env,
    /// How lists are continued; the same on every replica.
    pub page_tokens: Arc<PageTokens>,
    /// What repeated requests are recognised by; the same on every replica.
    pub fingerprints: FingerprintKey,
    /// Who owns what runs in the background.
    pub tasks: Tasks,
    /// What stands in front of the service's methods.
    pub stack: ServiceStack,
    /// What its instruments are made of.
    pub meters: Meters,
    /// What hashes cost: [`IdentityConfig::hash_params`]. A value of its own,
    /// so that tests can lower it and configuration cannot.
    pub hash_params: HashParams,
    /// What API keys are encrypted with; it decrypts what is stored, see
    /// [`crate::check_keyring`].
    pub keyring: Arc<Keyring>,
    /// The services that keep data about users, each with the way to it.
    /// Every one of them has to confirm what is announced from now on.
    pub participants: Vec<(ServiceName, Upstream)>,
    /// How those are reached that have joined besides: see [`Registry`].
    pub ways: Ways,
    /// Completes when a drain begins: streams that have no end of their own
    /// end then.
    pub draining: CancellationToken,
}

/// Why the service cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A setting makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The participant whose receipts make a change effective is none.
    #[error("identity.effect_consumer = {0} is not among the participants")]
    EffectConsumer(String),
    /// The threads that hash could not be started.
    #[error("cannot start the threads that hash passwords")]
    Threads(#[from] io::Error),
    /// The parameters of hashes do not suit the algorithm.
    #[error("cannot hash passwords with these parameters")]
    Hashing(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why the first administrator could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FirstAdminError {
    /// The username is not one.
    #[error("the first administrator's username {0}")]
    Username(#[from] InvalidUsername),
    /// The password that was given is not acceptable.
    #[error("the first administrator's password {0}")]
    Password(#[from] InvalidPassword),
    /// Something underneath failed.
    #[error("the first administrator could not be made")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Error> for FirstAdminError {
    fn from(error: Error) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// Why nobody could be made an administrator again.
#[derive(Debug, thiserror::Error)]
pub enum RecoverAdminError {
    /// The username is not one.
    #[error("the username {0}")]
    Username(#[from] InvalidUsername),
    /// There is no such user, and none was to be created.
    #[error("there is no user {0}")]
    Unknown(String),
    /// A random password does not satisfy the policy.
    #[error("a random password {0}")]
    Password(#[from] InvalidPassword),
    /// Something underneath failed.
    #[error("the administrator could not be recovered")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Error> for RecoverAdminError {
    fn from(error: Error) -> Self {
        Self::Failed(Box::new(error))
    }
}

/// The running service.
pub struct Service {
    /// Its methods behind its own stack; also a transport for clients.
    pub routes: Routes,
    /// What it announces.
    pub outbox: Outbox,
    cx: Arc<Cx>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

/// Puts the service together and starts what runs in the background.
pub fn build(config: &IdentityConfig, deps: Deps) -> Result<Service, BuildError> {
    config.validate()?;
    let effective = &config.effect_consumer;
    let known = |(name, _): &(ServiceName, Upstream)| name.as_str() == effective;
    // Where nobody keeps data about users, nobody has to be waited for.
    if !deps.participants.is_empty() && !deps.participants.iter().any(known) {
        return Err(BuildError::EffectConsumer(effective.clone()));
    }
    let name = NAME;
    let consumers = deps.participants.iter().map(|(name, _)| name.clone()).collect();
    let outbox = Outbox::new(name.clone(), consumers, deps.db.clone(), deps.env.clone());
    let pool =
        HashPool::start(config.hash_threads(), config.password.hash_queue, deps.env.clone())?;
    let cx = Arc::new(Cx {
        hasher: Hasher::new(deps.hash_params, pool, deps.env.clone(), &deps.meters)
            .map_err(unsuitable)?,
        participants: Participants::new(
            deps.participants,
            deps.db.clone(),
            deps.ways,
            deps.env.clone(),
            name.clone(),
        ),
        name,
        throttle: Throttle::new(
            Keys::new(deps.fingerprints.derived("throttle")),
            config.registrations_per_address,
            &deps.meters,
        ),
        env: deps.env,
        outbox: outbox.clone(),
        password_policy: config.password_policy(),
        allow_registration: config.allow_registration,
        effect_consumer: config.effect_consumer.clone(),
        keyring: deps.keyring,
        uses: UseCounter::start(deps.db.clone(), &deps.tasks),
        token_uses: TokenUses::default(),
        db: deps.db,
        page_tokens: deps.page_tokens,
        draining: deps.draining,
    });

    outbox.start(&deps.bus, &deps.tasks);
    background::start(&cx, &deps.tasks);
    outbox.watch(&deps.meters, &deps.tasks);
    measure::watch(&cx, &deps.meters, &deps.tasks);
    let give_back = cx.hasher.pool().give_back(deps.tasks.token());
    deps.tasks.spawn("identity.hash_memory", give_back);

    let rpc = RpcCx { cx: Arc::clone(&cx), fingerprints: deps.fingerprints };
    let routes = deps.stack.wrap(routes(rpc));
    Ok(Service { routes, outbox, cx })
}

/// Encrypts every API key in `db` with the active key of `keyring`, while the
/// service does not run; answers how many there were. It can be cut short
/// anywhere and begun again.
pub async fn rotate_keys(db: &Db, env: &Env, keyring: &Keyring) -> Result<u64, RotationError> {
    rotate_keys::rotate_keys(db, env, keyring, &NAME).await
}

/// The services that have joined the cascade of the installation whose identity
/// service keeps its tables in `db`.
#[must_use]
pub fn registry(db: &Db, env: &Env) -> Registry {
    Registry::new(NAME, db.clone(), env.clone())
}

fn routes(rpc: RpcCx) -> Routes {
    Routes::new(UserAdminServiceServer::new(UserAdminRpc(rpc.clone())))
        .add_service(AccountServiceServer::new(AccountRpc(rpc.clone())))
        .add_service(ApiKeyServiceServer::new(ApiKeyRpc(rpc.clone())))
        .add_service(SystemApiKeyServiceServer::new(SystemApiKeyRpc(rpc.clone())))
        .add_service(MachineTokenServiceServer::new(MachineTokenRpc(rpc.clone())))
        .add_service(MachineAuthenticationServiceServer::new(MachineAuthenticationRpc(rpc.clone())))
        .add_service(CredentialServiceServer::new(CredentialRpc(rpc.clone())))
        .add_service(SubjectLedgerServiceServer::new(SubjectLedgerRpc(rpc)))
}

impl Service {
    /// What tells whether the service can do its work: the database answers.
    #[must_use]
    pub fn probe(&self) -> Probe {
        let db = self.cx.db.clone();
        let services =
            [user_admin_service_server::SERVICE_NAME, account_service_server::SERVICE_NAME];
        Probe::new(services, move || {
            let db = db.clone();
            async move { db.ping().await.is_ok() }
        })
    }

    /// How many passwords wait to be hashed: what grows in a flood of logins.
    #[must_use]
    pub fn hashes_waiting(&self) -> usize {
        self.hash_statistics().waiting
    }

    /// What hashing has cost so far, and what it holds.
    #[must_use]
    pub fn hash_statistics(&self) -> HashStatistics {
        self.cx.hasher.pool().statistics()
    }

    /// How many uses of API keys wait to be counted.
    #[must_use]
    pub fn uses_waiting(&self) -> usize {
        self.cx.uses.waiting()
    }

    /// Makes the administrator `username`, if there has never been a user:
    /// with `password`, or else with a random one, which is in the answer and
    /// nowhere else.
    pub async fn ensure_first_admin(
        &self,
        username: &str,
        password: Option<SecretString>,
    ) -> Result<Option<FirstAdmin>, FirstAdminError> {
        ensure_first_admin::ensure_first_admin(&self.cx, username, password).await
    }

    /// Makes `username` an enabled administrator with a random password, and
    /// ends their sessions; creates the user if need be, and if `create` says
    /// so. For the person at the machine, who needs nobody's permission.
    pub async fn recover_admin(
        &self,
        username: &str,
        create: bool,
    ) -> Result<RecoveredAdmin, RecoverAdminError> {
        recover_admin::recover_admin(&self.cx, username, create).await
    }

    /// Brings a database that was put back from a backup up to what the
    /// participants know, before anything is served from it: who was deleted,
    /// disabled, demoted or lost their sessions since does not come back. Nothing
    /// changes if it is only `planned`. Safe to run again.
    pub async fn restore(&self, planned: bool) -> Result<Restored, RestoreError> {
        restore::restore(&self.cx, planned).await
    }

    /// Whether the ledger of users has all that the participants have been told
    /// of it: it lacks some where the database was put back, and nothing more.
    pub async fn has_whole_ledger(&self) -> Result<bool, RestoreError> {
        restore::is_whole(&self.cx).await
    }
}

fn unsuitable(error: HashError) -> BuildError {
    BuildError::Hashing(Box::new(error))
}

#[cfg(test)]
mod tests;
