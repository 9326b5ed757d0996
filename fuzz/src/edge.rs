//! The edge: headers that say anything.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Uri};
use http_body_util::{BodyExt as _, Full};
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

/// A path, a body, and the values of some headers.
pub fn edge(ground: &mut Ground, data: &[u8]) {
    let mut input = Input::new(data);
    let path = input.text();
    let path = Uri::try_from(&*path).ok().filter(|uri| uri.path() == path);
    let path = path.map_or_else(|| METHOD.to_owned(), |uri| uri.path().to_owned());
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
    let request = request.body(Full::new(body)).unwrap();
    let world = ground.world();
    world.runtime.block_on(call(world, &path, request));
}

async fn call(world: &World, path: &str, request: http::Request<Full<Bytes>>) {
    let answer = world.connection().await.send_request(request).await;
    let answer = answer.expect("the connection stays");
    let given = answer.headers().get("x-request-id").expect("every call has a name");
    assert!((1..=64).contains(&given.len()), "{given:?}");
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
