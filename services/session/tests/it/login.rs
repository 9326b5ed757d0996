use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use roster_kernel::{Actor, Caller, Origin, ServiceName};
use roster_participant::State;
use roster_proto::{
    session::v1::{ListSessionsRequest, LoginRequest},
    time::from_proto,
};
use roster_server::{Refusal, Upstream};
use roster_testkit::epoch;
use tonic::Code;
use tonic_types::StatusExt;

use crate::{
    identity::FakeIdentity,
    world::{World, credentials, fields, reason, says, somebody_at},
};

fn stranger() -> Caller {
    Caller {
        actor: Actor::Anonymous,
        origin: Origin { address: None, user_agent: String::new() },
        correlation_id: String::new(),
    }
}

#[tokio::test]
async fn a_login_opens_a_session_for_a_week() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    let session = &ann.session;
    assert_eq!(session.user_id, ann.user_id.to_string());
    assert_eq!(from_proto(session.create_time.unwrap()), Some(epoch()));
    assert_eq!(from_proto(session.expire_time.unwrap()), Some(epoch() + TimeDelta::days(7)));
    assert_eq!(session.last_seen_time, session.create_time);
    assert_eq!(session.ip_address, "192.0.2.1");
    assert_eq!(session.user_agent, "a test");
    assert!(session.is_current);
    assert_eq!(world.authenticate(&ann.token).await.unwrap().session_id, session.session_id);
    assert_eq!(world.audited("roster.session.v1.SessionService/Login").await, 1);
}

#[tokio::test]
async fn remember_me_opens_one_for_thirty_days() {
    let world = World::new().await;
    world.user("ann");
    let request = LoginRequest { remember_me: true, ..credentials("ann") };
    let opened = world.try_log_in(&stranger(), request).await.unwrap();
    let expires = opened.session.unwrap().expire_time.unwrap();
    assert_eq!(from_proto(expires), Some(epoch() + TimeDelta::days(30)));
}

#[tokio::test]
async fn the_token_is_shown_once_and_kept_nowhere() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    let bits = ann.token.strip_prefix("rst_").unwrap();
    assert_eq!(bits.len(), 43, "256 bits in base64 without padding");
    assert!(bits.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    let listed = world.own().list_sessions(ann.says(ListSessionsRequest::default())).await.unwrap();
    assert!(!format!("{listed:?}").contains(bits));
    let raw = URL_SAFE_NO_PAD.decode(bits).unwrap();
    let kept = &world.temp;
    assert!(kept.holds(ann.user_id.uuid().as_bytes()).await, "the session itself is found");
    assert!(!kept.holds(bits.as_bytes()).await);
    assert!(!kept.holds(&raw).await);
}

#[tokio::test]
async fn refusals_of_identity_pass_with_their_details() {
    let world = World::new().await;
    world.user("ann");
    let wrong = LoginRequest { password: "wrong".to_owned(), ..credentials("ann") };
    let status = world.try_log_in(&stranger(), wrong).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(reason(&status), "INVALID_CREDENTIALS");
    assert_eq!(status.message(), "Not this way");

    let full = Refusal::new(Code::ResourceExhausted, "HASH_QUEUE_FULL", "Too many")
        .retry_after(Duration::from_secs(3));
    *world.identity.refuse_with.lock().unwrap() = Some(full.into());
    let status = world.try_log_in(&stranger(), credentials("ann")).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(reason(&status), "HASH_QUEUE_FULL");
    let retry = status.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(retry, Some(Duration::from_secs(3)));

    // What passes between the services is not the client's business.
    let inner = Refusal::new(Code::PermissionDenied, "INTERNAL_ONLY", "Not for you");
    *world.identity.refuse_with.lock().unwrap() = Some(inner.into());
    let status = world.try_log_in(&stranger(), credentials("ann")).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert_eq!(reason(&status), "INTERNAL");
    assert_eq!(world.rows().await, 0);
    assert_eq!(world.audited("roster.session.v1.SessionService/Login").await, 0);
}

