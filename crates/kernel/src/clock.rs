//! Time as an argument: whoever needs the time is given a [`Clock`].

use std::{fmt, future::Future, pin::Pin, time::Duration};

use chrono::{DateTime, SubsecRound, Utc};

/// A point in time, UTC, in whole microseconds: what both storage engines keep.
pub type Timestamp = DateTime<Utc>;

/// Where the time comes from.
///
/// Waiting belongs to the clock too, so that a test which moves the time also
/// fires whatever was due.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The current time, in whole microseconds.
    fn now(&self) -> Timestamp;

    /// Completes once [`Clock::now`] has reached `at`; at once when it has.
    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one real clock")]
    fn now(&self) -> Timestamp {
        to_micros(Utc::now())
    }

    #[expect(clippy::disallowed_methods, reason = "the one real clock")]
    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        let left = (at - self.now()).to_std().unwrap_or(Duration::ZERO);
        Box::pin(tokio::time::sleep(left))
    }
}

/// Cuts a time to whole microseconds, so that a value read back from storage
/// equals the one that was written.
#[must_use]
pub fn to_micros(at: Timestamp) -> Timestamp {
    at.trunc_subsecs(6)
}
