//! Deletions with their receipts.

use std::collections::HashMap;

use roster_events::{DeliveryState, EventDelivery};
use roster_kernel::EventId;

use super::Cx;
use crate::{
    domain::{DeletionRecord, DeletionView, Receipt, ReceiptState},
    error::Error,
};

/// One deletion with its receipts of this moment.
pub async fn view(cx: &Cx, record: DeletionRecord) -> Result<DeletionView, Error> {
    let receipts = receipts(cx, &[record.event_id]).await?;
    Ok(with_receipts(cx, record, receipts.into_values().flatten().collect()))
}

/// Some deletions with their receipts of this moment.
pub async fn views(cx: &Cx, records: Vec<DeletionRecord>) -> Result<Vec<DeletionView>, Error> {
    let events: Vec<_> = records.iter().map(|record| record.event_id).collect();
    let mut known = receipts(cx, &events).await?;
    let views = records.into_iter().map(|record| {
        let receipts = known.remove(&record.event_id).unwrap_or_default();
        with_receipts(cx, record, receipts)
    });
    Ok(views.collect())
}

async fn receipts(cx: &Cx, events: &[EventId]) -> Result<HashMap<EventId, Vec<Receipt>>, Error> {
    let mut receipts: HashMap<_, Vec<_>> = HashMap::with_capacity(events.len());
    for (event, delivery) in cx.outbox.deliveries(cx.db.read(), events).await? {
        receipts.entry(event).or_default().push(receipt(delivery));
    }
    Ok(receipts)
}

fn with_receipts(cx: &Cx, record: DeletionRecord, others: Vec<Receipt>) -> DeletionView {
    let own = record.own_receipt(cx.name.as_str());
    DeletionView { receipts: std::iter::once(own).chain(others).collect(), record }
}

fn receipt(delivery: EventDelivery) -> Receipt {
    Receipt {
        participant: delivery.consumer,
        state: match delivery.state {
            DeliveryState::Pending => ReceiptState::Pending,
            DeliveryState::Parked => ReceiptState::Parked,
            DeliveryState::Done => ReceiptState::Done,
            DeliveryState::Waived => ReceiptState::Waived,
        },
        counts: delivery.counts,
        attempts: delivery.attempts,
        completed_at: delivery.complete_time,
        failure: delivery.failure,
    }
}
