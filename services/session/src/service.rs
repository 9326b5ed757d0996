//! How the service is put together.

use std::{fmt, sync::Arc};

use roster_db::{Db, replay::FingerprintKey};
use roster_events::Bus;
use roster_kernel::{Env, PageTokens, ServiceName};
use roster_participant::{Participant, ReconcileError, ReconcileReport};
use roster_proto::{
    session::v1::{
        authentication_service_server::AuthenticationServiceServer,
        session_admin_service_server::{self, SessionAdminServiceServer},
        session_service_server::{self, SessionServiceServer},
    },
    subject::v1::subject_data_service_server::SubjectDataServiceServer,
};
use roster_server::{ServiceStack, Tasks, Upstream, health::Probe, metrics::Meters};
use roster_throttle::Keys;
use tokio::sync::Semaphore;
use tonic::service::Routes;

use crate::{
    ConfigError, SessionConfig, background,
    error::Error,
    identity::Identity,
    measure::{self, LoginMeter},
    op::{
        Cx, attempt::LoginThrottle, end_all_sessions, last_seen::LastSeen, subject_data::Sessions,
    },
    rpc::{AuthenticationRpc, RpcCx, SessionAdminRpc, SessionRpc, convert},
};

const NAME: ServiceName = ServiceName::from_static("session");
const IDENTITY: ServiceName = ServiceName::from_static("identity");

/// What the service needs of the world around it.
#[derive(Debug)]
pub struct Deps {
    /// This service's own database, migrated.
    pub db: Db,
    /// Where events arrive and receipts are sent.
    pub bus: Arc<dyn Bus>,
    /// Time and randomness.
    pub env: Env,
    /// How lists are continued; the same on every replica.
    pub page_tokens: Arc<PageTokens>,
    /// What repeated requests, and those who try to sign in, are recognised
    /// by; the same on every replica.
    pub fingerprints: FingerprintKey,
    /// Who owns what runs in the background.
    pub tasks: Tasks,
    /// What stands in front of the service's methods.
    pub stack: ServiceStack,
    /// What its instruments are made of.
    pub meters: Meters,
    /// The identity service.
    pub identity: Upstream,
}

/// Why not every session could be ended.
#[derive(Debug, thiserror::Error)]
#[error("the sessions could not be ended")]
pub struct EndSessionsError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl From<Error> for EndSessionsError {
    fn from(error: Error) -> Self {
        Self(Box::new(error))
    }
}

/// The running service.
pub struct Service {
    /// Its methods behind its own stack; also a transport for clients.
    pub routes: Routes,
    cx: Arc<Cx>,
    participant: Participant<Sessions>,
    identity: Upstream,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

/// Puts the service together and starts what runs in the background.
pub fn build(config: &SessionConfig, deps: Deps) -> Result<Service, ConfigError> {
    let cx = Arc::new(Cx {
        env: deps.env.clone(),
        db: deps.db.clone(),
        identity: Identity::new(deps.identity.clone(), deps.env.clone(), NAME),
        lifetimes: config.lifetimes()?,
        throttle: LoginThrottle {
            keys: Keys::new(deps.fingerprints.derived("throttle")),
            limits: config.login.limits(),
            turns: Semaphore::new(config.login.max_concurrent),
        },
        page_tokens: deps.page_tokens,
        last_seen: LastSeen::default(),
        logins: LoginMeter::new(&deps.meters),
    });
    let participant =
        Participant::new(NAME, IDENTITY, deps.db.clone(), deps.env, Arc::new(Sessions))
            .measured(&deps.meters);

    participant.start(deps.bus, &deps.tasks);
    participant.reconciler(deps.identity.clone()).start(&deps.tasks);
    background::start(&cx, &deps.tasks);
    measure::watch(&cx, &deps.meters, &deps.tasks);

    let rpc = RpcCx { cx: Arc::clone(&cx), fingerprints: deps.fingerprints };
    let routes = Routes::new(SessionServiceServer::new(SessionRpc(rpc.clone())))
        .add_service(SessionAdminServiceServer::new(SessionAdminRpc(rpc.clone())))
        .add_service(AuthenticationServiceServer::new(AuthenticationRpc(rpc)))
        .add_service(SubjectDataServiceServer::new(participant.rpc(convert::exported)));
    let routes = deps.stack.wrap(routes);
    Ok(Service { routes, cx, participant, identity: deps.identity })
}

impl Service {
    /// What tells whether the service can do its work: the database answers,
    /// and identity's ledger has not lost what was taken in from it.
    #[must_use]
    pub fn probe(&self) -> Probe {
        let (db, agreement) = (self.cx.db.clone(), self.participant.agreement());
        let services =
            [session_service_server::SERVICE_NAME, session_admin_service_server::SERVICE_NAME];
        Probe::new(services, move || {
            let (db, broken) = (db.clone(), agreement.is_broken());
            async move { !broken && db.ping().await.is_ok() }
        })
    }

    /// Catches up with identity's ledger: whoever serves the routes does this
    /// first. Every hour it happens by itself.
    pub async fn reconcile(&self) -> Result<ReconcileReport, ReconcileError> {
        self.participant.reconciler(self.identity.clone()).catch_up().await
    }

    /// Ends every session: for a database that was put back from a backup, before
    /// anything is served from it. Answers how many there were.
    pub async fn end_all_sessions(&self) -> Result<u64, EndSessionsError> {
        Ok(end_all_sessions::end_all_sessions(&self.cx).await?)
    }
}
