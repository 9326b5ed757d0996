//! Guessing passwords through the front door, from more than one address: the
//! whole of 127.0.0.0/8 is this machine.

use std::net::{IpAddr, Ipv4Addr};

use roster_proto::session::v1::LoginRequest;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    client::Client,
    world::{PASSWORD, World},
};

async fn login(client: &Client, username: &str, password: &str) -> Result<(), Status> {
    let request = LoginRequest {
        username: username.to_owned(),
        password: password.to_owned(),
        ..LoginRequest::default()
    };
    client.sessions().login(request).await.map(drop)
}

/// The reason of the refusal of a guess.
async fn guess(client: &Client, username: &str) -> String {
    reason(&login(client, username, "a guess").await.unwrap_err())
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

async fn at(world: &World, host: u8) -> Client {
    world.client_at(IpAddr::V4(Ipv4Addr::new(127, 0, 7, host))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_victim_signs_in_while_strangers_guess() {
    let world = World::new().await;
    world.create_user("victim").await;
    let home = at(&world, 1).await;
    login(&home, "victim", PASSWORD).await.unwrap();
    let mut refused = 0;
    for host in 100..140 {
        let stranger = at(&world, host).await;
        let answer = guess(&stranger, "victim").await;
        refused += u32::from(answer == "LOGIN_THROTTLED");
        login(&home, "victim", PASSWORD).await.unwrap();
    }
    assert_eq!(refused, 19, "20 go free, and one pays for the next");
    // In the same place, somebody tries everybody else.
    for number in 0..60 {
        guess(&home, &format!("somebody{number}")).await;
    }
    assert_eq!(guess(&home, "somebody").await, "LOGIN_THROTTLED");
    login(&home, "victim", PASSWORD).await.unwrap();
    let status = login(&at(&world, 2).await, "victim", PASSWORD).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_the_same_moment_are_counted_before_they_are_looked_at() {
    let world = World::new().await;
    world.create_user("victim").await;
    let mut guesses = JoinSet::new();
    for _ in 0..48 {
        let stranger = at(&world, 1).await;
        guesses.spawn(async move { guess(&stranger, "victim").await });
    }
    let answers = guesses.join_all().await;
    let looked_at = answers.iter().filter(|answer| *answer == "INVALID_CREDENTIALS").count();
    let refused = answers.iter().filter(|answer| *answer == "LOGIN_THROTTLED").count();
    assert_eq!((looked_at, refused), (11, 37));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_does_not_try_everybody() {
    let world = World::new().await;
    let stranger = at(&world, 1).await;
    for number in 0..51 {
        let name = format!("somebody{number}");
        assert_eq!(guess(&stranger, &name).await, "INVALID_CREDENTIALS");
    }
    assert_eq!(guess(&stranger, "somebody").await, "LOGIN_THROTTLED");
    // It is not the account, and a restart does not make it forgotten.
    assert_eq!(guess(&at(&world, 2).await, "somebody").await, "INVALID_CREDENTIALS");
    let world = world.restart().await;
    assert_eq!(guess(&at(&world, 1).await, "somebody").await, "LOGIN_THROTTLED");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_and_nobody_look_alike() {
    let world = World::new().await;
    world.create_user("somebody").await;
    let mut seen = Vec::new();
    for (host, username) in [(1, "somebody"), (2, "nobody")] {
        let stranger = at(&world, host).await;
        let mut answers = Vec::new();
        for _ in 0..20 {
            let status = login(&stranger, username, "a guess").await.unwrap_err();
            let details = status.details().to_vec();
            answers.push((status.code(), status.message().to_owned(), details));
        }
        seen.push(answers);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0].iter().filter(|it| it.0 == Code::ResourceExhausted).count(), 9);
}
