use std::{sync::Arc, time::Duration};

use roster_throttle::forget;
use tokio::task::JoinSet;

use crate::world::{World, counted};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn waits_grow_with_failures_and_shrink_with_time() {
    let world = World::new().await;
    world.fail(&["a"], 6).await;
    for wait in [1, 2, 4, 8, 16, 32, 60, 60] {
        let told = world.attempt(&["a"]).await.unwrap_err();
        assert_eq!(told, seconds(wait));
        world.clock.advance(seconds(wait - 1) + Duration::from_millis(999));
        assert!(world.attempt(&["a"]).await.is_err());
        world.clock.advance(Duration::from_millis(1));
        world.attempt(&["a"]).await.unwrap();
    }
    world.attempt(&["b"]).await.unwrap();
    // 14 failures, of which 9 are forgotten.
    world.clock.advance(Duration::from_hours(9));
    world.attempt(&["a"]).await.unwrap();
    assert!(world.attempt(&["a"]).await.unwrap_err() <= seconds(2));
}

#[tokio::test]
async fn whoever_comes_back_when_told_to_is_let_in() {
    let world = World::new().await;
    for _ in 0..40 {
        if let Err(wait) = world.attempt(&["a"]).await {
            world.clock.advance(wait);
            world.attempt(&["a"]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_refused_attempt_counts_against_nothing() {
    let world = World::new().await;
    world.fail(&["a"], 6).await;
    for _ in 0..100 {
        world.attempt(&["a", "b"]).await.unwrap_err();
    }
    assert_eq!(world.rows().await, 1);
    world.fail(&["b"], 6).await;
    world.clock.advance(seconds(1));
    world.attempt(&["a"]).await.unwrap();
}

#[tokio::test]
async fn what_is_given_back_is_as_if_it_had_not_been() {
    let world = World::new().await;
    for _ in 0..100 {
        let reservation = world.attempt(&["a", "b"]).await.unwrap();
        world.succeed(&reservation).await;
    }
    assert_eq!(world.rows().await, 0);

    // Somebody's success does not undo somebody else's failures.
    world.fail(&["b"], 5).await;
    let reservation = world.attempt(&["a", "b"]).await.unwrap();
    world.attempt(&["b"]).await.unwrap_err();
    world.succeed(&reservation).await;
    world.fail(&["b"], 1).await;
    world.attempt(&["b"]).await.unwrap_err();
}

#[tokio::test]
async fn what_came_later_stays_blocked_when_something_earlier_is_given_back() {
    let world = World::new().await;
    world.fail(&["a"], 5).await;
    let slow = world.attempt(&["a"]).await.unwrap();
    world.clock.advance(seconds(1));
    world.fail(&["a"], 1).await;
    world.succeed(&slow).await;
    assert!(world.attempt(&["a"]).await.unwrap_err() > seconds(1));
}

#[tokio::test]
async fn what_is_forgotten_on_purpose_begins_anew() {
    let world = World::new().await;
    world.fail(&["a"], 6).await;
    let tx = world.temp.db.begin().await.unwrap();
    forget(&tx, &[counted("a").key]).await.unwrap();
    tx.commit().await.unwrap();
    world.fail(&["a"], 6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attempts_at_the_same_moment_do_not_all_pass() {
    let world = Arc::new(World::new().await);
    let mut attempts = JoinSet::new();
    for number in 0..64 {
        let world = Arc::clone(&world);
        attempts.spawn(async move {
            let names: &[&str] = if number % 2 == 0 { &["a", "b"] } else { &["b", "a"] };
            world.attempt(names).await.is_ok()
        });
    }
    let passed = attempts.join_all().await.into_iter().filter(|passed| *passed).count();
    assert_eq!(passed, 6, "five go free, and a sixth pays for the next one");
}
