//! Watching a program's steps, and stopping it at one.

use std::{
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use roster_kernel::Steps;
use tokio::sync::{Notify, watch};

/// Lets the program pass a step some times, then stops whoever reaches it,
/// for good: as a process that ends there would.
#[derive(Debug)]
pub struct StopAt {
    step: &'static str,
    passes: AtomicU32,
    armed: AtomicBool,
    stopped: Notify,
}

impl StopAt {
    /// Stops at `step` after `passes` passes.
    #[must_use]
    pub fn new(step: &'static str, passes: u32) -> Self {
        let passes = AtomicU32::new(passes);
        Self { step, passes, armed: AtomicBool::new(true), stopped: Notify::new() }
    }

    /// The same, from [`StopAt::arm`] on: what happens before does not count.
    #[must_use]
    pub fn later(step: &'static str, passes: u32) -> Self {
        Self { armed: AtomicBool::new(false), ..Self::new(step, passes) }
    }

    /// Begins to count, and to stop.
    pub fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// Completes once somebody has been stopped.
    pub async fn stopped(&self) {
        self.stopped.notified().await;
    }
}

impl Steps for StopAt {
    fn reached(&self, step: &'static str) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let counts = step == self.step && self.armed.load(Ordering::SeqCst);
        let passes = counts.then(|| {
            let less = |left: u32| left.checked_sub(1);
            self.passes.try_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok()
        });
        if passes == Some(false) {
            self.stopped.notify_one();
            return Box::pin(std::future::pending());
        }
        Box::pin(std::future::ready(()))
    }
}

/// Counts how often one step has been reached; stops nobody.
#[derive(Debug)]
pub struct Passes {
    step: &'static str,
    count: watch::Sender<u64>,
}

impl Passes {
    /// Counts the passes of `step`.
    #[must_use]
    pub fn of(step: &'static str) -> Self {
        Self { step, count: watch::Sender::new(0) }
    }

    /// A view of the count that completes `changed` with each pass.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }
}

impl Steps for Passes {
    fn reached(&self, step: &'static str) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        if step == self.step {
            self.count.send_modify(|count| *count += 1);
        }
        Box::pin(std::future::ready(()))
    }
}
