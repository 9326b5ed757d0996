use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use roster_kernel::{Actor, Caller, MachineActor, MachineTokenId};
use roster_participant::Role;
use roster_proto::{
    session::v1::{RevokeSessionsRequest, SessionAdminServiceRevokeSessionRequest},
    time::to_proto,
};
use roster_testkit::{StopAt, epoch};
use tonic::{Code, Status};

use crate::world::{DAY, SignedIn, World, fields, peer, reason, says};

const METHOD: &str = "roster.session.v1.SessionAdminService/RevokeSessions";

async fn revoke(
    world: &World,
    admin: &SignedIn,
    request: RevokeSessionsRequest,
) -> Result<i64, Status> {
    Ok(world.admin().revoke_sessions(admin.says(request)).await?.into_inner().revoked_count)
}

fn of(user: &SignedIn) -> RevokeSessionsRequest {
    RevokeSessionsRequest { user_id: user.user_id.to_string(), ..Default::default() }
}

fn everybody() -> RevokeSessionsRequest {
    RevokeSessionsRequest { all: true, ..Default::default() }
}

#[tokio::test]
async fn all_sessions_of_a_user_end() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    let phone = world.signed_in("ann").await;
    let laptop = world.log_in("ann").await;
    let ben = world.signed_in("ben").await;
    assert_eq!(revoke(&world, &root, of(&phone)).await.unwrap(), 2);
    for ended in [&phone, &laptop] {
        let status = world.authenticate(&ended.token).await.unwrap_err();
        assert_eq!(reason(&status), "TOKEN_INVALID");
    }
    world.authenticate(&ben.token).await.unwrap();
    assert_eq!(revoke(&world, &root, of(&phone)).await.unwrap(), 0, "none is no error");
    assert_eq!(world.audited(METHOD).await, 1);
}

#[tokio::test]
async fn filters_are_those_of_the_list() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    world.user("ann");
    world.advance(Duration::from_mins(1));
    let office = world.log_in_from("ann", "192.0.2.9").await;
    world.advance(Duration::from_mins(1));
    let home = world.log_in_from("ann", "2001:db8::1").await;
    let by_address =
        RevokeSessionsRequest { ip_address: "::ffff:192.0.2.9".to_owned(), ..Default::default() };
    assert_eq!(revoke(&world, &root, by_address).await.unwrap(), 1);
    assert!(world.authenticate(&office.token).await.is_err());
    let at = |seconds| Some(to_proto(epoch() + TimeDelta::seconds(seconds)));
    let earlier = RevokeSessionsRequest {
        create_time_from: at(60),
        create_time_before: at(120),
        ..Default::default()
    };
    assert_eq!(revoke(&world, &root, earlier).await.unwrap(), 0);
    world.authenticate(&home.token).await.unwrap();
}

#[tokio::test]
async fn all_must_be_said_and_excludes_filters() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    let both = RevokeSessionsRequest { all: true, ..of(&root) };
    for request in [RevokeSessionsRequest::default(), both] {
        let status = revoke(&world, &root, request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(fields(&status), ["all"]);
    }
    let bad = RevokeSessionsRequest {
        user_id: "x".to_owned(),
        ip_address: "x".to_owned(),
        request_id: "x".to_owned(),
        ..Default::default()
    };
    let status = revoke(&world, &root, bad).await.unwrap_err();
    assert_eq!(fields(&status), ["user_id", "ip_address", "request_id"]);
    assert_eq!(world.rows().await, 1);
}

#[tokio::test]
async fn the_current_session_is_spared_unless_included() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    let other = world.log_in("root").await;
    let ann = world.signed_in("ann").await;
    let preview = RevokeSessionsRequest { validate_only: true, ..everybody() };
    assert_eq!(revoke(&world, &root, preview).await.unwrap(), 2);
    world.authenticate(&ann.token).await.unwrap();
    assert_eq!(revoke(&world, &root, everybody()).await.unwrap(), 2);
    world.authenticate(&root.token).await.unwrap();
    assert!(world.authenticate(&other.token).await.is_err());
    let me_too = RevokeSessionsRequest { include_current: true, ..of(&root) };
    assert_eq!(revoke(&world, &root, me_too).await.unwrap(), 1);
    assert!(world.authenticate(&root.token).await.is_err());
}

