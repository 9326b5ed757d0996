//! How each service is built from what its process has.

use std::sync::Arc;

use roster_db::{Db, replay::FingerprintKey};
use roster_events::Bus;
use roster_identity::{HashParams, Keyring, KeyringError, Ways};
use roster_kernel::{Env, PageTokens, ServiceName};
use roster_proto::FILE_DESCRIPTOR_SET;
use roster_server::{AccessTable, ServiceStack, Tasks, Upstream, metrics::Meters};
use tokio_util::sync::CancellationToken;

use crate::{RosterConfig, Secrets, StartError, migrate};

/// What every service is built from.
pub struct Common {
    bus: Arc<dyn Bus>,
    env: Env,
    page_tokens: Arc<PageTokens>,
    fingerprints: FingerprintKey,
    /// What the services do in the background.
    pub tasks: Tasks,
    stack: ServiceStack,
    meters: Meters,
    /// Completes when a drain begins: the edge ends its own work then.
    draining: CancellationToken,
}

impl Common {
    /// For services that announce on `bus`.
    pub fn new(
        bus: Arc<dyn Bus>,
        env: &Env,
        secrets: &Secrets,
        meters: &Meters,
        draining: CancellationToken,
    ) -> Result<Self, StartError> {
        let access = AccessTable::new(FILE_DESCRIPTOR_SET).map_err(failed("gateway"))?;
        Ok(Self {
            bus,
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

/// Names the service that cannot be built.
pub fn failed<E: std::error::Error + Send + Sync + 'static>(
    service: &'static str,
) -> impl FnOnce(E) -> StartError {
    move |error| StartError::Build(service, Box::new(error))
}

/// Opens the database of a service.
pub async fn open(
    config: &RosterConfig,
    service: &'static str,
    meters: &Meters,
) -> Result<Db, StartError> {
    let database = migrate::database(config, service);
    let db = Db::open(&database).await.map_err(migrate::unusable(&database))?;
    Ok(db.measured(meters, service))
}

/// The identity service.
pub fn identity(
    config: &RosterConfig,
    common: &Common,
    db: Db,
    hash_params: HashParams,
    keyring: Arc<Keyring>,
    (participants, ways): (Vec<(ServiceName, Upstream)>, Ways),
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
        ways,
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
    let file = config.secrets();
    let keyring = secrets.keyring(&file)?;
    let checked = roster_identity::check_keyring(identity, &keyring).await;
    checked.map_err(|error| match error {
        KeyringError::Db(error) => migrate::unusable(&migrate::database(config, "identity"))(error),
        KeyringError::Missing(_) | KeyringError::Other(_) => {
            StartError::Keyring(file.display().to_string(), error)
        }
    })?;
    Ok(Arc::new(keyring))
}

/// The session service.
pub fn session(
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

/// The persona service.
pub fn persona(common: &Common, db: Db, identity: &Upstream) -> roster_persona::Service {
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
