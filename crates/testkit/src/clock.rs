//! A clock that moves when it is told to.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use roster_kernel::{Clock, Timestamp};
use tokio::sync::watch;

/// Time under a test's control. Whoever waits for a moment is woken when
/// [`MockClock::advance`] reaches it.
#[derive(Debug)]
pub struct MockClock {
    now: watch::Sender<Timestamp>,
    waiting: Arc<Mutex<Vec<Timestamp>>>,
}

impl MockClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Arc<Self> {
        Arc::new(Self { now: watch::Sender::new(start), waiting: Arc::default() })
    }

    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
        self.now.send_modify(|now| *now += by);
    }

    /// The earliest moment that somebody waits for, if anybody waits.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let now = *self.now.borrow();
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.iter().copied().filter(|at| *at > now).min()
    }

    /// Whether somebody waits for exactly this moment.
    #[must_use]
    pub fn is_awaited(&self, at: Timestamp) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).contains(&at)
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        let mut now = self.now.subscribe();
        let registered = Registered::new(&self.waiting, at);
        Box::pin(async move {
            let _registered = registered;
            // An error means that the clock is gone: nobody will move it.
            if now.wait_for(|now| *now >= at).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

/// An entry in the list of awaited moments, for as long as it is awaited.
struct Registered {
    waiting: Arc<Mutex<Vec<Timestamp>>>,
    at: Timestamp,
}

impl Registered {
    fn new(waiting: &Arc<Mutex<Vec<Timestamp>>>, at: Timestamp) -> Self {
        waiting.lock().unwrap_or_else(PoisonError::into_inner).push(at);
        Self { waiting: Arc::clone(waiting), at }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = waiting.iter().position(|at| *at == self.at) {
            waiting.swap_remove(index);
        }
    }
}
