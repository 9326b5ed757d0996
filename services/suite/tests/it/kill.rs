//! The end of the process at any moment: a hundred times `kill -9` while
//! clients create, change and delete, and a new start on what is left each
//! time. What was acknowledged is there, what was deleted is gone everywhere.

pub mod clients;
pub mod verdict;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use roster_db::DbConfig;
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinSet};

use crate::{
    binary::{self, Roster},
    client::Client,
    world::ADMIN_PASSWORD,
};
use clients::Worker;

const SEED: u64 = 20;
const KILLS: u32 = 100;

/// How often is looked whether a process has done what it should.
const LOOK: Duration = Duration::from_millis(20);
const WORKERS: u64 = 4;

/// How many acknowledged answers there have been, over all workers.
pub type Acknowledged = Arc<watch::Sender<u64>>;

struct Run {
    folder: TempDir,
    rng: ChaCha8Rng,
    workers: Vec<Worker>,
    admin: Option<(String, String)>,
    acknowledged: Acknowledged,
}

/// Lets some time pass, within which the process goes on: the moment of a kill
/// is random, and nothing waits for anything here.
pub async fn a_random_while(rng: &mut ChaCha8Rng, most: Duration) {
    let most = u64::try_from(most.as_micros()).unwrap();
    let while_ = Duration::from_micros(rng.random_range(0..most));
    let _elapsed = tokio::time::timeout(while_, std::future::pending::<()>()).await;
}

/// Lets a moment pass in which others can go on.
pub async fn rest() {
    let _elapsed = tokio::time::timeout(LOOK, std::future::pending::<()>()).await;
}

impl Run {
    fn new() -> Self {
        let acknowledged = Acknowledged::default();
        let worker = |number| Worker::new(number, SEED, acknowledged.clone());
        Self {
            folder: tempfile::tempdir().unwrap(),
            rng: ChaCha8Rng::seed_from_u64(SEED),
            workers: (0..WORKERS).map(worker).collect(),
            admin: None,
            acknowledged,
        }
    }

    fn command(&self) -> std::process::Command {
        let mut command = binary::command(self.folder.path());
        command.env("ADMIN_PASSWORD", ADMIN_PASSWORD);
        // A login that a kill cuts short counts as a guess, and they all come
        // from one address.
        command.env("ROSTER__SESSION__LOGIN__FAILURES_PER_ADDRESS", "10000");
        command
    }

    /// The administrator, with the one token that they ever get: it has to
    /// outlive every kill.
    async fn admin(&mut self, nobody: &Client) -> Client {
        if let Some((token, user_id)) = &self.admin {
            return nobody.with_token(token, user_id);
        }
        let admin = clients::sign_in(nobody, "admin", ADMIN_PASSWORD).await.unwrap();
        self.admin = Some((admin.token().to_owned(), admin.user_id.clone()));
        admin
    }

    /// A life that ends while the process is still starting.
    async fn die_young(&mut self) {
        let mut roster = Roster::spawn(self.command());
        a_random_while(&mut self.rng, Duration::from_millis(250)).await;
        roster.kill();
        roster.wait();
    }

    /// A life that ends at a random moment of the clients' work.
    async fn live_and_die(&mut self) {
        let mut roster = Roster::start(self.command());
        let nobody = roster.connect().await;
        let admin = self.admin(&nobody).await;
        let mut working = JoinSet::new();
        for mut worker in self.workers.drain(..) {
            let (nobody, admin) = (nobody.clone(), admin.clone());
            working.spawn(async move {
                worker.work(&nobody, &admin).await;
                worker
            });
        }
        let answers = self.rng.random_range(1..40);
        let enough = *self.acknowledged.borrow() + answers;
        let mut acknowledged = self.acknowledged.subscribe();
        let seen = acknowledged.wait_for(|count| *count >= enough);
        tokio::time::timeout(binary::PATIENCE, seen).await.expect("work goes on").unwrap();
        a_random_while(&mut self.rng, Duration::from_millis(30)).await;
        roster.kill();
        // Each stops at its first call that gets no answer.
        self.workers = working.join_all().await;
        self.workers.sort_by_key(|worker| worker.number);
        roster.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_kills_lose_nothing_and_leave_nothing_behind() {
    let begun = Instant::now();
    let mut run = Run::new();
    for kill in 0..KILLS {
        // The first ones too: while secrets and tables are being made.
        if kill < 5 || kill % 8 == 0 {
            run.die_young().await;
        } else {
            run.live_and_die().await;
        }
    }

    let restarted = Instant::now();
    let mut roster = Roster::start(run.command());
    assert!(verdict::is_healthy(roster.channel().await).await);
    let nobody = roster.connect().await;
    let admin = run.admin(&nobody).await;
    verdict::deletions_complete(&admin, &run.workers, binary::PATIENCE).await;
    let slowest = restarted.elapsed();
    for worker in &mut run.workers {
        assert!(worker.finish(&admin).await.is_ok(), "nobody kills any more");
    }
    let expected = verdict::Expected::of(&run.workers);
    verdict::deletions_complete(&admin, &run.workers, binary::PATIENCE).await;
    verdict::everything_is_there(&nobody, &admin, &expected).await;
    verdict::nobody_is_left(&nobody, &admin, &expected).await;
    verdict::repetitions_get_the_first_answer(&admin, &expected).await;
    let ended = roster.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let tables =
        |service: &str| DbConfig::new(run.folder.path().join("data").join(format!("{service}.db")));
    verdict::no_orphans(tables, &expected).await;
    verdict::nothing_happened_twice(tables, &expected).await;

    let figures = format!(
        "{KILLS} kills, {} acknowledged writes, {} users, {} deletions, {} sessions, {} personas; \
         all deletions complete {slowest:?} after the last start; {:?} in all",
        *run.acknowledged.borrow(),
        expected.users.len(),
        expected.deleted.len(),
        expected.tokens.len(),
        expected.personas.len(),
        begun.elapsed(),
    );
    tell(&figures);
    assert!(expected.deleted.len() >= 20, "{figures}");
    assert!(expected.users.len() >= 20, "{figures}");
}

#[expect(clippy::print_stderr, reason = "the figures are for whoever reads the test's output")]
pub fn tell(figures: &str) {
    eprintln!("{figures}");
}
