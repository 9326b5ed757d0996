use futures_util::TryStreamExt as _;
use std::{sync::Arc, time::Duration};

use roster_events::{Address, Bus, Event, Receipt, Subscription};
use roster_kernel::{DeletionId, EventId, ServiceName, UserId};
use roster_participant::State;
use roster_proto::{
    event::v1::{UserDeleted, UserStateChanged},
    session::v1::{RevokeSessionRequest, Session},
    subject::v1::{
        CountSubjectDataRequest, ExportSubjectDataRequest, KindCount, SumSubjectDataRequest,
    },
};
use roster_testkit::{StopAt, epoch};

use crate::world::{DAY, World, eventually, peer, reason, says};

async fn count(world: &World, users: &[UserId]) -> Vec<i64> {
    let user_ids = users.iter().map(ToString::to_string).collect();
    let request = says(&peer(), CountSubjectDataRequest { user_ids });
    let answer = world.data().count_subject_data(request).await.unwrap().into_inner();
    let counts = answer.subjects.iter().zip(users).map(|(subject, user)| {
        assert_eq!(subject.user_id, user.to_string());
        assert_eq!(subject.counts.len(), 1);
        assert_eq!(subject.counts[0].kind, "sessions");
        subject.counts[0].count
    });
    counts.collect()
}

#[tokio::test]
async fn live_sessions_are_counted() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await.user_id;
    world.log_in("ann").await;
    let ben = world.signed_in("ben").await.user_id;
    let nobody = UserId::generate(&world.env);
    assert_eq!(count(&world, &[ann, nobody, ben]).await, [2, 0, 1]);
    world.advance(6 * DAY);
    world.log_in("ann").await;
    world.advance(DAY);
    assert_eq!(count(&world, &[ann, ben]).await, [1, 0], "expired ones are not");
}

#[tokio::test]
async fn a_deletion_erases_everything_in_batches() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    let phone = world.log_in("ann").await;
    let revoked = RevokeSessionRequest {
        session_id: phone.id(),
        request_id: "0190b5a0-0000-7000-8000-000000000001".to_owned(),
    };
    world.own().revoke_session(ann.says(revoked)).await.unwrap();
    world.multiply(1_200).await;
    let ben = world.signed_in("ben").await;
    assert_eq!(world.number("SELECT COUNT(*) FROM replay").await, 1);

    world.identity.change("ann", |it| {
        it.state = State::Deleted;
        it.session_epoch += 1;
    });
    world.announce().await;
    assert_eq!(world.rows().await, 1);
    world.authenticate(&ben.token).await.unwrap();
    assert_eq!(world.number("SELECT COUNT(*) FROM replay").await, 0);
    let erased = "SELECT erased FROM subject WHERE state = 'deleted'";
    let erased: serde_json::Value =
        serde_json::from_str(&world.temp.texts(erased).await[0]).unwrap();
    assert_eq!(erased["sessions"], 1_200, "the ended one is not among them");
}

#[tokio::test]
async fn a_new_epoch_ends_the_sessions_below_it() {
    let world = World::new().await;
    world.signed_in("ann").await;
    world.identity.change("ann", |it| it.session_epoch += 1);
    let after = world.log_in("ann").await;
    world.announce().await;
    assert_eq!(world.rows().await, 1);
    world.authenticate(&after.token).await.unwrap();
}

#[tokio::test]
async fn disabling_ends_all_sessions() {
    let world = World::new().await;
    world.signed_in("ann").await;
    world.log_in("ann").await;
    let ben = world.signed_in("ben").await;
    world.identity.change("ann", |it| it.state = State::Disabled);
    world.announce().await;
    assert_eq!(world.rows().await, 1);
    world.authenticate(&ben.token).await.unwrap();
}

