use roster_kernel::{Actor, UserId};
use roster_proto::{
    identity::v1::{
        DeleteUserRequest, Deletion, DeletionState, GetDeletionRequest, GetProfileRequest,
        UpdateUserRequest,
    },
    subject::v1::State,
};
use tonic::{Code, Status};

use crate::world::{PASSWORD, World, refusal, request_id, says};

async fn delete(world: &World, request: DeleteUserRequest) -> Result<Deletion, Status> {
    let answer = world.admin().delete_user(says(&world.root, request)).await?;
    Ok(answer.into_inner().deletion.unwrap())
}

fn of(user_id: &str) -> DeleteUserRequest {
    DeleteUserRequest { user_id: user_id.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn nothing_is_left_but_the_fact() {
    let world = World::new().await;
    let user = world.create("alice").await;
    // An answer that holds the user is kept for repetitions.
    let request = UpdateUserRequest {
        user_id: user.user_id.clone(),
        display_name: Some("Secret Name".to_owned()),
        request_id: request_id(1),
        ..Default::default()
    };
    world.admin().update_user(says(&world.root, request)).await.unwrap();

    let deletion = delete(&world, of(&user.user_id)).await.unwrap();
    assert_eq!(deletion.user_id, user.user_id);
    assert_eq!(deletion.state(), DeletionState::Complete);
    assert_eq!(deletion.complete_time, deletion.create_time);
    let Actor::User(root) = &world.root.actor else { unreachable!() };
    assert_eq!(deletion.requested_by, root.user_id.to_string());
    let own = &deletion.receipts[0];
    assert_eq!(own.participant, "identity");
    let counts: Vec<_> = own.counts.iter().map(|it| (it.kind.as_str(), it.count)).collect();
    assert_eq!(counts, [("api_keys", 0), ("credentials", 1), ("machine_tokens", 0), ("users", 1)]);

    assert_eq!(refusal(world.get(&user.user_id).await).0, Code::NotFound);
    assert_eq!(refusal(world.verify("alice", PASSWORD).await).1, "INVALID_CREDENTIALS");
    let state = world.state(&user.user_id).await;
    assert_eq!((state.state(), state.session_epoch), (State::Deleted, 1));
    let newest = world.ledger_from(0).await.pop().unwrap();
    assert_eq!(newest, state, "the last change of all, and as new");
    for table in ["replay", "credential WHERE user_id NOT IN (SELECT id FROM \"user\")"] {
        assert_eq!(world.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    let caller = world.caller_of(&user.user_id, false);
    let answer = world.account().get_profile(says(&caller, GetProfileRequest {})).await;
    assert_eq!(refusal(answer), (Code::Unauthenticated, "TOKEN_INVALID".to_owned()));
}

#[tokio::test]
async fn the_username_is_free_and_the_id_is_not() {
    let world = World::new().await;
    let first = world.create("alice").await;
    delete(&world, of(&first.user_id)).await.unwrap();
    let second = world.create("alice").await;
    assert_ne!(second.user_id, first.user_id);
    assert_eq!(world.verify("alice", PASSWORD).await.unwrap().user_id, second.user_id);
}

#[tokio::test]
async fn deleting_what_is_deleted_answers_its_deletion() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let deletion = delete(&world, of(&user.user_id)).await.unwrap();
    assert_eq!(delete(&world, of(&user.user_id)).await.unwrap(), deletion);
    let named = DeleteUserRequest { request_id: request_id(1), ..of(&user.user_id) };
    assert_eq!(delete(&world, named).await.unwrap(), deletion);
    let request = GetDeletionRequest { deletion_id: deletion.deletion_id.clone() };
    let found = world.admin().get_deletion(says(&world.root, request)).await.unwrap();
    assert_eq!(found.into_inner().deletion.unwrap(), deletion);
    assert_eq!(world.number("SELECT count(*) FROM outbox_event").await, 1);
}

#[tokio::test]
async fn who_never_was_is_not_found() {
    let world = World::new().await;
    let answer = delete(&world, of(&UserId::generate(&world.env).to_string())).await;
    assert_eq!(refusal(answer), (Code::NotFound, "USER_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn nobody_deletes_themselves() {
    let world = World::new().await;
    world.create_admin("alice").await;
    let Actor::User(root) = &world.root.actor else { unreachable!() };
    let answer = delete(&world, of(&root.user_id.to_string())).await;
    assert_eq!(refusal(answer), (Code::PermissionDenied, "CANNOT_DELETE_SELF".to_owned()));
}

#[tokio::test]
async fn a_deletion_can_be_tried() {
    let world = World::new().await;
    let user = world.create("alice").await;
    let request =
        DeleteUserRequest { validate_only: true, request_id: request_id(1), ..of(&user.user_id) };
    let deletion = delete(&world, request.clone()).await.unwrap();
    assert_eq!(deletion, Deletion { user_id: user.user_id.clone(), ..Deletion::default() });
    assert_eq!(world.get(&user.user_id).await.unwrap(), user);
    assert_eq!(world.state(&user.user_id).await.state(), State::Active);
    assert_eq!(world.number("SELECT count(*) FROM outbox_event").await, 0);
    let stale = DeleteUserRequest { etag: "stale".to_owned(), ..request };
    assert_eq!(refusal(delete(&world, stale.clone()).await).1, "ETAG_MISMATCH");
    let stale = DeleteUserRequest { validate_only: false, ..stale };
    assert_eq!(refusal(delete(&world, stale).await).1, "ETAG_MISMATCH");
    world.verify("alice", PASSWORD).await.unwrap();
}
