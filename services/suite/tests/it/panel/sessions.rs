//! Session Monitoring, request by request.

use http::{Method, StatusCode, header};
use roster_proto::{
    identity::v1::CreateUserRequest, session::v1::SessionAdminServiceListSessionsRequest,
};

use super::visitor::{Answer, Visitor, form};
use crate::world::{PASSWORD, World, person};

const HOSTILE: &str = "<script>alert(1)</script>\"'&";

const REVOKE: &str = "/admin/sessions/revoke";

/// The id of the newest session of a user.
async fn session_of(world: &World, user_id: &str) -> String {
    let request = SessionAdminServiceListSessionsRequest {
        user_id: user_id.to_owned(),
        ..SessionAdminServiceListSessionsRequest::default()
    };
    let answer = world.admin.all_sessions().list_sessions(request).await.unwrap().into_inner();
    answer.sessions[0].session_id.clone()
}

/// Asks about ending sessions, and ends them.
async fn revoke_all(admin: &Visitor<'_>, query: &str, fields: &[(&str, &str)]) -> (Answer, Answer) {
    let asked = admin.get(&format!("{REVOKE}{query}")).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.page);
    let request_id = asked.hidden("request_id");
    let (user, address) = (asked.hidden("user"), asked.hidden("ip_address"));
    let own = [("request_id", &*request_id), ("user", &*user), ("ip_address", &*address)];
    let fields: Vec<_> = own.into_iter().chain(fields.iter().copied()).collect();
    let revoked = admin.post(REVOKE, &fields).await;
    (asked, revoked)
}

#[tokio::test]
async fn all_active_sessions_are_listed() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let admin = Visitor::admin(&world).await;
    let page = admin.get("/admin/sessions").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.says("person") && page.says("127.0.0.1") && page.says("Unknown client"));
    assert_eq!(page.page.matches("This session").count(), 1);
    assert!(page.says("3 sessions on this page"), "{}", page.page);

    let path = format!("/admin/sessions?user={}", client.user_id);
    let page = admin.get(&path).await;
    assert!(page.says("Sessions of person") && page.says("1 session on this page"));
    assert!(!page.page.contains("This session"));
}

#[tokio::test]
async fn a_user_is_found_by_name() {
    let world = World::new().await;
    let mara = world.create_user("mara").await;
    let amara = world.create_user("amara").await;
    let admin = Visitor::admin(&world).await;
    let of = |user_id: &str| format!("/admin/sessions?user={user_id}");
    // Whose name it is, though others have it in theirs.
    assert_eq!(admin.get("/admin/sessions?q=MARA").await.leads_to(), of(&mara.user_id));
    // The only one who is meant.
    assert_eq!(admin.get("/admin/sessions?q=amar").await.leads_to(), of(&amara.user_id));
    // Several may be.
    let page = admin.get("/admin/sessions?q=mar&ip_address=%3A%3A1").await;
    assert!(page.says("Whose sessions?"), "{}", page.page);
    for user in [&mara, &amara] {
        let to = format!("{}&amp;ip_address=%3A%3A1", of(&user.user_id));
        assert!(page.page.contains(&to), "{}", page.page);
    }
    assert!(admin.get("/admin/sessions?q=nobody").await.says("No users found"));
}

#[tokio::test]
async fn a_list_without_sessions_says_why() {
    let world = World::new().await;
    let user = world.create_user("person").await;
    let admin = Visitor::admin(&world).await;
    let page = admin.get(&format!("/admin/sessions?user={}", user.user_id)).await;
    assert!(page.says("The user is not signed in anywhere."));
    let page = admin.get("/admin/sessions?user=01a22207-0000-7000-8000-000000000000").await;
    assert!(page.says("There is no such user any more"), "{}", page.page);
    let page = admin.get("/admin/sessions?ip_address=192.0.2.1").await;
    assert!(page.says("Nobody is signed in from there."));
}

#[tokio::test]
async fn what_is_no_address_is_said_at_its_field() {
    let world = World::new().await;
    let page = Visitor::admin(&world).await.get("/admin/sessions?ip_address=nowhere").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.page.contains("href=\"#f-ip_address\""), "{}", page.page);
    assert!(page.page.contains("aria-invalid=\"true\"") && page.page.contains("value=\"nowhere\""));
}

