//! What has not been confirmed yet, as operators watch it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use roster_db::DbError;
use roster_kernel::{ServiceName, Timestamp};
use roster_server::{
    Tasks,
    metrics::{Gauge, KeyValue, Meters, keep_fresh},
};

use super::{Outbox, store};

/// What an outbox still has to see confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many events wait for receipts.
    pub events: u64,
    /// When the oldest of them was announced.
    pub oldest: Option<Timestamp>,
    /// The receipts that are missing.
    pub missing: Vec<Missing>,
}

/// The receipts that one consumer owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Who owes them.
    pub consumer: String,
    /// How many, those of parked events included.
    pub receipts: u64,
    /// How many of them are for events that are parked.
    pub parked: u64,
}

/// The instruments of an outbox.
#[derive(Debug)]
struct BacklogMeter {
    events: Gauge<u64>,
    oldest: Gauge<f64>,
    pending: Gauge<u64>,
    parked: Gauge<u64>,
    /// Who has been shown: that a consumer owes nothing any more has to be seen,
    /// also of one that is none any more.
    seen: Mutex<BTreeSet<String>>,
}

impl BacklogMeter {
    fn new(meters: &Meters) -> Self {
        Self {
            events: meters.gauge(
                "roster.outbox.events",
                "{event}",
                "Announced events that some consumer has not confirmed yet",
            ),
            oldest: meters.seconds(
                "roster.outbox.oldest.age",
                "How long the oldest event has waited to be confirmed; 0 when none does",
            ),
            pending: meters.gauge(
                "roster.outbox.receipts.pending",
                "{receipt}",
                "Receipts that consumers have not sent yet",
            ),
            parked: meters.gauge(
                "roster.outbox.deliveries.parked",
                "{delivery}",
                "Deliveries without a receipt after ten attempts, tried hourly now",
            ),
            seen: Mutex::default(),
        }
    }

    fn note(&self, outbox: &Outbox, registered: &[ServiceName], backlog: &Backlog) {
        self.events.record(backlog.events, &[]);
        let age = backlog.oldest.map(|oldest| outbox.env().now() - oldest);
        let age = age.and_then(|age| age.to_std().ok()).unwrap_or_default();
        self.oldest.record(age.as_secs_f64(), &[]);
        let named = outbox.inner.consumers.iter().chain(registered).map(ToString::to_string);
        let former = backlog.missing.iter().map(|it| it.consumer.clone());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.extend(named.chain(former));
        for consumer in &*seen {
            let missing = backlog.missing.iter().find(|it| it.consumer == *consumer);
            let (receipts, parked) = missing.map_or((0, 0), |it| (it.receipts, it.parked));
            let attributes = [KeyValue::new("roster.consumer", consumer.to_owned())];
            self.pending.record(receipts, &attributes);
            self.parked.record(parked, &attributes);
        }
    }
}

impl Outbox {
    /// What has not been confirmed yet.
    pub async fn backlog(&self) -> Result<Backlog, DbError> {
        store::backlog(self.inner.db.read()).await
    }

    async fn owed(&self) -> Result<(Vec<ServiceName>, Backlog), DbError> {
        Ok((self.registered(self.inner.db.read()).await?, self.backlog().await?))
    }

    /// Keeps the instruments of the outbox up to date in the background.
    pub fn watch(&self, meters: &Meters, tasks: &Tasks) {
        let (outbox, env) = (self.clone(), self.inner.env.clone());
        let meter = Arc::new(BacklogMeter::new(meters));
        let look = move || {
            let (outbox, meter) = (outbox.clone(), Arc::clone(&meter));
            async move {
                match outbox.owed().await {
                    Ok((registered, backlog)) => meter.note(&outbox, &registered, &backlog),
                    Err(error) => {
                        tracing::warn!(class = error.class(), "outbox not looked at");
                    }
                }
            }
        };
        tasks.spawn("outbox backlog", keep_fresh(env, tasks.token(), look));
    }
}
