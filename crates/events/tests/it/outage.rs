//! A bus that is away for a while.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use roster_events::{
    Address, Bus, BusError, DeliveryState, InProcessBus, Inflow, PARKED_AFTER, Subscription,
};
use roster_testkit::eventually;

use crate::harness::World;

/// Time for the relay to go on, and too little for another attempt at what the bus
/// has taken.
const STEP: Duration = Duration::from_millis(100);

/// Takes nothing while it is away, and counts what it was asked to.
#[derive(Debug)]
struct Absent {
    bus: InProcessBus,
    away: AtomicBool,
    refuses: AtomicBool,
    refused: AtomicU32,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

impl Absent {
    fn new(env: roster_kernel::Env) -> Arc<Self> {
        Arc::new(Self {
            bus: InProcessBus::new(env),
            away: AtomicBool::new(false),
            refuses: AtomicBool::new(false),
            refused: AtomicU32::new(0),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
        })
    }
}

#[async_trait]
impl Bus for Absent {
    async fn publish(&self, address: &Address, payload: Bytes) -> Result<(), BusError> {
        let Address::Events { .. } = address else {
            return self.bus.publish(address, payload).await;
        };
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
        // As long as an answer of a broker, in which others can be sent.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(BusError::Unavailable);
        }
        if self.refuses.load(Ordering::SeqCst) {
            return Err(BusError::Refused);
        }
        self.bus.publish(address, payload).await
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Box<dyn Inflow>, BusError> {
        self.bus.subscribe(subscription).await
    }
}

async fn world() -> World<Absent> {
    let (clock, env) = roster_testkit::env(1);
    let bus = Absent::new(env.clone());
    let world = World::on(bus, (clock, env), &["session"]).await;
    eventually(async || world.bus.bus.subscriptions() == 2).await;
    world
}

/// Waits until the relay is not in the middle of an attempt. It may have begun its
/// rest at any moment, so time goes on meanwhile.
async fn at_rest(world: &World<Absent>) {
    eventually(async || {
        world.clock.advance(STEP);
        world.outbox.is_idle().await.unwrap()
    })
    .await;
}

/// However long the bus was away, an event is as new as on the first day when
/// it is back: not parked, and not an hour away.
#[tokio::test]
async fn while_the_bus_is_away_nothing_counts_as_tried() {
    let world = world().await;
    world.bus.away.store(true, Ordering::SeqCst);
    let event = world.append().await;
    for tried in 1..=2 * PARKED_AFTER {
        eventually(async || {
            world.clock.advance(Duration::from_secs(1));
            world.bus.refused.load(Ordering::SeqCst) >= tried
        })
        .await;
    }
    at_rest(&world).await;
    world.clock.advance(Duration::from_hours(1));
    at_rest(&world).await;
    let before = world.delivery(event, "session").await;
    assert_eq!((before.state, before.attempts), (DeliveryState::Pending, 0));

    world.bus.away.store(false, Ordering::SeqCst);
    eventually(async || {
        if world.delivery(event, "session").await.attempts == 0 {
            world.clock.advance(STEP);
        }
        world.unconfirmed().await == 0
    })
    .await;
    let delivery = world.delivery(event, "session").await;
    assert_eq!(delivery.state, DeliveryState::Done);
    // Of those of before, none; while the first was written down, time may have
    // gone on for long enough for a second.
    assert!((1..=2).contains(&delivery.attempts), "{delivery:?}");
}

/// A broker's answer takes its time: events do not wait for each other's.
#[tokio::test]
async fn events_are_on_their_way_together_and_not_all_at_once() {
    let world = world().await;
    world.bus.away.store(true, Ordering::SeqCst);
    for _ in 0..60 {
        world.append().await;
    }
    eventually(async || world.bus.refused.load(Ordering::SeqCst) > 0).await;
    world.bus.away.store(false, Ordering::SeqCst);
    world.confirmed().await;
    let most = world.bus.most_under_way.load(Ordering::SeqCst);
    assert!((8..=16).contains(&most), "{most} at once");
}

/// What the bus will never take is parked, where somebody sees it.
#[tokio::test]
async fn what_the_bus_refuses_is_parked() {
    let world = world().await;
    world.bus.refuses.store(true, Ordering::SeqCst);
    let event = world.append().await;
    eventually(async || {
        world.clock.advance(Duration::from_mins(5));
        world.delivery(event, "session").await.state == DeliveryState::Parked
    })
    .await;
}
