//! Announcing, and knowing who has heard.

mod backlog;
mod consumers;
mod entity;
mod store;
pub mod unconfirmed;

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::TimeDelta;
use prost::{Message, Name};
use roster_db::{Db, DbError, News, Tx};
use roster_kernel::{Deadline, Env, EventId, ServiceName, Timestamp, UserId};
use sea_orm::ConnectionTrait;
use tokio::sync::Notify;

use crate::{Event, Receipt, relay};

pub use backlog::{Backlog, Missing};
pub(crate) use store::Due;

/// How often somebody who waits for a receipt looks for it unasked: another
/// replica may have stored it.
const WAIT_POLL: Duration = Duration::from_millis(500);

/// Where replicas tell each other of receipts.
const RECEIPTS: &str = "outbox.receipts";

/// How long retired events are kept that nobody needs as evidence: as long as
/// an operation can be repeated with its `request_id`.
const KEPT_FOR: TimeDelta = TimeDelta::hours(25);

/// What becomes of an event after every consumer has confirmed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// It is deleted after about a day.
    Transient,
    /// It is kept for good, with its receipts.
    Evidence,
}

/// Whether an announced change has taken effect at a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It has.
    Confirmed,
    /// There is no receipt yet; delivery goes on.
    Pending,
}

/// How far the delivery of an event to a consumer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// No receipt yet.
    Pending,
    /// No receipt after many attempts; still tried hourly.
    Parked,
    /// The consumer has confirmed.
    Done,
    /// The consumer was unregistered before it confirmed: nobody waits for it.
    Waived,
}

/// The delivery of an event to one consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDelivery {
    /// Who has to confirm.
    pub consumer: String,
    /// How far it is.
    pub state: DeliveryState,
    /// How often the event was published.
    pub attempts: u32,
    /// How many rows of each kind the consumer erased.
    pub counts: Vec<(String, i64)>,
    /// When the effect was committed at the consumer, or nobody waited for that
    /// any more.
    pub complete_time: Option<Timestamp>,
    /// The class of the last failure that the consumer reported.
    pub failure: Option<String>,
}

/// The outbox of a service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    source: ServiceName,
    consumers: Vec<ServiceName>,
    db: Db,
    env: Env,
    appended: Arc<Notify>,
    receipt: Notify,
    publishing: AtomicUsize,
}

/// A relay's turn at publishing, over when dropped.
pub(crate) struct Publishing<'a>(&'a AtomicUsize);

impl Drop for Publishing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Outbox {
    /// The outbox of `source`, whose events each of `consumers` must confirm,
    /// and whoever is registered besides.
    #[must_use]
    pub fn new(source: ServiceName, consumers: Vec<ServiceName>, db: Db, env: Env) -> Self {
        let appended = Arc::default();
        let receipt = Notify::new();
        let publishing = AtomicUsize::new(0);
        let inner = Inner { source, consumers, db, env, appended, receipt, publishing };
        Self { inner: Arc::new(inner) }
    }

    /// Announces `message` about `subject`, if and only if `tx` commits. The
    /// set of consumers that must confirm is frozen here.
    pub async fn append<M: Message + Name>(
        &self,
        tx: &Tx,
        subject: UserId,
        message: &M,
        retention: Retention,
    ) -> Result<EventId, DbError> {
        let consumers = self.consumers(tx).await?;
        self.insert(tx, self.event(subject, message), &consumers, retention).await
    }

    /// Tells one consumer alone, which must confirm: what the others have heard
    /// before. It is history once that has happened.
    pub async fn append_for<M: Message + Name>(
        &self,
        tx: &Tx,
        consumer: &ServiceName,
        subject: UserId,
        message: &M,
    ) -> Result<EventId, DbError> {
        let event = Event { audience: Some(consumer.clone()), ..self.event(subject, message) };
        self.insert(tx, event, std::slice::from_ref(consumer), Retention::Transient).await
    }

    fn event<M: Message + Name>(&self, subject: UserId, message: &M) -> Event {
        let Inner { source, env, .. } = &*self.inner;
        Event {
            traceparent: roster_server::telemetry::traceparent(),
            ..Event::new(EventId::generate(env), source.clone(), subject, env.now(), message)
        }
    }

