//! The background tasks of a process, so that a drain can wait for them.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::FutureExt;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The one owner of background tasks. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tracker: TaskTracker,
    stop: CancellationToken,
    cut: CancellationToken,
    failed: AtomicBool,
}

impl Tasks {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Completes when the tasks should end; tasks watch it.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.inner.stop.clone()
    }

    /// Whether a task has panicked: the process then ends as failed, so that
    /// whoever watches it starts another.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.inner.failed.load(Ordering::Relaxed)
    }

    /// Runs `task` in the background. One that panics takes the others with
    /// it: a process that has lost a part of itself must not go on as if it
    /// had not.
    #[expect(clippy::disallowed_methods, reason = "the one owner of background tasks")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let inner = Arc::clone(&self.inner);
        let guarded = async move {
            tokio::select! {
                ended = AssertUnwindSafe(task).catch_unwind() => if ended.is_err() {
                    tracing::error!(task = name, "background task panicked, shutting down");
                    inner.failed.store(true, Ordering::Relaxed);
                    inner.stop.cancel();
                },
                () = inner.cut.cancelled() => {}
            }
        };
        tokio::spawn(self.inner.tracker.track_future(guarded));
    }

    /// Tells the tasks to end and waits until they have.
    pub async fn shutdown(&self) {
        self.inner.stop.cancel();
        self.inner.tracker.close();
        self.inner.tracker.wait().await;
    }

    /// Ends the tasks where they stand and waits until they are gone: what
    /// is left is what a killed process leaves.
    pub async fn abort(&self) {
        self.inner.cut.cancel();
        self.inner.tracker.close();
        self.inner.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_shutdown_waits_for_every_task() {
        let tasks = Tasks::new();
        let (stop, done) = (tasks.token(), Arc::new(AtomicBool::new(false)));
        let noted = Arc::clone(&done);
        tasks.spawn("task", async move {
            stop.cancelled().await;
            tokio::task::yield_now().await;
            noted.store(true, Ordering::Relaxed);
        });
        tasks.shutdown().await;
        assert!(done.load(Ordering::Relaxed));
        assert!(!tasks.failed());
    }

    #[tokio::test]
    async fn a_panic_ends_the_others_too() {
        let tasks = Tasks::new();
        let stop = tasks.token();
        tasks.spawn("other", async move { stop.cancelled().await });
        tasks.spawn("broken", async { panic!("on purpose") });
        tasks.token().cancelled().await;
        tasks.shutdown().await;
        assert!(tasks.failed());
    }

    #[tokio::test]
    async fn an_abort_waits_for_nobody() {
        let tasks = Tasks::new();
        tasks.spawn("endless", std::future::pending());
        tasks.abort().await;
        assert!(!tasks.failed());
    }
}
