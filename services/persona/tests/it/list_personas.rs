use std::{collections::HashSet, time::Duration};

use roster_kernel::Caller;
use roster_proto::persona::v1::{ListPersonasRequest, ListUserPersonasRequest, Persona};
use tonic::Code;

use crate::harness::{World, fields, named, refusal, user_id};

/// The pages of a caller's own list.
async fn pages(world: &World, caller: &Caller, first: ListPersonasRequest) -> Vec<Vec<Persona>> {
    let mut pages = Vec::new();
    let mut request = first;
    loop {
        let page = world.personas(caller).list_personas(request.clone()).await.unwrap();
        let page = page.into_inner();
        pages.push(page.personas);
        if page.next_page_token.is_empty() {
            return pages;
        }
        request.page_token = page.next_page_token;
    }
}

fn ids(personas: &[Persona]) -> Vec<&str> {
    personas.iter().map(|persona| persona.persona_id.as_str()).collect()
}

#[tokio::test]
async fn a_thousand_personas_are_each_listed_once() {
    let world = World::new().await;
    let user = world.user();
    world.create(&world.user(), "Somebody else's").await;
    for number in 0..1_000_u64 {
        // Many are created at the same moment, and the moments are written
        // with different numbers of digits.
        if number % 7 == 0 {
            world.clock.advance(Duration::from_micros(1 + 997 * (number % 5)));
        }
        world.create(&user, &format!("Persona {number}")).await;
    }
    let request = ListPersonasRequest { page_size: 83, ..Default::default() };
    let pages = pages(&world, &user, request).await;
    assert_eq!(pages.len(), 13);
    assert!(pages[..12].iter().all(|page| page.len() == 83));
    let all: Vec<_> = pages.into_iter().flatten().collect();
    assert_eq!(all.len(), 1_000);
    assert_eq!(ids(&all).into_iter().collect::<HashSet<_>>().len(), 1_000);
    let key = |persona: &Persona| {
        let at = persona.create_time.unwrap();
        (at.seconds, at.nanos, persona.persona_id.clone())
    };
    assert!(all.iter().rev().is_sorted_by_key(key), "newest first");

    // What comes and goes meanwhile moves no page.
    let mut client = world.personas(&user);
    let request = ListPersonasRequest { page_size: 10, ..Default::default() };
    let first = client.list_personas(request.clone()).await.unwrap().into_inner();
    world.clock.advance(Duration::from_secs(1));
    world.create(&user, "Newer").await;
    let request = ListPersonasRequest { page_token: first.next_page_token, ..request };
    let second = client.list_personas(request).await.unwrap().into_inner();
    assert_eq!(ids(&second.personas), ids(&all[10..20]));
}

#[tokio::test]
async fn pages_have_bounds() {
    let world = World::new().await;
    let user = world.user();
    for number in 0..201 {
        world.create(&user, &format!("Persona {number}")).await;
    }
    for (page_size, expected) in [(0, 50), (1, 1), (200, 200), (201, 200), (i32::MAX, 200)] {
        let request = ListPersonasRequest { page_size, ..Default::default() };
        let page = world.personas(&user).list_personas(request).await.unwrap().into_inner();
        assert_eq!(page.personas.len(), expected, "{page_size}");
        assert!(!page.next_page_token.is_empty());
    }
}

#[tokio::test]
async fn large_personas_make_short_pages_and_lose_nothing() {
    let world = World::new().await;
    let user = world.user();
    let large = Persona { details: Some("𝄞".repeat(10_000)), ..named("Large") };
    for _ in 0..30 {
        world.create_with(&user, large.clone()).await;
    }
    let request = ListPersonasRequest { page_size: 200, ..Default::default() };
    let pages = pages(&world, &user, request).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [13, 13, 4]);
}

#[tokio::test]
async fn hidden_personas_are_listed_when_asked_for() {
    let world = World::new().await;
    let user = world.user();
    let shown = world.create(&user, "Shown").await;
    world.clock.advance(Duration::from_secs(1));
    let hidden = Persona { hidden: Some(true), ..named("Hidden") };
    let hidden = world.create_with(&user, hidden).await;
    let own = pages(&world, &user, ListPersonasRequest::default()).await;
    assert_eq!(own, [vec![shown.clone()]]);
    let request = ListPersonasRequest { include_hidden: true, ..Default::default() };
    let all = pages(&world, &user, request).await;
    assert_eq!(all, [vec![hidden, shown]]);
}

