//! What happens unasked: clearing away what is kept for a day only.

use std::{sync::Arc, time::Duration};

use roster_db::{DbError, replay};
use roster_server::Tasks;
use roster_throttle::MOST_ROWS;
use tokio_util::sync::CancellationToken;

use crate::op::Cx;

/// How often answers to repeated requests and retired events are deleted.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// Starts it.
pub(crate) fn start(cx: &Arc<Cx>, tasks: &Tasks) {
    tasks.spawn("identity.sweep", run(Arc::clone(cx), tasks.token()));
}

async fn run(cx: Arc<Cx>, stop: CancellationToken) {
    loop {
        match sweep(&cx).await {
            Ok((0, 0)) => {}
            Ok((answers, events)) => tracing::info!(answers, events, "outdated rows deleted"),
            Err(error) => tracing::warn!(class = error.class(), "outdated rows not deleted"),
        }
        tokio::select! {
            () = cx.env.sleep(SWEEP_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn sweep(cx: &Cx) -> Result<(u64, u64), DbError> {
    let now = cx.env.now();
    roster_throttle::sweep(&cx.db, now, MOST_ROWS).await?;
    Ok((replay::sweep(&cx.db, now).await?, cx.outbox.sweep().await?))
}
