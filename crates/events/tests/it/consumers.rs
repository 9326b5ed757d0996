//! Consumers that come and go while events are announced.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use roster_events::{Backlog, DeliveryState, Outbox, Retention, Subscription};
use roster_kernel::{Env, EventId, UserId};
use roster_proto::event::v1::UserStateChanged;
use roster_testkit::StopAt;
use tokio::sync::Barrier;

use crate::harness::{World, name};

async fn register(world: &World, consumer: &str) -> bool {
    let tx = world.source.db.begin().await.unwrap();
    let new = world.outbox.register(&tx, &name(consumer)).await.unwrap();
    tx.commit().await.unwrap();
    new
}

async fn unregister(world: &World, consumer: &str) -> bool {
    let tx = world.source.db.begin().await.unwrap();
    let known = world.outbox.unregister(&tx, &name(consumer)).await.unwrap();
    tx.commit().await.unwrap();
    known
}

async fn append_for(world: &World, consumer: &str) -> EventId {
    let (user, message) = (UserId::generate(&world.env), UserStateChanged { state: None });
    let tx = world.source.db.begin().await.unwrap();
    let event = world.outbox.append_for(&tx, &name(consumer), user, &message).await.unwrap();
    tx.commit().await.unwrap();
    event
}

async fn consumers(world: &World, event: EventId) -> Vec<String> {
    let all = world.outbox.deliveries(world.source.db.read(), &[event]).await.unwrap();
    all.into_iter().map(|(_, each)| each.consumer).collect()
}

#[tokio::test]
async fn whoever_is_registered_confirms_what_comes_after_and_nothing_before() {
    let world = World::new(1, &["session"]).await;
    let before = world.append().await;
    assert!(register(&world, "notes").await);
    assert!(!register(&world, "notes").await, "once is enough");
    let after = world.append().await;
    assert!(unregister(&world, "notes").await);
    assert!(!unregister(&world, "notes").await);
    let later = world.append().await;
    assert_eq!(consumers(&world, before).await, ["session"]);
    assert_eq!(consumers(&world, after).await, ["notes", "session"]);
    assert_eq!(consumers(&world, later).await, ["session"]);
}

#[tokio::test]
async fn a_registration_that_is_rolled_back_was_none() {
    let world = World::new(1, &["session"]).await;
    let tx = world.source.db.begin().await.unwrap();
    world.outbox.register(&tx, &name("notes")).await.unwrap();
    drop(tx);
    let event = world.append().await;
    assert_eq!(consumers(&world, event).await, ["session"]);
    assert_eq!(world.outbox.registered(world.source.db.read()).await.unwrap(), []);
}

/// What was appended under the old set is there for the newcomer to read as
/// soon as the registration has committed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_waits_for_those_who_append() {
    let world = World::new(1, &["session"]).await;
    let (committed, begun) = (AtomicBool::new(false), Barrier::new(2));
    let append = async {
        let (user, message) = (UserId::generate(&world.env), UserStateChanged { state: None });
        let tx = world.source.db.begin().await.unwrap();
        let kept = Retention::Evidence;
        let event = world.outbox.append(&tx, user, &message, kept).await.unwrap();
        begun.wait().await;
        // Time enough for whoever does not wait.
        for _ in 0..50 {
            world.outbox.due().await.unwrap();
        }
        committed.store(true, Ordering::SeqCst);
        tx.commit().await.unwrap();
        event
    };
    let register = async {
        begun.wait().await;
        assert!(register(&world, "notes").await);
        assert!(committed.load(Ordering::SeqCst), "it did not wait");
    };
    let (event, ()) = tokio::join!(append, register);
    assert_eq!(consumers(&world, event).await, ["session"]);
}

