use std::{sync::atomic::Ordering, time::Duration};

use roster_kernel::{Actor, UserId};
use roster_proto::identity::v1::{
    BatchGetUsersRequest, GetUserRequest, ListUsersRequest, UserStatistics,
};
use roster_testkit::eventually;
use tonic::Code;

use crate::{
    participant::Counts,
    world::{Setup, World, name, peer, refusal, says},
};

#[tokio::test]
async fn unknown_users_are_not_found() {
    let world = World::new().await;
    let stranger = UserId::generate(&world.env).to_string();
    let answer = world.get(&stranger).await;
    assert_eq!(refusal(answer), (Code::NotFound, "USER_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn services_ask_for_many_users_at_once() {
    let world = World::new().await;
    let (alice, bob) = (world.create("alice").await, world.create("bob").await);
    let stranger = UserId::generate(&world.env).to_string();
    let user_ids = vec![bob.user_id.clone(), stranger, alice.user_id.clone(), bob.user_id.clone()];
    let request = says(&peer(), BatchGetUsersRequest { user_ids });
    let answer = world.admin().batch_get_users(request).await;
    let mut users = answer.unwrap().into_inner().users;
    users.sort_by(|a, b| a.username.cmp(&b.username));
    assert_eq!(users, [alice, bob]);
}

async fn statistics(world: &World) -> UserStatistics {
    let Actor::User(root) = &world.root.actor else { unreachable!() };
    let request = GetUserRequest { user_id: root.user_id.to_string() };
    let answer = world.admin().get_user(says(&world.root, request)).await.unwrap();
    answer.into_inner().user.unwrap().statistics.unwrap()
}

#[tokio::test]
async fn participants_say_how_much_they_keep() {
    let sessions = Counts::of(&[("sessions", 3)]);
    let personas = Counts::of(&[("annotations", 70), ("personas", 7)]);
    let participants =
        vec![(name("session"), sessions.upstream()), (name("persona"), personas.upstream())];
    let world = World::with(Setup { participants, ..Setup::default() }).await;
    let counted = statistics(&world).await;
    assert_eq!((counted.active_session_count, counted.persona_count), (Some(3), Some(7)));
    // What this service keeps itself is always known.
    assert_eq!(counted.api_key_count, Some(0));

    world.create("alice").await;
    world.create("bob").await;
    personas.asked.lock().unwrap().clear();
    let answer = world.admin().list_users(says(&world.root, ListUsersRequest::default())).await;
    let users = answer.unwrap().into_inner().users;
    assert!(users.iter().all(|user| user.statistics.unwrap().persona_count == Some(7)));
    // One call for the page, in this service's own name.
    let asked = personas.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1, 3);
    assert_eq!(asked[0].0.actor, Actor::Service(name("identity")));
    assert_eq!(asked[0].0.correlation_id, world.root.correlation_id);
}

#[tokio::test]
async fn a_silent_participant_costs_its_counts_only() {
    let sessions = Counts::of(&[("sessions", 3)]);
    let personas = Counts::of(&[("personas", 7)]);
    personas.mute.store(true, Ordering::SeqCst);
    let participants =
        vec![(name("session"), sessions.upstream()), (name("persona"), personas.upstream())];
    let world = World::with(Setup { participants, ..Setup::default() }).await;
    let patience = async {
        eventually(async || !personas.asked.lock().unwrap().is_empty()).await;
        world.clock.advance(Duration::from_secs(1));
    };
    let (counted, ()) = tokio::join!(statistics(&world), patience);
    assert_eq!((counted.active_session_count, counted.persona_count), (Some(3), None));
}

#[tokio::test]
async fn a_participant_that_is_not_there_costs_its_counts_only() {
    let (absent, _never_connected) = roster_server::Upstream::in_process();
    let participants = vec![(name("session"), absent)];
    let world = World::with(Setup { participants, ..Setup::default() }).await;
    let known = UserStatistics { api_key_count: Some(0), ..UserStatistics::default() };
    assert_eq!(statistics(&world).await, known);
}
