//! What happens unasked: storing when machine tokens were last used, and
//! clearing away what is kept for a time only.

use std::{sync::Arc, time::Duration};

use roster_db::{DbError, replay};
use roster_server::Tasks;
use roster_throttle::MOST_ROWS;
use tokio_util::sync::CancellationToken;

use crate::{
    op::{Cx, token_uses},
    store::machine_token,
};

/// How long a use of a machine token stays in memory at the most. Together with
/// the minute that two noted uses are apart, it bounds how old `last_use_time`
/// is.
const STORE_EVERY: Duration = Duration::from_secs(10);

/// How often answers to repeated requests, retired events and ended machine
/// tokens are deleted.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// Starts both.
pub(crate) fn start(cx: &Arc<Cx>, tasks: &Tasks) {
    tasks.spawn("identity.token_uses", store_token_uses(Arc::clone(cx), tasks.token()));
    tasks.spawn("identity.sweep", run(Arc::clone(cx), tasks.token()));
}

async fn store_token_uses(cx: Arc<Cx>, stop: CancellationToken) {
    loop {
        let stopping = tokio::select! {
            () = cx.env.sleep(STORE_EVERY) => false,
            () = stop.cancelled() => true,
        };
        if let Err(error) = token_uses::store(&cx).await {
            tracing::warn!(class = error.class(), "uses of machine tokens not stored");
        }
        if stopping {
            return;
        }
    }
}

async fn run(cx: Arc<Cx>, stop: CancellationToken) {
    loop {
        match sweep(&cx).await {
            Ok((0, 0, 0)) => {}
            Ok((answers, events, machine_tokens)) => {
                tracing::info!(answers, events, machine_tokens, "outdated rows deleted");
            }
            Err(error) => tracing::warn!(class = error.class(), "outdated rows not deleted"),
        }
        tokio::select! {
            () = cx.env.sleep(SWEEP_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn sweep(cx: &Cx) -> Result<(u64, u64, u64), DbError> {
    let now = cx.env.now();
    roster_throttle::sweep(&cx.db, now, MOST_ROWS).await?;
    let machine_tokens = machine_token::sweep(&cx.db, now).await?;
    Ok((replay::sweep(&cx.db, now).await?, cx.outbox.sweep().await?, machine_tokens))
}
