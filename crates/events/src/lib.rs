//! Announcing what happened, so that nothing is lost and nothing happens
//! twice.
//!
//! A service appends an event to its [`Outbox`] in the transaction of the
//! change. The relay publishes it on a [`Bus`], again and again with growing
//! pauses, until every consumer that was named when it was appended has sent
//! its receipt. A consumer records in its [`Inbox`], in the transaction of the
//! effect, what it answered, so that a repetition has no second effect.

pub mod audit;
mod bus;
mod consumer;
mod event;
mod inbox;
pub mod migration;
mod outbox;
mod receipt;
mod relay;

pub use bus::{
    Address, Bus, BusError, Delivery, Inflow, Subscription,
    in_process::{Faults, InProcessBus},
    jetstream::{JetStreamBus, JetStreamError, NatsConfig, NatsTls},
};
pub use consumer::{Consumer, Handler, HandlerError};
pub use event::{Event, InvalidEvent};
pub use inbox::Inbox;
pub use outbox::{
    Backlog, DeliveryState, Effect, EventDelivery, Missing, Outbox, Retention, unconfirmed,
};
pub use receipt::{InvalidReceipt, Receipt};
pub use relay::{PARKED_AFTER, back_off};
