//! What carries events to their consumers and receipts back.

pub mod in_process;
pub mod jetstream;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use roster_kernel::ServiceName;

/// Where a message is published, and with that by whom: a service may publish
/// under its own name only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// Events of a service.
    Events {
        /// The service that announces.
        source: ServiceName,
    },
    /// Receipts of a consumer for the events of a service.
    Receipts {
        /// The service whose events were consumed.
        source: ServiceName,
        /// The consumer.
        consumer: ServiceName,
    },
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events { source } => write!(f, "roster.event.{source}"),
            Self::Receipts { source, consumer } => write!(f, "roster.receipt.{source}.{consumer}"),
        }
    }
}

/// What a subscriber receives. Every subscriber gets every message; replicas
/// of one subscriber share them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subscription {
    /// The events of `source`, for `consumer`.
    Events {
        /// The service that announces.
        source: ServiceName,
        /// The consumer.
        consumer: ServiceName,
    },
    /// The receipts for the events of `source`, of all consumers.
    Receipts {
        /// The service whose events were consumed.
        source: ServiceName,
    },
}

impl Subscription {
    /// Whether a message published to `address` belongs to it.
    #[must_use]
    pub fn takes(&self, address: &Address) -> bool {
        match (self, address) {
            (Self::Events { source, .. }, Address::Events { source: from })
            | (Self::Receipts { source }, Address::Receipts { source: from, .. }) => source == from,
            (Self::Events { .. }, Address::Receipts { .. })
            | (Self::Receipts { .. }, Address::Events { .. }) => false,
        }
    }
}

/// The bus did not do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// It cannot be reached, or does not answer: later it may.
    #[error("the bus is unavailable")]
    Unavailable,
    /// It refuses this message, and would refuse it again.
    #[error("the bus refuses the message")]
    Refused,
}

/// Tells a bus that a message has been dealt with.
#[async_trait]
pub(crate) trait Acknowledge: Send + Sync {
    /// The message need not come again.
    async fn acknowledge(self: Box<Self>);
}

/// A message on its way. It counts as being worked on until it is dropped;
/// dropped without [`Delivery::done`], it may come again.
pub struct Delivery {
    /// Where it was published.
    pub address: Address,
    /// The message.
    pub payload: Bytes,
    pub(crate) acknowledgement: Box<dyn Acknowledge>,
}

impl Delivery {
    /// The message has been dealt with, and need not come again.
    pub async fn done(self) {
        self.acknowledgement.acknowledge().await;
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The messages of one subscription.
#[async_trait]
pub trait Inflow: Send {
    /// The next message; `None` when the bus has ended.
    async fn next(&mut self) -> Option<Delivery>;
}

/// Carries messages from publishers to subscribers.
///
/// It may lose, repeat, delay and reorder them: the outbox publishes again
/// until it has the receipts, and the inbox recognises repetitions.
#[async_trait]
pub trait Bus: fmt::Debug + Send + Sync + 'static {
    /// Hands a message over.
    async fn publish(&self, address: &Address, payload: Bytes) -> Result<(), BusError>;

    /// Receives from now on what `subscription` describes.
    async fn subscribe(&self, subscription: Subscription) -> Result<Box<dyn Inflow>, BusError>;
}
