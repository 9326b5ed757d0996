use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use roster_participant::State;
use roster_proto::{
    session::v1::{
        ListSessionsRequest, Session, SessionAdminServiceListSessionsRequest as AdminRequest,
        SessionAdminServiceListSessionsResponse as AdminResponse,
    },
    time::to_proto,
};
use roster_testkit::epoch;
use tokio::sync::Notify;
use tonic::{Code, Status};

use crate::world::{DAY, SignedIn, World, fields};

async fn own(world: &World, who: &SignedIn) -> Vec<Session> {
    let request = who.says(ListSessionsRequest::default());
    world.own().list_sessions(request).await.unwrap().into_inner().sessions
}

async fn try_all(
    world: &World,
    admin: &SignedIn,
    request: AdminRequest,
) -> Result<AdminResponse, Status> {
    Ok(world.admin().list_sessions(admin.says(request)).await?.into_inner())
}

async fn all(world: &World, admin: &SignedIn, request: AdminRequest) -> Vec<String> {
    ids(&try_all(world, admin, request).await.unwrap().sessions)
}

fn ids(sessions: &[Session]) -> Vec<String> {
    sessions.iter().map(|session| session.session_id.clone()).collect()
}

#[tokio::test]
async fn users_see_their_own_newest_first() {
    let world = World::new().await;
    let first = world.signed_in("ann").await;
    world.advance(Duration::from_millis(1));
    let second = world.log_in("ann").await;
    world.signed_in("ben").await;
    let sessions = own(&world, &first).await;
    assert_eq!(ids(&sessions), [second.id(), first.id()]);
    assert_eq!(sessions.iter().map(|it| it.is_current).collect::<Vec<_>>(), [false, true]);
    assert!(sessions.iter().all(|it| it.username.is_none() && it.display_name.is_none()));
}

#[tokio::test]
async fn pages_hold_every_session_once_also_of_one_moment() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    world.multiply(7).await;
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    let mut pages = 0;
    loop {
        let request = ListSessionsRequest { page_size: 3, page_token };
        let page = world.own().list_sessions(ann.says(request)).await.unwrap().into_inner();
        seen.extend(ids(&page.sessions));
        pages += 1;
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        assert_eq!(page.sessions.len(), 3);
    }
    assert_eq!((pages, seen.len()), (3, 7));
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 7);
}

#[tokio::test]
async fn a_page_that_is_exactly_full_is_the_last() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    world.multiply(3).await;
    let request = ListSessionsRequest { page_size: 3, page_token: String::new() };
    let page = world.own().list_sessions(ann.says(request)).await.unwrap().into_inner();
    assert_eq!((page.sessions.len(), page.next_page_token.as_str()), (3, ""));
}

