//! Every service in processes of its own, each twice, on PostgreSQL and three
//! brokers, with mutual TLS: the real thing, and what becomes of it when any
//! part of it is killed or restarted.

mod edges;
mod installation;
mod kills;
mod rolling;

use std::time::{Duration, Instant};

use crate::kill;

/// How long anything may take until it counts as never happening: many
/// processes start at once on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_mins(3);

/// Waits until something holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        kill::rest().await;
    }
}
