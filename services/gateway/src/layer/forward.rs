//! Hands the call to the service behind the route, its bytes undecoded.

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, header};
use tower::ServiceExt;

use super::routing::Routed;
use crate::Error;

/// The headers that a service gets to see. An allow-list: a header that a
/// service might one day take for an identity cannot be smuggled in, whatever
/// its spelling.
const FORWARDED: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::TE,
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-accept-encoding"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// Forwards a call.
pub async fn call(request: Request) -> Response {
    let Some(Routed(route)) = request.extensions().get::<Routed>().cloned() else {
        return Error::UnknownMethod.into_response();
    };
    let (mut head, body) = request.into_parts();
    head.headers = forwarded(&head.headers);
    let request = http::Request::from_parts(head, tonic::body::Body::new(body));
    match route.upstream.clone().oneshot(request).await {
        Ok(response) => response.map(axum::body::Body::new),
        Err(never) => match never {},
    }
}

fn forwarded(headers: &HeaderMap) -> HeaderMap {
    FORWARDED
        .iter()
        .flat_map(|name| {
            headers.get_all(name).iter().map(move |value| (name.clone(), value.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_headers_are_forwarded() {
        let mut headers = HeaderMap::new();
        for name in [
            "content-type",
            "traceparent",
            "authorization",
            "cookie",
            "x-user-id",
            "x-roster-actor",
            "roster-assertion",
            "roster-origin",
            "x-forwarded-for",
            "x-request-id",
            "user-agent",
            "grpc-timeout",
        ] {
            headers.insert(HeaderName::from_static(name), "v".parse().unwrap());
        }
        let mut left: Vec<_> = forwarded(&headers).keys().map(ToString::to_string).collect();
        left.sort();
        assert_eq!(left, ["content-type", "grpc-timeout", "traceparent"]);
    }
}
