//! What pages of other sites, and people with odd names, try with an
//! administrator's browser.

use axum::{Router, response::Html, routing::get};
use roster_proto::{
    identity::v1::CreateUserRequest,
    persona::v1::{CreatePersonaRequest, Persona},
};
use roster_testkit::{
    browser::{Site, Visitor},
    eventually,
};

use super::person::{admin_panel, open};
use crate::world::{World, person};

/// A site of somebody else's, with one page. Its port is its own and its host is
/// Roster's, so that a browser sends the cookie along.
async fn elsewhere(body: String) -> Site {
    let page = format!(
        "<!doctype html><html lang=en><head><title>Elsewhere</title><link rel=icon href='data:,'>
        </head><body><h1>Elsewhere</h1>{body}</body></html>"
    );
    Site::new(Router::new().route("/", get(Html(page)))).await
}

#[tokio::test]
async fn no_other_site_frames_the_panel() {
    let world = World::new().await;
    let admin = admin_panel(&Visitor::default(), &world).await;
    let users = format!("http://{}/admin/users", world.suite.address());
    let site = elsewhere(format!("<iframe title=Panel src='{users}'></iframe>")).await;
    admin.complaints().await;
    admin.open(&site.origin()).await;
    eventually(async || {
        let complaints = admin.complaints().await;
        complaints.iter().any(|complaint| complaint.text.contains("frame-ancestors"))
    })
    .await;
}

#[tokio::test]
async fn no_other_site_sends_a_form_of_the_panel() {
    let world = World::new().await;
    let admin = admin_panel(&Visitor::default(), &world).await;
    let create = format!("http://{}/admin/users/new", world.suite.address());
    let form = format!(
        "<form method=post action='{create}'><input type=hidden name=username value=intruder>
        <input type=hidden name=display_name value=Intruder>
        <input type=hidden name=password value='a password'>
        <input type=hidden name=is_admin value=on><button>Win a prize</button></form>"
    );
    let site = elsewhere(form).await;
    admin.open(&site.origin()).await;
    admin.follow("button", "Win a prize").await;
    admin.reads("A page of another site must not change anything here").await;
    open(&admin, &world, "/admin/users").await;
    admin.shows("heading", "User Management").await;
    assert!(!admin.text().await.contains("intruder"));
}

#[tokio::test]
async fn names_run_nowhere() {
    const SCRIPT: &str = "<script>alert(1)</script>";
    const PICTURE: &str = "\"'><img src=x onerror=alert(1)>";
    let world = World::new().await;
    let user = world
        .create(CreateUserRequest {
            username: "person".to_owned(),
            display_name: SCRIPT.to_owned(),
            email: "\"><svg/onload=alert(1)>@example.org".to_owned(),
            ..person()
        })
        .await;
    let persona = Persona { name: Some(PICTURE.to_owned()), ..Persona::default() };
    let request =
        CreatePersonaRequest { persona: Some(persona), ..CreatePersonaRequest::default() };
    world.sign_in("person").await.personas().create_persona(request).await.unwrap();
    let page = admin_panel(&Visitor::default(), &world).await;
    let path = format!("/admin/users/{}", user.user_id);
    let receiver = format!("{path}/transfer?to={}", world.admin.user_id);
    let query = "/admin/users?q=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned();
    for (path, words) in [
        ("/admin/users".to_owned(), SCRIPT),
        (format!("{path}/delete"), SCRIPT),
        (format!("{path}/data"), PICTURE),
        (receiver, PICTURE),
        (query, "No users found"),
    ] {
        open(&page, &world, &path).await;
        page.reads(words).await;
        assert_eq!(page.complaints().await, [], "{path}");
    }
}
