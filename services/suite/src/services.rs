//! The services, each with its database, connected with each other.

use std::{collections::HashMap, sync::Arc};

use axum::Router;
use roster_db::{Db, replay::FingerprintKey};
use roster_events::{Bus, InProcessBus};
use roster_identity::{HashParams, Keyring, KeyringError};
use roster_kernel::{Env, PageTokens, ServiceName};
use roster_proto::FILE_DESCRIPTOR_SET;
use roster_server::{
    AccessTable, Connect, ServiceStack, Tasks, Upstream,
    metrics::{Meters, Metrics},
};
use tokio_util::sync::CancellationToken;

use crate::{DataDirLock, RosterConfig, Secrets, StartError, migrate};

const PERSONA: ServiceName = ServiceName::from_static("persona");
const SESSION: ServiceName = ServiceName::from_static("session");

/// What services of the same machine may call: what they need and no more.
/// None of it is for administrators, or about somebody's password or token.
const LOCAL_METHODS: &[&str] = &["/roster.identity.v1.CredentialService/ResolveApiKey"];

/// The services of one process.
pub struct Services {
    pub edge: Router,
    /// What local services may call.
    pub local: Router,
    pub identity: roster_identity::Service,
    pub session: roster_session::Service,
    pub persona: roster_persona::Service,
    pub bus: Arc<InProcessBus>,
    pub metrics: Metrics,
    /// What the services do in the background.
    pub tasks: Tasks,
    /// What the edge does in the background; it ends when a drain begins.
    pub edge_tasks: Tasks,
    databases: [Db; 3],
    /// Nobody else works on the databases meanwhile.
    _lock: DataDirLock,
    /// How identity reaches the others: a circle that is cut at the end.
    circle: [Connect; 2],
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

/// What every service is built from.
struct Common {
    bus: Arc<dyn Bus>,
    env: Env,
    page_tokens: Arc<PageTokens>,
    fingerprints: FingerprintKey,
    tasks: Tasks,
    stack: ServiceStack,
    meters: Meters,
    /// Completes when a drain begins: the edge ends its own work then.
    draining: CancellationToken,
}

impl Common {
    fn new(
        bus: &Arc<InProcessBus>,
        env: &Env,
        secrets: &Secrets,
        meters: &Meters,
        draining: CancellationToken,
    ) -> Result<Self, StartError> {
        let access = AccessTable::new(FILE_DESCRIPTOR_SET).map_err(failed("gateway"))?;
        Ok(Self {
            bus: Arc::clone(bus) as Arc<dyn Bus>,
            env: env.clone(),
            page_tokens: Arc::new(PageTokens::new(secrets.page_token_key)),
            fingerprints: FingerprintKey::new(secrets.fingerprint_key),
            tasks: Tasks::new(),
            stack: ServiceStack::new(access, env.clone()).measured(meters),
            meters: meters.clone(),
            draining,
        })
    }
}

fn failed<E: std::error::Error + Send + Sync + 'static>(
    service: &'static str,
) -> impl FnOnce(E) -> StartError {
    move |error| StartError::Build(service, Box::new(error))
}

impl Services {
    /// Builds every service on the databases in the data directory.
    pub async fn build(
        config: &RosterConfig,
        env: Env,
        hash_params: HashParams,
    ) -> Result<Self, StartError> {
        let (lock, secrets) = Box::pin(migrate::prepare(config, &env)).await?;
        let metrics = Metrics::new(config.otlp().as_ref())?;
        let meters = metrics.meters();
        let bus = Arc::new(InProcessBus::new(env.clone()));
        let edge_tasks = Tasks::new();
        let common = Common::new(&bus, &env, &secrets, meters, edge_tasks.token())?;
        let databases = Box::pin(databases(config, meters)).await?;
        let [identity_db, persona_db, session_db] = databases.clone();
        let keyring = keyring(config, &secrets, &identity_db).await?;

        // Identity counts what the others keep, and they ask identity: one
        // side of the circle is connected when it is there.
        let (to_session, connect_session) = Upstream::in_process();
        let (to_persona, connect_persona) = Upstream::in_process();
        let participants = vec![(PERSONA, to_persona.clone()), (SESSION, to_session.clone())];
        let identity =
            build_identity(config, &common, identity_db, hash_params, keyring, participants)?;
        let to_identity = Upstream::from(identity.routes.clone());
        let session = build_session(config, &common, session_db, &to_identity)?;
        connect_session.to(session.routes.clone());
        let persona = build_persona(&common, persona_db, &to_identity);
        connect_persona.to(persona.routes.clone());

        let local = build_local(config, &env, &to_identity)?;
        let edge = roster_gateway::Deps {
            env,
            tasks: edge_tasks.clone(),
            descriptors: FILE_DESCRIPTOR_SET,
            packages: HashMap::from([
                ("roster.identity.v1", to_identity),
                ("roster.persona.v1", to_persona),
                ("roster.session.v1", to_session.clone()),
            ]),
            session: to_session,
            trusted_proxies: config.server.trusted_proxies.clone(),
            probes: vec![identity.probe(), session.probe(), persona.probe()],
            meters: meters.clone(),
        };
        let edge = roster_gateway::build(&config.gateway, edge).await.map_err(failed("gateway"))?;
        Ok(Self {
            edge,
            local,
            identity,
            session,
            persona,
            bus,
            metrics,
            tasks: common.tasks,
            edge_tasks,
            databases,
            _lock: lock,
            circle: [connect_session, connect_persona],
        })
    }

