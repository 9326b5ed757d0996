//! Lists of users: the filter finds what its words say, in the order asked
//! for, and a page token continues its own list only.

use roster_proto::identity::v1::{
    ListUsersRequest, ListUsersResponse, User, user_admin_service_client::UserAdminServiceClient,
};
use tonic::Status;
use unicode_normalization::UnicodeNormalization as _;

use crate::{
    input::Input,
    verdict::only_about,
    world::{Ground, World},
};

/// A text to look for, an order, a page token, and switches.
pub fn user_list(ground: &mut Ground, data: &[u8]) {
    let mut input = Input::new(data);
    let (query, order_by, page_token) = (input.text(), input.text(), input.text());
    let [switches, page_size] = match *input.bytes() {
        [first, second, ..] => [first, second],
        [first] => [first, 200],
        [] => [0, 200],
    };
    let of = |bit: u8| (switches >> bit & 1 == 1).then_some(switches >> (bit + 1) & 1 == 1);
    let request = ListUsersRequest {
        query: query.into_owned(),
        order_by: order_by.into_owned(),
        page_token: page_token.into_owned(),
        page_size: i32::from(page_size),
        is_admin: of(0),
        disabled: of(2),
        never_signed_in: of(4),
        ..ListUsersRequest::default()
    };
    let world = ground.world();
    world.runtime.block_on(check(world, request));
}

async fn list(world: &World, request: &ListUsersRequest) -> Result<ListUsersResponse, Status> {
    let mut client = UserAdminServiceClient::new(world.service("identity"));
    Ok(client.list_users(world.of_admin(request.clone())).await?.into_inner())
}

async fn check(world: &World, request: ListUsersRequest) {
    let page = match list(world, &request).await {
        Ok(page) => page,
        Err(refusal) => return only_about(&refusal, &["query", "order_by", "page_token"]),
    };
    assert!(request.page_token.is_empty(), "a forged page token is taken");
    let all = ListUsersRequest { query: String::new(), page_size: 200, ..request.clone() };
    let all = list(world, &all).await.unwrap();
    assert!(all.next_page_token.is_empty(), "more users than one page holds");
    let expected: Vec<_> =
        all.users.iter().filter(|user| matches(user, &request.query)).map(name).collect();
    let size = usize::try_from(request.page_size).unwrap();
    let size = if size == 0 { 50 } else { size };
    let found: Vec<_> = page.users.iter().map(name).collect();
    assert_eq!(found, expected[..size.min(expected.len())], "{request:?}");
    assert_eq!(page.next_page_token.is_empty(), expected.len() <= size, "{request:?}");
    if !page.next_page_token.is_empty() {
        continues(world, request, page.next_page_token, &expected[size..]).await;
    }
}

/// The next page holds what is expected, and of this list only.
async fn continues(
    world: &World,
    request: ListUsersRequest,
    page_token: String,
    expected: &[&str],
) {
    let next = ListUsersRequest { page_token, page_size: 200, ..request };
    let page = list(world, &next).await.unwrap();
    assert_eq!(page.users.iter().map(name).collect::<Vec<_>>(), expected, "{next:?}");
    let other = ListUsersRequest { query: format!("{}x", next.query), ..next };
    let refusal = list(world, &other).await.expect_err("another list's page token is taken");
    only_about(&refusal, &["query", "page_token"]);
}

fn name(user: &User) -> &str {
    &user.username
}

/// What the contract says of `query`.
fn matches(user: &User, query: &str) -> bool {
    let query = folded(query);
    let texts = [&user.username, &user.display_name, &user.email];
    texts.into_iter().any(|text| folded(text).contains(&query))
}

/// Without cases, widths and ways to write the same letter; line breaks as
/// spaces.
fn folded(text: &str) -> String {
    let lower = text.nfkc().flat_map(char::to_lowercase);
    let folded = lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc();
    folded.map(|c| if c == '\n' { ' ' } else { c }).collect()
}
