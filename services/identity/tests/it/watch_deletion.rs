use std::{sync::Arc, time::Duration};

use roster_events::Event;
use roster_kernel::DeletionId;
use roster_proto::identity::v1::{
    DeleteUserRequest, Deletion, DeletionReceipt, DeletionState, ListDeletionsRequest,
    ReceiptState, WatchDeletionRequest, WatchDeletionResponse,
};
use roster_testkit::Passes;
use tokio::sync::watch;
use tonic::{Code, Status, Streaming};

use crate::{
    participant::{Consumer, Counts},
    world::{Setup, World, name, refusal, says},
};

/// A deletion that two services have yet to confirm.
struct Pending {
    world: World,
    deletion_id: String,
    session: Consumer,
    persona: Consumer,
    event: Event,
    waits: watch::Receiver<u64>,
}

async fn pending() -> Pending {
    let participants = ["persona", "session"].map(|it| (name(it), Counts::of(&[]).upstream()));
    let waits = Arc::new(Passes::of("watch_deletion.waiting"));
    let setup =
        Setup { participants: participants.into(), steps: Some(waits.clone()), ..Setup::default() };
    let world = World::with(setup).await;
    let mut session = Consumer::listen(&world.bus, "session").await;
    let persona = Consumer::listen(&world.bus, "persona").await;
    let user = world.create("alice").await;
    let request = DeleteUserRequest { user_id: user.user_id, ..Default::default() };
    let mut client = world.admin();
    let mut call = std::pin::pin!(client.delete_user(says(&world.root, request)));
    let event = tokio::select! {
        event = session.hear() => event,
        answer = &mut call => panic!("answered without a receipt: {answer:?}"),
    };
    let deletion_id = deletion_id(&world).await;
    let waits = waits.watch();
    Pending { world, deletion_id, session, persona, event, waits }
}

async fn deletion_id(world: &World) -> String {
    let request = says(&world.root, ListDeletionsRequest::default());
    let list = world.admin().list_deletions(request).await.unwrap().into_inner();
    list.deletions[0].deletion_id.clone()
}

async fn watch(world: &World, deletion_id: &str) -> Streaming<WatchDeletionResponse> {
    let request = WatchDeletionRequest { deletion_id: deletion_id.to_owned() };
    world.admin().watch_deletion(says(&world.root, request)).await.unwrap().into_inner()
}

/// What comes next: a watch that misses something would wait for ever.
async fn message(
    stream: &mut Streaming<WatchDeletionResponse>,
) -> Result<Option<WatchDeletionResponse>, Status> {
    let within = tokio::time::timeout(Duration::from_secs(30), stream.message());
    within.await.expect("a message, or the end")
}

async fn next(stream: &mut Streaming<WatchDeletionResponse>) -> Option<Deletion> {
    message(stream).await.unwrap().map(|message| message.deletion.unwrap())
}

/// How far each service is.
fn states(deletion: &Deletion) -> Vec<ReceiptState> {
    deletion.receipts.iter().map(DeletionReceipt::state).collect()
}

#[tokio::test]
async fn every_receipt_is_told_and_the_last_ends_it() {
    use ReceiptState::{Done, Pending as Waiting};

    let Pending { world, deletion_id, session, persona, event, .. } = pending().await;
    let mut stream = watch(&world, &deletion_id).await;
    let first = next(&mut stream).await.unwrap();
    assert_eq!(states(&first), [Done, Waiting, Waiting]);
    // The clock stands still: only a notification can tell.
    session.confirm(&event, &[("sessions", 2)], world.env.now()).await;
    let second = next(&mut stream).await.unwrap();
    assert_eq!(states(&second), [Done, Waiting, Done]);
    assert_eq!(second.state(), DeletionState::Running);
    persona.confirm(&event, &[("personas", 7)], world.env.now()).await;
    let last = next(&mut stream).await.unwrap();
    assert_eq!(last.state(), DeletionState::Complete);
    assert_eq!(next(&mut stream).await, None);

    // A complete one is told once.
    let mut stream = watch(&world, &deletion_id).await;
    assert_eq!(next(&mut stream).await, Some(last));
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test]
async fn what_another_replica_stores_is_seen_within_half_a_second() {
    use sea_orm::ConnectionTrait;

    let Pending { world, deletion_id, mut waits, .. } = pending().await;
    let mut stream = watch(&world, &deletion_id).await;
    next(&mut stream).await.unwrap();
    let elsewhere = async {
        waits.changed().await.unwrap();
        let tx = world.temp.db.begin().await.unwrap();
        let failed = "UPDATE outbox_delivery SET failure = 'disk full' WHERE consumer = 'persona'";
        tx.execute_unprepared(failed).await.unwrap();
        tx.commit().await.unwrap();
        world.clock.advance(Duration::from_millis(500));
    };
    let (second, ()) = tokio::join!(next(&mut stream), elsewhere);
    assert_eq!(second.unwrap().receipts[1].failure, "disk full");
}

#[tokio::test]
async fn a_drain_ends_it() {
    let Pending { world, deletion_id, mut waits, .. } = pending().await;
    let mut stream = watch(&world, &deletion_id).await;
    next(&mut stream).await.unwrap();
    let drain = async {
        waits.changed().await.unwrap();
        world.draining.cancel();
    };
    let (ended, ()) = tokio::join!(message(&mut stream), drain);
    assert_eq!(refusal(ended), (Code::Unavailable, "DRAINING".to_owned()));
}

#[tokio::test]
async fn the_callers_deadline_ends_it() {
    let Pending { world, deletion_id, mut waits, .. } = pending().await;
    let request = WatchDeletionRequest { deletion_id };
    let mut request = says(&world.root, request);
    request.set_timeout(Duration::from_mins(5));
    let mut stream = world.admin().watch_deletion(request).await.unwrap().into_inner();
    next(&mut stream).await.unwrap();
    let patience = async {
        waits.changed().await.unwrap();
        world.clock.advance(Duration::from_mins(5));
    };
    let (ended, ()) = tokio::join!(message(&mut stream), patience);
    assert_eq!(ended.unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn what_is_not_there_cannot_be_watched() {
    let world = World::new().await;
    let request =
        WatchDeletionRequest { deletion_id: DeletionId::generate(&world.env).to_string() };
    let answer = world.admin().watch_deletion(says(&world.root, request)).await;
    assert_eq!(refusal(answer), (Code::NotFound, "DELETION_NOT_FOUND".to_owned()));
}
