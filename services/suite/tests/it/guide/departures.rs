//! Deleting users.

use roster_proto::{
    identity::v1::{
        CreateUserRequest, DeleteUserRequest, Deletion, DeletionState, GetDeletionRequest,
        GetUserRequest, ListDeletionsRequest, ReceiptState,
    },
    persona::v1::{CreatePersonaRequest, Persona},
};
use tonic::Code;

use crate::{
    client::{Client, reason},
    world::{World, person},
};

fn delete(user_id: &str) -> DeleteUserRequest {
    DeleteUserRequest { user_id: user_id.to_owned(), ..DeleteUserRequest::default() }
}

async fn create_persona(client: &Client, name: &str) {
    let persona = Persona { name: Some(name.to_owned()), ..Persona::default() };
    let request = CreatePersonaRequest { persona: Some(persona), ..Default::default() };
    client.personas().create_persona(request).await.unwrap();
}

async fn deletion(world: &World, deletion_id: &str) -> Deletion {
    let request = GetDeletionRequest { deletion_id: deletion_id.to_owned() };
    world.admin.users().get_deletion(request).await.unwrap().into_inner().deletion.unwrap()
}

#[tokio::test]
async fn deletion_logs_out_at_once() {
    let world = World::new().await;
    for round in 0..5 {
        let client = world.create_signed_in(&format!("person-{round}")).await;
        world.admin.users().delete_user(delete(&client.user_id)).await.unwrap();
        assert!(!client.is_signed_in().await);
    }
}

#[tokio::test]
async fn deletion_cascades_and_proves_it() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    world.sign_in("person").await;
    for name in ["one", "two", "three"] {
        create_persona(&client, name).await;
    }
    let answer = world.admin.users().delete_user(delete(&client.user_id)).await.unwrap();
    let begun = answer.into_inner().deletion.unwrap();
    world.settle().await;
    let done = deletion(&world, &begun.deletion_id).await;
    assert_eq!(done.state(), DeletionState::Complete);
    assert_eq!(done.requested_by, world.admin.user_id);
    assert!(done.complete_time.is_some());
    let receipts: Vec<_> = done
        .receipts
        .iter()
        .map(|it| (it.participant.as_str(), it.state(), it.complete_time.is_some()))
        .collect();
    let confirmed = |participant| (participant, ReceiptState::Done, true);
    assert_eq!(receipts, [confirmed("identity"), confirmed("persona"), confirmed("session")]);
    let count = |participant: &str, kind: &str| {
        let receipt = done.receipts.iter().find(|it| it.participant == participant).unwrap();
        receipt.counts.iter().find(|it| it.kind == kind).map(|it| it.count)
    };
    assert_eq!(count("session", "sessions"), Some(2));
    assert_eq!(count("persona", "personas"), Some(3));
    assert_eq!(count("identity", "users"), Some(1));

    let request = GetUserRequest { user_id: client.user_id.clone() };
    let answer = world.admin.users().get_user(request).await;
    assert_eq!(reason(answer), (Code::NotFound, "USER_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn users_cannot_delete_themselves() {
    let world = World::new().await;
    world.create_admin("second").await;
    let answer = world.admin.users().delete_user(delete(&world.admin.user_id)).await;
    assert_eq!(reason(answer), (Code::PermissionDenied, "CANNOT_DELETE_SELF".to_owned()));
    assert!(world.admin.is_signed_in().await);
}

#[tokio::test]
async fn the_username_is_free_at_once_and_the_id_never_comes_back() {
    let world = World::new().await;
    let first = world.create_user("person").await;
    world.admin.users().delete_user(delete(&first.user_id)).await.unwrap();
    let second =
        world.create(CreateUserRequest { username: "person".to_owned(), ..person() }).await;
    assert_ne!(first.user_id, second.user_id);
    assert!(world.sign_in("person").await.is_signed_in().await);
}

#[tokio::test]
async fn deleting_what_is_deleted_answers_its_deletion() {
    let world = World::new().await;
    let user = world.create_user("person").await;
    let first = world.admin.users().delete_user(delete(&user.user_id)).await.unwrap();
    let second = world.admin.users().delete_user(delete(&user.user_id)).await.unwrap();
    let id = |answer: tonic::Response<roster_proto::identity::v1::DeleteUserResponse>| {
        answer.into_inner().deletion.unwrap().deletion_id
    };
    assert_eq!(id(first), id(second));
    let never = world.env.uuid().to_string();
    let answer = world.admin.users().delete_user(delete(&never)).await;
    assert_eq!(reason(answer), (Code::NotFound, "USER_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn deletions_are_listed_newest_first() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for name in ["one-user", "two-user", "three-user"] {
        world.clock.advance(std::time::Duration::from_secs(1));
        let user = world.create_user(name).await;
        let answer = world.admin.users().delete_user(delete(&user.user_id)).await.unwrap();
        ids.insert(0, answer.into_inner().deletion.unwrap().deletion_id);
    }
    let list = world.admin.users().list_deletions(ListDeletionsRequest::default()).await.unwrap();
    let listed: Vec<_> = list.into_inner().deletions.into_iter().map(|it| it.deletion_id).collect();
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn a_dry_run_checks_everything_and_deletes_nothing() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let dry = |user_id: &str| DeleteUserRequest { validate_only: true, ..delete(user_id) };
    world.admin.users().delete_user(dry(&client.user_id)).await.unwrap();
    assert!(client.is_signed_in().await);
    let answer = world.admin.users().delete_user(dry(&world.admin.user_id)).await;
    assert_eq!(reason(answer), (Code::PermissionDenied, "CANNOT_DELETE_SELF".to_owned()));
}
