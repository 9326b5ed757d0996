//! Nothing can be created behind a deletion's back.

use std::sync::Arc;

use roster_kernel::UserId;
use roster_participant::{State, subjects};

use crate::notes::World;

#[tokio::test]
async fn a_user_never_heard_of_may_be_created_for_until_deleted() {
    let world = World::new().await;
    world.start().await;
    let user = UserId::generate(&world.env);
    assert!(world.create_note(user).await);
    world.publish(&world.deleted(user, 2)).await;
    world.settle().await;
    assert!(!world.create_note(user).await);
    assert_eq!(world.count(user).await, 0);
}

#[tokio::test]
async fn a_deletion_keeps_later_creations_out_even_of_users_never_heard_of() {
    let world = World::new().await;
    world.start().await;
    let user = UserId::generate(&world.env);
    world.publish(&world.deleted(user, 2)).await;
    world.settle().await;
    assert!(!world.create_note(user).await);
}

#[tokio::test]
async fn an_older_state_never_overwrites_a_newer_one() {
    let world = World::new().await;
    world.start().await;
    let user = UserId::generate(&world.env);
    for (number, state) in [(3, State::Disabled), (2, State::Active), (1, State::Active)] {
        world.publish(&world.changed(user, number, state)).await;
        world.settle().await;
    }
    let stored = subjects::find(world.db().read(), user).await.unwrap().unwrap();
    assert_eq!(stored, World::subject(user, 3, State::Disabled));
}

#[tokio::test]
async fn deletion_is_final_in_every_order_of_arrival() {
    for deleted_first in [false, true] {
        for deleted_version in [1, 5] {
            let world = World::new().await;
            world.start().await;
            let user = UserId::generate(&world.env);
            let deleted = world.deleted(user, deleted_version);
            let changed = world.changed(user, 3, State::Active);
            let order = if deleted_first { [&deleted, &changed] } else { [&changed, &deleted] };
            for event in order {
                world.publish(event).await;
                world.settle().await;
            }
            let stored = subjects::find(world.db().read(), user).await.unwrap().unwrap();
            assert_eq!(stored.state, State::Deleted, "{deleted_first} {deleted_version}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn creations_that_race_with_a_deletion_leave_nothing() {
    let world = Arc::new(World::new().await);
    world.start().await;
    for _ in 0..50 {
        let user = UserId::generate(&world.env);
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..8 {
            let world = Arc::clone(&world);
            writers.spawn(async move {
                if writer == 4 {
                    world.publish(&world.deleted(user, 2)).await;
                }
                world.create_note(user).await;
            });
        }
        writers.join_all().await;
        world.settle().await;
        assert_eq!(world.count(user).await, 0);
    }
}
