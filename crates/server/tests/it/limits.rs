//! What a client can make a service hold.

use roster_proto::session::v1::authentication_service_client::AuthenticationServiceClient;
use roster_server::{BodyLimitLayer, Upstream};
use tonic::{Code, service::Routes};

use crate::world::{World, order, reason};

/// What the field's number, its kind and its length take up.
const FIELD: usize = 3;

#[tokio::test]
async fn a_message_of_just_the_right_size_is_taken_and_one_byte_more_is_not() {
    let world = World::new();
    let router = world.routes.clone().into_axum_router().layer(BodyLimitLayer::of_message(1_000));
    let mut client = AuthenticationServiceClient::new(Upstream::from(Routes::from(router)));
    client.authenticate(order(&"x".repeat(1_000 - FIELD))).await.unwrap();
    let too_large = client.authenticate(order(&"x".repeat(1_001 - FIELD))).await;
    let status = too_large.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(reason(&status), "MESSAGE_TOO_LARGE");
}
