//! Changes that promise to be in effect when they are answered.

use std::time::Duration;

use chrono::TimeDelta;
use roster_events::Event;
use roster_kernel::{Actor, Caller};
use roster_proto::{
    event::v1::{UserDeleted, UserStateChanged},
    identity::v1::{
        DeleteUserRequest, DeletionState, GetDeletionRequest, ListDeletionsRequest, ReceiptState,
        RetryDeletionRequest, UpdateUserRequest, User,
    },
    subject::v1::{Role, State},
};
use roster_testkit::eventually;
use tonic::Code;

use crate::{
    participant::{Consumer, Counts},
    world::{Setup, World, name, new_user, refusal, request_id, says},
};

async fn world_with(participants: &[&str]) -> (World, Consumer) {
    let participants = participants.iter().map(|it| (name(it), Counts::of(&[]).upstream()));
    let setup = Setup { participants: participants.collect(), ..Setup::default() };
    let world = World::with(setup).await;
    let session = Consumer::listen(&world.bus, "session").await;
    (world, session)
}

fn promote(user: &User) -> UpdateUserRequest {
    UpdateUserRequest {
        user_id: user.user_id.clone(),
        is_admin: Some(true),
        request_id: request_id(1),
        ..Default::default()
    }
}

/// Lets the time pass that a call has to wait for a receipt, once it waits: it
/// looks for one every half second.
async fn run_out(world: &World) {
    let looks_again = world.env.now() + TimeDelta::milliseconds(500);
    eventually(async || world.clock.is_awaited(looks_again)).await;
    world.clock.advance(Duration::from_millis(9_500));
}

#[tokio::test]
async fn an_answer_waits_for_the_receipt() {
    let (world, mut session) = world_with(&["session", "persona"]).await;
    let user = world.create("alice").await;
    let mut client = world.admin();
    let mut call = std::pin::pin!(client.update_user(says(&world.root, promote(&user))));
    let event: Event = tokio::select! {
        event = session.hear() => event,
        answer = &mut call => panic!("answered without a receipt: {answer:?}"),
    };
    let message = event.message::<UserStateChanged>().unwrap().unwrap();
    let state = message.state.unwrap();
    assert_eq!((state.user_id.as_str(), state.role()), (user.user_id.as_str(), Role::Admin));
    session.confirm(&event, &[], world.env.now()).await;
    // The persona service has not confirmed, and need not.
    assert!(call.await.unwrap().into_inner().user.unwrap().is_admin);
}

#[tokio::test]
async fn without_a_receipt_the_change_stands_and_the_wait_can_be_resumed() {
    let (world, mut session) = world_with(&["session"]).await;
    let user = world.create("alice").await;
    let mut client = world.admin();
    let patience = async {
        let event = session.hear().await;
        run_out(&world).await;
        event
    };
    let (answer, event) =
        tokio::join!(client.update_user(says(&world.root, promote(&user))), patience);
    assert_eq!(refusal(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));
    assert!(world.get(&user.user_id).await.unwrap().is_admin);

    let changed = world.state(&user.user_id).await;
    session.confirm(&event, &[], world.env.now()).await;
    let answer = world.admin().update_user(says(&world.root, promote(&user))).await.unwrap();
    assert!(answer.into_inner().user.unwrap().is_admin);
    assert_eq!(world.state(&user.user_id).await, changed, "changed once");
}

#[tokio::test]
async fn a_deletion_shows_what_each_participant_has_done() {
    let (world, mut session) = world_with(&["session", "persona"]).await;
    let mut persona = Consumer::listen(&world.bus, "persona").await;
    let user = world.create("alice").await;
    let mut client = world.admin();
    let request = DeleteUserRequest { user_id: user.user_id.clone(), ..Default::default() };
    let confirming = async {
        let event = session.hear().await;
        session.confirm(&event, &[("sessions", 2)], world.env.now()).await;
    };
    let (answer, ()) = tokio::join!(client.delete_user(says(&world.root, request)), confirming);
    let deletion = answer.unwrap().into_inner().deletion.unwrap();
    assert_eq!(deletion.state(), DeletionState::Running);
    assert_eq!(deletion.complete_time, None);
    let receipts: Vec<_> = deletion
        .receipts
        .iter()
        .map(|it| (it.participant.as_str(), it.state(), it.counts.len()))
        .collect();
    let expected = [
        ("identity", ReceiptState::Done, 4),
        ("persona", ReceiptState::Pending, 0),
        ("session", ReceiptState::Done, 1),
    ];
    assert_eq!(receipts, expected);

    let event = persona.hear().await;
    let message = event.message::<UserDeleted>().unwrap().unwrap();
    assert_eq!(message.deletion_id, deletion.deletion_id);
    assert_eq!(message.state.unwrap().state(), State::Deleted);
    world.clock.advance(Duration::from_secs(3));
    let done_at = world.env.now();
    persona.confirm(&event, &[("annotations", 70), ("personas", 7)], done_at).await;
    let complete = loop {
        let request = GetDeletionRequest { deletion_id: deletion.deletion_id.clone() };
        let found = world.admin().get_deletion(says(&world.root, request)).await.unwrap();
        let found = found.into_inner().deletion.unwrap();
        if found.state() == DeletionState::Complete {
            break found;
        }
    };
    assert_eq!(complete.complete_time, Some(roster_proto::time::to_proto(done_at)));
    assert_eq!(complete.receipts[1].counts[0].kind, "annotations");
}

