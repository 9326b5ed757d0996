use std::time::Duration;

use chrono::TimeDelta;
use roster_kernel::Timestamp;
use roster_proto::{session::v1::ListSessionsRequest, time::from_proto};
use roster_testkit::epoch;

use crate::world::{SignedIn, World, eventually};

async fn last_seen(world: &World, of: &SignedIn) -> Timestamp {
    let request = of.says(ListSessionsRequest::default());
    let listed = world.own().list_sessions(request).await.unwrap().into_inner().sessions;
    let session = listed.into_iter().find(|it| it.session_id == of.id()).unwrap();
    from_proto(session.last_seen_time.unwrap()).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn uses_are_stored_later_and_at_most_once_a_minute() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    world.advance(seconds(50));
    let ben = world.signed_in("ben").await;
    world.advance(seconds(20));
    // Ann was last seen 70 seconds ago, Ben 20.
    world.authenticate(&ann.token).await.unwrap();
    world.authenticate(&ben.token).await.unwrap();
    assert_eq!(last_seen(&world, &ann).await, epoch(), "never on the call's own path");

    let used = epoch() + TimeDelta::seconds(70);
    world.advance(seconds(10));
    eventually(async || last_seen(&world, &ann).await == used).await;
    assert_eq!(last_seen(&world, &ben).await, epoch() + TimeDelta::seconds(50), "not due");

    // 50 seconds later Ben is due and Ann is not: both are stored together.
    world.advance(seconds(40));
    world.authenticate(&ann.token).await.unwrap();
    world.authenticate(&ben.token).await.unwrap();
    world.advance(seconds(10));
    let used_again = epoch() + TimeDelta::seconds(120);
    eventually(async || last_seen(&world, &ben).await == used_again).await;
    assert_eq!(last_seen(&world, &ann).await, used);
}

#[tokio::test]
async fn a_shutdown_stores_what_is_noted() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    world.advance(seconds(61));
    world.authenticate(&ann.token).await.unwrap();
    world.tasks.shutdown().await;
    assert_eq!(last_seen(&world, &ann).await, epoch() + TimeDelta::seconds(61));
}
