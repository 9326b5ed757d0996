//! From the first event to the last.

use async_nats::jetstream::{Context, consumer::PullConsumer};
use roster_proto::{
    identity::v1::{Deletion, DeletionReceipt, DeletionState, ReceiptState},
    subject::v1::KindCount,
};
use roster_testkit::eventually;
use tonic::Code;

use super::{installation::Installation, notes::Notes};
use crate::client::reason;

/// So many that they are erased in many batches.
const VERY_MANY: usize = 20_000;

fn receipt(deletion: &Deletion) -> Option<&DeletionReceipt> {
    deletion.receipts.iter().find(|it| it.participant == "notes")
}

fn counts(count: i64) -> Vec<KindCount> {
    vec![KindCount { kind: "notes".to_owned(), count }]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL, a broker and Python: cargo xtask test has them"]
async fn a_service_in_python_takes_part_in_everything() {
    let roster = Installation::new().await;
    let notes = Notes::of(&roster);
    let (alice, bob) = (roster.create("alice").await, roster.create("bob").await);
    let gone = roster.create("gone").await;
    let before = roster.delete(&gone).await;
    let before = roster.complete(&before).await;
    // It has been there for long, and knew of nobody's end.
    notes.write(&gone, &["of somebody who has left"]);
    notes.write(&alice, &["milk", "bread"]);
    notes.write(&bob, &["eggs"]);

    let mut running = notes.start();
    let address = running.address().to_string();
    let told = roster.told(&["add", "notes", "--address", &address]);
    assert!(told.contains("added") && told.contains("told of 4 users"), "{told}");
    roster.add(&address).await;
    let listed = roster.told(&["list"]);
    assert!(listed.starts_with(&format!("notes at {address}: told of everybody")), "{listed}");
    assert_eq!((notes.count(&gone).await, notes.count(&alice).await), (0, 2));
    // The proof of the earlier deletion is what it was.
    assert_eq!(roster.look(&before).await, before);
    assert_eq!(receipt(&before), None);
    let refused = notes.try_write(&gone, &["behind its back"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");

    let planned = roster.planned(&alice).await.unwrap();
    assert_eq!((planned.answered, planned.counts), (true, counts(2)));
    let (records, manifest) = roster.export(&alice).await.unwrap();
    let theirs: Vec<_> = records.iter().filter(|it| it.participant == "notes").collect();
    assert_eq!(theirs.len(), 2);
    let record = theirs[0].record.as_ref().unwrap();
    assert_eq!(record.type_url, "type.googleapis.com/google.protobuf.Struct");
    assert!(String::from_utf8_lossy(&record.value).contains("milk"));
    let kind = manifest.kinds.iter().find(|it| it.participant == "notes").unwrap();
    assert_eq!((kind.kind.as_str(), kind.count), ("notes", 2));

    let deletion = roster.delete(&alice).await;
    let complete = roster.complete(&deletion).await;
    let theirs = receipt(&complete).unwrap();
    assert_eq!((theirs.state(), &theirs.counts), (ReceiptState::Done, &counts(2)));
    assert_eq!((notes.count(&alice).await, notes.count(&bob).await), (0, 1));
    let refused = notes.try_write(&alice, &["behind her back"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let ended = running.stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("draining"), "{ended:?}");
    roster.cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL, a broker and Python: cargo xtask test has them"]
async fn a_deletion_waits_for_who_is_away_and_not_for_who_is_retired() {
    let roster = Installation::new().await;
    let notes = Notes::of(&roster);
    let mut running = notes.start();
    roster.add(&running.address().to_string()).await;
    let alice = roster.create("alice").await;
    notes.write(&alice, &["milk"]);
    running.stop();

    let planned = roster.planned(&alice).await.unwrap();
    assert_eq!((planned.answered, planned.counts), (false, Vec::new()));
    let status = roster.export(&alice).await.unwrap_err();
    assert!(status.message().contains("notes"), "{status:?}");
    assert_eq!(reason::<()>(Err(status)).0, Code::Unavailable);
    let deletion = roster.delete(&alice).await;
    assert_eq!(receipt(&deletion).unwrap().state(), ReceiptState::Pending);
    // The session service has confirmed, the persona service will.
    eventually(async || {
        let receipts = roster.look(&deletion).await.receipts;
        receipts.iter().filter(|it| it.state() == ReceiptState::Done).count() == 3
    })
    .await;
    assert_eq!(roster.look(&deletion).await.state(), DeletionState::Running);
    let mut running = notes.start();
    let complete = roster.complete(&deletion).await;
    assert_eq!(receipt(&complete).unwrap().counts, counts(1));

    // Somewhere else now; what it missed has come by itself.
    let moved = running.address().to_string();
    let told = roster.told(&["add", "notes", "--address", &moved]);
    assert!(told.contains("new addresses") && told.contains("told of 0 users"), "{told}");
    let bob = roster.create("bob").await;
    notes.write(&bob, &["eggs"]);
    assert_eq!(roster.planned(&bob).await.unwrap().counts, counts(1));

    running.stop();
    let deletion = roster.delete(&bob).await;
    let observer = roster.ground.observer().await;
    assert!(has_durable(&observer).await);
    let told = roster.told(&["retire", "notes"]);
    assert!(told.contains("1 events had waited") && told.contains("forgotten"), "{told}");
    let complete = roster.complete(&deletion).await;
    let theirs = receipt(&complete).unwrap();
    assert_eq!((theirs.state(), &theirs.counts), (ReceiptState::Waived, &Vec::new()));
    assert!(!has_durable(&observer).await);
    let carol = roster.create("carol").await;
    assert_eq!(roster.planned(&carol).await, None);
    let refused = roster.participants(&["retire", "notes"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("there is no participant notes"), "{refused:?}");
    roster.cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL, a broker and Python: cargo xtask test has them"]
async fn what_is_put_back_from_a_backup_catches_up_before_it_answers() {
    let roster = Installation::new().await;
    let notes = Notes::of(&roster);
    let mut running = notes.start();
    roster.add(&running.address().to_string()).await;
    let [alice, bob] = [roster.create("alice").await, roster.create("bob").await];
    notes.write(&alice, &["milk"]);
    notes.write(&bob, &["eggs"]);
    running.stop();
    let backup = notes.back_up();
    let mut running = notes.start();
    let deletion = roster.delete(&alice).await;
    roster.complete(&deletion).await;
    running.stop();
    notes.put_back(&backup);
    assert_eq!(notes.count(&alice).await, 1);
    let mut running = notes.start_caught_up(roster.cluster.address_of("identity"));
    assert_eq!((notes.count(&alice).await, notes.count(&bob).await), (0, 1));
    let ended = running.stop();
    assert!(ended.stderr.contains("caught up with the ledger: 3 users"), "{ended:?}");

    // Or it is told once more.
    notes.put_back(&backup);
    let mut running = notes.start();
    let address = running.address().to_string();
    let told = roster.told(&["add", "notes", "--address", &address, "--again"]);
    assert!(told.contains("told of 3 users"), "{told}");
    eventually(async || notes.count(&alice).await == 0).await;
    assert_eq!(notes.count(&bob).await, 1);
    running.stop();
    roster.cluster.stop().await;
}

async fn has_durable(broker: &Context) -> bool {
    let consumer: Result<PullConsumer, _> =
        broker.get_consumer_from_stream("notes", "roster-events-identity").await;
    consumer.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL, a broker and Python: cargo xtask test has them"]
async fn an_erasure_that_is_killed_in_its_middle_is_brought_to_its_end() {
    let roster = Installation::new().await;
    let notes = Notes::of(&roster);
    let many: Vec<_> = (0..VERY_MANY).map(|number| format!("note {number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let all = i64::try_from(VERY_MANY).unwrap();
    let mut running = notes.start();
    roster.add(&running.address().to_string()).await;
    // The middle is a moment, which a machine that is busy may miss.
    for attempt in 0..10 {
        let user = roster.create(&format!("user-{attempt}")).await;
        notes.write(&user, &many);
        let deletion = roster.delete(&user).await;
        eventually(async || notes.count(&user).await < all).await;
        running.kill();
        running.wait();
        let left = notes.count(&user).await;
        running = notes.start();
        let complete = roster.complete(&deletion).await;
        let theirs = receipt(&complete).unwrap();
        assert_eq!((theirs.state(), &theirs.counts), (ReceiptState::Done, &counts(all)));
        assert_eq!(notes.count(&user).await, 0);
        if left > 0 {
            roster.cluster.stop().await;
            return;
        }
    }
    panic!("the middle was missed each time");
}