#[tokio::test]
async fn a_failing_participant_is_shown_and_asked_again() {
    let (world, mut session) = world_with(&["session"]).await;
    let user = world.create("alice").await;
    let mut client = world.admin();
    let request = DeleteUserRequest { user_id: user.user_id.clone(), ..Default::default() };
    let patience = async {
        let event = session.hear().await;
        session.fail(&event, "database unavailable").await;
        run_out(&world).await;
    };
    let (answer, ()) =
        tokio::join!(client.delete_user(says(&world.root, request.clone())), patience);
    assert_eq!(refusal(answer).1, "EFFECT_PENDING");

    let deletion_id = loop {
        let request = says(&world.root, ListDeletionsRequest::default());
        let list = world.admin().list_deletions(request).await;
        let deletion = list.unwrap().into_inner().deletions.remove(0);
        let receipt = deletion.receipts.into_iter().find(|it| it.participant == "session");
        if receipt.unwrap().failure == "database unavailable" {
            break deletion.deletion_id;
        }
    };
    let retry = RetryDeletionRequest { deletion_id, ..Default::default() };
    world.admin().retry_deletion(says(&world.root, retry)).await.unwrap();
    let event = session.hear().await;
    session.confirm(&event, &[], world.env.now()).await;
    // Deleting again waits for the same deletion.
    let answer = world.admin().delete_user(says(&world.root, request)).await.unwrap();
    assert_eq!(answer.into_inner().deletion.unwrap().state(), DeletionState::Complete);
}

fn id_of(caller: &Caller) -> String {
    let Actor::User(user) = &caller.actor else { panic!("nobody") };
    user.user_id.to_string()
}

/// Makes a change that nobody confirms in time; answers its event.
async fn unconfirmed(world: &World, session: &mut Consumer, request: &UpdateUserRequest) -> Event {
    let mut client = world.admin();
    let patience = async {
        let event = session.hear().await;
        run_out(world).await;
        event
    };
    let call = client.update_user(says(&world.root, request.clone()));
    let (answer, event) = tokio::join!(call, patience);
    assert_eq!(refusal(answer), (Code::Unavailable, "EFFECT_PENDING".to_owned()));
    event
}

#[tokio::test]
async fn who_asks_again_does_not_wait_for_the_next_attempt() {
    let (world, mut session) = world_with(&["session"]).await;
    let user = world.create("alice").await;
    let heard = unconfirmed(&world, &mut session, &promote(&user)).await;
    // Nobody confirms until it is tried hourly only.
    let attempts = "SELECT attempts FROM outbox_event";
    eventually(async || {
        let parked = world.number(attempts).await >= 10;
        if !parked && world.service.outbox.due().await.unwrap() == 0 {
            world.clock.advance(Duration::from_mins(5));
        }
        parked
    })
    .await;
    for _ in 1..world.number(attempts).await {
        assert_eq!(session.hear().await.id, heard.id);
    }

    let mut client = world.admin();
    let mut call = std::pin::pin!(client.update_user(says(&world.root, promote(&user))));
    let now = world.env.now();
    let again = tokio::select! {
        event = session.hear() => event,
        answer = &mut call => panic!("answered without a receipt: {answer:?}"),
    };
    assert_eq!((again.id, world.env.now()), (heard.id, now), "at once");
    session.confirm(&again, &[], now).await;
    assert!(call.await.unwrap().into_inner().user.unwrap().is_admin);
}

#[tokio::test]
async fn an_administrator_who_steps_down_can_wait_for_it_like_for_anything_else() {
    let (world, mut session) = world_with(&["session"]).await;
    let (_, other_admin) = world.create_admin("other").await;
    let request = UpdateUserRequest {
        user_id: id_of(&world.root),
        is_admin: Some(false),
        request_id: request_id(1),
        ..Default::default()
    };
    let event = unconfirmed(&world, &mut session, &request).await;
    // The edge has not heard of it either, and takes them for one still.
    session.confirm(&event, &[], world.env.now()).await;
    let answer = world.admin().update_user(says(&world.root, request.clone())).await.unwrap();
    assert!(!answer.into_inner().user.unwrap().is_admin);

    // That is all that they get to see: not by another name, with other
    // fields, or as somebody else.
    for changed in [
        UpdateUserRequest { request_id: request_id(2), ..request.clone() },
        UpdateUserRequest { request_id: String::new(), ..request.clone() },
    ] {
        let answer = world.admin().update_user(says(&world.root, changed)).await;
        assert_eq!(refusal(answer).1, "ADMIN_REQUIRED");
    }
    let other = UpdateUserRequest { is_admin: Some(true), ..request.clone() };
    let answer = world.admin().update_user(says(&world.root, other)).await;
    assert_eq!(refusal(answer).1, "REQUEST_ID_REUSED");
    let created = world.admin().create_user(says(&other_admin, new_user("alice"))).await;
    let alice = created.unwrap().into_inner().user.unwrap();
    let stranger = world.caller_of(&alice.user_id, true);
    let answer = world.admin().update_user(says(&stranger, request)).await;
    assert_eq!(refusal(answer).1, "ADMIN_REQUIRED");
}
