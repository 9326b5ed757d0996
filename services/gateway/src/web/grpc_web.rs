//! gRPC-Web, binary and as text: gRPC for browsers
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>).

use std::convert::Infallible;

use axum::{body::Body, extract::Request, response::Response};
use http::{HeaderMap, Method, Version, header::CONTENT_TYPE};
use tonic_web::GrpcWebLayer;
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::{call::Native, refusal};
use crate::Error;

/// The content types there are.
const CONTENT: [&str; 4] = [
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
];

/// Whether a request says that it is gRPC-Web.
pub fn is_meant(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(CONTENT[0].as_bytes()))
}

/// Calls the method that the path names.
pub async fn call(native: Native, request: Request) -> Response {
    let mut content = request.headers().get_all(CONTENT_TYPE).iter();
    let known = content.next().is_some_and(|it| CONTENT.iter().any(|content| it == content));
    if !known || content.next().is_some() {
        return refusal::of(Error::MediaType("application/grpc-web or application/grpc-web-text"));
    }
    if request.method() != Method::POST {
        return refusal::of(Error::Protocol("A gRPC-Web call is a POST"));
    }
    let native = service_fn(move |request: http::Request<tonic::body::Body>| {
        let native = native.clone();
        async move {
            let mut request = request.map(Body::new);
            // What it is from here on.
            *request.version_mut() = Version::HTTP_2;
            Ok::<_, Infallible>(native.forward(request).await)
        }
    });
    match GrpcWebLayer::new().layer(native).oneshot(request).await {
        Ok(answer) => answer.map(Body::new),
        Err(never) => match never {},
    }
}
