use std::time::Duration;

use prost_types::FieldMask;
use roster_kernel::UserId;
use roster_proto::{
    identity::v1::{UpdateUserRequest, User},
    subject::v1::Role,
};
use tonic::{Code, Status};

use crate::world::{PASSWORD, World, fields, refusal, request_id, says};

async fn update(world: &World, request: UpdateUserRequest) -> Result<User, Status> {
    world.clock.advance(Duration::from_secs(1));
    let answer = world.admin().update_user(says(&world.root, request)).await?;
    Ok(answer.into_inner().user.unwrap())
}

fn of(user: &User) -> UpdateUserRequest {
    UpdateUserRequest { user_id: user.user_id.clone(), ..Default::default() }
}

fn mask(paths: &[&str]) -> FieldMask {
    FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }
}

#[tokio::test]
async fn without_a_mask_the_fields_that_are_set_change() {
    let world = World::new().await;
    let before = world.create("alice").await;
    let request = UpdateUserRequest { display_name: Some("Alice A.".to_owned()), ..of(&before) };
    let after = update(&world, request).await.unwrap();
    assert_eq!(after.display_name, "Alice A.");
    assert_eq!((&after.email, after.is_admin), (&before.email, false));
    assert_ne!(after.etag, before.etag);
    assert!(after.update_time.unwrap().seconds > before.update_time.unwrap().seconds);
    assert_eq!(after.create_time, before.create_time);
    assert_eq!(world.get(&before.user_id).await.unwrap(), after);
    let request = UpdateUserRequest { email: Some(String::new()), ..of(&before) };
    assert_eq!(update(&world, request).await.unwrap().email, "");
    // Nobody else acts upon a profile.
    assert_eq!(world.number("SELECT count(*) FROM outbox_event").await, 0);
}

#[tokio::test]
async fn a_mask_selects_and_clears() {
    let world = World::new().await;
    let before = world.create("alice").await;
    let request = UpdateUserRequest {
        display_name: Some("Ignored".to_owned()),
        is_admin: Some(true),
        update_mask: Some(mask(&["email", "is_admin"])),
        ..of(&before)
    };
    let after = update(&world, request).await.unwrap();
    assert_eq!((after.display_name.as_str(), after.email.as_str()), ("ALICE", ""));
    assert!(after.is_admin);
    let request = UpdateUserRequest { update_mask: Some(mask(&["is_admin"])), ..of(&before) };
    assert!(!update(&world, request).await.unwrap().is_admin);

    let request = UpdateUserRequest { update_mask: Some(mask(&["display_name"])), ..of(&before) };
    assert_eq!(fields(update(&world, request).await), ["display_name"]);
    for odd in [
        "*",
        "username",
        "user_id",
        "create_time",
        "etag",
        "password",
        "disabled",
        "statistics",
        "Email",
        "email.x",
        "",
    ] {
        let request = UpdateUserRequest { update_mask: Some(mask(&["email", odd])), ..of(&before) };
        assert_eq!(fields(update(&world, request).await), ["update_mask"], "{odd}");
    }
}

#[tokio::test]
async fn a_change_of_nothing_changes_nothing() {
    let world = World::new().await;
    let before = world.create("alice").await;
    let request = UpdateUserRequest {
        display_name: Some(before.display_name.clone()),
        is_admin: Some(false),
        ..of(&before)
    };
    assert_eq!(update(&world, request).await.unwrap(), before);
    assert_eq!(world.number("SELECT count(*) FROM outbox_event").await, 0);
}

#[tokio::test]
async fn a_change_is_meant_for_the_state_that_was_seen() {
    let world = World::new().await;
    let before = world.create("alice").await;
    let request = |name: &str| UpdateUserRequest {
        display_name: Some(name.to_owned()),
        etag: before.etag.clone(),
        ..of(&before)
    };
    update(&world, request("First")).await.unwrap();
    let answer = update(&world, request("Second")).await;
    assert_eq!(refusal(answer), (Code::Aborted, "ETAG_MISMATCH".to_owned()));
    assert_eq!(world.get(&before.user_id).await.unwrap().display_name, "First");
}

