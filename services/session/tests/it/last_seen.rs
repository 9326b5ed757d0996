use std::time::Duration;

use chrono::TimeDelta;
use roster_kernel::Timestamp;
use roster_proto::{session::v1::ListSessionsRequest, time::from_proto};
use roster_testkit::epoch;

use crate::world::{SignedIn, World};

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
    world.settle_after(seconds(50)).await;
    let ben = world.signed_in("ben").await;
    world.settle_after(seconds(20)).await;
    // Ann was last seen 70 seconds ago, Ben 20.
    world.authenticate(&ann.token).await.unwrap();
    world.authenticate(&ben.token).await.unwrap();
    assert_eq!(last_seen(&world, &ann).await, epoch(), "never on the call's own path");
    world.settle_after(seconds(10)).await;
    let used = epoch() + TimeDelta::seconds(70);
    assert_eq!(last_seen(&world, &ann).await, used);
    assert_eq!(last_seen(&world, &ben).await, epoch() + TimeDelta::seconds(50), "not due");

    world.settle_after(seconds(40)).await;
    // Now 50 and 70 seconds ago: Ben is due, and Ann is not.
    world.authenticate(&ann.token).await.unwrap();
    world.authenticate(&ben.token).await.unwrap();
    world.settle_after(seconds(10)).await;
    assert_eq!(last_seen(&world, &ann).await, used);
    assert_eq!(last_seen(&world, &ben).await, epoch() + TimeDelta::seconds(120));
}

#[tokio::test]
async fn a_shutdown_stores_what_is_noted() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    world.settle_after(seconds(61)).await;
    world.authenticate(&ann.token).await.unwrap();
    world.tasks.shutdown().await;
    assert_eq!(last_seen(&world, &ann).await, epoch() + TimeDelta::seconds(61));
}
