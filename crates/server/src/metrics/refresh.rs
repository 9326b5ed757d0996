//! Keeping up to date what is too slow to look at whenever somebody asks.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use roster_kernel::Env;
use tokio_util::sync::CancellationToken;

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_secs(15);

/// A look that takes long is followed by so many times as long a rest, so that
/// looking never takes more than a twentieth of the time.
const RESTS: u32 = 19;

/// Looks now and every 15 seconds, until `stop`. Scrapes do not look: however
/// often somebody asks, the database is asked no more than this.
pub async fn keep_fresh<F, L>(env: Env, stop: CancellationToken, look: F)
where
    F: Fn() -> L + Send,
    L: Future<Output = ()> + Send,
{
    loop {
        let begun = Instant::now();
        look().await;
        tokio::select! {
            () = env.sleep(rest(begun.elapsed())) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn rest(took: Duration) -> Duration {
    INTERVAL.max(took.saturating_mul(RESTS))
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;
    use crate::Tasks;

    #[test]
    fn looking_never_takes_more_than_a_twentieth_of_the_time() {
        assert_eq!(rest(Duration::from_millis(1)), INTERVAL);
        assert_eq!(rest(Duration::from_secs(2)), Duration::from_secs(38));
        assert_eq!(rest(Duration::MAX), Duration::MAX);
    }

    #[tokio::test]
    async fn it_is_looked_at_now_and_every_15_seconds() {
        let (clock, env) = roster_testkit::env(1);
        let (looks, tasks) = (Arc::new(AtomicU32::new(0)), Tasks::new());
        let counted = Arc::clone(&looks);
        let look = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::ready(())
        };
        tasks.spawn("looking", keep_fresh(env, tasks.token(), look));
        let seen = async |wanted| {
            for _ in 0..1_000 {
                if looks.load(Ordering::Relaxed) == wanted {
                    return true;
                }
                tokio::task::yield_now().await;
            }
            false
        };
        assert!(seen(1).await);
        clock.advance(Duration::from_secs(14));
        assert!(!seen(2).await);
        clock.advance(Duration::from_secs(1));
        assert!(seen(2).await);
        tasks.shutdown().await;
    }
}
