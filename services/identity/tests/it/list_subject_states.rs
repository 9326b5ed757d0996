use roster_kernel::UserId;
use roster_proto::{
    identity::v1::{
        DeleteUserRequest, ListSubjectStatesRequest, ListSubjectStatesResponse, UpdateUserRequest,
        subject_ledger_service_client::SubjectLedgerServiceClient,
    },
    subject::v1::State,
};
use tonic::Code;

use crate::world::{World, peer, refusal, says};

async fn page(world: &World, after_sequence: i64, page_size: i32) -> ListSubjectStatesResponse {
    let request = ListSubjectStatesRequest { after_sequence, page_size };
    let mut client = SubjectLedgerServiceClient::new(world.service.routes.clone());
    client.list_subject_states(says(&peer(), request)).await.unwrap().into_inner()
}

#[tokio::test]
async fn the_ledger_is_read_on_from_where_one_stopped() {
    let world = World::new().await;
    let alice = world.create("alice").await;
    let bob = world.create("bob").await;
    let all = page(&world, 0, 0).await;
    assert_eq!(all.states.len(), 3);
    let nothing = page(&world, all.last_sequence, 0).await;
    assert!(nothing.states.is_empty());
    assert_eq!(nothing.last_sequence, all.last_sequence);
    assert_eq!((nothing.incarnation, nothing.head_sequence), (1, all.last_sequence));
    // A version is the place of its change.
    let newest = all.states[2].version.unwrap();
    assert_eq!((newest.incarnation, newest.number), (1, all.last_sequence));

    // A change moves the user to the end; a deletion stays.
    let request = UpdateUserRequest {
        user_id: alice.user_id.clone(),
        revoke_sessions: true,
        ..Default::default()
    };
    world.admin().update_user(says(&world.root, request)).await.unwrap();
    let request = DeleteUserRequest { user_id: bob.user_id.clone(), ..Default::default() };
    world.admin().delete_user(says(&world.root, request)).await.unwrap();
    let news = page(&world, all.last_sequence, 0).await;
    let changed: Vec<_> = news.states.iter().map(|it| (&it.user_id, it.state())).collect();
    assert_eq!(changed, [(&alice.user_id, State::Active), (&bob.user_id, State::Deleted)]);
    assert!(news.last_sequence > all.last_sequence);

    let mut walked = Vec::new();
    let mut place = 0;
    loop {
        let one = page(&world, place, 1).await;
        if one.states.is_empty() {
            break;
        }
        assert_eq!(one.states.len(), 1);
        assert!(one.last_sequence > place);
        place = one.last_sequence;
        walked.extend(one.states);
    }
    assert_eq!(walked.len(), 3);
    assert_eq!(walked[1..], news.states);
}

#[tokio::test]
async fn the_ledger_is_for_services() {
    let world = World::new().await;
    let mut client = SubjectLedgerServiceClient::new(world.service.routes.clone());
    let request = says(&world.root, ListSubjectStatesRequest::default());
    let answer = client.list_subject_states(request).await;
    assert_eq!(refusal(answer), (Code::PermissionDenied, "INTERNAL_ONLY".to_owned()));
}

#[tokio::test]
async fn profile_edits_leave_the_ledger_alone() {
    let world = World::new().await;
    let alice = world.create("alice").await;
    let place = page(&world, 0, 0).await.last_sequence;
    let request = UpdateUserRequest {
        user_id: alice.user_id.clone(),
        display_name: Some("Alice".to_owned()),
        ..Default::default()
    };
    world.admin().update_user(says(&world.root, request)).await.unwrap();
    assert!(page(&world, place, 0).await.states.is_empty());
    assert!(UserId::parse(&alice.user_id).is_ok());
}
