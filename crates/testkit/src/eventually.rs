//! Waiting for what happens in the background.

use std::time::Duration;

/// How long anything may take, in real time, before it counts as never
/// happening: a defect fails its test instead of holding it up for good.
const PATIENCE: Duration = Duration::from_secs(30);

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
    while !holds().await {
        tokio::task::yield_now().await;
    }
}
