use roster_proto::{
    identity::v1::CreateUserRequest,
    subject::v1::{Role, State},
};
use tonic::Code;

use crate::world::{PASSWORD, World, fields, new_user, refusal, request_id, says};

#[tokio::test]
async fn a_new_user_is_as_asked_and_can_sign_in() {
    let world = World::new().await;
    let request =
        CreateUserRequest { is_admin: true, password_change_required: true, ..new_user("Alice") };
    let user = world.create_with(request).await;
    assert_eq!(user.username, "alice");
    assert_eq!(user.display_name, "ALICE");
    assert_eq!(user.email, "Alice@example.org");
    assert!(user.is_admin && user.password_change_required && !user.disabled);
    assert_eq!(user.create_time, user.update_time);
    assert!(user.last_login_time.is_none() && !user.etag.is_empty());
    assert_eq!(world.get(&user.user_id).await.unwrap(), user);

    let state = world.verify("ALICE", PASSWORD).await.unwrap();
    assert_eq!(state.user_id, user.user_id);
    assert_eq!((state.role(), state.state()), (Role::Admin, State::Active));
    assert!(state.password_change_required);
    assert_eq!(state, world.state(&user.user_id).await);
}

#[tokio::test]
async fn a_username_is_given_once() {
    let world = World::new().await;
    world.create("alice").await;
    for same in ["alice", "ALICE", "ａｌｉｃｅ"] {
        let request = CreateUserRequest { email: String::new(), ..new_user(same) };
        let answer = world.admin().create_user(says(&world.root, request)).await;
        assert_eq!(answer.as_ref().unwrap_err().message(), "Username already exists");
        assert_eq!(refusal(answer), (Code::AlreadyExists, "USERNAME_TAKEN".to_owned()));
    }
    assert_eq!(world.number("SELECT count(*) FROM \"user\"").await, 2);
    assert_eq!(world.number("SELECT count(*) FROM ledger").await, 2);
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let world = World::new().await;
    let request = CreateUserRequest {
        username: "a b".to_owned(),
        email: "nowhere".to_owned(),
        password: "12345".to_owned(),
        request_id: "x".to_owned(),
        ..CreateUserRequest::default()
    };
    let answer = world.admin().create_user(says(&world.root, request)).await;
    let expected = ["request_id", "username", "display_name", "email", "password"];
    assert_eq!(fields(answer), expected);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let world = World::new().await;
    let request = CreateUserRequest { request_id: request_id(1), ..new_user("alice") };
    let first = world.create_with(request.clone()).await;
    assert_eq!(world.create_with(request.clone()).await, first);
    let other = CreateUserRequest { display_name: "Other".to_owned(), ..request };
    let answer = world.admin().create_user(says(&world.root, other)).await;
    assert_eq!(refusal(answer), (Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned()));
}

#[tokio::test]
async fn what_is_kept_of_a_repetition_holds_no_password() {
    let world = World::new().await;
    let request = CreateUserRequest { request_id: request_id(1), ..new_user("alice") };
    world.create_with(request).await;
    assert_eq!(world.number("SELECT count(*) FROM replay").await, 1);
    let holding = format!(
        "SELECT count(*) FROM replay WHERE CAST(answer AS text) LIKE '%{PASSWORD}%' \
         OR CAST(answer AS text) LIKE '%argon2%'"
    );
    assert_eq!(world.number(&holding).await, 0);
}

#[tokio::test]
async fn who_is_no_administrator_any_more_creates_nobody() {
    let world = World::new().await;
    let user = world.create("alice").await;
    // The edge saw an administrator; the role has been lost since.
    let caller = world.caller_of(&user.user_id, true);
    let answer = world.admin().create_user(says(&caller, new_user("mallory"))).await;
    assert_eq!(answer.as_ref().unwrap_err().message(), "Admin access required");
    assert_eq!(refusal(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
}

#[tokio::test]
async fn every_creation_is_audited_and_counted() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let audited = format!(
        "SELECT count(*) FROM audit_event WHERE target = '{}' AND method LIKE '%/CreateUser'",
        user.user_id
    );
    assert_eq!(world.number(&audited).await, 1);
    assert_eq!(world.number("SELECT sign_ups FROM activity").await, 2);
}
