//! Usernames that people take for one another.

use std::sync::Arc;

use roster_proto::identity::v1::{CreateUserRequest, DeleteUserRequest, RegisterRequest};
use tokio::task::JoinSet;
use tonic::Code;

use crate::world::{PASSWORD, World, anonymous, fields, new_user, refusal, says};

fn named(username: &str) -> CreateUserRequest {
    CreateUserRequest { email: String::new(), ..new_user(username) }
}

fn registration(username: &str) -> RegisterRequest {
    RegisterRequest {
        username: username.to_owned(),
        display_name: "Somebody".to_owned(),
        password: PASSWORD.to_owned(),
        ..RegisterRequest::default()
    }
}

const CONFUSABLE: (Code, &str) = (Code::AlreadyExists, "USERNAME_CONFUSABLE");

#[tokio::test]
async fn a_username_that_looks_like_another_ones_is_refused_with_a_reason() {
    let world = World::new().await;
    for (existing, alike) in [
        ("apple", "аррӏе"),
        ("scope", "ЅСОРЕ"),
        ("mol", "mo1"),
        ("modern", "modem"),
        ("bob0", "bobo"),
        ("admin", "adm\u{131}n"),
        ("oov", "οον"),
    ] {
        world.create_with(named(existing)).await;
        let answer = world.admin().create_user(says(&world.root, named(alike))).await;
        let message = answer.as_ref().unwrap_err().message().to_owned();
        assert!(message.starts_with("Username looks like one that exists"), "{message}");
        let (code, reason) = refusal(answer);
        assert_eq!((code, reason.as_str()), CONFUSABLE, "{alike}");
        let answer = world.account().register(says(&anonymous(), registration(alike))).await;
        let (code, reason) = refusal(answer);
        assert_eq!((code, reason.as_str()), CONFUSABLE, "{alike}");
        // The same name is taken, not alike.
        let answer = world.admin().create_user(says(&world.root, named(existing))).await;
        assert_eq!(refusal(answer), (Code::AlreadyExists, "USERNAME_TAKEN".to_owned()));
    }
}

#[tokio::test]
async fn a_username_that_misleads_by_itself_is_an_invalid_one() {
    let world = World::new().await;
    for username in ["раураl", "αdmin", "ɑdmin", "भारत1२", "jose\u{301}\u{301}"] {
        let answer = world.admin().create_user(says(&world.root, named(username))).await;
        assert_eq!(fields(answer), ["username"], "{username}");
        let answer = world.account().register(says(&anonymous(), registration(username))).await;
        assert_eq!(fields(answer), ["username"], "{username}");
    }
}

#[tokio::test]
async fn a_deletion_frees_what_looks_the_same() {
    let world = World::new().await;
    let user_id = world.create("mol").await.user_id;
    let request = DeleteUserRequest { user_id, ..DeleteUserRequest::default() };
    world.admin().delete_user(says(&world.root, request)).await.unwrap();
    world.create_with(named("mo1")).await;
}

#[tokio::test]
async fn who_had_a_misleading_name_before_goes_on_signing_in() {
    let world = World::new().await;
    let user_id = world.create("pal").await.user_id;
    world.execute("UPDATE \"user\" SET username = 'раl' WHERE username = 'pal'").await;
    assert_eq!(world.verify("РАL", PASSWORD).await.unwrap().user_id, user_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_names_that_look_alike_one_is_given() {
    let world = Arc::new(World::new().await);
    let mut calls = JoinSet::new();
    for number in 0..16_u32 {
        // l and 1 in all four places.
        let letter = |bit: u32| if number >> bit & 1 == 1 { '1' } else { 'l' };
        let username: String = ['x'].into_iter().chain((0..4).map(letter)).collect();
        let world = Arc::clone(&world);
        calls.spawn(async move {
            world.admin().create_user(says(&world.root, named(&username))).await.map(drop)
        });
    }
    let answers = calls.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refused in answers.into_iter().filter(Result::is_err) {
        assert_eq!(refusal(refused).1, "USERNAME_CONFUSABLE");
    }
}
