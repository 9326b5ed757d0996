use std::time::Duration;

use roster_proto::{
    identity::v1::{CreateUserRequest, DisableUserRequest, ListUsersRequest},
    time,
};

use crate::world::{PASSWORD, World, fields, new_user, says};

fn list() -> ListUsersRequest {
    ListUsersRequest::default()
}

async fn names(world: &World, request: ListUsersRequest) -> Vec<String> {
    world.pages(request).await.concat()
}

#[tokio::test]
async fn a_thousand_users_are_walked_newest_first() {
    let world = World::new().await;
    let mut expected = vec!["root".to_owned()];
    for number in 0..1_000 {
        // Ten users each share a moment.
        if number % 10 == 0 {
            world.clock.advance(Duration::from_secs(1));
        }
        let request = new_user(&format!("user{number:04}"));
        world.admin().create_user(says(&world.root, request.clone())).await.unwrap();
        expected.push(request.username);
    }
    let pages = world.pages(ListUsersRequest { page_size: 64, ..list() }).await;
    assert_eq!(pages.len(), 16);
    assert!(pages[..15].iter().all(|page| page.len() == 64));
    let walked = pages.concat();
    assert_eq!(walked.len(), 1_001);
    // Moments in descending order; within one, any order, each user once.
    let moments = |names: &[String]| -> Vec<String> {
        names.iter().map(|name| name[..name.len() - 1].to_owned()).collect()
    };
    expected.reverse();
    assert_eq!(moments(&walked), moments(&expected));
    let (mut walked, mut expected) = (walked, expected);
    walked.sort_unstable();
    expected.sort_unstable();
    assert_eq!(walked, expected);

    let default = world.pages(list()).await;
    assert_eq!(default[0].len(), 50);
    let most = world.pages(ListUsersRequest { page_size: 100_000, ..list() }).await;
    assert_eq!(most[0].len(), 200);
    let by_name =
        names(&world, ListUsersRequest { order_by: "username".to_owned(), ..list() }).await;
    assert!(by_name.is_sorted());
    assert_eq!(by_name.len(), 1_001);
}

#[tokio::test]
async fn lists_come_in_every_order() {
    let world = World::new().await;
    for username in ["carol", "alice", "bob"] {
        world.create(username).await;
    }
    for username in ["bob", "carol"] {
        world.clock.advance(Duration::from_secs(1));
        world.verify(username, PASSWORD).await.unwrap();
    }
    for (order_by, expected) in [
        ("", ["bob", "alice", "carol", "root"]),
        ("create_time desc", ["bob", "alice", "carol", "root"]),
        ("create_time", ["root", "carol", "alice", "bob"]),
        ("username", ["alice", "bob", "carol", "root"]),
        ("username desc", ["root", "carol", "bob", "alice"]),
    ] {
        for page_size in [1, 3, 50] {
            let request = ListUsersRequest { order_by: order_by.to_owned(), page_size, ..list() };
            assert_eq!(names(&world, request).await, expected, "{order_by}, {page_size}");
        }
    }
    // Who never signed in comes before everybody else.
    for page_size in [1, 2, 50] {
        let request = |order_by: &str| ListUsersRequest {
            order_by: order_by.to_owned(),
            page_size,
            ..list()
        };
        let ascending = names(&world, request("last_login_time")).await;
        assert_eq!(ascending[2..], ["bob", "carol"]);
        let descending = names(&world, request("last_login_time desc")).await;
        assert_eq!(descending[..2], ["carol", "bob"]);
        assert_eq!(descending.len(), 4);
    }
}

#[tokio::test]
async fn a_text_is_found_wherever_it_stands_and_whatever_its_case() {
    let world = World::new().await;
    let user = |username: &str, display_name: &str, email: &str| CreateUserRequest {
        display_name: display_name.to_owned(),
        email: email.to_owned(),
        ..new_user(username)
    };
    world.create_with(user("alice", "Ärzte & Söhne", "a@example.org")).await;
    world.create_with(user("bob", "100% Bob_\\x", "")).await;
    world.create_with(user("carol", "Carol", "Carol.Alice@Example.org")).await;
    world.create_with(user("dora", "Οδυσσέας, Große Straße", "")).await;
    world.create_with(user("erin", "one\ntwo", "")).await;
    for (query, expected) in [
        ("one TWO", vec!["erin"]),
        ("e\nT", vec!["erin"]),
        ("\n", vec!["erin", "dora", "bob", "alice"]),
        ("alice\nä", vec![]),
        ("ALICE", vec!["carol", "alice"]),
        ("äRZTE", vec!["alice"]),
        ("SÖHNE", vec!["alice"]),
        ("example.ORG", vec!["carol", "alice"]),
        ("%", vec!["bob"]),
        ("_", vec!["bob"]),
        ("b_\\X", vec!["bob"]),
        ("c_rol", vec![]),
        ("' OR 1=1 --", vec![]),
        // Other cases of other scripts, and other ways to write the same.
        ("STRASSE", vec!["dora"]),
        ("οδυσ", vec!["dora"]),
        ("ΟΔΥΣ", vec!["dora"]),
        ("A\u{308}RZTE", vec!["alice"]),
        ("ＡＬＩＣＥ", vec!["carol", "alice"]),
        ("arzte", vec![]),
    ] {
        let request = ListUsersRequest { query: query.to_owned(), ..list() };
        assert_eq!(names(&world, request).await, expected, "{query}");
    }
}

