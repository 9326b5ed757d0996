//! Waiting for what happens in the background.

use std::time::Duration;

/// How long anything may take, in real time, before it counts as never
/// happening: a defect fails its test instead of holding it up for good.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often is looked in a row: most of what is waited for comes within a few
/// turns of the other tasks.
const IN_A_ROW: u32 = 100;

/// How long a rest between two looks is after that.
const REST: Duration = Duration::from_millis(1);

/// Waits for what a background task is about to do, without time passing on
/// any [`MockClock`](crate::MockClock).
///
/// # Panics
///
/// When it does not happen.
#[track_caller]
pub fn eventually(holds: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    let asked_by = std::panic::Location::caller();
    async move {
        let waiting = tokio::time::timeout(PATIENCE, until(holds)).await;
        assert!(waiting.is_ok(), "what {asked_by} waits for never happened");
    }
}

async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let mut looks = 0;
    while !holds().await {
        if looks < IN_A_ROW {
            looks += 1;
            tokio::task::yield_now().await;
        } else {
            rest().await;
        }
    }
}

/// Leaves the processor to what is waited for, for a moment of real time: it may
/// be another process, or a thread that has no other processor to run on.
pub async fn rest() {
    let _elapsed = tokio::time::timeout(REST, std::future::pending::<()>()).await;
}
