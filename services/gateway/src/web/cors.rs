//! Which pages of other origins may call: none, unless they are configured
//! (Fetch, 3.2).

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser remembers what it may do.
const REMEMBERED: Duration = Duration::from_mins(10);

/// What a page may send beside what any page may.
const SENT: [HeaderName; 10] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
];

/// What it may read of an answer.
const READ: [HeaderName; 6] = [
    header::ETAG,
    header::RETRY_AFTER,
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// The origins whose pages may call, as browsers write them.
#[derive(Clone, Debug, Default)]
pub struct Origins(Arc<BTreeSet<String>>);

impl Origins {
    /// These origins.
    pub fn new(origins: &[String]) -> Self {
        Self(Arc::new(origins.iter().cloned().collect()))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether a request comes from a page of one of them.
    pub fn contain_origin_of(&self, headers: &HeaderMap) -> bool {
        let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
        origin.is_some_and(|origin| self.0.contains(origin))
    }

    /// Lets browsers know. Never with credentials: a cookie is for Roster's own
    /// pages.
    pub fn layer(&self) -> CorsLayer {
        let origins = self.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers(SENT)
            .expose_headers(READ)
            .max_age(REMEMBERED)
    }
}

/// Whether a browser would write an origin like that (RFC 6454, 6.1): scheme and
/// host in small letters, a port unless it is the scheme's own, and no more.
pub fn is_origin(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let default = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let Ok(authority) = rest.parse::<http::uri::Authority>() else { return false };
    !authority.host().is_empty()
        && !rest.contains('@')
        && !rest.ends_with(default)
        && !rest.ends_with(':')
        && rest.to_ascii_lowercase() == rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_write_them() {
        for origin in ["https://example.com", "http://127.0.0.1:8000", "http://[::1]:8000"] {
            assert!(is_origin(origin), "{origin}");
        }
        for other in [
            "",
            "*",
            "null",
            "example.com",
            "https://",
            "https://example.com/",
            "https://example.com:443",
            "http://example.com:80",
            "https://Example.com",
            "https://a@example.com",
            "https://example.com:",
            "ftp://example.com",
        ] {
            assert!(!is_origin(other), "{other}");
        }
    }
}
