//! The end of any process at any moment.

use std::{
    env,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    PATIENCE,
    installation::{Installation, Who},
    until,
};
use crate::kill::{
    Acknowledged, a_random_while,
    clients::{Edge, Worker},
    tell, verdict,
};

const WORKERS: u64 = 6;

/// How many processes are killed at once, at the most.
const AT_ONCE: usize = 3;

/// The variables that say how many are killed, and what chance begins with.
const KILLS: (&str, u64) = ("ROSTER_KILLS", 100);
const SEED: (&str, u64) = ("ROSTER_KILLS_SEED", 20);

#[expect(clippy::disallowed_methods, reason = "whoever runs the test chooses for how long")]
fn setting((name, default): (&str, u64)) -> u64 {
    env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// Waits until there have been so many more answers, starting again whoever
/// has ended.
async fn answers(installation: &mut Installation, acknowledged: &Acknowledged, more: u64) {
    let enough = *acknowledged.borrow() + more;
    until("work goes on", async || {
        installation.revive();
        *acknowledged.borrow() >= enough
    })
    .await;
}

/// Works at both edges until told to stop.
fn work(workers: Vec<Worker>, edges: &[Edge], stop: &CancellationToken) -> JoinSet<Worker> {
    let mut working = JoinSet::new();
    for mut worker in workers {
        let (edges, stop) = (edges.to_vec(), stop.clone());
        working.spawn(async move {
            worker.work_until(&edges, &stop).await;
            worker
        });
    }
    working
}

/// Kills at random, several at once, while clients work; answers how many.
async fn kill_at_random(
    installation: &mut Installation,
    acknowledged: &Acknowledged,
    (kills, seed): (u64, u64),
) -> u64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let everybody = Who::all();
    let mut killed = 0;
    while killed < kills {
        answers(installation, acknowledged, rng.random_range(1..4)).await;
        a_random_while(&mut rng, Duration::from_millis(50)).await;
        let at_once = rng.random_range(1..=AT_ONCE);
        for who in everybody.sample(&mut rng, at_once) {
            installation.kill(*who);
            killed += 1;
        }
        installation.revive();
    }
    killed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a dozen processes for some minutes: cargo xtask chaos"]
async fn kills_of_any_process_lose_nothing_and_leave_nothing_behind() {
    let begun = Instant::now();
    let (kills, seed) = (setting(KILLS), setting(SEED));
    let mut installation = Installation::start().await;
    let edges = installation.edges().await;
    let (acknowledged, stop) = (Acknowledged::default(), CancellationToken::new());
    let workers = (0..WORKERS).map(|number| Worker::new(number, seed, acknowledged.clone()));
    let working = work(workers.collect(), &edges, &stop);
    let killed = kill_at_random(&mut installation, &acknowledged, (kills, seed)).await;
    let last = Instant::now();
    installation.serves().await;
    let serves = last.elapsed();
    stop.cancel();
    let mut workers = working.join_all().await;
    workers.sort_by_key(|worker| worker.number);

    let Edge { nobody, admin } = &installation.connected_anew(&edges[0]);
    for worker in &mut workers {
        until("every call gets its answer", async || worker.finish(admin).await.is_ok()).await;
    }
    let took = verdict::deletions_complete(admin, &workers, PATIENCE).await;
    let complete = last.elapsed();
    let expected = verdict::Expected::of(&workers);
    verdict::everything_is_there(nobody, admin, &expected).await;
    verdict::nobody_is_left(nobody, admin, &expected).await;
    verdict::repetitions_get_the_first_answer(admin, &expected).await;
    let tables = |service: &str| installation.tables(service);
    verdict::no_orphans(tables, &expected).await;
    verdict::nothing_happened_twice(tables, &expected).await;

    let part = |of: usize| took[(took.len() * of / 100).min(took.len() - 1)];
    let figures = format!(
        "{killed} kills, {} acknowledged writes, {} users, {} deletions, {} sessions, {} personas; \
         deletions complete after {:?} (p50), {:?} (p99), {:?} (the slowest); everybody serves \
         {serves:?} after the last kill, and all deletions are complete {complete:?} after it; \
         {:?} in all",
        *acknowledged.borrow(),
        expected.users.len(),
        expected.deleted.len(),
        expected.tokens.len(),
        expected.personas.len(),
        part(50),
        part(99),
        part(100),
        begun.elapsed(),
    );
    tell(&figures);
    assert!(!expected.deleted.is_empty() && !expected.users.is_empty(), "{figures}");
}
