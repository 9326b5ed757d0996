use roster_kernel::{Actor, Caller};
use roster_proto::session::v1::LogoutRequest;
use tonic::Code;

use crate::world::{World, fields, peer, reason, says};

#[tokio::test]
async fn a_logout_ends_the_current_session_and_no_other() {
    let world = World::new().await;
    let phone = world.signed_in("ann").await;
    let laptop = world.log_in("ann").await;
    let answer = world.own().logout(phone.says(LogoutRequest::default())).await.unwrap();
    assert_eq!(answer.into_inner().revoked_count, 1);
    assert_eq!(reason(&world.authenticate(&phone.token).await.unwrap_err()), "TOKEN_INVALID");
    world.authenticate(&laptop.token).await.unwrap();
    assert_eq!(world.audited("roster.session.v1.SessionService/Logout").await, 1);
}

#[tokio::test]
async fn it_is_safe_to_repeat() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    let named = LogoutRequest { request_id: "0190b5a0-0000-7000-8000-000000000001".to_owned() };
    let first = world.own().logout(ann.says(named.clone())).await.unwrap().into_inner();
    let again = world.own().logout(ann.says(named)).await.unwrap().into_inner();
    assert_eq!(first, again);
    let unnamed = world.own().logout(ann.says(LogoutRequest::default())).await.unwrap();
    assert_eq!(unnamed.into_inner().revoked_count, 0);
    assert_eq!(world.audited("roster.session.v1.SessionService/Logout").await, 1);
}

#[tokio::test]
async fn only_users_log_out() {
    let world = World::new().await;
    let status = world.own().logout(says(&peer(), LogoutRequest::default())).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "USER_REQUIRED");
    let nobody = Caller { actor: Actor::Anonymous, ..peer() };
    let status = world.own().logout(says(&nobody, LogoutRequest::default())).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_malformed_request_id_is_named() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    for request_id in ["x", "0190B5A0-0000-7000-8000-000000000001"] {
        let request = LogoutRequest { request_id: request_id.to_owned() };
        let status = world.own().logout(ann.says(request)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(fields(&status), ["request_id"]);
    }
    world.authenticate(&ann.token).await.unwrap();
}
