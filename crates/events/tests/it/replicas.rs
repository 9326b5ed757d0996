//! Several replicas of the service that announces do the work of one.

use std::sync::Arc;

use roster_events::{Backlog, Bus, DeliveryState, Outbox};

use crate::harness::{World, name};

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