/// However appending and registering fall together: each event either waits
/// for the newcomer, or was there when the newcomer was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_falls_between_the_sets() {
    let world = World::new(1, &["session"]).await;
    for round in 0..5 {
        let newcomer = format!("newcomer-{round}");
        let appending = async {
            let many = || async {
                let mut events = Vec::new();
                for _ in 0..10 {
                    events.push(world.append().await);
                }
                events
            };
            let (one, two, three) = tokio::join!(many(), many(), many());
            [one, two, three].concat()
        };
        let registering = async {
            world.append().await;
            register(&world, &newcomer).await;
            let there = world.outbox.events(world.source.db.read()).await.unwrap();
            there.into_iter().collect::<HashSet<_>>()
        };
        let (appended, there) = tokio::join!(appending, registering);
        for event in appended {
            let waits = consumers(&world, event).await.contains(&newcomer);
            assert!(waits || there.contains(&event), "{event} was missed");
        }
    }
}

#[tokio::test]
async fn what_is_for_one_is_nothing_to_the_others() {
    let world = World::new(1, &["persona", "session"]).await;
    let event = append_for(&world, "session").await;
    world.settle().await;
    assert_eq!(consumers(&world, event).await, ["session"]);
    assert_eq!(world.delivery(event, "session").await.state, DeliveryState::Done);
    assert_eq!((world.effects(0).len(), world.effects(1).len()), (0, 1));
    assert_eq!(world.outbox.backlog().await.unwrap(), Backlog::default());
}

#[tokio::test]
async fn nothing_waits_any_more_for_whoever_is_waived() {
    let world = World::new(1, &["session"]).await;
    register(&world, "notes").await;
    let confirmed = world.append().await;
    world.settle().await;
    world.bus.hold(|it| matches!(it, Subscription::Events { .. }));
    let pending = world.append().await;
    world.settle().await;
    assert_eq!(world.outbox.waiting_for(world.source.db.read(), &name("notes")).await.unwrap(), 2);

    unregister(&world, "notes").await;
    world.clock.advance(std::time::Duration::from_secs(1));
    let at = world.env.now();
    assert_eq!(world.outbox.waive(&name("notes")).await.unwrap(), 2);
    assert_eq!(world.outbox.waive(&name("notes")).await.unwrap(), 0);
    for event in [confirmed, pending] {
        let waived = world.delivery(event, "notes").await;
        assert_eq!((waived.state, waived.complete_time), (DeliveryState::Waived, Some(at)));
    }
    // The other one is still waited for.
    assert_eq!(world.delivery(pending, "session").await.state, DeliveryState::Pending);
    assert_eq!(world.outbox.backlog().await.unwrap().events, 1);
    world.bus.release();
    world.settle().await;
    assert_eq!(world.delivery(pending, "session").await.state, DeliveryState::Done);
    assert_eq!(world.outbox.backlog().await.unwrap(), Backlog::default());
}

#[tokio::test]
async fn very_many_are_waived_in_batches() {
    let world = World::new(1, &[]).await;
    register(&world, "notes").await;
    let tx = world.source.db.begin().await.unwrap();
    for _ in 0..1_200 {
        let (user, message) = (UserId::generate(&world.env), UserStateChanged { state: None });
        world.outbox.append_for(&tx, &name("notes"), user, &message).await.unwrap();
    }
    tx.commit().await.unwrap();
    unregister(&world, "notes").await;
    // Whoever begins it may end behind any of them.
    let stop = Arc::new(StopAt::new("outbox.waived", 0));
    let env = Env { steps: Some(stop.clone()), ..world.env.clone() };
    let dying = Outbox::new(name("identity"), Vec::new(), world.source.db.clone(), env);
    let notes = name("notes");
    tokio::select! {
        waived = dying.waive(&notes) => panic!("not cut short: {waived:?}"),
        () = stop.stopped() => {}
    }
    assert_eq!(world.outbox.waive(&notes).await.unwrap(), 700);
    assert_eq!(world.outbox.backlog().await.unwrap(), Backlog::default());
}
