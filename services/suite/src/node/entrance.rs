//! Where peers come in.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::any,
};
use roster_peers::{Gate, layer};
use roster_server::Refusal;
use tonic::{Code, Status, service::Routes};
use tower::ServiceExt as _;

/// What identity asks while it is restored, which may be what the others are
/// waiting for.
const ANSWERED_BEFORE: &str = "/roster.subject.v1.SubjectDataService/ListSubjects";

/// Whether a service knows what it has to before it answers.
#[derive(Clone, Debug, Default)]
pub struct CaughtUp(Arc<AtomicBool>);

impl CaughtUp {
    /// From now on it does.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// `routes`, of which one method is answered before.
    pub fn guard(&self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self.clone(), refuse_before))
    }
}

async fn refuse_before(
    State(caught_up): State<CaughtUp>,
    request: Request,
    next: Next,
) -> Response {
    if caught_up.0.load(Ordering::Acquire) || request.uri().path() == ANSWERED_BEFORE {
        return next.run(request).await;
    }
    let message = "The service does not know yet what has changed, try again shortly";
    let refusal = Refusal::new(Code::Unavailable, "CATCHING_UP", message);
    Status::from(refusal.retry_after(Duration::from_secs(1))).into_http()
}

/// The methods of a service and its health, for whom `gate` lets in.
pub fn entrance(service: Routes, health: Routes, gate: Gate, caught_up: &CaughtUp) -> Router {
    let health = health.prepare().into_axum_router();
    let health = any(move |request: Request| health.clone().oneshot(request));
    let routes = Router::new()
        .route("/grpc.health.v1.Health/{method}", health)
        .fallback_service(service.into_axum_router());
    caught_up.guard(routes).layer(from_fn_with_state(gate, layer))
}
