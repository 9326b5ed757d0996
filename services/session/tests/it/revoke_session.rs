use roster_participant::Role;
use roster_proto::session::v1::{
    RevokeSessionRequest, SessionAdminServiceRevokeSessionRequest as AdminRequest,
};
use tonic::Code;

use crate::world::{DAY, SignedIn, World, fields, reason};

const NAME: &str = "0190b5a0-0000-7000-8000-000000000001";

fn request(session_id: &str) -> RevokeSessionRequest {
    RevokeSessionRequest { session_id: session_id.to_owned(), request_id: String::new() }
}

fn admin_request(session_id: &str) -> AdminRequest {
    AdminRequest { session_id: session_id.to_owned(), request_id: String::new() }
}

async fn is_over(world: &World, session: &SignedIn) -> bool {
    world.authenticate(&session.token).await.is_err_and(|it| reason(&it) == "TOKEN_INVALID")
}

#[tokio::test]
async fn users_end_their_own_sessions_the_current_one_included() {
    let world = World::new().await;
    let phone = world.signed_in("ann").await;
    let laptop = world.log_in("ann").await;
    let answer = world.own().revoke_session(laptop.says(request(&phone.id()))).await.unwrap();
    let session = answer.into_inner().session.unwrap();
    assert_eq!((session.session_id.clone(), session.is_current), (phone.id(), false));
    assert!(is_over(&world, &phone).await);
    let answer = world.own().revoke_session(laptop.says(request(&laptop.id()))).await.unwrap();
    assert!(answer.into_inner().session.unwrap().is_current);
    assert!(is_over(&world, &laptop).await);
    assert_eq!(world.audited("roster.session.v1.SessionService/RevokeSession").await, 2);
}

#[tokio::test]
async fn what_is_not_ones_own_is_not_there() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    let ben = world.signed_in("ben").await;
    let unknown = ann.user_id.to_string();
    for id in [&ben.id(), &unknown] {
        let status = world.own().revoke_session(ann.says(request(id))).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(reason(&status), "SESSION_NOT_FOUND");
    }
    world.authenticate(&ben.token).await.unwrap();
}

#[tokio::test]
async fn an_expired_session_is_not_there() {
    let world = World::new().await;
    let old = world.signed_in("ann").await;
    world.advance(7 * DAY);
    let ann = world.log_in("ann").await;
    let status = world.own().revoke_session(ann.says(request(&old.id()))).await.unwrap_err();
    assert_eq!(reason(&status), "SESSION_NOT_FOUND");
}

#[tokio::test]
async fn bad_fields_are_named() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    let bad = RevokeSessionRequest { session_id: "1".to_owned(), request_id: "2".to_owned() };
    let status = world.own().revoke_session(ann.says(bad)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(fields(&status), ["session_id", "request_id"]);
}

#[tokio::test]
async fn a_named_request_gets_its_first_answer_again() {
    let world = World::new().await;
    let phone = world.signed_in("ann").await;
    let ann = world.log_in("ann").await;
    let named = RevokeSessionRequest { request_id: NAME.to_owned(), ..request(&phone.id()) };
    let first = world.own().revoke_session(ann.says(named.clone())).await.unwrap().into_inner();
    let again = world.own().revoke_session(ann.says(named.clone())).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(world.audited("roster.session.v1.SessionService/RevokeSession").await, 1);

    let other = RevokeSessionRequest { session_id: ann.id(), ..named };
    let status = world.own().revoke_session(ann.says(other)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
    assert_eq!(fields(&status), ["request_id"]);
    world.authenticate(&ann.token).await.unwrap();
}

#[tokio::test]
async fn administrators_end_anybodys() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    let ann = world.signed_in("ann").await;
    let answer = world.admin().revoke_session(root.says(admin_request(&ann.id()))).await;
    assert_eq!(answer.unwrap().into_inner().session.unwrap().session_id, ann.id());
    assert!(is_over(&world, &ann).await);
    let status = world.admin().revoke_session(root.says(admin_request(&ann.id()))).await;
    let status = status.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(reason(&status), "SESSION_NOT_FOUND");
    assert_eq!(world.audited("roster.session.v1.SessionAdminService/RevokeSession").await, 1);
}

#[tokio::test]
async fn a_role_that_was_lost_meanwhile_counts() {
    let world = World::new().await;
    // The edge let the caller in as an administrator.
    let root = world.signed_in_admin().await;
    let ann = world.signed_in("ann").await;
    world.identity.change("root", |it| it.role = Role::User);
    world.announce().await;
    let status = world.admin().revoke_session(root.says(admin_request(&ann.id()))).await;
    let status = status.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "ADMIN_REQUIRED");
    assert_eq!(status.message(), "Admin access required");
    world.authenticate(&ann.token).await.unwrap();
}
