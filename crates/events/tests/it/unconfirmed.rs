//! What people are shown of events that are not confirmed, and what they can do.

use std::time::Duration;

use roster_events::{DeliveryState, PARKED_AFTER, unconfirmed, unconfirmed::Which};

use crate::harness::World;

/// A world with an event that one of two consumers always fails over, and which
/// is parked by now.
async fn with_poison() -> (World, roster_kernel::EventId) {
    let world = World::new(1, &["persona", "session"]).await;
    let poison = world.append().await;
    *world.sinks[1].1.poison.lock().unwrap() = Some(poison);
    for _ in 0..PARKED_AFTER {
        world.settle().await;
        world.clock.advance(Duration::from_hours(1));
    }
    world.settle().await;
    (world, poison)
}

#[tokio::test]
async fn who_owes_a_receipt_is_shown_and_why() {
    let (world, poison) = with_poison().await;
    let connection = world.source.db.read();
    let [shown] =
        unconfirmed::list(connection, Which::Parked, None, 10).await.unwrap().try_into().unwrap();
    assert_eq!((shown.id, shown.kind.as_str()), (poison, "roster.event.v1.UserDeleted"));
    assert!(shown.is_parked() && shown.next.is_some());
    let [owed] = shown.missing.try_into().unwrap();
    assert_eq!(
        (owed.consumer.as_str(), owed.failure.as_deref()),
        ("session", Some("told to fail"))
    );
    assert!(owed.failures >= PARKED_AFTER, "{}", owed.failures);

    // What is on its way is no poison, and what is confirmed is no matter.
    world.bus.inject(roster_events::Faults { loss: 255, ..Default::default() });
    let young = world.append().await;
    world.settle().await;
    let ids = async |which, after| {
        let events = unconfirmed::list(connection, which, after, 10).await.unwrap();
        events.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Which::Parked, None).await, [poison]);
    assert_eq!(ids(Which::All, None).await, [poison, young]);
    assert_eq!(ids(Which::All, Some(poison)).await, [young]);
    assert!(ids(Which::All, Some(young)).await.is_empty());
}

#[tokio::test]
async fn what_is_retried_is_published_and_confirmed() {
    let (world, poison) = with_poison().await;
    *world.sinks[1].1.poison.lock().unwrap() = None;
    let tx = world.source.db.begin().await.unwrap();
    assert!(unconfirmed::retry(&tx, poison, world.env.now()).await.unwrap());
    tx.commit().await.unwrap();
    // The relay looks by itself, as nobody tells it.
    world.clock.advance(Duration::from_secs(5));
    roster_testkit::eventually(async || {
        world.delivery(poison, "session").await.state == DeliveryState::Done
    })
    .await;
    let tx = world.source.db.begin().await.unwrap();
    assert!(!unconfirmed::retry(&tx, poison, world.env.now()).await.unwrap());
    assert_eq!(unconfirmed::retry_parked(&tx, world.env.now()).await.unwrap(), 0);
}

#[tokio::test]
async fn all_that_is_parked_can_be_retried_at_once() {
    let (world, poison) = with_poison().await;
    let now = world.env.now();
    let tx = world.source.db.begin().await.unwrap();
    assert_eq!(unconfirmed::retry_parked(&tx, now).await.unwrap(), 1);
    let [due] = unconfirmed::list(&*tx, Which::All, None, 10).await.unwrap().try_into().unwrap();
    assert_eq!((due.id, due.attempts, due.next), (poison, 0, Some(now)));
    drop(tx);
}
