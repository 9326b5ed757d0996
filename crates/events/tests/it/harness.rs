//! A service that announces and services that consume, in one process.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use roster_db::Db;
use roster_events::{
    Bus, Consumer, DeliveryState, Event, EventDelivery, Handler, HandlerError, InProcessBus, Inbox,
    Outbox, Receipt, Retention, migration,
};
use roster_kernel::{Env, EventId, ServiceName, UserId};
use roster_proto::event::v1::UserDeleted;
use roster_server::Tasks;
use roster_testkit::{MockClock, TempDb, eventually};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

pub struct Source;

impl MigratorTrait for Source {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(migration::CreateOutbox),
            Box::new(migration::IndexRetired),
            Box::new(migration::CreateConsumers),
        ]
    }
}

pub struct Sink;

impl MigratorTrait for Sink {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(migration::CreateInbox), Box::new(migration::IndexInbox)]
    }
}

pub fn name(name: &str) -> ServiceName {
    ServiceName::parse(name).unwrap()
}

/// Counts how often each event took effect, and fails as often as told.
pub struct Effects {
    pub db: Db,
    pub env: Env,
    pub failures_left: AtomicU32,
    pub poison: Mutex<Option<EventId>>,
    pub taken: Mutex<HashMap<EventId, u32>>,
}

#[async_trait]
impl Handler for Effects {
    async fn handle(&self, event: &Event) -> Result<Receipt, HandlerError> {
        let fails = self
            .failures_left
            .try_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .is_ok();
        if fails || *self.poison.lock().unwrap() == Some(event.id) {
            return Err(HandlerError::Refused("told to fail"));
        }
        let tx = self.db.begin().await?;
        let counts = vec![("things".to_owned(), 3)];
        let receipt = Inbox::record(&tx, event.id, counts, self.env.now()).await?;
        tx.commit().await?;
        *self.taken.lock().unwrap().entry(event.id).or_default() += 1;
        Ok(receipt)
    }
}

pub struct World<B = InProcessBus> {
    pub clock: Arc<MockClock>,
    pub env: Env,
    pub bus: Arc<B>,
    pub outbox: Outbox,
    pub source: TempDb,
    pub sinks: Vec<(TempDb, Arc<Effects>)>,
    pub consumers: Vec<ServiceName>,
    pub tasks: Tasks,
}

impl World {
    pub async fn new(seed: u64, consumers: &[&str]) -> Self {
        Self::over(TempDb::new::<Source>().await, seed, consumers).await
    }

    /// A world whose outbox is in `source`.
    pub async fn over(source: TempDb, seed: u64, consumers: &[&str]) -> Self {
        let (clock, env) = roster_testkit::env(seed);
        let bus = Arc::new(InProcessBus::new(env.clone()));
        let world = World::keeping(source, bus, (clock, env), consumers).await;
        world.attend();
        world.subscribed(consumers.len() + 1).await;
        world
    }
}

impl<B: Bus> World<B> {
    pub async fn on(bus: Arc<B>, env: (Arc<MockClock>, Env), consumers: &[&str]) -> Self {
        let world = Self::unattended(bus, env, consumers).await;
        world.attend();
        world
    }

    /// A service that announces, while those who consume are not there.
    pub async fn unattended(bus: Arc<B>, env: (Arc<MockClock>, Env), consumers: &[&str]) -> Self {
        Self::keeping(TempDb::new::<Source>().await, bus, env, consumers).await
    }

    async fn keeping(
        source: TempDb,
        bus: Arc<B>,
        (clock, env): (Arc<MockClock>, Env),
        consumers: &[&str],
    ) -> Self {
        let names = consumers.iter().map(|consumer| name(consumer)).collect();
        let outbox = Outbox::new(name("identity"), names, source.db.clone(), env.clone());
        let tasks = Tasks::new();
        let on_bus: Arc<dyn Bus> = bus.clone();
        outbox.start(&on_bus, &tasks);
        let mut sinks = Vec::new();
        for _ in consumers {
            let sink = TempDb::new::<Sink>().await;
            let effects = Arc::new(Effects {
                db: sink.db.clone(),
                env: env.clone(),
                failures_left: AtomicU32::new(0),
                poison: Mutex::default(),
                taken: Mutex::default(),
            });
            sinks.push((sink, effects));
        }
        let consumers = consumers.iter().map(|consumer| name(consumer)).collect();
        Self { clock, env, bus, outbox, source, sinks, consumers, tasks }
    }

    /// Starts the consumers; again, as replicas of those that run.
    pub fn attend(&self) {
        for sink in 0..self.sinks.len() {
            self.attend_at(sink, &self.tasks);
        }
    }

    /// Starts one of them, which ends with `tasks`.
    pub fn attend_at(&self, sink: usize, tasks: &Tasks) {
        let (kept, effects) = &self.sinks[sink];
        let consumer = Consumer::new(
            self.consumers[sink].clone(),
            name("identity"),
            kept.db.clone(),
            self.env.clone(),
            Arc::clone(effects),
        );
        consumer.start(self.bus.clone(), tasks);
    }

    pub async fn append(&self) -> EventId {
        let user = UserId::generate(&self.env);
        let tx = self.source.db.begin().await.unwrap();
        let message = UserDeleted { state: None, deletion_id: String::new() };
        let id = self.outbox.append(&tx, user, &message, Retention::Evidence).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Lets time pass, second by second, until everything is confirmed.
    pub async fn confirmed(&self) {
        eventually(async || {
            self.clock.advance(Duration::from_secs(1));
            self.unconfirmed().await == 0
        })
        .await;
    }

    pub async fn unconfirmed(&self) -> usize {
        let all = self.all_deliveries().await;
        all.iter().filter(|(_, each)| each.state != DeliveryState::Done).count()
    }

    pub async fn all_deliveries(&self) -> Vec<(EventId, EventDelivery)> {
        let events = self.outbox.events(self.source.db.read()).await.unwrap();
        self.outbox.deliveries(self.source.db.read(), &events).await.unwrap()
    }

    pub async fn delivery(&self, event: EventId, consumer: &str) -> EventDelivery {
        let all = self.outbox.deliveries(self.source.db.read(), &[event]).await.unwrap();
        all.into_iter().map(|(_, each)| each).find(|each| each.consumer == consumer).unwrap()
    }

    pub fn effects(&self, sink: usize) -> HashMap<EventId, u32> {
        self.sinks[sink].1.taken.lock().unwrap().clone()
    }
}

impl World {
    /// Waits until everybody listens: what is published before is lost, and
    /// only comes again with the next attempt.
    async fn subscribed(&self, expected: usize) {
        eventually(async || self.bus.subscriptions() >= expected).await;
    }

    /// Lets everything happen that happens without time passing.
    pub async fn settle(&self) {
        let settled = async || self.outbox.is_idle().await.unwrap() && self.bus.in_flight() == 0;
        eventually(settled).await;
    }

    /// Moves the time on until nothing more will happen.
    pub async fn converge(&self) {
        for _ in 0..200 {
            self.settle().await;
            if self.unconfirmed().await == 0 {
                return;
            }
            self.clock.advance(Duration::from_hours(1));
            self.woken().await;
        }
        panic!("not everything was confirmed");
    }

    /// Waits until the relay has noticed that time has passed.
    async fn woken(&self) {
        eventually(async || self.outbox.due().await.unwrap() == 0).await;
    }
}
