//! The edge: headers that say anything, in gRPC and in whatever else.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tonic::{Code, Status};

use crate::{
    input::Input,
    verdict::deliberate,
    world::{Ground, World},
};

/// What is said in which header, in the order of an input's parts.
const HEADERS: [&str; 11] = [
    "content-type",
    "authorization",
    "cookie",
    "grpc-timeout",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-forwarded-for",
    "forwarded",
    "grpc-encoding",
    "origin",
];

/// The method that is called where the path is no path.
const METHOD: &str = "/roster.identity.v1.AccountService/GetProfile";

/// A path, a body, the values of some headers, and a verb.
pub fn edge(ground: &mut Ground, data: &[u8]) {
    let mut input = Input::new(data);
    let path = input.text();
    let uri = Uri::try_from(&*path).ok();
    let path = uri.as_ref().and_then(|uri| uri.path_and_query()).filter(|it| it.as_str() == path);
    let path = path.map_or_else(|| METHOD.to_owned(), ToString::to_string);
    let uri = format!("http://roster{path}");
    let body = Bytes::copy_from_slice(input.bytes());
    let mut request = http::Request::post(uri).header("te", "trailers");
    for name in HEADERS {
        let value = input.bytes();
        if let Ok(value) = HeaderValue::from_bytes(value)
            && !value.is_empty()
        {
            request = request.header(HeaderName::from_static(name), value);
        }
    }
    let verb = Method::from_bytes(input.bytes()).ok().filter(|verb| *verb != Method::CONNECT);
    let request = request.method(verb.unwrap_or(Method::POST));
    // What is not even an address is not sent.
    let Ok(request) = request.body(Full::new(body)) else { return };
    let world = ground.world();
    world.runtime.block_on(call(world, &path, request));
}

async fn call(world: &World, path: &str, request: http::Request<Full<Bytes>>) {
    let answer = world.connection().await.send_request(request).await;
    let answer = answer.expect("the connection stays");
    let given = answer.headers().get("x-request-id").expect("every call has a name");
    assert!((1..=64).contains(&given.len()), "{given:?}");
    let kind = answer.headers().get("content-type").map_or(&b""[..], |it| it.as_bytes());
    if kind != b"application/grpc" {
        return of_the_web(path, answer).await;
    }
    assert_eq!(answer.status(), http::StatusCode::OK, "{path}");
    let (head, body) = answer.into_parts();
    let status = if let Some(status) = Status::from_header_map(&head.headers) {
        status
    } else {
        let body = body.collect().await.expect("the body comes to its end");
        let trailers = body.trailers().expect("a call ends with its status");
        Status::from_header_map(trailers).expect("a call ends with its status")
    };
    if status.code() != Code::Ok {
        return deliberate(&status);
    }
    // Nobody has a token, whatever the headers say.
    let open = ["GetSettings", "Register", "Login", "Check", "ServerReflectionInfo"];
    let open = open.iter().any(|method| path.ends_with(&format!("/{method}")));
    assert!(open, "{path} is open to strangers");
}

/// What is no native gRPC is never a defect, and says why it is refused.
async fn of_the_web(path: &str, answer: http::Response<Incoming>) {
    let (head, body) = answer.into_parts();
    let body = body.collect().await.expect("the body comes to its end").to_bytes();
    let refused_for_now = [429, 503, 504].contains(&head.status.as_u16());
    assert!(head.status.as_u16() < 500 || refused_for_now, "{path}: {head:?}");
    let policy = head.headers.get("content-security-policy").expect("a policy");
    assert!(policy.as_bytes().starts_with(b"default-src 'none'"), "{path}: {policy:?}");
    let json = head.headers.get("content-type").is_some_and(|it| it == "application/json");
    if !json || body.is_empty() {
        return;
    }
    let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON that is JSON");
    if head.status.is_success() {
        let open = ["/api/config", "/api/auth/register", "/api/auth/login", "/api/openapi.json"];
        let open = open.iter().any(|it| path.split('?').next() == Some(it));
        assert!(open, "{path} is open to strangers");
    } else {
        assert!(json["error"]["details"][0]["@type"].is_string(), "{path}: {json}");
    }
}