#[tokio::test]
async fn very_many_sessions_are_over_at_once_and_deleted_in_batches() {
    let stop = Arc::new(StopAt::new("state.batch", 0));
    let world = World::watched_by(stop.clone()).await;
    let ann = world.signed_in("ann").await;
    world.multiply(1_700).await;
    eventually(async || world.bus.subscriptions() == 1).await;
    let state = world.identity.change("ann", |it| it.state = State::Disabled);
    let message = UserStateChanged { state: Some(state.into()) };
    let identity = ServiceName::parse("identity").unwrap();
    let event_id = EventId::generate(&world.env);
    let event = Event::new(event_id, identity.clone(), ann.user_id, epoch(), &message);
    let announced = Address::Events { source: identity };
    world.bus.publish(&announced, event.encode().into()).await.unwrap();
    stop.stopped().await;
    assert_eq!(world.rows().await, 1_200);
    assert_eq!(reason(&world.authenticate(&ann.token).await.unwrap_err()), "TOKEN_INVALID");
    // What that leaves behind, catching up with the ledger clears away.
    world.announce().await;
    assert_eq!(world.rows().await, 0);
}

#[tokio::test]
async fn what_identity_announces_is_carried_out_once_and_confirmed_each_time() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    world.log_in("ann").await;
    let identity = ServiceName::parse("identity").unwrap();
    let receipts = Subscription::Receipts { source: identity.clone() };
    let mut receipts = world.bus.subscribe(receipts).await.unwrap();
    eventually(async || world.bus.subscriptions() == 2).await;

    let mut state = world.identity.subject("ann");
    state.version.number += 1;
    state.session_epoch += 1;
    state.state = State::Deleted;
    let deletion_id = DeletionId::generate(&world.env).to_string();
    let message = UserDeleted { state: Some(state.into()), deletion_id };
    let event_id = EventId::generate(&world.env);
    let event = Event::new(event_id, identity.clone(), ann.user_id, epoch(), &message);
    let announced = Address::Events { source: identity };
    let confirmed =
        Receipt::Done { event_id, counts: vec![("sessions".to_owned(), 2)], at: epoch() };
    for _ in 0..2 {
        world.bus.publish(&announced, event.encode().into()).await.unwrap();
        let receipt = receipts.next().await.unwrap();
        assert_eq!(Receipt::decode(&receipt.payload).unwrap(), confirmed);
    }
    assert_eq!(world.rows().await, 0);
    assert_eq!(reason(&world.authenticate(&ann.token).await.unwrap_err()), "TOKEN_INVALID");
}

#[tokio::test]
async fn all_sessions_of_a_user_are_handed_out_without_their_tokens() {
    let world = World::new().await;
    let first = world.signed_in("ann").await;
    world.advance(Duration::from_mins(7 * 24 * 60 - 1));
    let second = world.log_in("ann").await;
    world.signed_in("ben").await;
    // Before what has expired is cleared away.
    world.swept().await;
    world.advance(Duration::from_mins(2));
    let request = ExportSubjectDataRequest { user_id: first.user_id.to_string() };
    let answer = world.data().export_subject_data(says(&peer(), request)).await.unwrap();
    let exported: Vec<_> = answer.into_inner().try_collect().await.unwrap();
    let sessions = exported.iter().map(|each| {
        assert_eq!(each.kind, "sessions");
        let record = each.record.as_ref().unwrap();
        for token in [&first.token, &second.token] {
            assert!(!record.value.windows(token.len()).any(|part| part == token.as_bytes()));
        }
        record.to_msg::<Session>().unwrap().session_id
    });
    let both = [first.id(), second.id()];
    assert_eq!(sessions.collect::<Vec<_>>(), both, "the expired one too, oldest first");
}

#[tokio::test]
async fn the_sum_is_that_of_live_sessions() {
    let world = World::new().await;
    world.signed_in("ann").await;
    world.advance(6 * DAY);
    world.log_in("ann").await;
    world.signed_in("ben").await;
    let sum = async || {
        let request = says(&peer(), SumSubjectDataRequest {});
        world.data().sum_subject_data(request).await.unwrap().into_inner().counts
    };
    let sessions = |count| vec![KindCount { kind: "sessions".to_owned(), count }];
    assert_eq!(sum().await, sessions(3));
    world.advance(2 * DAY);
    assert_eq!(sum().await, sessions(2));
}