#[tokio::test]
async fn page_sizes_have_a_default_and_a_bound() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    world.multiply(300).await;
    for (asked, given) in [(0, 50), (1, 1), (200, 200), (201, 200), (i32::MAX, 200)] {
        let request = ListSessionsRequest { page_size: asked, page_token: String::new() };
        let page = world.own().list_sessions(ann.says(request)).await.unwrap().into_inner();
        assert_eq!(page.sessions.len(), given);
    }
    let request = ListSessionsRequest { page_size: -1, page_token: "x".repeat(1_025) };
    let status = world.own().list_sessions(ann.says(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let mut named = fields(&status);
    named.sort_unstable();
    assert_eq!(named, ["page_size", "page_token"]);
}

#[tokio::test]
async fn a_page_token_opens_only_the_list_it_was_given_out_for() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    let ann = world.signed_in("ann").await;
    world.multiply(3).await;
    let filtered =
        AdminRequest { user_id: ann.user_id.to_string(), page_size: 1, ..AdminRequest::default() };
    let page = try_all(&world, &root, filtered.clone()).await.unwrap();
    let token = page.next_page_token;
    let next = AdminRequest { page_token: token.clone(), ..filtered.clone() };
    assert_eq!(try_all(&world, &root, next).await.unwrap().sessions.len(), 1);
    let other_size = AdminRequest { page_token: token.clone(), page_size: 2, ..filtered.clone() };
    assert_eq!(try_all(&world, &root, other_size).await.unwrap().sessions.len(), 2);

    let other = AdminRequest { page_token: token.clone(), ..AdminRequest::default() };
    let forged = AdminRequest { page_token: "forged".to_owned(), ..filtered };
    for request in [other, forged] {
        let status = try_all(&world, &root, request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(fields(&status), ["page_token"]);
    }
    let own = ListSessionsRequest { page_size: 1, page_token: token };
    let status = world.own().list_sessions(ann.says(own)).await.unwrap_err();
    assert_eq!(fields(&status), ["page_token"]);
}

#[tokio::test]
async fn administrators_see_all_with_names_and_filter_them() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    world.advance(Duration::from_mins(1));
    world.user("ann");
    let ann = world.log_in_from("ann", "2001:db8::1").await;
    world.advance(Duration::from_mins(1));
    world.user("ben");
    let ben = world.log_in_from("ben", "192.0.2.9").await;

    let page = try_all(&world, &root, AdminRequest::default()).await.unwrap();
    assert_eq!(ids(&page.sessions), [ben.id(), ann.id(), root.id()]);
    let names: Vec<_> = page.sessions.iter().map(|it| it.username.clone().unwrap()).collect();
    assert_eq!(names, ["ben", "ann", "root"]);
    assert_eq!(page.sessions[0].display_name.as_deref(), Some("BEN"));
    assert!(page.sessions[2].is_current);

    let by_user = AdminRequest { user_id: ann.user_id.to_string(), ..AdminRequest::default() };
    assert_eq!(all(&world, &root, by_user.clone()).await, [ann.id()]);
    let other_notation =
        AdminRequest { ip_address: "2001:DB8:0:0::1".to_owned(), ..AdminRequest::default() };
    assert_eq!(all(&world, &root, other_notation).await, [ann.id()]);
    let mapped =
        AdminRequest { ip_address: "::ffff:192.0.2.9".to_owned(), ..AdminRequest::default() };
    assert_eq!(all(&world, &root, mapped).await, [ben.id()]);
    let at = |seconds| Some(to_proto(epoch() + TimeDelta::seconds(seconds)));
    let range = AdminRequest {
        create_time_from: at(60),
        create_time_before: at(120),
        ..AdminRequest::default()
    };
    assert_eq!(all(&world, &root, range.clone()).await, [ann.id()], "from, but not before");
    let nothing = AdminRequest { ip_address: "192.0.2.9".to_owned(), ..by_user };
    assert!(all(&world, &root, nothing).await.is_empty(), "all filters must match");
    let unknown = AdminRequest { user_id: root.id(), ..AdminRequest::default() };
    assert!(all(&world, &root, unknown).await.is_empty());
}

#[tokio::test]
async fn bad_filters_are_named_all_at_once() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    let never = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 });
    let request = AdminRequest {
        user_id: "ann".to_owned(),
        ip_address: "nowhere".to_owned(),
        create_time_from: never,
        create_time_before: never,
        page_size: -1,
        page_token: String::new(),
    };
    let status = try_all(&world, &root, request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        fields(&status),
        ["user_id", "ip_address", "create_time_from", "create_time_before", "page_size"]
    );
}

#[tokio::test]
async fn without_identity_the_list_has_no_names() {
    let world = World::new().await;
    let root = world.signed_in_admin().await;
    let asked = Arc::new(Notify::new());
    *world.identity.mute.lock().unwrap() = Some(Arc::clone(&asked));
    let patience = async {
        asked.notified().await;
        world.advance(Duration::from_secs(1));
    };
    let (page, ()) = tokio::join!(try_all(&world, &root, AdminRequest::default()), patience);
    let session = &page.unwrap().sessions[0];
    assert_eq!(session.session_id, root.id());
    assert_eq!((&session.username, &session.display_name), (&None, &None));
}

#[tokio::test]
async fn only_live_sessions_are_listed() {
    let world = World::new().await;
    let ann = world.signed_in("ann").await;
    world.signed_in("ben").await;
    world.advance(6 * DAY);
    let root = world.signed_in_admin().await;
    let later = world.log_in("ann").await;
    world.identity.change("ben", |it| it.state = State::Disabled);
    world.announce().await;
    world.advance(DAY);
    assert_eq!(ids(&own(&world, &later).await), [later.id()]);
    let listed = all(&world, &root, AdminRequest::default()).await;
    assert_eq!(listed.len(), 2);
    assert!(!listed.contains(&ann.id()));
}
