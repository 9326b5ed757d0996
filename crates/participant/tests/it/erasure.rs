//! Erasure in batches, confirmed with what was erased.

use std::{sync::Arc, time::Duration};

use roster_events::{Bus, Inbox, Receipt, Subscription};
use roster_kernel::{Env, UserId};
use roster_participant::{State, subjects};
use roster_testkit::StopAt;

use crate::notes::{World, name};

async fn receipts(world: &World) -> Box<dyn roster_events::Inflow> {
    let subscription = Subscription::Receipts { source: name("identity") };
    world.bus.subscribe(subscription).await.unwrap()
}

#[tokio::test]
async fn a_receipt_counts_what_all_batches_erased() {
    let world = World::new().await;
    world.start().await;
    let mut receipts = receipts(&world).await;
    let (user, other) = (UserId::generate(&world.env), UserId::generate(&world.env));
    world.add_notes(user, 1_234).await;
    world.add_notes(other, 1).await;
    let event = world.deleted(user, 2);
    world.publish(&event).await;
    let receipt = Receipt::decode(&receipts.next().await.unwrap().payload).unwrap();
    let counts = vec![("notes".to_owned(), 1_234)];
    assert_eq!(receipt, Receipt::Done { event_id: event.id, counts, at: world.env.now() });
    assert_eq!((world.count(user).await, world.count(other).await), (0, 1));

    // The same event again gets the same receipt.
    world.publish(&event).await;
    assert_eq!(Receipt::decode(&receipts.next().await.unwrap().payload).unwrap(), receipt);
}

#[tokio::test]
async fn an_erasure_that_was_cut_off_anywhere_is_completed_with_the_full_count() {
    for (step, passes) in [
        ("event.arrived", 0),
        ("erasure.marked", 0),
        ("erasure.batch", 0),
        ("erasure.batch", 1),
        ("erasure.batch", 2),
        ("event.handled", 0),
    ] {
        let world = World::new().await;
        let user = UserId::generate(&world.env);
        world.add_notes(user, 1_234).await;
        let event = world.deleted(user, 2);

        let stop = Arc::new(StopAt::new(step, passes));
        let cut = Env { steps: Some(stop.clone()), ..world.env.clone() };
        let World { clock, env, temp, .. } = world;
        let first = World::over(temp, Arc::clone(&clock), cut);
        first.start().await;
        first.publish(&event).await;
        stop.stopped().await;
        first.tasks.abort().await;

        let second = World::over(first.temp, clock, env);
        second.start().await;
        second.publish(&event).await;
        second.settle().await;
        assert_eq!(second.count(user).await, 0, "{step} {passes}");
        let receipt = Inbox::find(second.db().read(), event.id).await.unwrap().unwrap();
        let Receipt::Done { counts, .. } = receipt else { panic!("not done") };
        assert_eq!(counts, [("notes".to_owned(), 1_234)], "{step} {passes}");
    }
}

#[tokio::test]
async fn an_event_that_comes_again_after_its_receipt_was_swept_says_the_same() {
    let world = World::new().await;
    world.start().await;
    let mut receipts = receipts(&world).await;
    let user = UserId::generate(&world.env);
    world.add_notes(user, 3).await;
    let event = world.deleted(user, 2);
    let counts = vec![("notes".to_owned(), 3)];
    for days in [0, 31] {
        world.clock.advance(Duration::from_hours(days * 24));
        let swept = Inbox::sweep(world.db(), world.env.now()).await.unwrap();
        assert_eq!(swept, u64::from(days > 0));
        world.publish(&event).await;
        let receipt = Receipt::decode(&receipts.next().await.unwrap().payload).unwrap();
        let at = world.env.now();
        assert_eq!(receipt, Receipt::Done { event_id: event.id, counts: counts.clone(), at });
    }
}

#[tokio::test]
async fn a_state_takes_effect_at_once_and_its_rows_follow_in_batches() {
    let world = World::new().await;
    let user = UserId::generate(&world.env);
    world.add_notes(user, 1_234).await;
    let event = world.changed(user, 2, State::Disabled);

    let stop = Arc::new(StopAt::new("state.batch", 0));
    let cut = Env { steps: Some(stop.clone()), ..world.env.clone() };
    let World { clock, env, temp, .. } = world;
    let first = World::over(temp, Arc::clone(&clock), cut);
    first.start().await;
    first.publish(&event).await;
    stop.stopped().await;
    let stored = subjects::find(first.db().read(), user).await.unwrap().unwrap();
    assert_eq!((stored.state, first.count(user).await), (State::Disabled, 734));
    assert_eq!(Inbox::find(first.db().read(), event.id).await.unwrap(), None);
    first.tasks.abort().await;

    // Another start goes on where that one ended, and confirms.
    let second = World::over(first.temp, clock, env);
    second.start().await;
    let mut receipts = receipts(&second).await;
    second.publish(&event).await;
    let receipt = Receipt::decode(&receipts.next().await.unwrap().payload).unwrap();
    assert!(matches!(receipt, Receipt::Done { event_id, .. } if event_id == event.id));
    assert_eq!(second.count(user).await, 0);
}

#[tokio::test]
async fn rows_that_a_later_state_allows_stay() {
    let world = World::new().await;
    let user = UserId::generate(&world.env);
    world.add_notes(user, 3).await;
    world.start().await;
    let mut receipts = receipts(&world).await;
    // The later state comes first, as it may.
    for event in [world.changed(user, 3, State::Active), world.changed(user, 2, State::Disabled)] {
        world.publish(&event).await;
        receipts.next().await.unwrap();
    }
    assert_eq!(world.count(user).await, 3);
}
