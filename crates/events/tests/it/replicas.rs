//! Several replicas of the service that announces do the work of one.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use roster_db::Db;
use roster_events::{Backlog, Bus, DeliveryState, Effect, InProcessBus, Outbox, Subscription};
use roster_kernel::{Deadline, Env};
use roster_testkit::{Passes, TempDb};

use crate::harness::{Source, World, name};

/// Another replica of the world's outbox, at work.
fn replica(world: &World, consumers: &[&str]) -> Outbox {
    let names = consumers.iter().map(|consumer| name(consumer)).collect();
    let outbox = Outbox::new(name("identity"), names, world.source.db.clone(), world.env.clone());
    let on_bus: Arc<dyn Bus> = world.bus.clone();
    outbox.start(&on_bus, &world.tasks);
    outbox
}

/// Two receipts for one event, taken at the same time, leave nothing to wait
/// for; two relays publish nothing twice.
#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_published_once_and_retired() {
    let consumers = ["persona", "session"];
    let world = World::new(1, &consumers).await;
    let replicas = [replica(&world, &consumers), replica(&world, &consumers)];
    let mut events = Vec::new();
    for _ in 0..100 {
        events.push(world.append().await);
    }
    roster_testkit::eventually(async || {
        world.settle().await;
        world.outbox.backlog().await.unwrap() == Backlog::default()
    })
    .await;
    for event in events {
        for consumer in consumers {
            let delivery = world.delivery(event, consumer).await;
            assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Done, 1), "{consumer}");
        }
    }
    for outbox in replicas {
        assert!(outbox.is_idle().await.unwrap());
    }
}

/// Whoever waits at one replica is woken by the receipt that another takes,
/// without any time passing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test has one"]
async fn a_receipt_that_another_replica_takes_ends_the_waiting() {
    let world = World::over(TempDb::postgres::<Source>().await, 1, &["session"]).await;
    // The same database, but no part in what is on the bus.
    let db = Db::open(&world.source.config).await.unwrap();
    let consumers = vec![name("session")];
    let waits = Arc::new(Passes::of("outbox.waiting"));
    let env = Env { steps: Some(waits.clone()), ..world.env.clone() };
    let waiting = Outbox::new(name("identity"), consumers, db, env);
    world.bus.hold(|subscription| matches!(subscription, Subscription::Events { .. }));
    let event = world.append().await;
    roster_testkit::eventually(async || world.outbox.is_idle().await.unwrap()).await;
    // From here on: there is nothing for its relay to publish.
    let nowhere: Arc<dyn Bus> = Arc::new(InProcessBus::new(world.env.clone()));
    waiting.start(&nowhere, &world.tasks);
    let deadline = Deadline(world.env.now() + TimeDelta::hours(1));
    let mut waited = waits.watch();
    let wait = waiting.wait_for(event, "session", deadline);
    let release = async {
        // It has looked: from here on only news can end it.
        waited.changed().await.unwrap();
        world.bus.release();
    };
    let patience = Duration::from_secs(20);
    let both = async { tokio::join!(wait, release).0 };
    let effect = tokio::time::timeout(patience, both).await.expect("news").unwrap();
    assert_eq!(effect, Effect::Confirmed);
}
