//! The pool under a test's control: jobs that wait until they are told to end.

use std::sync::mpsc;

use futures_util::{FutureExt as _, poll};
use roster_kernel::Clock as _;
use roster_testkit::{MockClock, eventually};

use super::*;

fn pool(threads: usize, capacity: usize) -> (Arc<MockClock>, Arc<HashPool>) {
    let (clock, env) = roster_testkit::env(1);
    (clock, Arc::new(HashPool::start(threads, capacity, env).unwrap()))
}

/// Occupies one of the pool's threads until the sender is used or dropped.
async fn occupy(pool: &Arc<HashPool>) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (begun, beginning) = oneshot::channel();
    let pool = Arc::clone(pool);
    let job = async move {
        let occupied = pool.run(Lane::Public, move |_| {
            begun.send(()).unwrap();
            let _ = released.recv();
        });
        occupied.await.unwrap();
    };
    roster_server::Tasks::new().spawn("occupant", job);
    beginning.await.unwrap();
    release
}

#[tokio::test]
async fn what_does_not_fit_is_refused_at_once() {
    let (_, pool) = pool(1, 2);
    let release = occupy(&pool).await;
    let mut first = std::pin::pin!(pool.run(Lane::Public, |_| 1));
    let mut second = std::pin::pin!(pool.run(Lane::Public, |_| 2));
    assert!(poll!(&mut first).is_pending());
    assert!(poll!(&mut second).is_pending());
    assert_eq!(pool.statistics().waiting, 2);
    assert!(matches!(pool.run(Lane::Public, |_| 3).await, Err(HashError::QueueFull)));
    assert_eq!(pool.statistics().refused, 1);
    drop(release);
    assert_eq!(first.await.unwrap(), 1);
    assert_eq!(second.await.unwrap(), 2);
    assert_eq!(pool.run(Lane::Public, |_| 4).await.unwrap(), 4);
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_the_queue() {
    let (_, pool) = pool(1, 1);
    let release = occupy(&pool).await;
    let (ran, running) = mpsc::channel();
    {
        let abandoned = pool.run(Lane::Public, move |_| ran.send(()).unwrap());
        let mut abandoned = std::pin::pin!(abandoned);
        assert!(poll!(&mut abandoned).is_pending());
        assert!(matches!(pool.run(Lane::Public, |_| ()).await, Err(HashError::QueueFull)));
    }
    assert_eq!(pool.statistics().waiting, 0);
    let mut next = std::pin::pin!(pool.run(Lane::Public, |_| ()));
    assert!(poll!(&mut next).is_pending(), "there is room again");
    drop(release);
    next.await.unwrap();
    assert!(running.try_recv().is_err(), "nothing is computed for nobody");
}

#[tokio::test]
async fn strangers_and_the_signed_in_take_turns() {
    let (_, pool) = pool(1, 8);
    let release = occupy(&pool).await;
    let (ran, order) = mpsc::channel();
    let job = |name: &'static str| {
        let ran = ran.clone();
        move |_: &mut Workspace| ran.send(name).unwrap()
    };
    let strangers = (0..5).map(|_| pool.run(Lane::Public, job("stranger")).boxed());
    let admins = (0..2).map(|_| pool.run(Lane::SignedIn, job("admin")).boxed());
    let mut jobs: Vec<_> = strangers.chain(admins).collect();
    for waiting in &mut jobs {
        assert!(poll!(waiting).is_pending());
    }
    drop(release);
    for done in futures_util::future::join_all(jobs).await {
        done.unwrap();
    }
    let order: Vec<_> = order.try_iter().collect();
    let expected = ["admin", "stranger", "admin", "stranger", "stranger", "stranger", "stranger"];
    assert_eq!(order, expected);
}

#[tokio::test]
async fn a_lane_that_is_full_leaves_room_in_the_other() {
    let (_, pool) = pool(1, 1);
    let release = occupy(&pool).await;
    let mut stranger = std::pin::pin!(pool.run(Lane::Public, |_| ()));
    assert!(poll!(&mut stranger).is_pending());
    assert!(matches!(pool.run(Lane::Public, |_| ()).await, Err(HashError::QueueFull)));
    let mut admin = std::pin::pin!(pool.run(Lane::SignedIn, |_| ()));
    assert!(poll!(&mut admin).is_pending());
    drop(release);
    admin.await.unwrap();
    stranger.await.unwrap();
}

#[tokio::test]
async fn a_panic_costs_one_answer() {
    let (_, pool) = pool(1, 2);
    let lost = pool.run(Lane::Public, |_| panic!("told to")).await;
    assert!(matches!(lost, Err::<(), _>(HashError::Lost)));
    assert_eq!(pool.run(Lane::Public, |_| 1).await.unwrap(), 1);
}

#[tokio::test]
async fn the_threads_end_with_the_pool() {
    let (_, pool) = pool(3, 2);
    let shared = Arc::downgrade(&pool.shared);
    drop(pool);
    eventually(async || shared.strong_count() == 0).await;
}

/// Uses `count` blocks; answers where they are.
async fn touch(pool: &HashPool, count: usize) -> usize {
    let job = move |workspace: &mut Workspace| workspace.blocks(count).as_ptr() as usize;
    pool.run(Lane::Public, job).await.unwrap()
}

#[tokio::test]
async fn memory_is_lent_again_and_given_back_when_idle() {
    let (clock, pool) = pool(2, 2);
    let tasks = roster_server::Tasks::new();
    tasks.spawn("give back", pool.give_back(tasks.token()));
    let held = |bytes| move |pool: &HashPool| pool.statistics().idle_bytes == bytes;
    let eight = held(8 << 10);
    for _ in 0..3 {
        let address = touch(&pool, 8).await;
        eventually(async || eight(&pool)).await;
        assert_eq!(touch(&pool, 8).await, address, "the same again");
        eventually(async || eight(&pool)).await;
        let rests_until = clock.now() + Duration::from_secs(10);
        eventually(async || clock.next_wake() == Some(rests_until)).await;
        clock.advance(Duration::from_secs(6));
        assert_eq!(touch(&pool, 8).await, address, "used meanwhile");
        eventually(async || eight(&pool)).await;
        clock.advance(Duration::from_secs(4));
        let rests_until = clock.now() + Duration::from_secs(6);
        eventually(async || clock.next_wake() == Some(rests_until)).await;
        assert!(eight(&pool), "used a moment ago");
        clock.advance(Duration::from_secs(6));
        eventually(async || held(0)(&pool)).await;
    }
    tasks.shutdown().await;
}

/// Often, as the answer and the count were in no order once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_an_answer_finds_it_counted() {
    let (_, pool) = pool(1, 2);
    for computed in 1..=20_000 {
        pool.run(Lane::Public, |_| ()).await.unwrap();
        assert_eq!(pool.statistics().computed, computed);
    }
}
