//! Lets native gRPC in and nothing else: the libraries underneath would run a
//! method for any verb and content type, which a browser can be made to send
//! from a foreign page.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, Version, header::CONTENT_TYPE};

use crate::Error;

/// Refuses what is not a gRPC call.
pub async fn layer(request: Request, next: Next) -> Response {
    if request.version() < Version::HTTP_2 {
        // It has no place for how a call ended.
        return Error::Protocol("A gRPC call comes over HTTP/2").into_response();
    }
    if request.method() != Method::POST {
        return Error::Protocol("A gRPC call is a POST").into_response();
    }
    if !is_grpc(request.headers()) {
        return Error::Protocol("A gRPC call has the content type application/grpc")
            .into_response();
    }
    next.run(request).await
}

/// `application/grpc`, alone or with a message format behind `+`; gRPC-Web is
/// another protocol.
fn is_grpc(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (values.next(), values.next()) else { return false };
    let Some(rest) = only.as_bytes().strip_prefix(b"application/grpc") else { return false };
    matches!(rest, b"" | b"+proto")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_native_grpc_is_taken() {
        for (value, taken) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc+json", false),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("application/json", false),
            ("text/plain", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(is_grpc(&headers), taken, "{value:?}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
        let mut twice = HeaderMap::new();
        twice.append(CONTENT_TYPE, "application/grpc".parse().unwrap());
        twice.append(CONTENT_TYPE, "text/plain".parse().unwrap());
        assert!(!is_grpc(&twice));
    }
}
