//! Gives every call a name, so that logs, traces and the audit trail of all
//! services can be brought together.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::HeaderValue;
use roster_kernel::Env;
use roster_server::CorrelationId;

/// The header that carries the name, both ways.
pub const HEADER: &str = "x-request-id";

/// Takes the client's name for the call where it is a plain short word, makes
/// one where it is not, and answers it in the response.
pub async fn layer(State(env): State<Env>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
    let id = given.filter(|id| plain(id)).map_or_else(|| env.uuid().to_string(), str::to_owned);
    let header = HeaderValue::from_str(&id);
    request.extensions_mut().insert(CorrelationId(id));
    let mut response = next.run(request).await;
    if let Ok(header) = header {
        response.headers_mut().insert(HEADER, header);
    }
    response
}

fn plain(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}
