//! Watching and revoking sessions.

use std::time::Duration;

use roster_proto::{
    identity::v1::GetUserRequest,
    session::v1::{
        ListSessionsRequest, LoginRequest, LogoutRequest, RevokeSessionRequest,
        RevokeSessionsRequest, Session, SessionAdminServiceListSessionsRequest,
        SessionAdminServiceRevokeSessionRequest,
    },
    time,
};
use roster_testkit::eventually;
use tonic::Code;

use crate::{
    client::{Client, reason},
    world::{PASSWORD, World},
};

async fn sessions_of(world: &World, user_id: &str) -> Vec<Session> {
    let request = SessionAdminServiceListSessionsRequest {
        user_id: user_id.to_owned(),
        ..Default::default()
    };
    world.admin.all_sessions().list_sessions(request).await.unwrap().into_inner().sessions
}

async fn own(client: &Client) -> Vec<Session> {
    let request = ListSessionsRequest::default();
    client.sessions().list_sessions(request).await.unwrap().into_inner().sessions
}

#[tokio::test]
async fn a_session_shows_when_where_and_by_what_it_was_opened() {
    let world = World::new().await;
    let opened = world.env.now();
    let client = world.create_signed_in("person").await;
    let sessions = sessions_of(&world, &client.user_id).await;
    let [session] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert_eq!(session.create_time, Some(time::to_proto(opened)));
    let expires = opened + chrono::TimeDelta::days(7);
    assert_eq!(session.expire_time, Some(time::to_proto(expires)));
    assert_eq!(session.ip_address, "127.0.0.1");
    assert!(session.user_agent.starts_with("tests/1.0"), "{}", session.user_agent);
    assert_eq!(session.username.as_deref(), Some("person"));
    assert!(!session.is_current);
    assert!(own(&client).await[0].is_current);
}

#[tokio::test]
async fn last_seen_follows_a_session_within_a_minute() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    world.clock.advance(Duration::from_mins(5));
    assert!(client.is_signed_in().await);
    let seen = world.env.now();
    world.clock.advance(Duration::from_mins(1));
    let expected = Some(time::to_proto(seen));
    // Written in the background, soon.
    eventually(async || sessions_of(&world, &client.user_id).await[0].last_seen_time == expected)
        .await;
}

#[tokio::test]
async fn expired_sessions_are_neither_accepted_nor_listed_nor_counted() {
    let world = World::new().await;
    let short = world.create_signed_in("person").await;
    let request = LoginRequest {
        username: "person".to_owned(),
        password: PASSWORD.to_owned(),
        remember_me: true,
    };
    let answer = world.nobody().sessions().login(request).await.unwrap().into_inner();
    let long = world.nobody().with_token(&answer.token, &short.user_id);
    world.clock.advance(Duration::from_hours(7 * 24));
    let world_admin = world.sign_in_with("admin", crate::world::ADMIN_PASSWORD).await;
    assert!(!short.is_signed_in().await);
    assert!(long.is_signed_in().await);
    let request = SessionAdminServiceListSessionsRequest {
        user_id: short.user_id.clone(),
        ..Default::default()
    };
    let list = world_admin.all_sessions().list_sessions(request).await.unwrap();
    assert_eq!(list.into_inner().sessions.len(), 1);
    let request = GetUserRequest { user_id: short.user_id.clone() };
    let user = world_admin.users().get_user(request).await.unwrap().into_inner().user.unwrap();
    assert_eq!(user.statistics.unwrap().active_session_count, Some(1));
    world.clock.advance(Duration::from_hours(23 * 24));
    assert!(!long.is_signed_in().await);
}

#[tokio::test]
async fn logging_out_ends_that_session_only() {
    let world = World::new().await;
    let first = world.create_signed_in("person").await;
    let second = world.sign_in("person").await;
    first.sessions().logout(LogoutRequest::default()).await.unwrap();
    assert!(!first.is_signed_in().await);
    assert!(second.is_signed_in().await);
}

#[tokio::test]
async fn people_see_and_revoke_their_own_sessions_only() {
    let world = World::new().await;
    let first = world.create_signed_in("person").await;
    let second = world.sign_in("person").await;
    let stranger = world.create_signed_in("stranger").await;
    let sessions = own(&first).await;
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|session| !session.is_current).unwrap();
    let request =
        || RevokeSessionRequest { session_id: other.session_id.clone(), ..Default::default() };
    let answer = stranger.sessions().revoke_session(request()).await;
    assert_eq!(reason(answer), (Code::NotFound, "SESSION_NOT_FOUND".to_owned()));
    first.sessions().revoke_session(request()).await.unwrap();
    assert!(!second.is_signed_in().await);
    assert!(first.is_signed_in().await);
}

#[tokio::test]
async fn administrators_revoke_one_session_or_all_of_a_user() {
    let world = World::new().await;
    let clients = [
        world.create_signed_in("person").await,
        world.sign_in("person").await,
        world.sign_in("person").await,
    ];
    let user_id = clients[0].user_id.clone();
    let session_id =
        own(&clients[0]).await.into_iter().find(|it| it.is_current).unwrap().session_id;
    let request = SessionAdminServiceRevokeSessionRequest { session_id, ..Default::default() };
    world.admin.all_sessions().revoke_session(request).await.unwrap();
    assert!(!clients[0].is_signed_in().await);
    let request = |validate_only| RevokeSessionsRequest {
        user_id: user_id.clone(),
        validate_only,
        ..Default::default()
    };
    let counted = world.admin.all_sessions().revoke_sessions(request(true)).await.unwrap();
    assert_eq!(counted.into_inner().revoked_count, 2);
    assert!(clients[1].is_signed_in().await);
    let revoked = world.admin.all_sessions().revoke_sessions(request(false)).await.unwrap();
    assert_eq!(revoked.into_inner().revoked_count, 2);
    for client in &clients {
        assert!(!client.is_signed_in().await);
    }
    assert!(world.admin.is_signed_in().await);
}
