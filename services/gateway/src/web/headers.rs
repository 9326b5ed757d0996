//! What every answer over HTTP tells a browser not to do with it.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue, header};
use roster_server::Networks;

use crate::origin;

/// What is not a page loads nothing, runs nothing and stands in no frame. A page
/// says by itself what it needs.
const ANSWERS: [(HeaderName, HeaderValue); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // What is sent is what it says it is.
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // An address may name a user: other sites do not get to know it.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    ),
    // Who signs out leaves nothing behind.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// For a year, the browser comes back encrypted only (RFC 6797).
const ENCRYPTED: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds what the answer does not say by itself.
pub async fn layer(State(proxies): State<Networks>, request: Request, next: Next) -> Response {
    let encrypted = origin::is_encrypted(request.headers(), request.extensions(), &proxies);
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    for (name, value) in ANSWERS {
        headers.entry(name).or_insert(value);
    }
    if encrypted {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ENCRYPTED);
    }
    answer
}
