//! User Management, form by form.

use http::StatusCode;
use roster_proto::identity::v1::{CreateUserRequest, UpdateUserRequest, User};

use super::visitor::{Answer, Visitor};
use crate::world::{PASSWORD, World, person};

const HOSTILE: &str = "<script>alert(1)</script>\"'&";

async fn users(world: &World) -> Vec<User> {
    let request = roster_proto::identity::v1::ListUsersRequest::default();
    world.admin.users().list_users(request).await.unwrap().into_inner().users
}

async fn create(admin: &Visitor<'_>, fields: &[(&str, &str)]) -> Answer {
    let request_id = admin.get("/admin/users/new").await.hidden("request_id");
    let defaults = [("display_name", "A person"), ("request_id", request_id.as_str())];
    let fields: Vec<_> = defaults.into_iter().chain(fields.iter().copied()).collect();
    admin.post("/admin/users/new", &fields).await
}

#[tokio::test]
async fn a_form_that_is_sent_twice_creates_one_user() {
    let world = World::new().await;
    let admin = Visitor::admin(&world).await;
    let request_id = admin.get("/admin/users/new").await.hidden("request_id");
    let fields = [
        ("username", "Person"),
        ("display_name", "A person"),
        ("password", PASSWORD),
        ("request_id", &request_id),
    ];
    for _ in 0..2 {
        let answer = admin.post("/admin/users/new", &fields).await;
        assert_eq!(answer.status, StatusCode::CREATED);
        assert!(answer.says("User created") && answer.says("person") && answer.says(PASSWORD));
    }
    assert_eq!(users(&world).await.len(), 2);
    world.sign_in("person").await;
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field() {
    let world = World::new().await;
    let admin = Visitor::admin(&world).await;
    let wrong = [("username", "me"), ("email", "nowhere"), ("password", "short")];
    let answer = create(&admin, &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["username", "email", "password"] {
        assert!(answer.page.contains(&format!("id=\"e-{field}\"")), "{field}: {}", answer.page);
        assert!(answer.page.contains(&format!("href=\"#f-{field}\"")), "{field}");
    }
    assert!(answer.page.contains("value=\"nowhere\""), "what was typed is kept");

    let answer = create(&admin, &[("username", "ADMIN"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.page.contains("id=\"e-username\"") && answer.says("Username already exists"));
    assert_eq!(users(&world).await.len(), 1);
}

#[tokio::test]
async fn spaces_at_a_passwords_ends_are_asked_about_and_kept() {
    let world = World::new().await;
    let admin = Visitor::admin(&world).await;
    let fields = [("username", "person"), ("password", " secret ")];
    let answer = create(&admin, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.says("Password begins or ends with a space"), "{}", answer.page);
    assert!(answer.page.contains("value=\" secret \""));
    assert_eq!(users(&world).await.len(), 1);
    let answer = create(&admin, &[fields[0], fields[1], ("spaces", "on")]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.page);
    world.sign_in_with("person", " secret ").await;
}

#[tokio::test]
async fn a_generated_password_is_one_that_works() {
    let world = World::with(|config| config.identity.password.min_length = 25).await;
    let admin = Visitor::admin(&world).await;
    let answer = create(&admin, &[("username", "person"), ("action", "generate")]).await;
    assert_eq!((answer.status, users(&world).await.len()), (StatusCode::OK, 1));
    let (_, rest) = answer.page.split_once("name=\"password\" type=\"text\" value=\"").unwrap();
    let password = rest.split('"').next().unwrap();
    assert_eq!(password.len(), 25);
    assert!(answer.page.contains("value=\"person\""), "what was typed is kept");
    create(&admin, &[("username", "person"), ("password", password)]).await;
    world.sign_in_with("person", password).await;
}

#[tokio::test]
async fn what_people_call_themselves_runs_nowhere() {
    let world = World::new().await;
    let request = CreateUserRequest {
        username: "person".to_owned(),
        display_name: HOSTILE.to_owned(),
        email: "\"><img/src=x>@example.org".to_owned(),
        ..person()
    };
    let user = world.create(request).await;
    let admin = Visitor::admin(&world).await;
    let page = format!("/admin/users/{}", user.user_id);
    let query = "/admin/users?q=%22%3E%3Cscript%3E&order=x%22%3E%3Cscript%3E";
    for path in ["/admin/users", &page, &format!("{page}/delete"), &format!("{page}/data"), query] {
        let answer = admin.get(path).await;
        assert_eq!(answer.page.matches("<script").count(), 1, "{path}: {}", answer.page);
        assert!(!answer.page.contains("<img"), "{path}");
        assert!(path == query || answer.says(HOSTILE), "{path}: {}", answer.page);
    }
    let user = Visitor::user(&world, "person").await.get("/admin/users").await;
    assert_eq!(user.page.matches("<script").count(), 1);
}

#[tokio::test]
async fn a_change_of_somebody_else_is_not_overwritten() {
    let world = World::new().await;
    let user = world.create_user("person").await;
    let admin = Visitor::admin(&world).await;
    let path = format!("/admin/users/{}", user.user_id);
    let form = admin.get(&path).await;
    let (etag, request_id) = (form.hidden("etag"), form.hidden("request_id"));
    let theirs = UpdateUserRequest {
        user_id: user.user_id.clone(),
        display_name: Some("Theirs".to_owned()),
        ..UpdateUserRequest::default()
    };
    world.admin.users().update_user(theirs).await.unwrap();
    let fields = [("display_name", "Mine"), ("etag", &etag), ("request_id", &request_id)];
    let answer = admin.post(&path, &fields).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.says("Changed by somebody else"), "{}", answer.page);
    assert!(answer.page.contains("value=\"Mine\""), "what was typed is kept");
    assert!(admin.get(&path).await.page.contains("value=\"Theirs\""));
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let world = World::new().await;
    let admin = Visitor::admin(&world).await;
    let me = format!("/admin/users/{}", world.admin.user_id);
    let form = admin.get(&me).await;
    let (etag, request_id) = (form.hidden("etag"), form.hidden("request_id"));
    let fields = [("display_name", "Me"), ("etag", &etag), ("request_id", &request_id)];
    let demoted = admin.post(&me, &fields).await;
    assert!(demoted.page.contains("id=\"e-is_admin\""), "{}", demoted.page);
    assert!(demoted.says("This is the last enabled administrator"));

    let disabled = admin.post(&format!("{me}/disable"), &[("request_id", "")]).await;
    assert!(disabled.status.is_client_error() && disabled.says("last enabled administrator"));
    let plan = admin.get(&format!("{me}/delete")).await;
    assert!(plan.says("You cannot delete your own account"));
    assert!(!plan.page.contains("button danger"), "there is nothing to press");
    let deleted = admin.post(&format!("{me}/delete"), &[("etag", "")]).await;
    assert_eq!(deleted.status, StatusCode::FORBIDDEN);
    assert!(deleted.says("You cannot delete your own account"));
}

#[tokio::test]
async fn who_is_disabled_is_signed_out_until_enabled() {
    let world = World::new().await;
    let user = world.create_user("person").await;
    let visitor = Visitor::user(&world, "person").await;
    let admin = Visitor::admin(&world).await;
    let page = format!("/admin/users/{}", user.user_id);
    let to = admin.post(&format!("{page}/disable"), &[]).await;
    assert_eq!(to.leads_to(), format!("{page}?done=disabled"));
    assert!(admin.get(to.leads_to()).await.says("User disabled."));
    assert_eq!(visitor.get("/").await.leads_to(), "/sign-in");
    let refused = visitor.sign_in("person", PASSWORD).await;
    assert!(refused.says("This account is disabled"), "{}", refused.page);
    assert!(admin.get("/admin/users?state=disabled").await.says("person"));
    assert!(!admin.get("/admin/users?state=enabled").await.says("person"));
    admin.post(&format!("{page}/enable"), &[]).await.leads_to();
    Visitor::user(&world, "person").await;
}

#[tokio::test]
async fn what_is_not_confirmed_yet_is_said_and_waited_for() {
    let world = World::new().await;
    let user = world.create_user("person").await;
    let admin = Visitor::admin(&world).await;
    let path = format!("/admin/users/{}", user.user_id);
    let form = admin.get(&path).await;
    let (etag, request_id) = (form.hidden("etag"), form.hidden("request_id"));
    let fields = [
        ("display_name", "A person"),
        ("is_admin", "on"),
        ("etag", &etag),
        ("request_id", &request_id),
    ];
    world.suite.hold_events().await;
    let answer = world.drive(admin.post(&path, &fields)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.says("Saved, but not confirmed yet"), "{}", answer.page);
    assert_eq!(
        (answer.hidden("etag"), answer.hidden("request_id")),
        (etag.clone(), request_id.clone())
    );
    world.suite.release_events().await;
    assert_eq!(admin.post(&path, &fields).await.leads_to(), format!("{path}?done=saved"));
    assert!(
        Visitor::user(&world, "person").await.get("/admin/users").await.says("User Management")
    );
}

#[tokio::test]
async fn pages_of_the_list_follow_each_other_and_are_light() {
    let world = World::new().await;
    for number in 0..70 {
        let username = format!("member{number:03}");
        let display_name = "Ö".repeat(100);
        let email = format!("{username}@{}.example.org", "a-long-name".repeat(6));
        world.create(CreateUserRequest { username, display_name, email, ..person() }).await;
    }
    let admin = Visitor::admin(&world).await;
    let first = admin.get("/admin/users?q=member&order=username").await;
    assert!(first.page.len() < 100 * 1024, "{} bytes", first.page.len());
    assert!(first.says("member000") && first.says("member049") && !first.says("member050"));
    assert!(!first.says("First page"));
    let next =
        first.page.split('"').find(|part| part.contains("page=")).unwrap().replace("&amp;", "&");
    assert!(next.starts_with("/admin/users?q=member&order=username&page="), "{next}");
    let second = admin.get(&next).await;
    assert!(second.says("member050") && second.says("member069") && !second.says("member049"));
    assert!(second.says("First page") && !second.says("Next page"));
    let short = admin.get("/admin/users?q=member&order=username+desc&size=20").await;
    assert!(short.says("member069") && short.says("member050") && !short.says("member049"));
    let forged = admin.get("/admin/users?page=forged").await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    let none = admin.get("/admin/users?q=nobody-is-called-so").await;
    assert!(none.says("No users found") && none.says("Show all users"));
}

#[tokio::test]
async fn an_address_that_names_nobody_says_so() {
    let world = World::new().await;
    let admin = Visitor::admin(&world).await;
    for path in [
        "/admin/users/nonsense",
        "/admin/users/00000000-0000-7000-8000-000000000000",
        "/admin/users/00000000-0000-7000-8000-000000000000/delete",
        "/admin/deletions/00000000-0000-7000-8000-000000000000",
        "/nowhere",
    ] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.says("There is nothing here") && answer.says("admin"), "{path}");
    }
}
