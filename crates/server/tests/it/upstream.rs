//! The way from one service to another.

use std::sync::Arc;

use roster_proto::session::v1::authentication_service_client::AuthenticationServiceClient;
use roster_server::Upstream;
use tonic::Code;

use crate::world::{ANSWER, World, order, reason};

#[tokio::test]
async fn a_service_can_be_connected_after_its_clients_are_made() {
    let world = World::new();
    let (upstream, connect) = Upstream::in_process();
    let mut client = AuthenticationServiceClient::new(upstream);
    let status = client.authenticate(order(ANSWER)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "NOT_CONNECTED"));
    connect.to(world.routes.clone());
    client.authenticate(order(ANSWER)).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_cut_lets_the_service_go() {
    let world = World::new();
    let (upstream, connect) = Upstream::in_process();
    connect.to(world.routes.clone());
    let puppet = Arc::downgrade(&world.puppet);
    drop(world);
    assert!(puppet.upgrade().is_some());
    connect.cut();
    assert!(puppet.upgrade().is_none());
    let status =
        AuthenticationServiceClient::new(upstream).authenticate(order(ANSWER)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}
