//! What happens unasked: storing when sessions were last used, and clearing
//! away what has expired.

use std::{sync::Arc, time::Duration};

use roster_db::DbError;
use roster_server::Tasks;
use tokio_util::sync::CancellationToken;

use crate::op::{Cx, last_seen, sweep};

/// How long a use of a session stays in memory at the most. Together with the
/// minute that two noted uses are apart, it bounds how old `last_seen_time`
/// is.
const STORE_EVERY: Duration = Duration::from_secs(10);

/// How often expired sessions are deleted. They open nothing and are not
/// listed in the meantime.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// Starts both.
pub(crate) fn start(cx: &Arc<Cx>, tasks: &Tasks) {
    tasks.spawn("session.last_seen", store_last_seen(Arc::clone(cx), tasks.token()));
    tasks.spawn("session.sweep", sweep_expired(Arc::clone(cx), tasks.token()));
}

async fn store_last_seen(cx: Arc<Cx>, stop: CancellationToken) {
    loop {
        let stopping = tokio::select! {
            () = cx.env.sleep(STORE_EVERY) => false,
            () = stop.cancelled() => true,
        };
        if let Err(error) = last_seen::store(&cx.last_seen, &cx.db).await {
            warn(&error, "uses of sessions not stored");
        }
        if stopping {
            return;
        }
    }
}

async fn sweep_expired(cx: Arc<Cx>, stop: CancellationToken) {
    loop {
        match sweep::sweep(&cx).await {
            Ok(0) => {}
            Ok(sessions) => tracing::info!(sessions, "expired sessions deleted"),
            Err(error) => warn(&error, "expired sessions not deleted"),
        }
        tokio::select! {
            () = cx.env.sleep(SWEEP_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn warn(error: &DbError, message: &'static str) {
    tracing::warn!(class = error.class(), message);
}
