//! What every bus must do. The functions take a [`Bus`], so that each
//! implementation is held to the same.

use std::sync::Arc;

use bytes::Bytes;
use roster_events::{Address, Bus, InProcessBus, Subscription};

use crate::{harness::name, jetstream};

fn events(source: &str, consumer: &str) -> Subscription {
    Subscription::Events { source: name(source), consumer: name(consumer) }
}

/// Every consumer of a source gets each of its events, and no others.
async fn each_subscriber_gets_what_it_subscribed_to(bus: Arc<dyn Bus>) {
    let mut session = bus.subscribe(events("identity", "session")).await.unwrap();
    let mut persona = bus.subscribe(events("identity", "persona")).await.unwrap();
    let mut receipts =
        bus.subscribe(Subscription::Receipts { source: name("identity") }).await.unwrap();
    for (source, text) in [("identity", "one"), ("other", "two"), ("identity", "three")] {
        let address = Address::Events { source: name(source) };
        bus.publish(&address, Bytes::from(text)).await.unwrap();
    }
    let address = Address::Receipts { source: name("identity"), consumer: name("session") };
    bus.publish(&address, Bytes::from("receipt")).await.unwrap();
    for inflow in [&mut session, &mut persona] {
        for expected in ["one", "three"] {
            assert_eq!(inflow.next().await.unwrap().payload, expected);
        }
    }
    let receipt = receipts.next().await.unwrap();
    assert_eq!((receipt.payload, receipt.address), (Bytes::from("receipt"), address));
}

/// Replicas of one consumer share its messages.
async fn replicas_share_a_subscription(bus: Arc<dyn Bus>) {
    let mut one = bus.subscribe(events("identity", "session")).await.unwrap();
    let mut two = bus.subscribe(events("identity", "session")).await.unwrap();
    let address = Address::Events { source: name("identity") };
    for text in ["a", "b"] {
        bus.publish(&address, Bytes::from(text)).await.unwrap();
    }
    let mut got = [one.next().await.unwrap().payload, two.next().await.unwrap().payload];
    got.sort();
    assert_eq!(got, ["a", "b"]);
}

fn in_process() -> Arc<dyn Bus> {
    Arc::new(InProcessBus::new(roster_testkit::env(1).1))
}

#[tokio::test]
async fn in_process_each_subscriber_gets_what_it_subscribed_to() {
    each_subscriber_gets_what_it_subscribed_to(in_process()).await;
}

#[tokio::test]
async fn in_process_replicas_share_a_subscription() {
    replicas_share_a_subscription(in_process()).await;
}

#[tokio::test]
async fn jetstream_each_subscriber_gets_what_it_subscribed_to() {
    let (_nats, bus) = jetstream::bus().await;
    bus.declare(&name("other")).await.unwrap();
    each_subscriber_gets_what_it_subscribed_to(bus).await;
}

#[tokio::test]
async fn jetstream_replicas_share_a_subscription() {
    let (_nats, bus) = jetstream::bus().await;
    replicas_share_a_subscription(bus).await;
}
