//! Events over a real broker, which fails as brokers do.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use async_nats::jetstream::stream::{Config, Stream};
use roster_events::{
    Address, Bus, BusError, DeliveryState, JetStreamBus, NatsConfig, Receipt, Subscription,
};
use roster_server::Tasks;
use roster_testkit::{Link, TempNats, Way, eventually};
use tempfile::TempDir;

use crate::harness::{World, name};

const PERMISSIONS: &str = include_str!("../../../../deploy/nats/permissions.conf");

async fn connected(service: &str, config: NatsConfig) -> Arc<JetStreamBus> {
    let bus = JetStreamBus::connect(&name(service), config).await.unwrap();
    eventually(async || bus.is_connected()).await;
    Arc::new(bus)
}

fn config(nats: &TempNats) -> NatsConfig {
    NatsConfig { servers: vec![nats.url()], ..NatsConfig::default() }
}

/// A broker, and a bus on it with the streams of identity.
pub async fn bus() -> (TempNats, Arc<JetStreamBus>) {
    let nats = TempNats::new().await;
    let bus = connected("identity", config(&nats)).await;
    bus.declare(&name("identity")).await.unwrap();
    (nats, bus)
}

async fn world(consumers: &[&str]) -> (TempNats, World<JetStreamBus>) {
    let (nats, bus) = bus().await;
    let world = World::on(bus, roster_testkit::env(1), consumers).await;
    (nats, world)
}

/// Every event took effect, and none twice.
fn assert_once<B: Bus>(world: &World<B>, sink: usize, events: usize) {
    let effects = world.effects(sink);
    assert_eq!(effects.len(), events);
    assert!(effects.values().all(|times| *times == 1), "{effects:?}");
}

