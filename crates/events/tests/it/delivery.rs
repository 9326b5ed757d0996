//! Whatever the bus does, every event takes effect once at every consumer.

use std::{sync::atomic::Ordering, time::Duration};

use roster_events::{Address, Bus, DeliveryState, Effect, Event, Faults, Receipt};
use roster_kernel::Deadline;
use roster_testkit::eventually;

use crate::harness::{World, name};

#[tokio::test]
async fn every_consumer_confirms_with_what_it_did() {
    let world = World::new(1, &["persona", "session"]).await;
    let event = world.append().await;
    world.settle().await;
    for consumer in ["persona", "session"] {
        let delivery = world.delivery(event, consumer).await;
        assert_eq!(delivery.state, DeliveryState::Done);
        assert_eq!(delivery.counts, [("things".to_owned(), 3)]);
        assert_eq!(delivery.complete_time, Some(world.env.now()));
        assert_eq!(delivery.attempts, 1);
    }
}

#[tokio::test]
async fn loss_duplication_and_reordering_change_nothing_but_the_time_it_takes() {
    for seed in 0..6 {
        let world = World::new(seed, &["persona", "session"]).await;
        world.bus.inject(Faults { loss: 90, duplication: 90, reordering: 128 });
        let mut events = Vec::new();
        for _ in 0..20 {
            events.push(world.append().await);
        }
        world.converge().await;
        for sink in 0..2 {
            let effects = world.effects(sink);
            assert_eq!(effects.len(), events.len(), "seed {seed}");
            assert!(effects.values().all(|times| *times == 1), "seed {seed}: {effects:?}");
        }
    }
}

#[tokio::test]
async fn redelivery_in_every_order_has_one_effect() {
    // Every order of three events, each of them delivered twice.
    let deliveries = [0, 1, 2, 0, 1, 2];
    for order in permutations(&deliveries) {
        let world = World::new(1, &["session"]).await;
        world.bus.inject(Faults { loss: 255, ..Faults::default() });
        let user = roster_kernel::UserId::generate(&world.env);
        let events: Vec<Event> = (0..3)
            .map(|_| {
                let message = roster_proto::event::v1::UserDeleted::default();
                let id = roster_kernel::EventId::generate(&world.env);
                Event::new(id, name("identity"), user, world.env.now(), &message)
            })
            .collect();
        world.bus.inject(Faults::default());
        for index in &order {
            let address = Address::Events { source: name("identity") };
            world.bus.publish(&address, events[*index].encode().into()).await.unwrap();
            world.settle().await;
        }
        let effects = world.effects(0);
        assert_eq!(effects.len(), 3, "{order:?}");
        assert!(effects.values().all(|times| *times == 1), "{order:?}");
    }
}

fn permutations(of: &[usize]) -> Vec<Vec<usize>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let mut all: Vec<Vec<usize>> = Vec::new();
    for index in 0..of.len() {
        let mut rest = of.to_vec();
        let first = rest.remove(index);
        for mut tail in permutations(&rest) {
            tail.insert(0, first);
            all.push(tail);
        }
    }
    all.sort();
    all.dedup();
    all
}

#[tokio::test]
async fn a_consumer_that_fails_five_times_then_succeeds_confirms_in_the_end() {
    let world = World::new(1, &["session"]).await;
    world.sinks[0].1.failures_left.store(5, Ordering::SeqCst);
    let event = world.append().await;
    world.settle().await;
    let failed = world.delivery(event, "session").await;
    assert_eq!(failed.state, DeliveryState::Pending);
    assert_eq!(failed.failure.as_deref(), Some("told to fail"));
    world.converge().await;
    let done = world.delivery(event, "session").await;
    assert_eq!((done.state, done.attempts, done.failure), (DeliveryState::Done, 6, None));
    assert_eq!(world.effects(0)[&event], 1);
}

#[tokio::test]
async fn a_poison_event_is_parked_visibly_and_does_not_hold_up_others() {
    let world = World::new(1, &["session"]).await;
    let poison = world.append().await;
    *world.sinks[0].1.poison.lock().unwrap() = Some(poison);
    for _ in 0..12 {
        world.settle().await;
        world.clock.advance(Duration::from_hours(1));
    }
    world.settle().await;
    let parked = world.delivery(poison, "session").await;
    assert_eq!(parked.state, DeliveryState::Parked);
    assert_eq!(parked.failure.as_deref(), Some("told to fail"));

    let other = world.append().await;
    world.settle().await;
    assert_eq!(world.delivery(other, "session").await.state, DeliveryState::Done);

    *world.sinks[0].1.poison.lock().unwrap() = None;
    let tx = world.source.db.begin().await.unwrap();
    world.outbox.retry_now(&tx, poison).await.unwrap();
    tx.commit().await.unwrap();
    world.settle().await;
    assert_eq!(world.delivery(poison, "session").await.state, DeliveryState::Done);
}

#[tokio::test]
async fn a_receipt_counts_for_its_address_only() {
    let world = World::new(1, &["session"]).await;
    world.bus.inject(Faults { loss: 255, ..Faults::default() });
    let event = world.append().await;
    world.settle().await;
    world.bus.inject(Faults::default());
    let receipt = Receipt::Done { event_id: event, counts: Vec::new(), at: world.env.now() };
    let foreign = Address::Receipts { source: name("identity"), consumer: name("persona") };
    world.bus.publish(&foreign, receipt.encode().into()).await.unwrap();
    world.settle().await;
    assert_ne!(world.delivery(event, "session").await.state, DeliveryState::Done);
}

#[tokio::test]
async fn rubbish_on_the_bus_is_ignored() {
    let world = World::new(1, &["session"]).await;
    for address in [
        Address::Events { source: name("identity") },
        Address::Receipts { source: name("identity"), consumer: name("session") },
    ] {
        world.bus.publish(&address, vec![0xff; 100].into()).await.unwrap();
    }
    let event = world.append().await;
    world.settle().await;
    assert_eq!(world.delivery(event, "session").await.state, DeliveryState::Done);
}

#[tokio::test]
async fn waiting_for_an_effect_ends_with_the_receipt_or_before_the_deadline() {
    let world = World::new(1, &["session"]).await;
    world.bus.hold(|_| true);
    let event = world.append().await;
    world.settle().await;
    let deadline = Deadline(world.env.now() + chrono::TimeDelta::seconds(10));
    let pending = async {
        let waiting = world.outbox.wait_for(event, "session", deadline);
        let time = async {
            eventually(async || world.clock.next_wake().is_some()).await;
            world.clock.advance(Duration::from_millis(9_500));
        };
        tokio::join!(waiting, time).0.unwrap()
    };
    assert_eq!(pending.await, Effect::Pending);

    world.bus.release();
    let again = Deadline(world.env.now() + chrono::TimeDelta::seconds(10));
    assert_eq!(world.outbox.wait_for(event, "session", again).await.unwrap(), Effect::Confirmed);
    assert_eq!(world.outbox.wait_for(event, "nobody", again).await.unwrap(), Effect::Confirmed);
}