    /// Lets go of each other, and closes the databases.
    pub async fn close(&self) {
        for connect in &self.circle {
            connect.cut();
        }
        for database in &self.databases {
            if let Err(error) = database.close().await {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "database not closed");
            }
        }
    }
}

/// Brings every database up to date, and opens it.
async fn databases(config: &RosterConfig, meters: &Meters) -> Result<[Db; 3], StartError> {
    migrate::all(config).await?;
    Ok([
        open(config, "identity", meters).await?,
        open(config, "persona", meters).await?,
        open(config, "session", meters).await?,
    ])
}

async fn open(
    config: &RosterConfig,
    service: &'static str,
    meters: &Meters,
) -> Result<Db, StartError> {
    let database = migrate::database(config, service);
    let db = Db::open(&database).await.map_err(migrate::unusable(&database))?;
    Ok(db.measured(meters, service))
}

fn build_identity(
    config: &RosterConfig,
    common: &Common,
    db: Db,
    hash_params: HashParams,
    keyring: Arc<Keyring>,
    participants: Vec<(ServiceName, Upstream)>,
) -> Result<roster_identity::Service, StartError> {
    let deps = roster_identity::Deps {
        db,
        bus: Arc::clone(&common.bus),
        env: common.env.clone(),
        page_tokens: Arc::clone(&common.page_tokens),
        fingerprints: common.fingerprints.clone(),
        tasks: common.tasks.clone(),
        stack: common.stack.clone(),
        meters: common.meters.clone(),
        hash_params,
        keyring,
        participants,
        draining: common.draining.clone(),
    };
    roster_identity::build(&config.identity, deps).map_err(failed("identity"))
}

/// The keys that API keys are encrypted with, after a look at whether they
/// decrypt what is stored: without them the service would start, and fail
/// when a key is needed.
pub async fn keyring(
    config: &RosterConfig,
    secrets: &Secrets,
    identity: &Db,
) -> Result<Arc<Keyring>, StartError> {
    let data_dir = &config.data_dir;
    let keyring = secrets.keyring(data_dir)?;
    let checked = roster_identity::check_keyring(identity, &keyring).await;
    checked.map_err(|error| match error {
        KeyringError::Db(error) => migrate::unusable(&migrate::database(config, "identity"))(error),
        KeyringError::Missing(_) | KeyringError::Other(_) => {
            StartError::Keyring(Secrets::path(data_dir).display().to_string(), error)
        }
    })?;
    Ok(Arc::new(keyring))
}

fn build_session(
    config: &RosterConfig,
    common: &Common,
    db: Db,
    identity: &Upstream,
) -> Result<roster_session::Service, StartError> {
    let deps = roster_session::Deps {
        db,
        bus: Arc::clone(&common.bus),
        env: common.env.clone(),
        page_tokens: Arc::clone(&common.page_tokens),
        fingerprints: common.fingerprints.clone(),
        tasks: common.tasks.clone(),
        stack: common.stack.clone(),
        meters: common.meters.clone(),
        identity: identity.clone(),
    };
    roster_session::build(&config.session, deps).map_err(failed("session"))
}

/// The entrance for services of the same machine.
fn build_local(
    config: &RosterConfig,
    env: &Env,
    identity: &Upstream,
) -> Result<Router, StartError> {
    let deps = roster_gateway::LocalDeps {
        env: env.clone(),
        descriptors: FILE_DESCRIPTOR_SET,
        methods: LOCAL_METHODS,
        upstream: identity.clone(),
    };
    roster_gateway::build_local(&config.gateway, deps).map_err(failed("gateway"))
}

fn build_persona(common: &Common, db: Db, identity: &Upstream) -> roster_persona::Service {
    roster_persona::build(roster_persona::Deps {
        db,
        bus: Arc::clone(&common.bus),
        env: common.env.clone(),
        page_tokens: Arc::clone(&common.page_tokens),
        fingerprints: common.fingerprints.clone(),
        tasks: common.tasks.clone(),
        stack: common.stack.clone(),
        meters: common.meters.clone(),
        identity: identity.clone(),
    })
}
