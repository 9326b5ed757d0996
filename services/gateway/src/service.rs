//! The edge, put together.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{Router, middleware::from_fn_with_state};
use http::{HeaderName, header};
use roster_kernel::{Env, ServiceName};
use roster_server::{
    AccessTable, BodyLimitLayer, DeadlineLayer, InvalidDescriptors, Networks, Streams, Tasks,
    TimeLimits, TraceLayer, Upstream,
    health::{self, Probe},
    metrics::{CallMeter, Layer, MeterLayer, Meters},
    panicked,
    reflection::{self, ReflectionError},
};
use tokio::sync::Semaphore;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer, sensitive_headers::SetSensitiveRequestHeadersLayer,
};

use crate::{
    GatewayConfig, RouteTable, UnroutedService,
    layer::{
        access as rules,
        caller::{self, Authenticator},
        correlation, forward, log, overload, protocol, recheck, request, routing, streams,
    },
    web,
};

const NAME: ServiceName = ServiceName::from_static("gateway");

/// One message in each direction.
const ONE: Streams = Streams { requests: false, answers: false, open_ended: false };

/// Open to anyone, though not part of Roster's contract.
const HEALTH: [(&str, Streams); 2] = [
    ("/grpc.health.v1.Health/Check", ONE),
    ("/grpc.health.v1.Health/Watch", Streams { answers: true, ..ONE }),
];
pub const REFLECTION: [(&str, Streams); 2] = [
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", BOTH),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", BOTH),
];
const BOTH: Streams = Streams { requests: true, answers: true, open_ended: false };

/// Headers that open an account.
pub const CREDENTIALS: [HeaderName; 3] =
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];

/// What the edge is built from.
#[derive(Debug)]
pub struct Deps {
    /// Time and randomness.
    pub env: Env,
    /// Where its background work runs.
    pub tasks: Tasks,
    /// The contracts, as an encoded descriptor set.
    pub descriptors: &'static [u8],
    /// Who serves which package.
    pub packages: HashMap<&'static str, Upstream>,
    /// Who knows whose session a token opens.
    pub session: Upstream,
    /// Who knows whose machine token it is.
    pub identity: Upstream,
    /// Who is believed about where calls come from.
    pub trusted_proxies: Networks,
    /// What health depends on.
    pub probes: Vec<Probe>,
    /// What its instruments are made of.
    pub meters: Meters,
}

/// Why the edge could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The contracts cannot be read.
    #[error(transparent)]
    Descriptors(#[from] InvalidDescriptors),
    /// A service of the contracts has no upstream.
    #[error(transparent)]
    Unrouted(#[from] UnroutedService),
    /// Reflection cannot be served.
    #[error(transparent)]
    Reflection(#[from] ReflectionError),
    /// A method cannot be called over HTTP as its contract says.
    #[error(transparent)]
    Web(#[from] web::BadContract),
}

/// Builds the edge: a service for [`roster_server::serve`].
pub async fn build(config: &GatewayConfig, deps: Deps) -> Result<Router, BuildError> {
    let access = AccessTable::new(deps.descriptors)?;
    let public = reflection::public_descriptors(deps.descriptors, &access)?;
    let reflection = Upstream::from(reflection::routes(&public)?);
    let health = Upstream::from(health::start(deps.probes, deps.env.clone(), &deps.tasks).await);
    let open: Vec<_> = HEALTH
        .iter()
        .map(|(path, streams)| (*path, *streams, health.clone()))
        .chain(REFLECTION.iter().map(|(path, streams)| (*path, *streams, reflection.clone())))
        .collect();
    let table = RouteTable::new(&access, &deps.packages, &open)?;
    let proxies = deps.trusted_proxies;
    let authenticator = Authenticator {
        session: deps.session,
        identity: deps.identity,
        gateway: NAME,
        env: deps.env.clone(),
        proxies: proxies.clone(),
    };
    let others: Vec<_> = HEALTH.into_iter().chain(REFLECTION).map(|(path, _)| path).collect();
    let calls = CallMeter::new(&deps.meters, Layer::Edge, &access, &others);
    let ends = recheck::Ends { authenticator, draining: deps.tasks.token() };
    let native = stack(config, &deps.env, access, calls, table, ends);
    let (env, routes) = (deps.env, web::routes(public.encoded())?);
    Ok(web::router(config, web::Deps { env, native, routes, proxies }))
}

fn stack(
    config: &GatewayConfig,
    env: &Env,
    access: AccessTable,
    calls: CallMeter,
    table: RouteTable,
    ends: recheck::Ends,
) -> Router {
    let places = Arc::new(Semaphore::new(config.max_concurrent_calls));
    let streams = streams::Streams::new(config.max_streams, config.max_streams_per_caller);
    let period = Duration::from_secs(config.request_seconds);
    let patience = request::Patience { env: env.clone(), period };
    let layers = ServiceBuilder::new()
        // Nothing below shows a credential, whatever it prints of a request.
        .layer(SetSensitiveRequestHeadersLayer::new(CREDENTIALS))
        // Every call is counted and timed, whatever becomes of it.
        .layer(MeterLayer::new(calls))
        // A defect answers INTERNAL, and the process goes on.
        .layer(CatchPanicLayer::custom(panicked))
        // Every call has a name, in logs and in the audit trail.
        .layer(from_fn_with_state(env.clone(), correlation::layer))
        // One span per call, continuing the client's trace.
        .layer(TraceLayer)
        // One line in the log per call.
        .layer(from_fn_with_state(env.clone(), log::layer))
        // What is too large is refused before it is held in memory.
        .layer(BodyLimitLayer::of_message(config.max_message_bytes))
        // After the deadline nobody waits for the answer.
        .layer(DeadlineLayer::new(env.clock.clone(), TimeLimits::default()).with_streams(access))
        // Native gRPC and nothing else.
        .layer(axum::middleware::from_fn(protocol::layer))
        // The method is found by its exact path; what is not there does not exist.
        .layer(from_fn_with_state(table, routing::layer))
        // A request that does not come keeps no place from those that do.
        .layer(from_fn_with_state(patience, request::layer))
        // What does not fit is refused while that is cheap.
        .layer(from_fn_with_state(places, overload::layer))
        // Who is calling, asked anew for every call.
        .layer(from_fn_with_state(ends.authenticator.clone(), caller::layer))
        // The rule of the routed method.
        .layer(axum::middleware::from_fn(rules::layer))
        // Streams have places of their own, for as long as they go on.
        .layer(from_fn_with_state(streams, streams::layer))
        // Whoever has a stream open may lose the right to it, and the process may end.
        .layer(from_fn_with_state(ends, recheck::layer));
    Router::new().fallback(forward::call).layer(layers)
}