#[tokio::test]
async fn lists_end_with_their_owner() {
    let world = World::new().await;
    world.create(&world.user(), "Somebody's").await;
    let user = world.user();
    assert_eq!(pages(&world, &user, ListPersonasRequest::default()).await, [vec![]]);
    assert_eq!(pages(&world, &world.admin(), ListPersonasRequest::default()).await, [vec![]]);
}

#[tokio::test]
async fn a_page_token_continues_its_own_list_only() {
    let world = World::new().await;
    let (user, admin, other) = (world.user(), world.admin(), world.user());
    for caller in [&user, &user, &admin, &admin, &other, &other] {
        world.create(caller, "Persona").await;
    }
    let request = ListPersonasRequest { page_size: 1, ..Default::default() };
    let page = world.personas(&user).list_personas(request.clone()).await.unwrap().into_inner();
    let page_token = page.next_page_token;
    let with_token = ListPersonasRequest { page_token: page_token.clone(), ..request.clone() };
    // The size may change from page to page.
    let larger = ListPersonasRequest { page_size: 2, ..with_token.clone() };
    assert_eq!(
        world.personas(&user).list_personas(larger).await.unwrap().into_inner().personas.len(),
        1
    );

    let hidden = ListPersonasRequest { include_hidden: true, ..with_token.clone() };
    assert_eq!(fields(world.personas(&user).list_personas(hidden).await), ["page_token"]);
    assert_eq!(fields(world.personas(&other).list_personas(with_token).await), ["page_token"]);
    let request = ListUserPersonasRequest {
        user_id: user_id(&user).to_string(),
        page_size: 1,
        page_token: page_token.clone(),
    };
    let answer = world.personas_admin(&admin).list_user_personas(request).await;
    assert_eq!(fields(answer), ["page_token"]);
    for forged in ["x", &page_token[1..], &format!("{page_token}A")] {
        let page_token = forged.to_owned();
        let request = ListPersonasRequest { page_token, ..Default::default() };
        assert_eq!(fields(world.personas(&user).list_personas(request).await), ["page_token"]);
    }
}

#[tokio::test]
async fn administrators_list_all_personas_of_a_user() {
    let world = World::new().await;
    let (user, admin) = (world.user(), world.admin());
    let mut created = Vec::new();
    for number in 0..5 {
        world.clock.advance(Duration::from_secs(1));
        let hidden = Some(number % 2 == 0);
        let persona = Persona { hidden, ..named(&format!("Persona {number}")) };
        created.insert(0, world.create_with(&user, persona).await);
    }
    world.create(&admin, "The administrator's").await;
    let mut request = ListUserPersonasRequest {
        user_id: user_id(&user).to_string(),
        page_size: 2,
        page_token: String::new(),
    };
    let mut listed = Vec::new();
    loop {
        let answer = world.personas_admin(&admin).list_user_personas(request.clone()).await;
        let page = answer.unwrap().into_inner();
        assert!(page.personas.len() <= 2);
        listed.extend(page.personas);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(listed, created);

    let unknown = ListUserPersonasRequest {
        user_id: user_id(&world.user()).to_string(),
        ..Default::default()
    };
    let answer = world.personas_admin(&admin).list_user_personas(unknown).await.unwrap();
    assert!(answer.into_inner().personas.is_empty());
}

#[tokio::test]
async fn users_list_nobodys_personas_not_even_their_own_as_an_administrator() {
    let world = World::new().await;
    let user = world.user();
    let request =
        ListUserPersonasRequest { user_id: user_id(&user).to_string(), ..Default::default() };
    let answer = world.personas_admin(&user).list_user_personas(request).await;
    assert_eq!(answer.as_ref().unwrap_err().message(), "Admin access required");
    assert_eq!(refusal(answer), (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned()));
}
