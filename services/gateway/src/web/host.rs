//! Whom a request is for. Where two say it differently, what is decided by one
//! is done for the other.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{Version, header::HOST};

use super::refusal;
use crate::Error;

/// Refuses a request of HTTP/1.1 that does not name exactly one host (RFC 9112,
/// 3.2).
pub async fn layer(request: Request, next: Next) -> Response {
    let hosts = request.headers().get_all(HOST).iter().count();
    let wanted = usize::from(request.version() == Version::HTTP_11);
    if (wanted..=1).contains(&hosts) {
        next.run(request).await
    } else {
        refusal::of(Error::Protocol("A request names its host once"))
    }
}
