//! The services, each with its database, connected with each other.

use std::{collections::HashMap, sync::Arc};

use axum::Router;
use roster_db::Db;
use roster_events::{Bus, InProcessBus};
use roster_identity::{HashParams, Ways};
use roster_kernel::{Env, ServiceName};
use roster_proto::FILE_DESCRIPTOR_SET;
use roster_server::{
    Connect, Tasks, Upstream,
    metrics::{Meters, Metrics},
};

use crate::{
    RosterConfig, StartError,
    claim::Claimed,
    migrate,
    parts::{self, Common, failed},
};

/// The persona service.
pub const PERSONA: ServiceName = ServiceName::from_static("persona");
/// The session service.
pub const SESSION: ServiceName = ServiceName::from_static("session");

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
    _claimed: Claimed,
    /// How identity reaches the others: a circle that is cut at the end.
    circle: [Connect; 2],
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

impl Services {
    /// Builds every service on the databases in the data directory.
    pub async fn build(
        config: &RosterConfig,
        env: Env,
        hash_params: HashParams,
    ) -> Result<Self, StartError> {
        let (claimed, secrets) = Box::pin(migrate::prepare(config, &env)).await?;
        let metrics = Metrics::new(config.otlp().as_ref())?;
        let meters = metrics.meters();
        let bus = Arc::new(InProcessBus::new(env.clone()));
        let edge_tasks = Tasks::new();
        let on_bus = Arc::clone(&bus) as Arc<dyn Bus>;
        let common = Common::new(on_bus, &env, &secrets, meters, edge_tasks.token())?;
        claimed.keep(&env, &common.tasks);
        let databases = Box::pin(databases(config, meters)).await?;
        let [identity_db, persona_db, session_db] = databases.clone();
        let keyring = parts::keyring(config, &secrets, &identity_db).await?;

        // Identity counts what the others keep, and they ask identity: one
        // side of the circle is connected when it is there.
        let (to_session, connect_session) = Upstream::in_process();
        let (to_persona, connect_persona) = Upstream::in_process();
        let participants = vec![(PERSONA, to_persona.clone()), (SESSION, to_session.clone())];
        // Who is no part of Roster has no way into a process.
        let participants = (participants, Ways::none());
        let identity =
            parts::identity(config, &common, identity_db, hash_params, keyring, participants)?;
        let to_identity = Upstream::from(identity.routes.clone());
        let session = parts::session(config, &common, session_db, &to_identity)?;
        connect_session.to(session.routes.clone());
        let persona = parts::persona(&common, persona_db, &to_identity);
        connect_persona.to(persona.routes.clone());

        let local = build_local(config, &env, &to_identity)?;
        let edge = roster_gateway::Deps {
            env,
            tasks: edge_tasks.clone(),
            descriptors: FILE_DESCRIPTOR_SET,
            packages: HashMap::from([
                ("roster.identity.v1", to_identity.clone()),
                ("roster.persona.v1", to_persona),
                ("roster.session.v1", to_session.clone()),
            ]),
            session: to_session,
            identity: to_identity,
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
            _claimed: claimed,
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
        parts::open(config, "identity", meters).await?,
        parts::open(config, "persona", meters).await?,
        parts::open(config, "session", meters).await?,
    ])
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
