//! Calls without generated code: any method with any bytes, and requests
//! that no client library would send.

use bytes::{Buf, BufMut, Bytes};
use http_body_util::{BodyExt, Full};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor};
use roster_kernel::Caller;
use tonic::{
    Code, Request, Status,
    body::Body,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    service::{Interceptor, Routes, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt;
use tower::ServiceExt;

use super::contract;
use crate::{client::Client, world::World};

/// Hands messages over as they are on the wire.
#[derive(Clone, Copy, Debug)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}

/// Calls a method through the edge; of a stream, the first message.
pub async fn call(
    client: &Client,
    method: &MethodDescriptor,
    message: Bytes,
) -> Result<Bytes, Status> {
    let mut grpc = tonic::client::Grpc::new(client.transport());
    grpc.ready().await.unwrap();
    let path = contract::path(method).parse().unwrap();
    grpc.unary(Request::new(message), path, Raw).await.map(tonic::Response::into_inner)
}

/// Calls a method through the edge with a message that was built from its
/// descriptor, and reads the answer by it.
pub async fn send(
    client: &Client,
    method: &MethodDescriptor,
    message: &DynamicMessage,
) -> Result<DynamicMessage, Status> {
    let answer = call(client, method, message.encode_to_vec().into()).await?;
    Ok(DynamicMessage::decode(method.output(), answer).unwrap())
}

/// Who a service is called by when the edge is not asked.
#[derive(Clone, Debug)]
struct As(Caller);

impl Interceptor for As {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.extensions_mut().insert(self.0.clone());
        Ok(request)
    }
}

/// Calls a service as another service does, behind the edge.
pub async fn call_behind(
    routes: Routes,
    caller: Caller,
    method: &MethodDescriptor,
) -> Result<Bytes, Status> {
    let mut grpc = tonic::client::Grpc::new(InterceptedService::new(routes, As(caller)));
    grpc.ready().await.unwrap();
    let path = contract::path(method).parse().unwrap();
    grpc.unary(Request::new(Bytes::new()), path, Raw).await.map(tonic::Response::into_inner)
}

/// A connection for requests of any form.
pub async fn connect(world: &World) -> Channel {
    let address = format!("http://{}", world.suite.address());
    Endpoint::from_shared(address).unwrap().connect().await.unwrap()
}

/// What a gRPC call looks like before anything is wrong with it: a verb, a
/// path and headers.
pub fn head(path: &str) -> http::request::Builder {
    http::Request::post(path).header("content-type", "application/grpc").header("te", "trailers")
}

/// A message with its prefix.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap();
    let prefix = [0_u8].into_iter().chain(length.to_be_bytes());
    prefix.chain(message.iter().copied()).collect()
}

/// Sends bytes as they are; answers how the call ended.
pub async fn exchange(
    channel: &Channel,
    head: http::request::Builder,
    body: Vec<u8>,
) -> (Status, Bytes) {
    let request = head.body(Body::new(Full::from(body))).unwrap();
    let response = channel.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), http::StatusCode::OK, "gRPC tells in its own status");
    let in_head = Status::from_header_map(response.headers());
    let collected = response.into_body().collect().await.unwrap();
    let in_trailers = collected.trailers().and_then(Status::from_header_map);
    (in_head.or(in_trailers).expect("a status"), collected.to_bytes())
}

/// The reason that a refusal gives; empty if none.
pub fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

/// The code, with the reason if it is a refusal.
pub fn outcome<T>(answer: &Result<T, Status>) -> (Code, String) {
    match answer {
        Ok(_) => (Code::Ok, String::new()),
        Err(status) => (status.code(), reason(status)),
    }
}

/// Fails for codes that say that the fault is on this side: nothing that a
/// client sends may earn one.
#[track_caller]
pub fn assert_no_defect(status: &Status, what: &dyn std::fmt::Display) {
    assert!(!matches!(status.code(), Code::Internal | Code::Unknown), "{what}: {status:?}");
}
