//! Other places to listen than an address.

use axum::Extension;
use hyper_util::rt::TokioIo;
use roster_proto::session::v1::authentication_service_client::AuthenticationServiceClient;
use roster_server::{
    Limits,
    metrics::{ConnectionMeter, Meters},
    serve,
};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;

use crate::world::{ANSWER, World, order, service};

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the server runs beside the test")]
async fn calls_come_over_a_socket_of_this_machine_too_and_have_no_address() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let edge = world.routes.clone().into_axum_router().layer(Extension(service()));
    let (stop, meter) = (CancellationToken::new(), ConnectionMeter::new(&Meters::none()));
    let server = tokio::spawn(serve(listener, edge, Limits::default(), meter, stop.clone()));
    let connect = tower::service_fn(move |_: http::Uri| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://socket");
    let channel = endpoint.connect_with_connector(connect).await.unwrap();
    AuthenticationServiceClient::new(channel).authenticate(order(ANSWER)).await.unwrap();
    assert!(world.puppet.seen().peer.is_none());
    stop.cancel();
    assert_eq!(server.await.unwrap(), 0);
}