#[tokio::test]
async fn more_than_a_batch_is_gone_when_it_answers() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    let ann = world.signed_in("ann").await;
    world.multiply(601).await;
    let named = RevokeSessionsRequest {
        request_id: "0190b5a0-0000-7000-8000-000000000001".to_owned(),
        ..of(&ann)
    };
    assert_eq!(revoke(&world, &root, named.clone()).await.unwrap(), 601);
    assert_eq!(world.rows().await, 601, "those of the administrator");
    assert_eq!(world.audited(METHOD).await, 2, "one record for each batch");
    assert_eq!(revoke(&world, &root, named.clone()).await.unwrap(), 601, "the first answer");
    let other = RevokeSessionsRequest { user_id: root.user_id.to_string(), ..named };
    let status = revoke(&world, &root, other).await.unwrap_err();
    assert_eq!(reason(&status), "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn expired_sessions_are_not_counted() {
    let world = World::new().await;
    world.signed_in("ann").await;
    world.advance(7 * DAY);
    let root = world.signed_in_admin().await;
    let ann = world.log_in("ann").await;
    assert_eq!(revoke(&world, &root, of(&ann)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_role_that_was_lost_meanwhile_counts() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    let ann = world.signed_in("ann").await;
    world.identity.change("root", |it| it.role = Role::User);
    world.announce().await;
    for validate_only in [false, true] {
        let request = RevokeSessionsRequest { validate_only, ..of(&ann) };
        let status = revoke(&world, &root, request).await.unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied);
        assert_eq!(reason(&status), "ADMIN_REQUIRED");
        assert_eq!(status.message(), "Admin access required");
    }
    world.authenticate(&ann.token).await.unwrap();
}

/// A program with a token that `issuer` has issued.
fn machine(world: &World, issuer: &SignedIn) -> Caller {
    let actor = Actor::Machine(MachineActor {
        token_id: MachineTokenId::generate(&world.env),
        issuer_id: issuer.user_id,
        read_only: false,
        is_admin: true,
        password_change_required: false,
    });
    Caller { actor, ..issuer.caller.clone() }
}

#[tokio::test]
async fn a_program_is_asked_for_its_issuers_role_and_a_service_for_none() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    let ann = world.signed_in("ann").await;
    let machine = machine(&world, &root);
    let revoked = world.admin().revoke_sessions(says(&machine, of(&ann))).await.unwrap();
    assert_eq!(revoked.into_inner().revoked_count, 1);
    // Its issuer's session is no session of its own, which would be spared.
    let count = RevokeSessionsRequest { validate_only: true, ..everybody() };
    let counted = world.admin().revoke_sessions(says(&machine, count.clone())).await.unwrap();
    assert_eq!(counted.into_inner().revoked_count, 1);

    world.identity.change("root", |it| it.role = Role::User);
    world.announce().await;
    let status = world.admin().revoke_sessions(says(&machine, of(&ann))).await.unwrap_err();
    assert_eq!(reason(&status), "ADMIN_REQUIRED");
    let session_id = root.id();
    let one = SessionAdminServiceRevokeSessionRequest { session_id, ..Default::default() };
    let status = world.admin().revoke_session(says(&machine, one.clone())).await.unwrap_err();
    assert_eq!(reason(&status), "ADMIN_REQUIRED");
    world.admin().revoke_session(says(&peer(), one)).await.unwrap();
    let counted = world.admin().revoke_sessions(says(&peer(), count)).await.unwrap();
    assert_eq!(counted.into_inner().revoked_count, 0);
}

#[tokio::test]
async fn a_revocation_that_is_cut_short_has_ended_whole_batches() {
    let stop = Arc::new(StopAt::new("revoke_sessions.batch", 0));
    let world = World::watched_by(stop.clone()).await;
    let root = world.signed_in_admin().await;
    let ann = world.signed_in("ann").await;
    world.multiply(1_201).await;
    tokio::select! {
        answer = revoke(&world, &root, of(&ann)) => panic!("not cut short: {answer:?}"),
        () = stop.stopped() => {}
    }
    let left = RevokeSessionsRequest { validate_only: true, ..of(&ann) };
    assert_eq!(revoke(&world, &root, left).await.unwrap(), 701);
    assert_eq!(world.audited(METHOD).await, 1, "what has been done is on record");
}

#[tokio::test]
async fn a_time_that_no_calendar_has_ends_nobodys_sessions() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    let ann = world.signed_in("ann").await;
    // Milliseconds where seconds are meant.
    let moment = prost_types::Timestamp { seconds: 1_700_000_000_000, nanos: 0 };
    let request = RevokeSessionsRequest { create_time_from: Some(moment), ..Default::default() };
    let status = revoke(&world, &root, request).await.unwrap_err();
    assert_eq!(fields(&status), ["create_time_from"]);
    world.authenticate(&ann.token).await.unwrap();
}