    async fn insert(
        &self,
        tx: &Tx,
        event: Event,
        consumers: &[ServiceName],
        retention: Retention,
    ) -> Result<EventId, DbError> {
        let (id, appended) = (event.id, &self.inner.appended);
        store::insert(tx, &event, consumers, retention).await?;
        let appended = Arc::clone(appended);
        tx.after_commit(move || appended.notify_one());
        Ok(id)
    }

    /// Waits until `consumer` has confirmed the event, or until shortly
    /// before the caller's deadline, so that the answer still reaches it. A
    /// consumer outside the event's frozen set has nothing to confirm.
    pub async fn wait_for(
        &self,
        event_id: EventId,
        consumer: &str,
        deadline: Deadline,
    ) -> Result<Effect, DbError> {
        let Inner { db, env, receipt, .. } = &*self.inner;
        let margin = (deadline.remaining(env.now()) / 10).min(Duration::from_secs(1));
        let give_up = deadline.0 - TimeDelta::from_std(margin).unwrap_or_default();
        loop {
            let arrived = receipt.notified();
            let mut arrived = std::pin::pin!(arrived);
            // Registered before looking, so that no receipt is missed.
            arrived.as_mut().enable();
            if store::confirmed(db.read(), event_id, consumer).await? {
                return Ok(Effect::Confirmed);
            }
            let now = env.now();
            if now >= give_up {
                return Ok(Effect::Pending);
            }
            env.step("outbox.waiting").await;
            let look_again = now + TimeDelta::from_std(WAIT_POLL).unwrap_or_default();
            tokio::select! {
                () = arrived => {}
                () = env.clock.sleep_until(look_again.min(give_up)) => {}
            }
        }
    }

    /// Completes when a receipt arrives from now on, or when it is time to look
    /// for one unasked. Whoever takes this before looking misses nothing.
    #[must_use]
    pub fn news(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut arrived = Box::pin(self.inner.receipt.notified());
        // Registered here, not when it is polled first.
        arrived.as_mut().enable();
        let time = self.inner.env.sleep(WAIT_POLL);
        Box::pin(async move {
            tokio::select! {
                () = arrived => {}
                () = time => {}
            }
        })
    }

    /// The newest event about `subject` that `consumer` has not confirmed: what
    /// there is to wait for when a change is asked for that has been made, but
    /// may not be in effect yet.
    pub async fn unconfirmed(
        &self,
        connection: &impl ConnectionTrait,
        subject: UserId,
        consumer: &str,
    ) -> Result<Option<EventId>, DbError> {
        store::unconfirmed(connection, subject, consumer).await
    }

    /// The deliveries of some events, each with its event's id, ordered by
    /// event and consumer.
    pub async fn deliveries(
        &self,
        connection: &impl ConnectionTrait,
        events: &[EventId],
    ) -> Result<Vec<(EventId, EventDelivery)>, DbError> {
        store::deliveries(connection, events).await
    }

    /// The ids of all events that are kept, oldest first.
    pub async fn events(&self, connection: &impl ConnectionTrait) -> Result<Vec<EventId>, DbError> {
        store::ids(connection).await
    }

    /// Publishes the event again as soon as `tx` has committed, unless every
    /// consumer has confirmed it. Its count of attempts begins anew.
    pub async fn retry_now(&self, tx: &Tx, event_id: EventId) -> Result<(), DbError> {
        store::make_due(tx, event_id, self.inner.env.now()).await?;
        let appended = Arc::clone(&self.inner.appended);
        tx.after_commit(move || appended.notify_one());
        Ok(())
    }

    /// Publishes the event again at once, where `consumer` has not confirmed
    /// it and the next attempt is a while away: somebody is waiting for it.
    pub async fn hasten(&self, event_id: EventId, consumer: &str) -> Result<(), DbError> {
        let connection = self.inner.db.read();
        // The first attempt was made a moment ago, or is about to be.
        if store::attempts(connection, event_id).await? < 2
            || store::confirmed(connection, event_id, consumer).await?
        {
            return Ok(());
        }
        let tx = self.inner.db.begin().await?;
        self.retry_now(&tx, event_id).await?;
        tx.commit().await
    }