#[tokio::test]
async fn the_next_page_goes_on_where_this_one_ends() {
    let world = World::new().await;
    world.create_user("person").await;
    for _ in 0..51 {
        world.sign_in("person").await;
    }
    let admin = Visitor::admin(&world).await;
    let first = admin.get("/admin/sessions").await;
    assert!(first.says("50 sessions on this page") && !first.says("First page"));
    assert!(first.page.len() < 100 * 1024, "{}", first.page.len());
    let (_, next) = first.page.split_once("<a class=\"button\" href=\"").unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let second = admin.get(&next).await;
    assert!(second.says("3 sessions on this page") && second.says("First page"), "{next}");
    assert!(!second.says("Next page"));
}

#[tokio::test]
async fn one_session_is_revoked() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let other = world.sign_in("person").await;
    let id = session_of(&world, &client.user_id).await;
    let admin = Visitor::admin(&world).await;
    let path = format!("/admin/sessions/{id}/revoke");
    let list = format!("/admin/sessions?user={}", client.user_id);
    let fields = [("user", &*client.user_id)];
    assert_eq!(admin.post(&path, &fields).await.leads_to(), format!("{list}&done=session-revoked"));
    // The newest one has ended, and no other.
    assert!(!other.is_signed_in().await && client.is_signed_in().await);
    let over = format!("{list}&done=session-over");
    assert_eq!(admin.post(&path, &fields).await.leads_to(), over);
    assert!(admin.get(&over).await.says("That session had ended already."));
}

#[tokio::test]
async fn all_sessions_of_a_user_are_revoked_after_saying_how_many() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let other = world.sign_in("person").await;
    let admin = Visitor::admin(&world).await;
    let query = format!("?user={}", client.user_id);
    let (asked, revoked) = revoke_all(&admin, &query, &[]).await;
    assert!(asked.says("Revoke all sessions of person"), "{}", asked.page);
    assert!(asked.says("2 sessions end now.") && !asked.page.contains("include_current"));
    assert!(revoked.leads_to().ends_with("done=sessions-revoked"));
    assert!(!client.is_signed_in().await && !other.is_signed_in().await);
    assert!(world.admin.is_signed_in().await);
}

#[tokio::test]
async fn ones_own_session_is_spared_unless_it_is_meant() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let admin = Visitor::admin(&world).await;
    let (asked, revoked) = revoke_all(&admin, "", &[]).await;
    assert!(asked.says("2 sessions end now, not counting the one that you are using."));
    assert_eq!(revoked.leads_to(), "/admin/sessions?done=sessions-revoked");
    assert!(!client.is_signed_in().await && !world.admin.is_signed_in().await);
    assert!(admin.get("/admin/sessions").await.says("1 session on this page"));

    let (_, revoked) = revoke_all(&admin, "", &[("include_current", "on")]).await;
    let after = admin.get(revoked.leads_to()).await;
    assert!(after.leads_to().starts_with("/sign-in?"), "{after:?}");
}

#[tokio::test]
async fn sessions_from_one_address_are_revoked() {
    let world = World::new().await;
    world.create_user("person").await;
    let elsewhere = world.client_at("127.0.0.9".parse().unwrap()).await;
    let request = roster_proto::session::v1::LoginRequest {
        username: "person".to_owned(),
        password: PASSWORD.to_owned(),
        ..roster_proto::session::v1::LoginRequest::default()
    };
    elsewhere.sessions().login(request).await.unwrap();
    let client = world.sign_in("person").await;
    let admin = Visitor::admin(&world).await;
    let (asked, revoked) = revoke_all(&admin, "?ip_address=127.0.0.9", &[]).await;
    assert!(asked.says("1 session from the address 127.0.0.9 ends now"), "{}", asked.page);
    assert!(revoked.leads_to().contains("ip_address=127.0.0.9"));
    assert!(client.is_signed_in().await);
    assert!(admin.get("/admin/sessions?ip_address=127.0.0.9").await.says("No active sessions"));
}

#[tokio::test]
async fn what_clients_and_users_call_themselves_stays_text() {
    let world = World::new().await;
    world
        .create(CreateUserRequest {
            username: "person".to_owned(),
            display_name: HOSTILE.to_owned(),
            ..person()
        })
        .await;
    let theirs = Visitor::new(&world);
    let fields = [("username", "person"), ("password", PASSWORD)];
    let request = theirs
        .request(Method::POST, "/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ORIGIN, format!("http://{}", world.suite.address()))
        .header(header::USER_AGENT, HOSTILE);
    theirs.send(request.body(form(&fields)).unwrap()).await.leads_to();
    let admin = Visitor::admin(&world).await;
    for page in [admin.get("/admin/sessions").await, theirs.get("/account/sessions").await] {
        assert!(!page.page.contains("<script>alert"), "{}", page.page);
        assert!(page.page.contains("<code>&lt;script&gt;alert(1)"), "{}", page.page);
    }
}
