//! Publishing what is due, and taking in the receipts.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::{StreamExt as _, stream};
use roster_db::DbError;
use roster_kernel::EventId;
use roster_server::Tasks;
use tokio_util::sync::CancellationToken;

use crate::{Address, Bus, BusError, Delivery, Outbox, Receipt, Subscription, outbox::Due};

/// After so many publications without all receipts, an event counts as
/// parked: it is shown as such, and published hourly.
pub const PARKED_AFTER: u32 = 10;

/// How many events are claimed in one transaction.
const BATCH: u64 = 100;

/// How many events are on their way to the bus at the same time: it answers for
/// each when it is safe there, which takes a broker some time.
const AT_ONCE: usize = 16;

/// How long the relay rests at the most, should a notification be lost.
const POLL: Duration = Duration::from_secs(5);

/// How long the relay rests when what is due is in somebody else's hands, such
/// as another replica's relay: it publishes it, or leaves it to be found again.
const HELD: Duration = Duration::from_millis(200);

/// How long the relay rests after a failure of its own, or of the bus.
const REST: Duration = Duration::from_secs(1);

/// The pause after publication number `attempt`: one second, doubled each
/// time, and an hour once the event is parked.
#[must_use]
pub fn back_off(attempt: u32) -> TimeDelta {
    if attempt >= PARKED_AFTER {
        return TimeDelta::hours(1);
    }
    TimeDelta::seconds(1_i64 << attempt.saturating_sub(1).min(12))
}

impl Outbox {
    /// Starts what the outbox does in the background: publishing, and taking
    /// in receipts.
    pub fn start(&self, bus: &Arc<dyn Bus>, tasks: &Tasks) {
        let relay = publish(self.clone(), Arc::clone(bus), tasks.token());
        tasks.spawn("outbox relay", relay);
        let receipts = receive(self.clone(), Arc::clone(bus), tasks.token());
        tasks.spawn("outbox receipts", receipts);
        tasks.spawn("outbox news", hear(self.clone(), tasks.token()));
    }
}

/// Wakes those who wait here for receipts that other replicas take. Who is
/// not woken looks by itself, a little later.
async fn hear(outbox: Outbox, stop: CancellationToken) {
    let env = outbox.env().clone();
    loop {
        tokio::select! {
            heard = hear_all(&outbox) => match heard {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "news are not heard");
                }
            },
            () = stop.cancelled() => return,
        }
        tokio::select! {
            () = env.sleep(REST) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Ends where there is nobody to hear from.
async fn hear_all(outbox: &Outbox) -> Result<(), DbError> {
    let Some(mut news) = outbox.receipts_elsewhere().await? else { return Ok(()) };
    loop {
        // For what was told before anybody listened.
        outbox.receipt_came();
        news.next().await?;
    }
}

async fn publish(outbox: Outbox, bus: Arc<dyn Bus>, stop: CancellationToken) {
    let env = outbox.env().clone();
    // How long the relay has rested for a bus that is away.
    let mut outage = Duration::ZERO;
    loop {
        let rest = match publish_due(&outbox, &*bus, &mut outage).await {
            Ok(rest) => rest,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "publishing failed");
                REST
            }
        };
        tokio::select! {
            () = outbox.appended() => {}
            () = env.sleep(rest) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Publishes all that is due and answers how long there will be nothing.
async fn publish_due(
    outbox: &Outbox,
    bus: &dyn Bus,
    outage: &mut Duration,
) -> Result<Duration, DbError> {
    let address = Address::Events { source: outbox.source().clone() };
    let _publishing = outbox.publishing();
    while outbox.due().await? > 0 {
        let claimed = outbox.claim(BATCH).await?;
        if claimed.is_empty() {
            return Ok(HELD);
        }
        outbox.env().step("outbox.claimed").await;
        let publications = stream::iter(claimed).map(|due| publish_one(outbox, bus, &address, due));
        let left: Vec<_> =
            publications.buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
        if !left.is_empty() {
            tracing::warn!(events = left.len(), "events not published: the bus is unavailable");
            *outage = (*outage * 2).clamp(REST, POLL);
            outbox.not_published(&left, *outage).await?;
            return Ok(*outage);
        }
        *outage = Duration::ZERO;
    }
    let next = outbox.next_due().await?;
    let left = next.map_or(POLL, |at| (at - outbox.env().now()).to_std().unwrap_or_default());
    Ok(left.min(POLL))
}

/// Publishes an event; answers its id where the bus is away. What the bus
/// refuses has had its attempt, and is parked in the end like anything that
/// does not come through.
async fn publish_one(
    outbox: &Outbox,
    bus: &dyn Bus,
    address: &Address,
    due: Due,
) -> Option<EventId> {
    let published = bus.publish(address, Bytes::from(due.payload)).await;
    outbox.env().step("outbox.published").await;
    match published {
        Ok(()) => None,
        Err(BusError::Unavailable) => Some(due.id),
        Err(BusError::Refused) => {
            tracing::error!(event.id = %due.id, "event refused by the bus");
            None
        }
    }
}

async fn receive(outbox: Outbox, bus: Arc<dyn Bus>, stop: CancellationToken) {
    let env = outbox.env().clone();
    let source = outbox.source().clone();
    loop {
        let subscription = Subscription::Receipts { source: source.clone() };
        if let Ok(mut inflow) = bus.subscribe(subscription).await {
            loop {
                tokio::select! {
                    delivery = inflow.next() => match delivery {
                        Some(delivery) => take(&outbox, delivery).await,
                        None => break,
                    },
                    () = stop.cancelled() => return,
                }
            }
        }
        tracing::warn!("receipts are not received: the bus is unavailable");
        tokio::select! {
            () = env.sleep(REST) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Takes in one receipt. Whatever goes wrong, the event is published again
/// and the consumer repeats its receipt.
async fn take(outbox: &Outbox, delivery: Delivery) {
    let Address::Receipts { consumer, .. } = &delivery.address else { return };
    outbox.env().step("receipt.arrived").await;
    let Ok(receipt) = Receipt::decode(&delivery.payload) else {
        tracing::warn!(%consumer, "malformed receipt ignored");
        delivery.done().await;
        return;
    };
    if let Err(error) = outbox.take_receipt(consumer, &receipt).await {
        let error: &dyn std::error::Error = &error;
        tracing::error!(error, "receipt not stored");
        return;
    }
    delivery.done().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_until_parked_and_are_hourly_then() {
        let pauses: Vec<i64> = (1..=12).map(|n| back_off(n).num_seconds()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 3600, 3600, 3600]);
    }
}
