use std::time::Duration;

use roster_identity::HashParams;
use roster_proto::identity::v1::DisableUserRequest;
use roster_testkit::eventually;
use tonic::Code;

use crate::world::{CHEAP, PASSWORD, Setup, World, fields, refusal, says};

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

/// What an attempt to sign in has cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    jobs: u64,
    blocks: u64,
}

/// Tries to sign in; answers what that has cost and what the refusal was.
async fn attempt(world: &World, username: &str, password: &str) -> (Cost, (Code, String)) {
    let computed = || {
        let statistics = world.service.hash_statistics();
        (statistics.computed, statistics.filled_blocks)
    };
    let before = computed();
    let refused = refusal(world.verify(username, password).await);
    // A thread counts what it has done after it has answered.
    eventually(async || computed().0 > before.0).await;
    let after = computed();
    (Cost { jobs: after.0 - before.0, blocks: after.1 - before.1 }, refused)
}

/// Thousands of attempts of every kind, in every order, over accounts whose
/// hashes were made at different times: what is computed says nothing about
/// who exists. It is counted, not timed: times differ from run to run.
#[tokio::test]
async fn whom_there_is_cannot_be_told_from_what_is_computed() {
    let mut world = World::new().await;
    let costs = [(8, 1), (16, 1), (16, 3), (64, 1), (64, 2)];
    for (memory_kib, iterations) in costs {
        let hash_params = HashParams { memory_kib, iterations, lanes: 1 };
        world.restart(&Setup { hash_params, ..Setup::default() });
        let name = format!("user-{memory_kib}-{iterations}");
        let user = world.create(&name).await;
        if memory_kib == 16 {
            let request = DisableUserRequest { user_id: user.user_id, ..Default::default() };
            world.admin().disable_user(says(&world.root, request)).await.unwrap();
        }
    }
    for name in ["imported", "damaged"] {
        let user = world.create(name).await;
        let stored = match name {
            "imported" => "$2b$12$KIXxPfnK3mJQk1uXqO2h8e1r0a4b5c6d7e8f9g0h1i2j3k4l5m6n7",
            _ => "$argon2id$v=19$m=64,t=2,p=1$",
        };
        let id = world.temp.literal(user.user_id.parse().unwrap());
        world
            .execute(&format!("UPDATE credential SET hash = '{stored}' WHERE user_id = {id}"))
            .await;
    }
    let known: Vec<_> = costs.map(|(memory, passes)| format!("user-{memory}-{passes}")).into();
    let mut names = known.clone();
    names.extend(["imported", "damaged", "nobody", "a b", "x", "\u{202e}"].map(str::to_owned));

    let expected = Cost { jobs: 1, blocks: 128 };
    let wrong = (Code::Unauthenticated, "INVALID_CREDENTIALS".to_owned());
    for round in 0..100 {
        for name in &names {
            for password in ["wrong horse", "\0", &"x".repeat(1_024)] {
                let (cost, refused) = attempt(&world, name, password).await;
                assert_eq!((cost, &refused), (expected, &wrong), "{round}: {name}");
            }
        }
    }
    // The right password of a damaged account is none.
    for name in ["imported", "damaged"] {
        assert_eq!(attempt(&world, name, PASSWORD).await, (expected, wrong.clone()));
    }
    // What no account could have is refused before anybody is looked for.
    let before = world.service.hash_statistics();
    for (password, name) in [("", "user-8-1"), ("", "nobody")] {
        assert_eq!(fields(world.verify(name, password).await), ["password"]);
    }
    let long = "x".repeat(1_025);
    for name in ["user-8-1", "nobody"] {
        assert_eq!(fields(world.verify(name, &long).await), ["password"]);
    }
    assert_eq!(world.service.hash_statistics(), before);
}

#[tokio::test]
async fn hashes_that_cost_more_than_hashes_do_now_are_made_cheaper_as_their_users_sign_in() {
    let dearer = HashParams { memory_kib: 64, iterations: 2, lanes: 1 };
    let mut world = World::with(Setup { hash_params: dearer, ..Setup::default() }).await;
    world.create("alice").await;
    world.restart(&Setup::default());
    let dear = "SELECT count(*) FROM credential WHERE hash LIKE '%$m=64,t=2,p=1$%'";
    assert_eq!(world.number(dear).await, 2);
    world.verify("alice", PASSWORD).await.unwrap();
    assert_eq!(world.number(dear).await, 1);
    world.verify("alice", PASSWORD).await.unwrap();
}