#[tokio::test]
async fn a_promotion_is_announced_with_a_new_version() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let before = world.state(&user.user_id).await;
    let request = UpdateUserRequest { is_admin: Some(true), ..of(&user) };
    assert!(update(&world, request).await.unwrap().is_admin);
    let after = world.state(&user.user_id).await;
    assert_eq!(after.role(), Role::Admin);
    assert_eq!(after.version.unwrap().number, before.version.unwrap().number + 1);
    assert_eq!(after.session_epoch, before.session_epoch, "sessions stay");
    let kind = "kind = 'roster.event.v1.UserStateChanged'";
    let announced = format!("SELECT count(*) FROM outbox_event WHERE {kind}");
    assert_eq!(world.number(&announced).await, 1);
    // It counts as soon as it has been answered.
    let caller = world.caller_of(&user.user_id, true);
    let request = UpdateUserRequest { display_name: Some("Me".to_owned()), ..of(&user) };
    world.admin().update_user(says(&caller, request)).await.unwrap();
}

#[tokio::test]
async fn a_reset_password_replaces_the_old_one_and_keeps_sessions() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let request = UpdateUserRequest { password: " spaced\0out ".to_owned(), ..of(&user) };
    let after = update(&world, request).await.unwrap();
    assert_ne!(after.etag, user.etag);
    assert!(world.verify("alice", PASSWORD).await.is_err());
    assert!(world.verify("alice", "spaced\0out").await.is_err());
    let state = world.verify("alice", " spaced\0out ").await.unwrap();
    assert_eq!(state.session_epoch, 0);
    // An empty one keeps it, and a short one is refused.
    update(&world, UpdateUserRequest { password: String::new(), ..of(&user) }).await.unwrap();
    world.verify("alice", " spaced\0out ").await.unwrap();
    let answer = update(&world, UpdateUserRequest { password: "short".to_owned(), ..of(&user) });
    assert_eq!(fields(answer.await), ["password"]);
}

#[tokio::test]
async fn sessions_end_when_asked_to() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let request = UpdateUserRequest {
        password: "another one".to_owned(),
        revoke_sessions: true,
        ..of(&user)
    };
    update(&world, request).await.unwrap();
    assert_eq!(world.state(&user.user_id).await.session_epoch, 1);
    let request = UpdateUserRequest { revoke_sessions: true, ..of(&user) };
    update(&world, request).await.unwrap();
    assert_eq!(world.state(&user.user_id).await.session_epoch, 2);
}

#[tokio::test]
async fn there_is_always_an_administrator() {
    let world = World::new().await;
    let root = world.ledger_from(0).await.remove(0);
    let demote =
        UpdateUserRequest { user_id: root.user_id, is_admin: Some(false), ..Default::default() };
    let answer = update(&world, demote.clone()).await;
    assert_eq!(refusal(answer), (Code::FailedPrecondition, "LAST_ADMIN".to_owned()));
    world.create_admin("alice").await;
    // With another one, administrators can demote themselves.
    assert!(!update(&world, demote.clone()).await.unwrap().is_admin);
    let answer = update(&world, demote).await;
    assert_eq!(refusal(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
}

#[tokio::test]
async fn a_repeated_request_changes_once() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let request =
        UpdateUserRequest { revoke_sessions: true, request_id: request_id(1), ..of(&user) };
    let first = update(&world, request.clone()).await.unwrap();
    assert_eq!(update(&world, request).await.unwrap(), first);
    assert_eq!(world.state(&user.user_id).await.session_epoch, 1);
}

#[tokio::test]
async fn unknown_users_are_not_found() {
    let world = World::new().await;
    let user_id = UserId::generate(&world.env).to_string();
    let answer = update(&world, UpdateUserRequest { user_id, ..Default::default() }).await;
    assert_eq!(refusal(answer), (Code::NotFound, "USER_NOT_FOUND".to_owned()));
}
