//! One's own account, request by request.

use http::StatusCode;
use roster_proto::{
    identity::v1::{GetProfileRequest, User},
    session::v1::ListSessionsRequest,
};

use super::visitor::{Answer, Visitor};
use crate::{
    client::Client,
    world::{PASSWORD, World},
};

async fn profile(client: &Client) -> User {
    let answer = client.account().get_profile(GetProfileRequest {}).await.unwrap();
    answer.into_inner().user.unwrap()
}

/// Fills in the form for a password.
async fn change(user: &Visitor<'_>, fields: &[(&str, &str)]) -> Answer {
    let request_id = user.get("/account/password").await.hidden("request_id");
    let fields: Vec<_> =
        [("request_id", &*request_id)].into_iter().chain(fields.to_vec()).collect();
    user.post("/account/password", &fields).await
}

#[tokio::test]
async fn people_say_what_they_are_called() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let user = Visitor::user(&world, "person").await;
    let form = user.get("/account").await;
    assert!(form.says("person") && !form.says("Admin Panel"));
    let (etag, request_id) = (form.hidden("etag"), form.hidden("request_id"));
    let fields = [
        ("display_name", "<b>Me</b>"),
        ("email", "me@example.org"),
        ("etag", &etag),
        ("request_id", &request_id),
    ];
    for _ in 0..2 {
        let saved = user.post("/account", &fields).await;
        assert_eq!(saved.leads_to(), "/account?done=profile-saved");
    }
    let page = user.get("/account?done=profile-saved").await;
    assert!(page.says("Profile saved.") && page.says("<b>Me</b>") && !page.page.contains("<b>Me"));
    let me = profile(&client).await;
    assert_eq!((&*me.display_name, &*me.email), ("<b>Me</b>", "me@example.org"));
    assert!(!me.is_admin);

    let late = [("display_name", "Late"), ("email", ""), ("etag", &*etag)];
    let late = user.post("/account", &late).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.says("Changed by somebody else") && late.page.contains("value=\"Late\""));
    let wrong = [("display_name", ""), ("email", "nowhere"), ("is_admin", "on")];
    let wrong = user.post("/account", &wrong).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["display_name", "email"] {
        assert!(wrong.page.contains(&format!("id=\"e-{field}\"")), "{}", wrong.page);
    }
    assert_eq!(profile(&client).await, me);
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let user = Visitor::user(&world, "person").await;
    let wrong = [("current_password", "a guess"), ("new_password", "another password")];
    let answer = change(&user, &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.page.contains("id=\"e-current_password\""), "{}", answer.page);
    let short = [("current_password", PASSWORD), ("new_password", "short")];
    assert!(change(&user, &short).await.page.contains("id=\"e-new_password\""));

    // Spaces at the ends are asked about, and count.
    let spaces = [("current_password", PASSWORD), ("new_password", " spacious ")];
    let asked = change(&user, &spaces).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.says("Keep the spaces"), "{}", asked.page);
    let meant = [spaces[0], spaces[1], ("spaces", "on")];
    assert_eq!(change(&user, &meant).await.leads_to(), "/account/password?done=password-changed");
    world.sign_in_with("person", " spacious ").await;
    // No session has ended.
    assert!(client.is_signed_in().await);
    assert_eq!(user.get("/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn changing_a_password_ends_all_sessions_where_that_is_asked_for() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let user = Visitor::user(&world, "person").await;
    let fields = [
        ("current_password", PASSWORD),
        ("new_password", "another password"),
        ("revoke_sessions", "on"),
    ];
    let answer = change(&user, &fields).await;
    assert_eq!(answer.leads_to(), "/sign-in?done=sign-in-again");
    assert!(user.get(answer.leads_to()).await.says("Sign in with the new one."));
    assert!(!client.is_signed_in().await);
    assert_eq!(user.get("/account").await.leads_to(), "/sign-in?to=%2Faccount");
}

#[tokio::test]
async fn people_end_their_own_sessions_and_nobody_elses() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let user = Visitor::user(&world, "person").await;
    let page = user.get("/account/sessions").await;
    assert!(page.says("2 sessions on this page"), "{}", page.page);
    assert_eq!(page.page.matches("This session").count(), 1);
    assert!(!page.page.contains("/admin/sessions"));

    let ids = async |of: &Client| {
        let answer = of.sessions().list_sessions(ListSessionsRequest::default()).await.unwrap();
        let sessions = answer.into_inner().sessions.into_iter();
        sessions.map(|session| session.session_id).collect::<Vec<_>>()
    };
    // Somebody else's is none of theirs.
    let foreign = ids(&world.admin).await.remove(0);
    let answer = user.post(&format!("/account/sessions/{foreign}/revoke"), &[]).await;
    assert_eq!(answer.leads_to(), "/account/sessions?done=session-over");
    assert!(world.admin.is_signed_in().await);
    let answer = user.post(&format!("/admin/sessions/{foreign}/revoke"), &[]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(world.admin.is_signed_in().await);

    // The older one is the client's.
    let own = ids(&client).await;
    let answer = user.post(&format!("/account/sessions/{}/revoke", own[1]), &[]).await;
    assert_eq!(answer.leads_to(), "/account/sessions?done=session-revoked");
    assert!(!client.is_signed_in().await);
    // Ending the one in use is signing out.
    let answer = user.post(&format!("/account/sessions/{}/revoke", own[0]), &[]).await;
    assert!(user.get(answer.leads_to()).await.leads_to().starts_with("/sign-in?"));
}

#[tokio::test]
async fn an_account_is_for_who_is_signed_in() {
    let world = World::new().await;
    let nobody = Visitor::new(&world);
    for path in ["", "/password", "/sessions", "/keys", "/keys/new", "/personas", "/personas/new"] {
        let leads_to = nobody.get(&format!("/account{path}")).await.leads_to().to_owned();
        assert!(leads_to.starts_with("/sign-in?to=%2Faccount"), "{path}: {leads_to}");
    }
    for path in ["", "/password", "/keys/new", "/personas/new"] {
        let answer = nobody.post(&format!("/account{path}"), &[]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}
