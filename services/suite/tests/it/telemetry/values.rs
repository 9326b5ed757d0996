//! What a scrape says is what has happened.

use std::time::Duration;

use roster_proto::{
    identity::v1::{DeleteUserRequest, DisableUserRequest},
    session::v1::LoginRequest,
};
use roster_testkit::rest;
use tonic::Code;

use crate::{
    binary::PATIENCE,
    client::Client,
    oversight::create_persona,
    world::{PASSWORD, World},
};

/// Lets time pass until a scrape holds all of `lines`.
async fn shown(world: &World, lines: &[&str]) {
    let scrape = || world.suite.scrape();
    let missing = || {
        let scrape = scrape();
        lines.iter().find(|line| !scrape.lines().any(|it| it == **line)).copied()
    };
    let found = async {
        while missing().is_some() {
            world.clock.advance(Duration::from_secs(15));
            rest().await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    assert!(found.is_ok(), "{:?}: {}", missing(), scrape());
}

async fn refused(client: &Client, username: &str, password: &str) -> Code {
    let (username, password) = (username.to_owned(), password.to_owned());
    let request = LoginRequest { username, password, ..LoginRequest::default() };
    client.sessions().login(request).await.unwrap_err().code()
}

#[tokio::test]
async fn users_sessions_logins_and_erasures_are_counted() {
    let world = World::new().await;
    let mara = world.create_signed_in("mara").await;
    create_persona(&mara, "Field ecologist").await;
    let june = world.create_user("june").await;
    let request = DisableUserRequest { user_id: june.user_id, ..Default::default() };
    world.drive(world.admin.users().disable_user(request)).await.unwrap();
    assert_eq!(refused(&world.nobody(), "june", PASSWORD).await, Code::PermissionDenied);
    // Ten go free, and one pays for the next.
    for _ in 0..11 {
        assert_eq!(refused(&world.nobody(), "mara", "a guess").await, Code::Unauthenticated);
    }
    assert_eq!(refused(&world.nobody(), "mara", "a guess").await, Code::ResourceExhausted);
    shown(
        &world,
        &[
            r#"roster_login_attempts_total{roster_outcome="opened"} 2"#,
            r#"roster_login_attempts_total{roster_outcome="disabled"} 1"#,
            r#"roster_login_attempts_total{roster_outcome="wrong_credentials"} 11"#,
            r#"roster_login_attempts_total{roster_outcome="throttled"} 1"#,
            r#"roster_login_attempts_total{roster_outcome="failed"} 0"#,
            r#"roster_users{roster_state="active"} 2"#,
            r#"roster_users{roster_state="disabled"} 1"#,
            "roster_sessions_active 2",
            // Three passwords that were set, and those that were looked at.
            "roster_hash_duration_seconds_count 17",
            "roster_hash_wait_duration_seconds_count 17",
        ],
    )
    .await;

    let request = DeleteUserRequest { user_id: mara.user_id.clone(), ..Default::default() };
    world.drive(world.admin.users().delete_user(request)).await.unwrap();
    world.settle().await;
    shown(
        &world,
        &[
            r#"roster_erasure_rows_total{roster_kind="personas",roster_service="persona"} 1"#,
            r#"roster_erasure_rows_total{roster_kind="sessions",roster_service="session"} 1"#,
            r#"roster_users{roster_state="active"} 1"#,
            "roster_sessions_active 1",
            "roster_outbox_events 0",
        ],
    )
    .await;
}
