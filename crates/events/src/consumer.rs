//! Consuming the events of another service, each once.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use roster_db::{Db, DbError};
use roster_kernel::{Env, EventId, ServiceName};
use roster_server::{Tasks, telemetry};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, field::Empty};

use crate::{Address, Bus, BusError, Delivery, Event, Inbox, Receipt, Subscription};

/// How many events one consumer works on at the same time: a slow one, or one
/// that fails, does not hold up the others.
const CONCURRENCY: usize = 8;

/// How long a consumer rests when the bus is unavailable.
const REST: Duration = Duration::from_secs(1);

/// Why an event had no effect. It comes again.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The event is not one that the consumer can act upon. Carries fixed
    /// text that says why.
    #[error("event refused: {0}")]
    Refused(&'static str),
}

impl HandlerError {
    const fn class(&self) -> &'static str {
        match self {
            Self::Db(error) => error.class(),
            Self::Refused(why) => why,
        }
    }
}

/// What a consumer does with an event.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Carries the event out and answers the receipt that it recorded, with
    /// [`Inbox::record`], in the transaction that completed the effect.
    async fn handle(&self, event: &Event) -> Result<Receipt, HandlerError>;
}

/// Receives the events of one service on behalf of another.
#[derive(Debug)]
pub struct Consumer<H> {
    /// The consumer's name.
    pub name: ServiceName,
    /// Whose events it consumes.
    pub source: ServiceName,
    /// Where its inbox is.
    pub db: Db,
    /// Its time.
    pub env: Env,
    /// What it does with them.
    pub handler: Arc<H>,
    /// What it is working on right now.
    working: Mutex<HashSet<EventId>>,
}

impl<H: Handler> Consumer<H> {
    /// A consumer named `name` of the events of `source`.
    #[must_use]
    pub fn new(name: ServiceName, source: ServiceName, db: Db, env: Env, handler: Arc<H>) -> Self {
        Self { name, source, db, env, handler, working: Mutex::default() }
    }

    /// Starts consuming in the background.
    pub fn start(self, bus: Arc<dyn Bus>, tasks: &Tasks) {
        tasks.spawn("event consumer", self.run(bus, tasks.token()));
    }

    async fn run(self, bus: Arc<dyn Bus>, stop: CancellationToken) {
        let subscription =
            Subscription::Events { source: self.source.clone(), consumer: self.name.clone() };
        loop {
            if let Ok(mut inflow) = bus.subscribe(subscription.clone()).await {
                let mut working = FuturesUnordered::new();
                loop {
                    tokio::select! {
                        Some(()) = working.next() => {}
                        delivery = inflow.next(), if working.len() < CONCURRENCY => {
                            let Some(delivery) = delivery else { break };
                            working.push(self.consume(delivery, &*bus));
                        }
                        () = stop.cancelled() => return,
                    }
                }
            }
            tracing::warn!(consumer = %self.name, "events are not received: the bus is unavailable");
            tokio::select! {
                () = self.env.sleep(REST) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Works on one delivery and sends the receipt. Whatever goes wrong, the
    /// event comes again: the outbox publishes it until it has the receipt.
    async fn consume(&self, delivery: Delivery, bus: &dyn Bus) {
        let event = match Event::decode(&delivery.payload) {
            Ok(event) => event,
            Err(error) => {
                tracing::error!(consumer = %self.name, %error, "malformed event ignored");
                delivery.done().await;
                return;
            }
        };
        // What is for somebody else has been heard here before.
        if !event.is_for(&self.name) {
            delivery.done().await;
            return;
        }
        // A repetition that arrives while the first is being worked on would
        // do the work twice only to find that it is done.
        let Some(_turn) = Turn::take(&self.working, event.id) else {
            delivery.done().await;
            return;
        };
        let span = tracing::info_span!(
            "consume",
            otel.name = format!("consume {}", event.kind()),
            otel.kind = "consumer",
            messaging.operation.type = "process",
            event.id = %event.id,
            event.kind = event.kind(),
            consumer = %self.name,
            trace_id = Empty,
        );
        if let Some(traceparent) = &event.traceparent {
            telemetry::continue_trace(&span, traceparent);
        }
        if let Some(trace_id) = telemetry::trace_id(&span) {
            span.record("trace_id", trace_id);
        }
        // Without its receipt, the event has not been dealt with.
        if self.answer(&event, bus).instrument(span).await.is_ok() {
            delivery.done().await;
        }
    }

    async fn answer(&self, event: &Event, bus: &dyn Bus) -> Result<(), BusError> {
        self.env.step("event.arrived").await;
        let receipt = match self.receipt(event).await {
            Ok(receipt) => receipt,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "event not carried out, it will come again"
                );
                Receipt::Failed { event_id: event.id, failure: error.class().to_owned() }
            }
        };
        self.env.step("event.handled").await;
        let address =
            Address::Receipts { source: event.source.clone(), consumer: self.name.clone() };
        let published = bus.publish(&address, Bytes::from(receipt.encode())).await;
        if published.is_err() {
            tracing::warn!("receipt not published: the bus is unavailable");
        }
        published
    }

    async fn receipt(&self, event: &Event) -> Result<Receipt, HandlerError> {
        if let Some(receipt) = Inbox::find(self.db.read(), event.id).await? {
            return Ok(receipt);
        }
        match self.handler.handle(event).await {
            // Another replica was faster: its receipt stands.
            Err(HandlerError::Db(DbError::Unique(violated))) => {
                let stored = Inbox::find(self.db.read(), event.id).await?;
                stored.ok_or(HandlerError::Db(DbError::Unique(violated)))
            }
            other => other,
        }
    }
}

/// The right to work on an event, given back when dropped.
struct Turn<'a> {
    working: &'a Mutex<HashSet<EventId>>,
    event_id: EventId,
}

impl<'a> Turn<'a> {
    fn take(working: &'a Mutex<HashSet<EventId>>, event_id: EventId) -> Option<Self> {
        let mut taken = working.lock().unwrap_or_else(PoisonError::into_inner);
        // A turn is only made for who gets it: dropping one gives it back.
        taken.insert(event_id).then(|| Self { working, event_id })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut taken = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        taken.remove(&self.event_id);
    }
}
