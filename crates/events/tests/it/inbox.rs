//! What was consumed is remembered for as long as it can come again.

use std::time::Duration;

use roster_events::Inbox;
use roster_kernel::{EventId, Timestamp};
use roster_testkit::TempDb;

use crate::harness::Sink;

async fn record(temp: &TempDb, events: &[EventId], at: Timestamp) {
    let tx = temp.db.begin().await.unwrap();
    for event in events {
        Inbox::record(&tx, *event, Vec::new(), at).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn old_receipts_are_swept_by_index_and_others_stay() {
    let (clock, env) = roster_testkit::env(1);
    let temp = TempDb::new::<Sink>().await;
    let old: Vec<_> = (0..1_200).map(|_| EventId::generate(&env)).collect();
    record(&temp, &old, env.now()).await;
    clock.advance(Duration::from_hours(24 * 30));
    let young = [EventId::generate(&env)];
    record(&temp, &young, env.now()).await;
    assert_eq!(Inbox::sweep(&temp.db, env.now()).await.unwrap(), 0, "on the day itself");
    clock.advance(Duration::from_secs(1));
    assert_eq!(Inbox::sweep(&temp.db, env.now()).await.unwrap(), 1_200);
    assert!(Inbox::find(temp.db.read(), young[0]).await.unwrap().is_some());

    let plan = temp.plan("SELECT event_id FROM inbox WHERE completed_at < '2026-01-01'").await;
    assert!(plan.contains("inbox_completed_at"), "{plan}");
}
