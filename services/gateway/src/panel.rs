//! The Admin Panel: pages for people, made here and filled by calls through the
//! edge, as whoever is signed in. It has no rights of its own.

use axum::Router;
use http::StatusCode;
use roster_kernel::Env;
use roster_server::Upstream;

/// The pages. `edge` is the whole edge, for calls in gRPC.
pub fn router(_edge: Upstream, _env: Env) -> Router {
    Router::new().fallback(|| async { StatusCode::NOT_FOUND })
}
