//! A collector that is down is told of, but not at every attempt.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    filter::{DynFilterFn, dynamic_filter_fn},
    layer::Context,
};

/// The library that tells of exports. It does so for each batch: every second
/// while a collector is down.
const TOLD_BY: &str = "opentelemetry";

/// How often it is listened to.
const EVERY: Duration = Duration::from_mins(1);

/// Lets through one complaint a minute of the exporters, nothing that they tell
/// of themselves otherwise, and everything else.
pub(super) fn exports_once_a_minute<S: Subscriber>()
-> DynFilterFn<S, impl Fn(&Metadata<'_>, &Context<'_, S>) -> bool> {
    // The real time, as for everything about this machine's lines of log.
    let (started, told) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    dynamic_filter_fn(move |metadata, _cx| {
        !metadata.target().starts_with(TOLD_BY)
            || (*metadata.level() <= Level::WARN && is_due(&told, started.elapsed()))
    })
}

/// Whether there has been nothing for a while, as of `now`; then there is
/// something now.
fn is_due(told: &AtomicU64, now: Duration) -> bool {
    // Counted from 1: 0 says that nothing has been told yet.
    let now = now.as_secs() + 1;
    let before = told.load(Ordering::Relaxed);
    let due = before == 0 || now >= before + EVERY.as_secs();
    due && told.compare_exchange(before, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_minute_is_due() {
        let told = AtomicU64::new(0);
        let due = |at| is_due(&told, Duration::from_secs(at));
        assert_eq!(
            [0, 1, 59, 60, 61, 119, 120].map(due),
            [true, false, false, true, false, false, true]
        );
    }
}