    /// How many events are due for publication now.
    pub async fn due(&self) -> Result<u64, DbError> {
        store::count_due(self.inner.db.read(), self.inner.env.now()).await
    }

    /// Whether there is nothing to publish at this moment of the clock: what
    /// was appended is on the bus, or waits for its next attempt.
    pub async fn is_idle(&self) -> Result<bool, DbError> {
        // In this order: a relay that has claimed an event is still
        // publishing until the bus has it.
        Ok(self.due().await? == 0 && self.inner.publishing.load(Ordering::SeqCst) == 0)
    }

    /// Deletes retired events that are not evidence.
    pub async fn sweep(&self) -> Result<u64, DbError> {
        let before = self.inner.env.now() - KEPT_FOR;
        roster_db::delete_in_batches(&self.inner.db, |batch| store::retired(before, batch)).await
    }

    pub(crate) fn publishing(&self) -> Publishing<'_> {
        self.inner.publishing.fetch_add(1, Ordering::SeqCst);
        Publishing(&self.inner.publishing)
    }

    pub(crate) fn source(&self) -> &ServiceName {
        &self.inner.source
    }

    pub(crate) fn env(&self) -> &Env {
        &self.inner.env
    }

    /// Completes when something was appended since the last call.
    pub(crate) async fn appended(&self) {
        self.inner.appended.notified().await;
    }

    /// Takes some events that are due and plans their next attempt, so that a
    /// relay which fails now leaves them to be found again.
    pub(crate) async fn claim(&self, most: u64) -> Result<Vec<Due>, DbError> {
        let now = self.inner.env.now();
        let tx = self.inner.db.begin().await?;
        let due = store::due(&tx, now, most).await?;
        for event in &due {
            let next = now + relay::back_off(event.attempts + 1);
            store::plan(&tx, event.id, event.attempts + 1, next).await?;
        }
        tx.commit().await?;
        Ok(due)
    }

    /// Takes back the claim to events that the bus did not take, and plans
    /// another after `rest`. It was no attempt: what counts is that a consumer
    /// had the event and did not confirm it.
    pub(crate) async fn not_published(
        &self,
        events: &[EventId],
        rest: Duration,
    ) -> Result<(), DbError> {
        let next = self.inner.env.now() + TimeDelta::from_std(rest).unwrap_or_default();
        let tx = self.inner.db.begin().await?;
        store::take_back(&tx, events, next).await?;
        tx.commit().await
    }

    /// The next moment at which an event becomes due.
    pub(crate) async fn next_due(&self) -> Result<Option<Timestamp>, DbError> {
        store::next_due(self.inner.db.read()).await
    }

    /// Takes note of a consumer's receipt. A receipt from outside the event's
    /// frozen set, or for an unknown event, changes nothing.
    pub(crate) async fn take_receipt(
        &self,
        consumer: &ServiceName,
        receipt: &Receipt,
    ) -> Result<(), DbError> {
        let now = self.inner.env.now();
        let tx = self.inner.db.begin().await?;
        // Two receipts at once would each find the other missing.
        let (Receipt::Done { event_id, .. } | Receipt::Failed { event_id, .. }) = receipt;
        store::lock(&tx, *event_id).await?;
        match receipt {
            Receipt::Done { event_id, counts, at } => {
                store::confirm(&tx, *event_id, consumer, counts, *at).await?;
                store::retire_if_confirmed(&tx, *event_id, now).await?;
            }
            Receipt::Failed { event_id, failure } => {
                store::note_failure(&tx, *event_id, consumer, failure).await?;
            }
        }
        tx.notify(RECEIPTS).await?;
        tx.commit().await?;
        self.receipt_came();
        Ok(())
    }

    /// Wakes those who wait for a receipt.
    pub(crate) fn receipt_came(&self) {
        self.inner.receipt.notify_waiters();
    }

    /// What other replicas tell of receipts that they have taken; nothing where
    /// there are none.
    pub(crate) async fn receipts_elsewhere(&self) -> Result<Option<News>, DbError> {
        self.inner.db.news(RECEIPTS).await
    }
}
