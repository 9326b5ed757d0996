//! Pages of users with their counts, near and far, of few users and of many.

use std::time::Duration;

use roster_proto::identity::v1::{
    ListUsersRequest, ListUsersResponse, user_admin_service_client::UserAdminServiceClient,
};

use crate::{
    effort::Effort,
    measure::{Subject, compare},
    seed,
    table::{Row, Unit},
    world::{CHEAP, World},
};

const PAGE: i32 = 50;

/// An installation with few users and one with many.
pub async fn worlds(effort: &Effort) -> (World, World) {
    let (small, large) = (World::new(CHEAP).await, World::new(CHEAP).await);
    seed::users(&small, effort.few_users).await;
    seed::users(&large, effort.many_users).await;
    (small, large)
}

async fn page(world: &World, page_token: String) -> ListUsersResponse {
    let request = ListUsersRequest { page_size: PAGE, page_token, ..ListUsersRequest::default() };
    let mut client = UserAdminServiceClient::new(world.upstream("identity"));
    client.list_users(world.inside(request)).await.unwrap().into_inner()
}

/// The token of the page behind so many.
async fn behind(world: &World, pages: usize) -> String {
    let mut token = String::new();
    for _ in 0..pages {
        token = page(world, token).await.next_page_token;
        assert!(!token.is_empty(), "there are not so many pages");
    }
    token
}

async fn list(calls: usize, world: &World, page_token: String) -> Subject {
    // What is measured has to be a whole page with all counts.
    let shown = page(world, page_token.clone()).await;
    assert_eq!(shown.users.len(), usize::try_from(PAGE).unwrap());
    let counted = shown.users.iter().filter_map(|user| user.statistics.as_ref());
    assert!(counted.filter(|counts| counts.persona_count.is_some()).count() > 40);
    let request = ListUsersRequest { page_size: PAGE, page_token, ..ListUsersRequest::default() };
    let (identity, caller) = (world.upstream("identity"), world.admin.clone());
    Subject::new(calls, move || {
        let mut client = UserAdminServiceClient::new(identity.clone());
        let mut request = tonic::Request::new(request.clone());
        request.set_timeout(Duration::from_secs(10));
        request.extensions_mut().insert(caller.clone());
        async move {
            client.list_users(request).await.unwrap();
        }
    })
}

pub async fn measure(effort: &Effort, small: &World, large: &World) -> Vec<Row> {
    let calls = effort.calls.div_ceil(20);
    let far = behind(large, effort.far_page - 1).await;
    let subjects = [
        list(calls, small, String::new()).await,
        list(calls, large, String::new()).await,
        list(calls, large, far).await,
    ];
    let [few, many, far] = compare(effort.turns, subjects).await;
    let row = |page: usize, users: usize, figure| {
        let what = format!("ListUsers, page {page} of {PAGE} with counts, {users} users");
        Row::new(what, figure, Unit::CpuMicros)
    };
    let floor = format!("page 1 of {} users", effort.few_users);
    vec![
        row(1, effort.few_users, few),
        row(1, effort.many_users, many).beside(few, floor.as_str()).goal(1.2),
        row(effort.far_page, effort.many_users, far).beside(few, floor.as_str()).goal(1.2),
        row(effort.far_page, effort.many_users, far).beside(many, "its page 1").goal(1.2),
    ]
}
