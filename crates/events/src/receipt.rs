//! What a consumer answers to an event.

use prost::Message;
use roster_kernel::{EventId, Timestamp};
use roster_proto::{
    event::v1::{self as pb, Outcome},
    subject::v1::KindCount,
    time,
};

/// Bytes that are not a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed receipt")]
pub struct InvalidReceipt;

/// How the consumption of an event ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// The effect is committed.
    Done {
        /// The event.
        event_id: EventId,
        /// How many rows of each kind were erased, where it asks for erasure.
        counts: Vec<(String, i64)>,
        /// When the effect was committed.
        at: Timestamp,
    },
    /// The attempt failed; the event has to come again.
    Failed {
        /// The event.
        event_id: EventId,
        /// The class of the failure: fixed text.
        failure: String,
    },
}

impl Receipt {
    /// The receipt, encoded.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let message = match self {
            Self::Done { event_id, counts, at } => pb::Receipt {
                event_id: event_id.to_string(),
                outcome: Outcome::Done.into(),
                counts: counts
                    .iter()
                    .map(|(kind, count)| KindCount { kind: kind.clone(), count: *count })
                    .collect(),
                complete_time: Some(time::to_proto(*at)),
                failure: String::new(),
            },
            Self::Failed { event_id, failure } => pb::Receipt {
                event_id: event_id.to_string(),
                outcome: Outcome::Failed.into(),
                counts: Vec::new(),
                complete_time: None,
                failure: failure.clone(),
            },
        };
        message.encode_to_vec()
    }

    /// Reads a receipt.
    pub fn decode(bytes: &[u8]) -> Result<Self, InvalidReceipt> {
        let message = pb::Receipt::decode(bytes).map_err(|_| InvalidReceipt)?;
        let event_id = EventId::parse(&message.event_id).map_err(|_| InvalidReceipt)?;
        match message.outcome() {
            Outcome::Done => Ok(Self::Done {
                event_id,
                counts: message.counts.into_iter().map(|each| (each.kind, each.count)).collect(),
                at: message.complete_time.and_then(time::from_proto).ok_or(InvalidReceipt)?,
            }),
            Outcome::Failed => {
                Ok(Self::Failed { event_id, failure: message.failure.chars().take(200).collect() })
            }
            Outcome::Unspecified => Err(InvalidReceipt),
        }
    }
}
