//! What happens unasked: forgetting the answers that are no longer given.

use std::time::Duration;

use roster_db::{Db, replay};
use roster_kernel::Env;
use roster_server::Tasks;
use tokio_util::sync::CancellationToken;

/// How often it happens. Answers are not given again after a day, however
/// long they are kept.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// Starts it.
pub(crate) fn start(db: Db, env: Env, tasks: &Tasks) {
    tasks.spawn("persona.sweep", sweep(db, env, tasks.token()));
}

async fn sweep(db: Db, env: Env, stop: CancellationToken) {
    loop {
        if let Err(error) = replay::sweep(&db, env.now()).await {
            tracing::warn!(class = error.class(), "old answers not deleted");
        }
        tokio::select! {
            () = env.sleep(SWEEP_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}