#[tokio::test]
async fn every_consumer_takes_each_event_in_once() {
    let (_nats, world) = world(&["persona", "session"]).await;
    for _ in 0..50 {
        world.append().await;
    }
    world.confirmed().await;
    assert_once(&world, 0, 50);
    assert_once(&world, 1, 50);
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again() {
    let nats = TempNats::new().await;
    let bus = connected("identity", NatsConfig { ack_wait_seconds: 1, ..config(&nats) }).await;
    bus.declare(&name("identity")).await.unwrap();
    let subscription = Subscription::Events { source: name("identity"), consumer: name("session") };
    let mut inflow = bus.subscribe(subscription).await.unwrap();
    let address = Address::Events { source: name("identity") };
    bus.publish(&address, "one".into()).await.unwrap();
    // As if the process had died on it.
    drop(inflow.next().await.unwrap());
    let again = inflow.next().await.unwrap();
    assert_eq!(again.payload, "one");
    again.done().await;
    bus.publish(&address, "two".into()).await.unwrap();
    assert_eq!(inflow.next().await.unwrap().payload, "two");
}

#[tokio::test]
async fn a_consumer_that_joins_later_gets_what_was_announced_before() {
    let (_nats, bus) = bus().await;
    let address = Address::Events { source: name("identity") };
    bus.publish(&address, "before".into()).await.unwrap();
    let late = Subscription::Events { source: name("identity"), consumer: name("late") };
    let mut inflow = bus.subscribe(late).await.unwrap();
    assert_eq!(inflow.next().await.unwrap().payload, "before");
}

#[tokio::test]
async fn a_stream_deleted_after_it_acknowledged_a_thousand_events_loses_none() {
    let (nats, bus) = bus().await;
    let world = World::unattended(bus, roster_testkit::env(1), &["session"]).await;
    for _ in 0..1_000 {
        world.append().await;
    }
    eventually(async || world.outbox.is_idle().await.unwrap()).await;
    let admin = async_nats::connect(nats.url()).await.unwrap();
    let admin = async_nats::jetstream::new(admin);
    let mut stream = admin.get_stream("roster-events-identity").await.unwrap();
    assert!(stream.info().await.unwrap().state.messages >= 1_000);
    admin.delete_stream("roster-events-identity").await.unwrap();
    assert_eq!(world.unconfirmed().await, 1_000);
    world.attend();
    for left in (0..10).rev().map(|hundreds| hundreds * 100) {
        let mut looks = 0_u32;
        eventually(async || {
            // Time passes slowly: more would only repeat what is on its way.
            if looks.is_multiple_of(20) {
                world.clock.advance(Duration::from_secs(1));
            }
            looks += 1;
            world.unconfirmed().await <= left
        })
        .await;
    }
    assert_once(&world, 0, 1_000);
}

/// What it has missed is on the broker, or else comes again: it needs no more time
/// than it takes.
#[tokio::test]
async fn a_consumer_that_was_stopped_for_an_hour_catches_up() {
    let (_nats, bus) = bus().await;
    let world = World::unattended(bus, roster_testkit::env(1), &["persona", "session"]).await;
    let (persona, session) = (0, 1);
    world.attend_at(persona, &world.tasks);
    let first_process = Tasks::new();
    world.attend_at(session, &first_process);
    for _ in 0..10 {
        world.append().await;
    }
    world.confirmed().await;
    first_process.shutdown().await;

    for _minute in 0..60 {
        for _ in 0..2 {
            world.append().await;
        }
        world.clock.advance(Duration::from_mins(1));
        eventually(async || world.outbox.is_idle().await.unwrap()).await;
    }
    // The other one is not held up, and of this one nothing is taken for done.
    eventually(async || world.unconfirmed().await == 120).await;
    assert_eq!(world.effects(session).len(), 10);
    world.attend_at(session, &world.tasks);
    eventually(async || world.unconfirmed().await == 0).await;
    assert_once(&world, persona, 130);
    assert_once(&world, session, 130);
}

/// How many messages of a stream there have been, once `consumer` has
/// acknowledged all of them.
async fn taken(stream: &mut Stream, consumer: &str) -> u64 {
    let mut last = 0;
    eventually(async || {
        last = stream.info().await.unwrap().state.last_sequence;
        let consumer = stream.consumer_info(consumer).await.unwrap();
        consumer.ack_floor.stream_sequence == last
    })
    .await;
    last
}

/// The broker would recognise a message by its id for two minutes, and does not get
/// to see one: whenever the same comes again, it is the inbox that knows it, and
/// the receipt is sent again.
#[tokio::test]
async fn a_repetition_after_the_brokers_window_has_no_effect() {
    let (nats, world) = world(&["session"]).await;
    let event = world.append().await;
    world.confirmed().await;
    let admin = async_nats::jetstream::new(async_nats::connect(nats.url()).await.unwrap());
    let mut events = admin.get_stream("roster-events-identity").await.unwrap();
    let mut receipts = admin.get_stream("roster-receipts-identity").await.unwrap();
    let message = events.get_raw_message(1).await.unwrap();
    assert!(message.headers.get("Nats-Msg-Id").is_none());

    let window = Duration::from_millis(100);
    let shortest = Config { duplicate_window: window, ..events.cached_info().config.clone() };
    admin.update_stream(shortest).await.unwrap();
    let mut announced = taken(&mut events, "session").await;
    let mut confirmed = taken(&mut receipts, "identity").await;
    let address = Address::Events { source: name("identity") };
    // At once, behind the window, an hour later, and shortly before the inbox
    // forgets.
    for later in [0, 0, 1, 29 * 24] {
        world.clock.advance(Duration::from_hours(later));
        world.bus.publish(&address, message.payload.clone()).await.unwrap();
        announced += 1;
        confirmed += 1;
        assert_eq!(taken(&mut events, "session").await, announced, "it comes to the consumer");
        assert_eq!(taken(&mut receipts, "identity").await, confirmed, "and is confirmed");
        assert_once(&world, 0, 1);
        let begun = Instant::now();
        eventually(async || begun.elapsed() > window).await;
    }
    let delivery = world.delivery(event, "session").await;
    assert_eq!(
        (delivery.state, delivery.counts),
        (DeliveryState::Done, vec![("things".to_owned(), 3)])
    );
}

#[tokio::test]
async fn a_broker_that_comes_back_with_nothing_is_taken_up_again() {
    let (mut nats, world) = world(&["session"]).await;
    world.append().await;
    world.confirmed().await;
    nats.kill();
    eventually(async || !world.bus.is_connected()).await;
    assert_eq!(world.bus.disconnections(), 1);
    let address = Address::Events { source: name("identity") };
    assert!(world.bus.publish(&address, "lost".into()).await.is_err());
    let event = world.append().await;
    eventually(async || world.outbox.is_idle().await.unwrap()).await;
    assert_eq!(world.delivery(event, "session").await.state, DeliveryState::Pending);
    nats.restart_wiped();
    eventually(async || world.bus.is_connected()).await;
    world.confirmed().await;
    assert_once(&world, 0, 2);
}

#[tokio::test]
async fn a_poison_event_does_not_hold_up_others() {
    let (_nats, world) = world(&["session"]).await;
    let poison = world.append().await;
    *world.sinks[0].1.poison.lock().unwrap() = Some(poison);
    eventually(async || {
        world.clock.advance(Duration::from_secs(1));
        world.delivery(poison, "session").await.state == DeliveryState::Parked
    })
    .await;
    let other = world.append().await;
    eventually(async || world.delivery(other, "session").await.state == DeliveryState::Done).await;
    *world.sinks[0].1.poison.lock().unwrap() = None;
    let tx = world.source.db.begin().await.unwrap();
    world.outbox.retry_now(&tx, poison).await.unwrap();
    tx.commit().await.unwrap();
    eventually(async || world.delivery(poison, "session").await.state == DeliveryState::Done).await;
}

/// A service with the password that the permissions give it.
async fn with_password(nats: &TempNats, folder: &TempDir, service: &str) -> Arc<JetStreamBus> {
    let password_file = folder.path().join(service);
    std::fs::write(&password_file, format!("{}\n", TempNats::password_of(service))).unwrap();
    connected(service, NatsConfig { user: service.to_owned(), password_file, ..config(nats) }).await
}

async fn guarded() -> (TempNats, TempDir) {
    (TempNats::guarded(PERMISSIONS, &["notes"]).await, tempfile::tempdir().unwrap())
}

#[tokio::test]
async fn a_password_that_was_replaced_is_used_for_the_next_connection() {
    let (mut nats, folder) = guarded().await;
    let identity = with_password(&nats, &folder, "identity").await;
    let (old, new) = (TempNats::password_of("identity"), "identity-another");
    std::fs::write(folder.path().join("identity"), format!("{new}\n")).unwrap();
    nats.kill();
    nats.configure(|settings| settings.replace(&old, new));
    nats.restart();
    eventually(async || identity.disconnections() > 0 && identity.is_connected()).await;
    identity.declare(&name("identity")).await.unwrap();
}

#[tokio::test]
async fn nobody_can_announce_for_identity_or_confirm_for_another() {
    let (nats, folder) = guarded().await;
    let identity = with_password(&nats, &folder, "identity").await;
    let session = with_password(&nats, &folder, "session").await;
    identity.declare(&name("identity")).await.unwrap();
    let receipts = Subscription::Receipts { source: name("identity") };
    let mut receipts = identity.subscribe(receipts).await.unwrap();
    let events = Subscription::Events { source: name("identity"), consumer: name("session") };
    let mut events = session.subscribe(events).await.unwrap();

    let announced = Address::Events { source: name("identity") };
    let foreign = Address::Receipts { source: name("identity"), consumer: name("persona") };
    let own = Address::Receipts { source: name("identity"), consumer: name("session") };
    let (env, id) = (roster_testkit::env(1).1, roster_testkit::env(2).1);
    let id = roster_kernel::EventId::generate(&id);
    let receipt = Receipt::Done { event_id: id, counts: Vec::new(), at: env.now() }.encode();
    let (forged, confirmed) = tokio::join!(
        session.publish(&announced, "forged".into()),
        session.publish(&foreign, receipt.clone().into()),
    );
    assert!(forged.is_err() && confirmed.is_err());

    session.publish(&own, receipt.into()).await.unwrap();
    let arrived = receipts.next().await.unwrap();
    assert_eq!(arrived.address, own);
    arrived.done().await;
    identity.publish(&announced, "real".into()).await.unwrap();
    let arrived = events.next().await.unwrap();
    assert_eq!(arrived.payload, "real");
    arrived.done().await;
}

/// What joins an installation gets its events and confirms for itself, and
/// nothing more of the broker is its.
#[tokio::test]
async fn a_participant_consumes_and_confirms_and_can_do_nothing_else() {
    let (nats, folder) = guarded().await;
    let identity = with_password(&nats, &folder, "identity").await;
    let notes = with_password(&nats, &folder, "notes").await;
    identity.declare(&name("identity")).await.unwrap();
    let events = Subscription::Events { source: name("identity"), consumer: name("notes") };
    let mut events = notes.subscribe(events).await.unwrap();
    let announced = Address::Events { source: name("identity") };
    let own = Address::Receipts { source: name("identity"), consumer: name("notes") };
    identity.publish(&announced, "real".into()).await.unwrap();
    let arrived = events.next().await.unwrap();
    assert_eq!(arrived.payload, "real");
    arrived.done().await;
    notes.publish(&own, "receipt".into()).await.unwrap();

    let foreign = Address::Receipts { source: name("identity"), consumer: name("session") };
    let (forged, confirmed) = tokio::join!(
        notes.publish(&announced, "forged".into()),
        notes.publish(&foreign, "receipt".into()),
    );
    assert!(forged.is_err() && confirmed.is_err());
    // In another's name, of others' receipts, or with another's streams.
    let source = name("identity");
    let others = Subscription::Events { source: name("identity"), consumer: name("session") };
    let receipts = Subscription::Receipts { source: name("identity") };
    let (others, receipts, declared) =
        tokio::join!(notes.subscribe(others), notes.subscribe(receipts), notes.declare(&source),);
    assert!(others.is_err() && receipts.is_err() && declared.is_err());
    assert!(notes.forget(&name("identity"), &name("session")).await.is_err());
}

#[tokio::test]
async fn a_consumer_that_has_left_is_forgotten() {
    let (nats, folder) = guarded().await;
    let identity = with_password(&nats, &folder, "identity").await;
    let notes = with_password(&nats, &folder, "notes").await;
    identity.declare(&name("identity")).await.unwrap();
    let events = Subscription::Events { source: name("identity"), consumer: name("notes") };
    drop(notes.subscribe(events).await.unwrap());
    let user = ("observer".to_owned(), TempNats::password_of("observer"));
    let options = async_nats::ConnectOptions::with_user_and_password(user.0, user.1);
    let observer = async_nats::jetstream::new(options.connect(nats.url()).await.unwrap());
    let stream = observer.get_stream("roster-events-identity").await.unwrap();
    stream.consumer_info("notes").await.unwrap();
    identity.forget(&name("identity"), &name("notes")).await.unwrap();
    stream.consumer_info("notes").await.unwrap_err();
    // Whoever was never there, or is there no more, is forgotten, too.
    identity.forget(&name("identity"), &name("notes")).await.unwrap();
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_named_and_never_shown() {
    let missing = Path::new("/nowhere/password").to_owned();
    let config = NatsConfig {
        servers: vec!["nats://127.0.0.1:1".to_owned()],
        user: "session".to_owned(),
        password_file: missing,
        ..NatsConfig::default()
    };
    let error = JetStreamBus::connect(&name("session"), config).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read /nowhere/password");
}

/// A network that loses everything tells nobody.
#[tokio::test]
async fn a_broker_that_is_silent_is_noticed_and_found_again() {
    let nats = TempNats::new().await;
    let link = Link::to(nats.address());
    let servers = vec![format!("nats://{}", link.address())];
    let bus = connected("identity", NatsConfig { servers, ..config(&nats) }).await;
    bus.declare(&name("identity")).await.unwrap();
    let address = Address::Events { source: name("identity") };
    link.set(Way::Swallowed);
    let lost = bus.publish(&address, "lost".into()).await.unwrap_err();
    assert!(matches!(lost, BusError::Unavailable), "{lost:?}");
    eventually(async || !bus.is_connected()).await;
    link.set(Way::Open);
    eventually(async || bus.publish(&address, "found".into()).await.is_ok()).await;
    assert_eq!(bus.disconnections(), 1);
}

#[tokio::test]
async fn of_several_brokers_one_that_answers_is_enough() {
    let [near, far] = [TempNats::new().await, TempNats::new().await];
    let links = [Link::to(near.address()), Link::to(far.address())];
    links[1].set(Way::Swallowed);
    let servers = links.iter().map(|link| format!("nats://{}", link.address())).collect();
    let bus = connected("identity", NatsConfig { servers, ..config(&near) }).await;
    links[1].set(Way::Open);
    links[0].set(Way::Swallowed);
    let connections = links[1].connected();
    eventually(async || bus.is_connected() && links[1].connected() > connections).await;
    eventually(async || bus.declare(&name("identity")).await.is_ok()).await;
}
