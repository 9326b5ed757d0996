//! Every method of every service, called by anybody with any bytes.

use std::{sync::LazyLock, time::Duration};

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use prost_reflect::DescriptorPool;
use roster_server::Upstream;
use tonic::{Code, Status, body::Body};
use tower::ServiceExt as _;

use crate::{
    verdict::deliberate,
    world::{Ground, World},
};

/// How long a stream is listened to: some go on for as long as anybody does.
const LISTEN: Duration = Duration::from_millis(100);

/// Every method: the service that has it, and its path.
static METHODS: LazyLock<Vec<(&'static str, String)>> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(roster_proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut methods = Vec::new();
    for service in pool.services() {
        let served = ["identity", "session", "persona"];
        let package = |name: &&str| service.full_name().starts_with(&format!("roster.{name}."));
        let Some(upstream) = served.into_iter().find(package) else { continue };
        for method in service.methods() {
            methods.push((upstream, format!("/{}/{}", service.full_name(), method.name())));
        }
    }
    // Every participant has these.
    for upstream in ["session", "persona"] {
        let service = pool.get_service_by_name("roster.subject.v1.SubjectDataService").unwrap();
        for method in service.methods() {
            methods.push((upstream, format!("/{}/{}", service.full_name(), method.name())));
        }
    }
    methods
});

/// A method, who calls it, and the bytes of the message.
pub fn method(ground: &mut Ground, data: &[u8]) {
    let [method, caller, message @ ..] = data else { return };
    let (service, path) = &METHODS[usize::from(*method) % METHODS.len()];
    let world = ground.world();
    let service = world.service(service);
    world.runtime.block_on(call(world, service, path, *caller, message));
}

async fn call(world: &World, service: Upstream, path: &str, caller: u8, message: &[u8]) {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(message);
    let request = http::Request::post(path)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .extension(world.caller(caller))
        .body(Body::new(Full::new(Bytes::from(framed))))
        .unwrap();
    let Ok(mut response) = service.oneshot(request).await;
    assert_eq!(response.status(), http::StatusCode::OK, "{path}");
    let mut status = Status::from_header_map(response.headers());
    while status.is_none() {
        let Ok(frame) = tokio::time::timeout(LISTEN, response.body_mut().frame()).await else {
            return;
        };
        let frame = frame.expect("a call ends with its status").unwrap();
        status = frame.trailers_ref().and_then(Status::from_header_map);
    }
    let status = status.unwrap();
    if status.code() == Code::Ok || status.code() == Code::Unimplemented {
        return;
    }
    deliberate(&status);
}
