//! What makes one run of the program differ from another, in one argument.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use chrono::TimeDelta;
use uuid::{Builder, Uuid};

use crate::{Clock, Rng, SystemClock, SystemRng, Timestamp};

/// Watches a program reach the named steps of an operation.
///
/// A test stops the program at a step by not completing the future, to see
/// what is left when a process ends there.
pub trait Steps: std::fmt::Debug + Send + Sync + 'static {
    /// `step` has been reached; the program goes on when the future completes.
    fn reached(&self, step: &'static str) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Time and randomness. Cheap to clone; every service is built with one.
#[derive(Clone, Debug)]
pub struct Env {
    /// The time, and waiting for it.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub rng: Arc<dyn Rng>,
    /// Who watches the steps of operations; nobody, outside tests.
    pub steps: Option<Arc<dyn Steps>>,
}

impl Env {
    /// The machine's own clock and generator.
    #[must_use]
    pub fn system() -> Self {
        Self { clock: Arc::new(SystemClock), rng: Arc::new(SystemRng), steps: None }
    }

    /// The current time, in whole microseconds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Completes after `duration` of this environment's time.
    #[must_use]
    pub fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        let wait = TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        let at = self.now().checked_add_signed(wait).unwrap_or(Timestamp::MAX_UTC);
        self.clock.sleep_until(at)
    }

    /// Says that `step` has been reached. Steps stand where the end of the
    /// process would leave something half done.
    pub async fn step(&self, step: &'static str) {
        if let Some(steps) = &self.steps {
            steps.reached(step).await;
        }
    }

    /// `N` random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill(&mut bytes);
        bytes
    }

    /// A new UUID of version 7 (RFC 9562): this environment's milliseconds,
    /// then 74 random bits.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }
}
