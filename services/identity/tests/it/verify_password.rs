use std::{sync::Arc, time::Duration};

use roster_identity::{HashParams, IdentityConfig, PasswordConfig};
use tokio::task::JoinSet;
use tonic::Code;
use tonic_types::StatusExt;

use crate::world::{CHEAP, PASSWORD, Setup, World, refusal};

#[tokio::test]
async fn a_login_moves_its_time_and_nothing_else() {
    let world = World::new().await;
    let before = world.create("alice").await;
    world.clock.advance(Duration::from_mins(1));
    let state = world.verify("Alice", PASSWORD).await.unwrap();
    assert_eq!(state, world.state(&before.user_id).await);
    let after = world.get(&before.user_id).await.unwrap();
    let now = Some(roster_proto::time::to_proto(world.env.now()));
    assert_eq!(after.last_login_time, now);
    assert_eq!((&after.etag, after.update_time), (&before.etag, before.update_time));

    world.clock.advance(Duration::from_hours(24));
    world.verify("alice", PASSWORD).await.unwrap();
    world.verify("alice", PASSWORD).await.unwrap();
    assert_eq!(world.number("SELECT logins FROM activity ORDER BY day LIMIT 1").await, 1);
    assert_eq!(world.number("SELECT logins FROM activity ORDER BY day DESC LIMIT 1").await, 2);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_look_alike() {
    let world = World::new().await;
    world.create("alice").await;
    let wrong = world.verify("alice", "wrong horse").await.unwrap_err();
    for (username, password) in [
        ("nobody", PASSWORD),
        ("a b", PASSWORD),
        ("x", PASSWORD),
        ("alice ", PASSWORD),
        ("alice", "correct horse "),
        ("alice", "Correct horse"),
    ] {
        let refused = world.verify(username, password).await.unwrap_err();
        assert_eq!(refused.message(), wrong.message());
        assert_eq!(refused.details(), wrong.details());
        let expected = (Code::Unauthenticated, "INVALID_CREDENTIALS".to_owned());
        assert_eq!(refusal(Err::<(), _>(refused)), expected);
    }
    assert_eq!(world.number("SELECT sum(logins) FROM activity").await, 0);
}

#[tokio::test]
async fn a_hash_grows_with_the_parameters_at_the_next_login() {
    let mut world = World::new().await;
    let user = world.create("alice").await;
    let cost = |memory: u32| {
        format!("SELECT count(*) FROM credential WHERE hash LIKE '%$m={memory},t=1,p=1$%'")
    };
    assert_eq!(world.number(&cost(8)).await, 2);
    let dearer = HashParams { memory_kib: 16, ..CHEAP };
    world.restart(&Setup { hash_params: dearer, ..Setup::default() });
    assert!(world.verify("alice", "wrong horse").await.is_err());
    assert_eq!(world.number(&cost(16)).await, 0);
    world.verify("alice", PASSWORD).await.unwrap();
    assert_eq!((world.number(&cost(8)).await, world.number(&cost(16)).await), (1, 1));
    world.verify("alice", PASSWORD).await.unwrap();
    assert_eq!(world.get(&user.user_id).await.unwrap().etag, user.etag);
}

#[tokio::test]
async fn a_flood_of_logins_is_refused_with_a_time_to_come_back() {
    let password = PasswordConfig { hash_threads: 1, hash_queue: 1, ..PasswordConfig::default() };
    let config = IdentityConfig { password, ..IdentityConfig::default() };
    // Dear enough that the queue fills while one hash is computed.
    let hash_params = HashParams { memory_kib: 1_024, iterations: 20, lanes: 1 };
    let world = World::with(Setup { config, hash_params, ..Setup::default() }).await;
    let world = Arc::new(world);
    let mut calls = JoinSet::new();
    for _ in 0..32 {
        let world = Arc::clone(&world);
        calls.spawn(async move { world.verify("root", PASSWORD).await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().any(Result::is_ok));
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!(!refused.is_empty());
    for status in refused {
        assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
        let expected = (Code::ResourceExhausted, "HASH_QUEUE_FULL".to_owned());
        assert_eq!(refusal(Err::<(), _>(status)), expected);
    }
    assert_eq!(world.service.hashes_waiting(), 0);
    world.verify("root", PASSWORD).await.unwrap();
}
