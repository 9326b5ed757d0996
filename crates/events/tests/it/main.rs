//! The outbox, the inbox and the bus together, over a real database.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bus;
mod consumers;
mod delivery;
mod harness;
mod inbox;
mod jetstream;
mod outage;
mod outbox;
mod replicas;
mod unconfirmed;
