//! What is announced is what was committed.

use std::sync::Arc;

use roster_events::{
    Backlog, Bus, DeliveryState, Missing, Outbox, Retention, Subscription, back_off,
};
use roster_kernel::UserId;
use roster_proto::event::v1::UserDeleted;
use roster_server::metrics::Metrics;
use roster_testkit::TempDb;

use crate::harness::{Source, World, name};

#[tokio::test]
async fn nothing_is_announced_that_was_rolled_back() {
    let world = World::new(1, &["session"]).await;
    let user = UserId::generate(&world.env);
    let tx = world.source.db.begin().await.unwrap();
    let message = UserDeleted::default();
    world.outbox.append(&tx, user, &message, Retention::Evidence).await.unwrap();
    drop(tx);
    world.append().await;
    world.settle().await;
    assert_eq!(world.effects(0).len(), 1);
}

#[tokio::test]
async fn the_set_of_consumers_is_frozen_when_an_event_is_appended() {
    let world = World::new(1, &["session"]).await;
    let before = world.append().await;
    world.settle().await;
    let names = vec![name("session"), name("newcomer")];
    let grown = Outbox::new(name("identity"), names, world.source.db.clone(), world.env.clone());
    let user = UserId::generate(&world.env);
    let tx = world.source.db.begin().await.unwrap();
    let after =
        grown.append(&tx, user, &UserDeleted::default(), Retention::Evidence).await.unwrap();
    tx.commit().await.unwrap();
    let connection = world.source.db.read();
    let consumers = async |event| {
        let all = world.outbox.deliveries(connection, &[event]).await.unwrap();
        all.into_iter().map(|(_, each)| each.consumer).collect::<Vec<_>>()
    };
    assert_eq!(consumers(before).await, ["session"]);
    assert_eq!(consumers(after).await, ["newcomer", "session"]);
}

#[tokio::test]
async fn retired_events_are_swept_unless_they_are_evidence() {
    let world = World::new(1, &["session"]).await;
    let user = UserId::generate(&world.env);
    let tx = world.source.db.begin().await.unwrap();
    let message = UserDeleted::default();
    world.outbox.append(&tx, user, &message, Retention::Transient).await.unwrap();
    tx.commit().await.unwrap();
    let evidence = world.append().await;
    world.settle().await;
    assert_eq!(world.outbox.sweep().await.unwrap(), 0, "both are young");
    world.clock.advance(std::time::Duration::from_hours(26));
    assert_eq!(world.outbox.sweep().await.unwrap(), 1);
    assert_eq!(world.delivery(evidence, "session").await.state, DeliveryState::Done);
}

/// About SQLite: elsewhere others write at the same time anyway.
#[tokio::test]
async fn very_many_are_swept_in_batches_with_room_in_between() {
    let world = World::over(TempDb::sqlite::<Source>().await, 1, &[]).await;
    let tx = world.source.db.begin().await.unwrap();
    for _ in 0..1_200 {
        let user = UserId::generate(&world.env);
        let message = UserDeleted::default();
        world.outbox.append(&tx, user, &message, Retention::Transient).await.unwrap();
    }
    tx.commit().await.unwrap();
    world.clock.advance(std::time::Duration::from_hours(26));
    let mut sweep = std::pin::pin!(world.outbox.sweep());
    assert!(futures_util::poll!(&mut sweep).is_pending());
    // Whoever wants to write comes in between.
    let meanwhile = world.source.db.begin();
    let mut meanwhile = std::pin::pin!(meanwhile);
    let tx = tokio::select! {
        tx = &mut meanwhile => tx.unwrap(),
        swept = &mut sweep => panic!("{swept:?} in one go"),
    };
    let left = world.outbox.events(&*tx).await.unwrap().len();
    tx.commit().await.unwrap();
    assert!((1..1_200).contains(&left), "{left}");
    assert_eq!(sweep.await.unwrap(), 1_200);
}

#[tokio::test]
async fn two_relays_share_the_work() {
    let world = World::new(1, &["session"]).await;
    let bus: Arc<dyn Bus> = world.bus.clone();
    let consumers = vec![name("session")];
    let second =
        Outbox::new(name("identity"), consumers, world.source.db.clone(), world.env.clone());
    second.start(&bus, &world.tasks);
    let mut events = Vec::new();
    for _ in 0..50 {
        events.push(world.append().await);
    }
    world.settle().await;
    for event in events {
        let delivery = world.delivery(event, "session").await;
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Done, 1));
        assert_eq!(world.effects(0)[&event], 1);
    }
}

#[tokio::test]
async fn the_backlog_is_what_no_receipt_has_come_for() {
    let world = World::new(1, &["persona", "session"]).await;
    world.append().await;
    world.settle().await;
    assert_eq!(world.outbox.backlog().await.unwrap(), Backlog::default());

    world.bus.hold(
        |it| matches!(it, Subscription::Events { consumer, .. } if *consumer == name("session")),
    );
    let announced = world.env.now();
    world.append().await;
    world.clock.advance(std::time::Duration::from_millis(500));
    world.append().await;
    world.settle().await;
    let missing = |receipts, parked| Missing { consumer: "session".to_owned(), receipts, parked };
    let waiting = Backlog { events: 2, oldest: Some(announced), missing: vec![missing(2, 0)] };
    assert_eq!(world.outbox.backlog().await.unwrap(), waiting);

    for attempt in 1..10 {
        world.clock.advance(back_off(attempt).to_std().unwrap());
        world.settle().await;
    }
    let parked = Backlog { missing: vec![missing(2, 2)], ..waiting };
    assert_eq!(world.outbox.backlog().await.unwrap(), parked);
    world.bus.release();
    world.settle().await;
    assert_eq!(world.outbox.backlog().await.unwrap(), Backlog::default());
}

#[tokio::test]
async fn the_backlog_is_shown_without_being_asked_for() {
    let world = World::new(1, &["session"]).await;
    let metrics = Metrics::new(None).unwrap();
    world.bus.hold(|it| matches!(it, Subscription::Events { .. }));
    world.append().await;
    world.settle().await;
    world.clock.advance(std::time::Duration::from_secs(7));
    world.outbox.watch(metrics.meters(), &world.tasks);
    let shown = async |lines: [&str; 3]| {
        let scrape = || metrics.scraper().text().unwrap();
        let all = || lines.iter().all(|line| scrape().lines().any(|it| it == *line));
        let found = async {
            while !all() {
                world.clock.advance(std::time::Duration::from_secs(1));
                tokio::task::yield_now().await;
            }
        };
        let found = tokio::time::timeout(std::time::Duration::from_mins(1), found).await;
        assert!(found.is_ok(), "{}", scrape());
    };
    shown([
        "roster_outbox_events 1",
        "roster_outbox_receipts_pending{roster_consumer=\"session\"} 1",
        "roster_outbox_deliveries_parked{roster_consumer=\"session\"} 0",
    ])
    .await;
    let age = |text: &str| -> f64 {
        let line = text.lines().find_map(|it| it.strip_prefix("roster_outbox_oldest_age_seconds "));
        line.unwrap().parse().unwrap()
    };
    assert!(age(&metrics.scraper().text().unwrap()) >= 7.0);
    world.bus.release();
    shown([
        "roster_outbox_events 0",
        "roster_outbox_oldest_age_seconds 0",
        "roster_outbox_receipts_pending{roster_consumer=\"session\"} 0",
    ])
    .await;
}
