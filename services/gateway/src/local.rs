//! The entrance for services of the same machine: the few INTERNAL methods
//! that they need. Who comes in is settled by who could open the socket.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    response::Response,
};
use roster_kernel::{Actor, Caller, Env, ServiceName};
use roster_server::{
    AccessTable, BodyLimitLayer, CorrelationId, DeadlineLayer, Networks, TimeLimits, TraceLayer,
    Upstream, panicked, reflection,
};
use tokio::sync::Semaphore;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    GatewayConfig, RouteTable,
    layer::{
        access as rules, correlation, forward, log, overload, protocol, request, routing, streams,
    },
    origin,
    service::{BuildError, REFLECTION},
};

/// Who calls, as services and the audit trail get to know it: which of the
/// machine's services it is does not show.
const CALLER: ServiceName = ServiceName::from_static("local");

/// What the entrance is built from.
#[derive(Debug)]
pub struct LocalDeps {
    /// Time and randomness.
    pub env: Env,
    /// The contracts, as an encoded descriptor set.
    pub descriptors: &'static [u8],
    /// The paths of the methods that can be called.
    pub methods: &'static [&'static str],
    /// Who serves them.
    pub upstream: Upstream,
}

/// Builds the entrance: a service for [`roster_server::serve`], with the edge's
/// layers, except that everybody is the same service.
pub fn build_local(config: &GatewayConfig, deps: LocalDeps) -> Result<Router, BuildError> {
    let access = AccessTable::new(deps.descriptors)?;
    let shown = reflection::descriptors_of(deps.descriptors, deps.methods)?;
    let reflection = Upstream::from(reflection::routes(&shown)?);
    let open = REFLECTION.map(|(path, streams)| (path, streams, reflection.clone()));
    let table = RouteTable::of_methods(&access, deps.methods, &deps.upstream, &open)?;
    let places = Arc::new(Semaphore::new(config.max_concurrent_calls));
    let streams = streams::Streams::new(config.max_streams, config.max_streams_per_caller);
    let period = Duration::from_secs(config.request_seconds);
    let patience = request::Patience { env: deps.env.clone(), period };
    let deadline = DeadlineLayer::new(deps.env.clock.clone(), TimeLimits::default());
    let layers = ServiceBuilder::new()
        // A defect answers INTERNAL, and the process goes on.
        .layer(CatchPanicLayer::custom(panicked))
        // Every call has a name, in logs and in the audit trail.
        .layer(from_fn_with_state(deps.env.clone(), correlation::layer))
        // One span per call, continuing the client's trace.
        .layer(TraceLayer)
        // One line in the log per call.
        .layer(from_fn_with_state(deps.env, log::layer))
        // What is too large is refused before it is held in memory.
        .layer(BodyLimitLayer::of_message(config.max_message_bytes))
        // After the deadline nobody waits for the answer.
        .layer(deadline.with_streams(access))
        // Native gRPC and nothing else.
        .layer(from_fn(protocol::layer))
        // What is not in the list does not exist here, INTERNAL or not.
        .layer(from_fn_with_state(table, routing::layer))
        // A request that does not come keeps no place from those that do.
        .layer(from_fn_with_state(patience, request::layer))
        // What does not fit is refused while that is cheap.
        .layer(from_fn_with_state(places, overload::layer))
        // Whoever could open the socket.
        .layer(from_fn_with_state(CALLER, local))
        // The rule of the routed method.
        .layer(from_fn(rules::layer))
        // Streams have places of their own, for as long as they go on.
        .layer(from_fn_with_state(streams, streams::layer));
    Ok(Router::new().fallback(forward::call).layer(layers))
}

/// Attaches the [`Caller`].
async fn local(State(name): State<ServiceName>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let correlation = head.extensions.get::<CorrelationId>();
    let correlation_id = correlation.map(|id| id.0.clone()).unwrap_or_default();
    // What comes this way has no address, and no proxy in front.
    let origin = origin::of(&head, &Networks::default());
    head.extensions.insert(Caller { actor: Actor::Service(name), origin, correlation_id });
    next.run(Request::from_parts(head, body)).await
}
