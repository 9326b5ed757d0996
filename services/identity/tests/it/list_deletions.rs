use std::time::Duration;

use roster_kernel::DeletionId;
use roster_proto::identity::v1::{
    DeleteUserRequest, DeletionState, GetDeletionRequest, ListDeletionsRequest,
    RetryDeletionRequest,
};
use tonic::Code;

use crate::world::{World, fields, refusal, says};

async fn pages(world: &World, mut request: ListDeletionsRequest) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    loop {
        let answer = world.admin().list_deletions(says(&world.root, request.clone())).await;
        let page = answer.unwrap().into_inner();
        pages.push(page.deletions.into_iter().map(|it| it.user_id).collect());
        if page.next_page_token.is_empty() {
            return pages;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn deletions_are_listed_newest_first() {
    let world = World::new().await;
    let mut deleted = Vec::new();
    for number in 0..7 {
        let user = world.create(&format!("user{number}")).await;
        world.clock.advance(Duration::from_secs(1));
        let request = DeleteUserRequest { user_id: user.user_id.clone(), ..Default::default() };
        world.admin().delete_user(says(&world.root, request)).await.unwrap();
        deleted.insert(0, user.user_id);
    }
    for page_size in [1, 3, 7, 0] {
        let request = ListDeletionsRequest { page_size, ..Default::default() };
        assert_eq!(pages(&world, request.clone()).await.concat(), deleted, "{page_size}");
        let complete =
            ListDeletionsRequest { state: DeletionState::Complete.into(), ..request.clone() };
        assert_eq!(pages(&world, complete).await.concat(), deleted, "{page_size}");
        let running = ListDeletionsRequest { state: DeletionState::Running.into(), ..request };
        assert_eq!(pages(&world, running).await, [Vec::<String>::new()]);
    }
    let one = ListDeletionsRequest { user_id: deleted[2].clone(), ..Default::default() };
    assert_eq!(pages(&world, one).await.concat(), deleted[2..3]);

    let first = ListDeletionsRequest { page_size: 1, ..Default::default() };
    let page = world.admin().list_deletions(says(&world.root, first)).await.unwrap();
    let page_token = page.into_inner().next_page_token;
    let other = ListDeletionsRequest {
        page_token,
        state: DeletionState::Complete.into(),
        ..Default::default()
    };
    let answer = world.admin().list_deletions(says(&world.root, other)).await;
    assert_eq!(fields(answer), ["page_token"]);
}

#[tokio::test]
async fn unknown_deletions_are_not_found() {
    let world = World::new().await;
    let deletion_id = DeletionId::generate(&world.env).to_string();
    let not_found = (Code::NotFound, "DELETION_NOT_FOUND".to_owned());
    let get = GetDeletionRequest { deletion_id: deletion_id.clone() };
    let answer = world.admin().get_deletion(says(&world.root, get)).await;
    assert_eq!(refusal(answer), not_found);
    let retry = RetryDeletionRequest { deletion_id, ..Default::default() };
    let answer = world.admin().retry_deletion(says(&world.root, retry)).await;
    assert_eq!(refusal(answer), not_found);
}