#[tokio::test]
async fn without_identity_there_is_no_login() {
    let (upstream, _connect) = Upstream::in_process();
    let world = World::with_upstream(Arc::new(FakeIdentity::default()), upstream).await;
    let status = world.try_log_in(&stranger(), credentials("ann")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(reason(&status), "IDENTITY_UNAVAILABLE");
}

#[tokio::test]
async fn identity_is_asked_by_the_service_for_the_caller_within_the_deadline() {
    let world = World::new().await;
    world.user("ann");
    let caller = Caller {
        origin: Origin {
            address: Some("2001:db8::7".parse().unwrap()),
            user_agent: "phone".to_owned(),
        },
        correlation_id: "call-7".to_owned(),
        ..stranger()
    };
    let mut request = says(&caller, credentials("ann"));
    request.set_timeout(Duration::from_secs(4));
    world.own().login(request).await.unwrap();
    let (asked, timeout) = world.identity.asked.lock().unwrap()[0].clone();
    assert_eq!(asked.actor, Actor::Service(ServiceName::parse("session").unwrap()));
    assert_eq!(asked.origin, caller.origin);
    assert_eq!(asked.correlation_id, "call-7");
    assert_eq!(timeout.as_deref(), Some("4000000u"));
}

#[tokio::test]
async fn all_bad_fields_are_named_at_once() {
    let world = World::new().await;
    let empty = world.try_log_in(&stranger(), LoginRequest::default()).await.unwrap_err();
    assert_eq!(empty.code(), Code::InvalidArgument);
    assert_eq!(fields(&empty), ["username", "password"]);
    let long =
        LoginRequest {
            username: "é".repeat(513), password: "x".repeat(1_025), remember_me: false
        };
    let long = world.try_log_in(&stranger(), long).await.unwrap_err();
    assert_eq!(fields(&long), ["username", "password"]);
    assert!(world.identity.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_disabled_user_is_told_so_with_the_right_password_only() {
    let world = World::new().await;
    world.user("ann");
    world.identity.change("ann", |it| it.state = State::Disabled);
    let status = world.try_log_in(&stranger(), credentials("ann")).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(reason(&status), "USER_DISABLED");
    let wrong = LoginRequest { password: "wrong".to_owned(), ..credentials("ann") };
    let status = world.try_log_in(&stranger(), wrong).await.unwrap_err();
    assert_eq!(reason(&status), "INVALID_CREDENTIALS");
    assert_eq!(world.rows().await, 0);
}

#[tokio::test]
async fn what_was_verified_before_a_revocation_opens_nothing_after_it() {
    let world = World::new().await;
    world.user("ann");
    let before = world.identity.subject("ann");
    let mut after = before;
    after.version.number += 1;
    after.session_epoch += 1;
    world.hears_meanwhile(after);
    let status = world.try_log_in(&stranger(), credentials("ann")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(reason(&status), "INVALID_CREDENTIALS");
    assert_eq!(world.rows().await, 0);
}

#[tokio::test]
async fn what_was_verified_before_an_edit_still_opens_a_session() {
    let world = World::new().await;
    world.user("ann");
    let mut after = world.identity.subject("ann");
    after.version.number += 1;
    after.password_change_required = true;
    world.hears_meanwhile(after);
    let opened = world.try_log_in(&stranger(), credentials("ann")).await.unwrap();
    assert!(opened.password_change_required, "the newer state counts");
    assert!(world.authenticate(&opened.token).await.unwrap().password_change_required);
}

#[tokio::test]
async fn a_user_disabled_meanwhile_is_refused() {
    let world = World::new().await;
    world.user("ann");
    let mut after = world.identity.subject("ann");
    after.version.number += 1;
    after.session_epoch += 1;
    after.state = State::Disabled;
    world.hears_meanwhile(after);
    let status = world.try_log_in(&stranger(), credentials("ann")).await.unwrap_err();
    assert_eq!(reason(&status), "USER_DISABLED");
    assert_eq!(world.rows().await, 0);
}

#[tokio::test]
async fn a_user_deleted_meanwhile_is_refused_like_an_unknown_one() {
    let world = World::new().await;
    world.user("ann");
    let mut after = world.identity.subject("ann");
    after.version.number += 1;
    after.session_epoch += 1;
    after.state = State::Deleted;
    world.hears_meanwhile(after);
    let status = world.try_log_in(&stranger(), credentials("ann")).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(reason(&status), "INVALID_CREDENTIALS");
    assert_eq!(world.rows().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logins_that_race_with_a_deletion_leave_nothing() {
    let world = Arc::new(World::new().await);
    for round in 0..10 {
        let name = format!("user{round}");
        world.user(&name);
        let mut logins = tokio::task::JoinSet::new();
        for number in 0..16 {
            let (world, request) = (Arc::clone(&world), credentials(&name));
            // From here and there: as many at once from one place are guesses.
            let caller = somebody_at(&format!("192.0.2.{}", number % 4));
            logins.spawn(async move { world.try_log_in(&caller, request).await });
        }
        let first = logins.join_next().await.unwrap().unwrap().unwrap();
        world.identity.change(&name, |it| {
            it.state = State::Deleted;
            it.session_epoch += 1;
        });
        world.announce().await;
        let rest = logins.join_all().await;
        let opened = rest.into_iter().filter_map(Result::ok).chain([first]);
        for login in opened {
            let status = world.authenticate(&login.token).await.unwrap_err();
            assert_eq!(reason(&status), "TOKEN_INVALID");
        }
        assert_eq!(world.rows().await, 0, "round {round}");
    }
}

#[tokio::test]
async fn a_user_agent_is_kept_as_data_and_bounded() {
    let world = World::new().await;
    world.user("ann");
    let hostile = format!("<script>\u{202e}\r\n\0'; DROP TABLE session; --{}", "ß".repeat(600));
    let caller =
        Caller { origin: Origin { address: None, user_agent: hostile.clone() }, ..stranger() };
    let opened = world.try_log_in(&caller, credentials("ann")).await.unwrap();
    let session = opened.session.unwrap();
    let kept = hostile.replace('\0', "\u{fffd}");
    assert_eq!(session.user_agent, kept.chars().take(512).collect::<String>());
    assert_eq!(session.ip_address, "");
}
