//! What tests are driven with: a clock that only moves when told to, seeded
//! randomness, databases and brokers that vanish, links that can be cut, a browser, patience, and
//! the import table of the code style.
//! Knows no service.
#![expect(clippy::expect_used, reason = "a test that cannot begin has failed")]

pub mod browser;
mod clock;
mod db;
mod eventually;
pub mod layers;
mod link;
mod nats;
mod port;
mod postgres;
mod query;
mod rng;
mod steps;

pub use clock::MockClock;
pub use db::TempDb;
pub use eventually::{eventually, rest};
pub use link::{Link, Target, Way};
pub use nats::{TempBrokers, TempNats};
pub use port::Port;
pub use postgres::{OwnPostgres, POSTGRES, TempPostgres};
pub use rng::SeededRng;
pub use steps::{Passes, StopAt};

use std::sync::Arc;

use chrono::{TimeZone, Utc};
use roster_kernel::{Env, Timestamp};

/// The time at which tests begin: 2026-01-01 00:00 UTC.
#[must_use]
pub fn epoch() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap()
}

/// A clock at [`epoch`] and an environment made of it and of `seed`.
#[must_use]
pub fn env(seed: u64) -> (Arc<MockClock>, Env) {
    let clock = MockClock::new(epoch());
    let env = Env { clock: clock.clone(), rng: Arc::new(SeededRng::new(seed)), steps: None };
    (clock, env)
}
