//! How a service is put together in a process of its own.

use std::{collections::HashMap, sync::Arc};

use roster_db::Db;
use roster_events::{Bus, JetStreamBus};
use roster_identity::HashParams;
use roster_kernel::{Env, ServiceName};
use roster_proto::FILE_DESCRIPTOR_SET;
use roster_server::{
    AccessTable, Tasks,
    health::{self, Probe},
    metrics::Metrics,
};
use tonic::service::Routes;

use crate::{
    RosterConfig, Secrets, StartError,
    claim::Claimed,
    migrate,
    parts::{self, Common, failed},
    services::{PERSONA, SESSION},
};

use super::{
    Node, Part, Running,
    entrance::{CaughtUp, entrance},
    links::Links,
    remote_health,
};

const IDENTITY: ServiceName = ServiceName::from_static("identity");

/// The edge stores nothing, and hears of nothing.
pub async fn gateway(config: &RosterConfig, env: Env) -> Result<Node, StartError> {
    let links = Links::load(config, "gateway", &env)?.signing(config)?;
    let metrics = Metrics::new(config.otlp().as_ref())?;
    let (tasks, edge_tasks) = (Tasks::new(), Tasks::new());
    links.keep_fresh(None, &tasks);
    let access = AccessTable::new(FILE_DESCRIPTOR_SET).map_err(failed("gateway"))?;
    let ways = [
        ("roster.identity.v1", links.to(config, &IDENTITY, "peers.identity")?),
        ("roster.persona.v1", links.to(config, &PERSONA, "peers.persona")?),
        ("roster.session.v1", links.to(config, &SESSION, "peers.session")?),
    ];
    let probe = |(package, way): &(&str, _)| remote_health::probe(&access, package, way);
    let mut probes: Vec<_> = ways.iter().map(probe).collect();
    // Identity announces: the others only hear.
    probes.push(remote_health::broker(&ways[0].1));
    let packages = HashMap::from(ways);
    let deps = roster_gateway::Deps {
        env: env.clone(),
        tasks: edge_tasks.clone(),
        descriptors: FILE_DESCRIPTOR_SET,
        session: links.to(config, &SESSION, "peers.session")?,
        identity: links.to(config, &IDENTITY, "peers.identity")?,
        packages,
        trusted_proxies: config.server.trusted_proxies.clone(),
        probes,
        meters: metrics.meters().clone(),
    };
    let entrance = roster_gateway::build(&config.gateway, deps).await.map_err(failed("gateway"))?;
    Ok(Node {
        env,
        running: Running::Gateway,
        health: entrance.clone(),
        entrance,
        metrics,
        links,
        db: None,
        bus: None,
        claimed: None,
        caught_up: CaughtUp::default(),
        tasks,
        edge_tasks,
        listening: None,
        operations: None,
    })
}

/// A service with tables of its own, which others may run, too, unless it is to
/// be `alone`.
pub async fn service(
    config: &RosterConfig,
    part: Part,
    env: Env,
    hash_params: HashParams,
    alone: bool,
) -> Result<Node, StartError> {
    required(config)?;
    let links = Links::load(config, part.name(), &env)?;
    let (gate, keys) = links.gate(config, part.service())?;
    let secrets = Secrets::load(&config.secrets_file, &env)?;
    let metrics = Metrics::new(config.otlp().as_ref())?;
    let claimed = if alone {
        Claimed::alone(config, part.name()).await?
    } else {
        Claimed::shared(config, part.name()).await?
    };
    migrate::up_to_date(config, part.name()).await?;
    let db = parts::open(config, part.name(), metrics.meters()).await?;
    let bus = Arc::new(JetStreamBus::connect(&part.service(), config.events.clone()).await?);
    let edge_tasks = Tasks::new();
    let on_bus = Arc::clone(&bus) as Arc<dyn Bus>;
    let common = Common::new(on_bus, &env, &secrets, metrics.meters(), edge_tasks.token())?;
    let (running, routes, probe) =
        build(config, part, &common, db.clone(), &secrets, &links, hash_params).await?;
    links.keep_fresh(Some(keys), &common.tasks);
    let health = health::start(vec![probe, broker(&bus)], env.clone(), &edge_tasks).await;
    claimed.keep(&env, &common.tasks);
    let caught_up = CaughtUp::default();
    let entrance = entrance(routes, health.clone(), gate, &caught_up);
    Ok(Node {
        env,
        running,
        entrance,
        health: caught_up.guard(health.into_axum_router()),
        metrics,
        links,
        db: Some(db),
        bus: Some(bus),
        claimed: Some(claimed),
        caught_up,
        tasks: common.tasks,
        edge_tasks,
        listening: None,
        operations: None,
    })
}

/// What several processes cannot do without.
fn required(config: &RosterConfig) -> Result<(), StartError> {
    if config.database.url.is_empty() {
        return Err(StartError::Setting("database.url"));
    }
    if config.secrets_file.as_os_str().is_empty() {
        return Err(StartError::Setting("secrets_file"));
    }
    if config.events.servers.is_empty() {
        return Err(StartError::Setting("events.servers"));
    }
    Ok(())
}

/// A service, what it answers, and whether it can.
type Built = (Running, Routes, Probe);

async fn build(
    config: &RosterConfig,
    part: Part,
    common: &Common,
    db: Db,
    secrets: &Secrets,
    links: &Links,
    hash_params: HashParams,
) -> Result<Built, StartError> {
    Ok(match part {
        Part::Identity => {
            let keyring = parts::keyring(config, secrets, &db).await?;
            let participants = vec![
                (PERSONA, links.to(config, &PERSONA, "peers.persona")?),
                (SESSION, links.to(config, &SESSION, "peers.session")?),
            ];
            let participants = (participants, links.ways());
            let identity = parts::identity(config, common, db, hash_params, keyring, participants)?;
            let (routes, probe) = (identity.routes.clone(), identity.probe());
            (Running::Identity(identity), routes, probe)
        }
        Part::Session => {
            let identity = links.to(config, &IDENTITY, "peers.identity")?;
            let session = parts::session(config, common, db, &identity)?;
            let (routes, probe) = (session.routes.clone(), session.probe());
            (Running::Session(session), routes, probe)
        }
        Part::Persona => {
            let identity = links.to(config, &IDENTITY, "peers.identity")?;
            let persona = parts::persona(common, db, &identity);
            let (routes, probe) = (persona.routes.clone(), persona.probe());
            (Running::Persona(persona), routes, probe)
        }
    })
}

/// Whether events can be sent. A service without its broker still answers: it
/// is shown, and nobody is sent away for it.
fn broker(bus: &Arc<JetStreamBus>) -> Probe {
    let bus = Arc::clone(bus);
    Probe::aside(remote_health::BROKER, move || {
        let connected = bus.is_connected();
        async move { connected }
    })
}
