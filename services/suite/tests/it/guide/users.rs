//! Creating and viewing users.

use roster_proto::identity::v1::{
    CreateUserRequest, GetProfileRequest, GetUserRequest, ListUsersRequest, UpdateUserRequest,
};
use tonic::Code;

use crate::{
    client::{reason, refusal},
    world::{PASSWORD, World, person},
};

#[tokio::test]
async fn new_users_can_log_in_at_once() {
    let world = World::new().await;
    for number in 0..5 {
        let username = format!("person-{number}");
        world.create_user(&username).await;
        assert!(world.sign_in(&username).await.is_signed_in().await);
    }
}

#[tokio::test]
async fn a_created_user_is_as_it_was_asked_for() {
    let world = World::new().await;
    let user = world
        .create(CreateUserRequest {
            username: "Ada.Lovelace".to_owned(),
            display_name: "Ada Lovelace".to_owned(),
            email: "ada@example.com".to_owned(),
            ..person()
        })
        .await;
    assert_eq!(user.username, "ada.lovelace");
    assert_eq!(user.display_name, "Ada Lovelace");
    assert_eq!(user.email, "ada@example.com");
    assert!(!user.is_admin && !user.disabled && !user.password_change_required);
    assert_eq!(user.create_time, Some(roster_proto::time::to_proto(world.env.now())));
    assert_eq!(user.last_login_time, None);
    let request = GetUserRequest { user_id: user.user_id.clone() };
    let read = world.admin.users().get_user(request).await.unwrap().into_inner().user.unwrap();
    assert_eq!((&read.etag, &read.username), (&user.etag, &user.username));
}

#[tokio::test]
async fn usernames_are_unique_whatever_their_case() {
    let world = World::new().await;
    world.create_user("taken").await;
    for username in ["taken", "TAKEN", "Taken"] {
        let request = CreateUserRequest { username: username.to_owned(), ..person() };
        let (code, reason, message) = refusal(world.admin.users().create_user(request).await);
        assert_eq!((code, reason.as_str()), (Code::AlreadyExists, "USERNAME_TAKEN"));
        assert_eq!(message, "Username already exists");
    }
}

#[tokio::test]
async fn only_administrators_get_in() {
    let world = World::new().await;
    let user = world.create_signed_in("regular").await;
    let request = || CreateUserRequest { username: "another".to_owned(), ..person() };
    let (code, reason_, message) = refusal(user.users().create_user(request()).await);
    assert_eq!((code, reason_.as_str()), (Code::PermissionDenied, "ADMIN_REQUIRED"));
    assert_eq!(message, "Admin access required");
    let nobody = world.nobody().users().create_user(request()).await;
    assert_eq!(reason(nobody), (Code::Unauthenticated, "UNAUTHENTICATED".to_owned()));
    world.admin.users().create_user(request()).await.unwrap();
}

#[tokio::test]
async fn the_rules_for_fields_hold() {
    let world = World::new().await;
    let too_long = "x".repeat(51);
    let long_name = "x".repeat(101);
    let wrong: [(&str, CreateUserRequest); 7] = [
        ("username", CreateUserRequest { username: "ab".to_owned(), ..person() }),
        ("username", CreateUserRequest { username: too_long, ..person() }),
        ("username", CreateUserRequest { username: "with space".to_owned(), ..person() }),
        ("display_name", named("okay", |it| it.display_name.clear())),
        ("display_name", named("okay", |it| it.display_name.clone_from(&long_name))),
        ("email", named("okay", |it| "no address".clone_into(&mut it.email))),
        ("password", named("okay", |it| "short".clone_into(&mut it.password))),
    ];
    for (field, request) in wrong {
        let status = world.admin.users().create_user(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{field}");
        let details = tonic_types::StatusExt::get_error_details(&status);
        let violations = &details.bad_request().unwrap().field_violations;
        assert_eq!(violations.len(), 1, "{violations:?}");
        assert_eq!(violations[0].field, field);
    }
    for username in ["abc", &"x".repeat(50), "ÄÖÜ"] {
        world.create_user(username).await;
    }
}

fn named(username: &str, change: impl FnOnce(&mut CreateUserRequest)) -> CreateUserRequest {
    let mut request = CreateUserRequest { username: username.to_owned(), ..person() };
    change(&mut request);
    request
}

#[tokio::test]
async fn users_are_listed_newest_first_with_statistics() {
    let world = World::new().await;
    for name in ["first", "second", "third"] {
        world.clock.advance(std::time::Duration::from_secs(1));
        world.create_user(name).await;
    }
    world.sign_in("second").await;
    let list = world.admin.users().list_users(ListUsersRequest::default()).await.unwrap();
    let users = list.into_inner().users;
    let names: Vec<_> = users.iter().map(|user| user.username.as_str()).collect();
    assert_eq!(names, ["third", "second", "first", "admin"]);
    let counts: Vec<_> = users
        .iter()
        .map(|user| {
            let statistics = user.statistics.unwrap();
            (statistics.persona_count, statistics.active_session_count, statistics.api_key_count)
        })
        .collect();
    let none = (Some(0), Some(0), Some(0));
    let one = (Some(0), Some(1), Some(0));
    assert_eq!(counts, [none, one, none, one]);
}

#[tokio::test]
async fn administrators_can_be_created_and_are_administrators_at_once() {
    let world = World::new().await;
    let second = world.create_admin("second").await;
    second.users().list_users(ListUsersRequest::default()).await.unwrap();
}

#[tokio::test]
async fn a_login_is_noted_and_is_no_edit() {
    let world = World::new().await;
    let user = world.create_user("person").await;
    world.clock.advance(std::time::Duration::from_mins(1));
    let client = world.sign_in("person").await;
    let profile = client.account().get_profile(GetProfileRequest {}).await.unwrap();
    let now = profile.into_inner().user.unwrap();
    assert_eq!(now.last_login_time, Some(roster_proto::time::to_proto(world.env.now())));
    assert_eq!((now.etag, now.update_time), (user.etag, user.update_time));
}

#[tokio::test]
async fn the_same_request_again_gets_the_first_answer() {
    let world = World::new().await;
    let request_id = world.env.uuid().to_string();
    let request = CreateUserRequest {
        username: "once".to_owned(),
        request_id: request_id.clone(),
        ..person()
    };
    let first = world.create(request.clone()).await;
    let edit = UpdateUserRequest {
        user_id: first.user_id.clone(),
        display_name: Some("Edited".to_owned()),
        ..UpdateUserRequest::default()
    };
    world.admin.users().update_user(edit).await.unwrap();
    assert_eq!(world.create(request.clone()).await, first);
    let other = CreateUserRequest { username: "other".to_owned(), ..request };
    let answer = world.admin.users().create_user(other).await;
    assert_eq!(reason(answer), (Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned()));
    world.clock.advance(std::time::Duration::from_hours(25));
    let admin = world.sign_in_with("admin", crate::world::ADMIN_PASSWORD).await;
    let late = CreateUserRequest {
        username: "once".to_owned(),
        request_id,
        password: PASSWORD.to_owned(),
        ..person()
    };
    let answer = admin.users().create_user(late).await;
    assert_eq!(reason(answer), (Code::AlreadyExists, "USERNAME_TAKEN".to_owned()));
}
