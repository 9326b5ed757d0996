//! Where peers come in.

use axum::{Router, extract::Request, middleware::from_fn_with_state, routing::any};
use roster_peers::{Gate, layer};
use tonic::service::Routes;
use tower::ServiceExt as _;

/// The methods of a service and its health, for whom `gate` lets in.
pub fn entrance(service: Routes, health: Routes, gate: Gate) -> Router {
    let health = health.prepare().into_axum_router();
    let health = any(move |request: Request| health.clone().oneshot(request));
    Router::new()
        .route("/grpc.health.v1.Health/{method}", health)
        .fallback_service(service.into_axum_router())
        .layer(from_fn_with_state(gate, layer))
}