#[tokio::test]
async fn what_no_text_can_hold_is_not_searched_for() {
    let world = World::new().await;
    let request = ListUsersRequest { query: "a\0b".to_owned(), ..list() };
    let answer = world.admin().list_users(says(&world.root, request)).await;
    assert_eq!(fields(answer), ["query"]);
}

#[tokio::test]
async fn filters_narrow_the_list_together() {
    let world = World::new().await;
    let start = world.env.now();
    world.create_admin("alice").await;
    let bob = world.create("bob").await;
    world.create("carol").await;
    let request = DisableUserRequest { user_id: bob.user_id, ..Default::default() };
    world.admin().disable_user(says(&world.root, request)).await.unwrap();
    world.clock.advance(Duration::from_hours(1));
    let login = world.env.now();
    world.verify("carol", PASSWORD).await.unwrap();

    let at = |seconds: u64| Some(time::to_proto(start + Duration::from_secs(seconds)));
    let login = |after: bool| Some(time::to_proto(login + Duration::from_secs(u64::from(after))));
    for (request, expected) in [
        (ListUsersRequest { is_admin: Some(true), ..list() }, vec!["alice", "root"]),
        (ListUsersRequest { is_admin: Some(false), ..list() }, vec!["carol", "bob"]),
        (ListUsersRequest { disabled: Some(true), ..list() }, vec!["bob"]),
        (ListUsersRequest { disabled: Some(false), ..list() }, vec!["carol", "alice", "root"]),
        (ListUsersRequest { never_signed_in: Some(true), ..list() }, vec!["bob", "alice", "root"]),
        (ListUsersRequest { never_signed_in: Some(false), ..list() }, vec!["carol"]),
        (ListUsersRequest { create_time_from: at(2), ..list() }, vec!["carol", "bob"]),
        (ListUsersRequest { create_time_before: at(2), ..list() }, vec!["alice", "root"]),
        (ListUsersRequest { last_login_time_from: login(false), ..list() }, vec!["carol"]),
        (ListUsersRequest { last_login_time_from: login(true), ..list() }, vec![]),
        (ListUsersRequest { last_login_time_before: login(true), ..list() }, vec!["carol"]),
        (ListUsersRequest { last_login_time_before: login(false), ..list() }, vec![]),
        (
            ListUsersRequest { is_admin: Some(false), disabled: Some(false), ..list() },
            vec!["carol"],
        ),
    ] {
        for page_size in [0, 1] {
            let request = ListUsersRequest { page_size, ..request.clone() };
            assert_eq!(names(&world, request.clone()).await, expected, "{request:?}");
        }
    }
}

#[tokio::test]
async fn a_page_token_continues_its_own_list_only() {
    let world = World::new().await;
    world.create("alice").await;
    let first = ListUsersRequest { page_size: 1, ..list() };
    let page = world.admin().list_users(says(&world.root, first.clone())).await.unwrap();
    let token = page.into_inner().next_page_token;
    let mut tampered = token.clone().into_bytes();
    tampered[20] = if tampered[20] == b'A' { b'B' } else { b'A' };
    let with = |page_token: &str| ListUsersRequest { page_token: page_token.to_owned(), ..list() };
    for request in [
        with("rubbish"),
        with(&String::from_utf8(tampered).unwrap()),
        ListUsersRequest { order_by: "create_time".to_owned(), ..with(&token) },
        ListUsersRequest { is_admin: Some(true), ..with(&token) },
        ListUsersRequest { is_admin: Some(false), ..with(&token) },
        ListUsersRequest { query: "a".to_owned(), ..with(&token) },
    ] {
        let answer = world.admin().list_users(says(&world.root, request.clone())).await;
        assert_eq!(fields(answer), ["page_token"], "{request:?}");
    }
    // Another size is the same list.
    let rest = world.admin().list_users(says(&world.root, with(&token))).await.unwrap();
    assert_eq!(rest.into_inner().users[0].username, "root");
}
