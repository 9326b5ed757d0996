//! Who gets in, who does not, and what they are told.

use http::{Method, StatusCode, header};
use roster_proto::identity::v1::CreateUserRequest;

use super::visitor::{Visitor, form};
use crate::world::{ADMIN_PASSWORD, PASSWORD, World, person};

#[tokio::test]
async fn who_is_not_signed_in_is_led_to_the_page_they_asked_for() {
    let world = World::new().await;
    let nobody = Visitor::new(&world);
    let asked = nobody.get("/admin/users?q=a%26b").await;
    assert_eq!(asked.leads_to(), "/sign-in?to=%2Fadmin%2Fusers%3Fq%3Da%2526b");
    let page = nobody.get(asked.leads_to()).await;
    assert_eq!((page.status, page.hidden("to").as_str()), (StatusCode::OK, "/admin/users?q=a%26b"));
    let fields = [("username", "admin"), ("password", ADMIN_PASSWORD), ("to", "/admin/users?q=a")];
    assert_eq!(nobody.post("/sign-in", &fields).await.leads_to(), "/admin/users?q=a");
    assert_eq!(nobody.get("/admin/users").await.status, StatusCode::OK);
    assert_eq!(nobody.get("/").await.leads_to(), "/admin/users");
}

#[tokio::test]
async fn signing_in_leads_to_no_other_site() {
    let world = World::new().await;
    for to in ["//example.org", "https://example.org", "/\\example.org", "javascript:alert(1)"] {
        let fields = [("username", "admin"), ("password", ADMIN_PASSWORD), ("to", to)];
        assert_eq!(Visitor::new(&world).post("/sign-in", &fields).await.leads_to(), "/", "{to}");
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_the_same() {
    let world = World::new().await;
    let nobody = Visitor::new(&world);
    let mut pages = Vec::new();
    for username in ["admin", "nobody"] {
        let answer = nobody.sign_in(username, "a guess").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.says("The username or the password is wrong"), "{}", answer.page);
        assert!(!answer.headers.contains_key(header::SET_COOKIE));
        assert!(!answer.page.contains("a guess"));
        pages.push(answer.page.replace(username, ""));
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn who_guesses_too_often_is_told_how_long_to_wait() {
    let world = World::new().await;
    let nobody = Visitor::new(&world);
    for _ in 0..100 {
        let answer = nobody.sign_in("admin", "a guess").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.says("Try again in "), "{}", answer.page);
            return;
        }
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    panic!("nobody minded");
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let world = World::new().await;
    let admin = Visitor::admin(&world).await;
    let cookie = admin.request(Method::GET, "/").body(String::new()).unwrap();
    let cookie = cookie.headers()[header::COOKIE].clone();
    assert_eq!(admin.post("/sign-out", &[]).await.leads_to(), "/sign-in?done=signed-out");
    assert!(admin.get("/sign-in?done=signed-out").await.says("You are signed out."));
    // Who has kept the cookie is nobody, too.
    let nobody = Visitor::new(&world);
    let request = nobody.request(Method::GET, "/admin/users").header(header::COOKIE, cookie);
    let answer = nobody.send(request.body(String::new()).unwrap()).await;
    assert_eq!(answer.leads_to(), "/sign-in?to=%2Fadmin%2Fusers");
}

#[tokio::test]
async fn the_panel_is_for_administrators() {
    let world = World::new().await;
    world.create_user("person").await;
    let user = Visitor::user(&world, "person").await;
    assert_eq!(user.get("/").await.leads_to(), "/account");
    for path in ["/admin/users", "/admin/users/new", "/admin/deletions"] {
        let answer = user.get(path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.says("Admin access required") && !answer.says("Admin Panel"), "{path}");
    }
    let fields = [("username", "friend"), ("display_name", "A friend"), ("password", PASSWORD)];
    let answer = user.post("/admin/users/new", &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(!Visitor::admin(&world).await.get("/admin/users").await.says("friend"));
}

#[tokio::test]
async fn a_form_of_nobody_changes_nothing() {
    let world = World::new().await;
    let user = world.create_user("person").await;
    let path = format!("/admin/users/{}/delete", user.user_id);
    let answer = Visitor::new(&world).post(&path, &[("etag", &user.etag)]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.says("You are signed out") && answer.page.contains("href=\"/sign-in\""));
    assert!(Visitor::admin(&world).await.get("/admin/users").await.says("person"));
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let world = World::new().await;
    let admin = Visitor::admin(&world).await;
    let fields = [("username", "friend"), ("display_name", "A friend"), ("password", PASSWORD)];
    let forged = [("sec-fetch-site", "cross-site"), ("origin", "https://example.org")];
    for (name, value) in forged {
        let request = admin
            .request(Method::POST, "/admin/users/new")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value);
        let answer = admin.send(request.body(form(&fields)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
    }
    assert!(!admin.get("/admin/users").await.says("friend"));
}

#[tokio::test]
async fn a_password_that_was_given_is_changed_before_anything_else() {
    let world = World::new().await;
    let username = "person".to_owned();
    world.create(CreateUserRequest { username, password_change_required: true, ..person() }).await;
    let user = Visitor::new(&world);
    let to = user.sign_in("person", PASSWORD).await;
    assert_eq!(to.leads_to(), "/change-password");
    assert_eq!(user.get("/").await.leads_to(), "/change-password");
    let page = user.get("/change-password").await;
    assert!(page.says("Choose a new password") && !page.says("My account"));
    let request_id = page.hidden("request_id");
    let change = async |current: &str, new: &str| {
        let fields = [
            ("current_password", current),
            ("new_password", new),
            ("request_id", &request_id),
            ("to", "/account"),
        ];
        user.post("/change-password", &fields).await
    };
    let wrong = change("wrong", "a new password").await;
    assert!(wrong.says("Current password is not the current password"), "{}", wrong.page);
    let short = change(PASSWORD, "short").await;
    assert!(short.says("New password must have at least 6 characters"), "{}", short.page);
    let changed = change(PASSWORD, "a new password").await;
    assert_eq!(changed.leads_to(), "/account?done=password-changed");
    assert_eq!(user.get("/").await.leads_to(), "/account");
    world.sign_in_with("person", "a new password").await;
}

#[tokio::test]
async fn registration_is_closed_unless_it_is_open() {
    let world = World::new().await;
    let nobody = Visitor::new(&world);
    assert!(!nobody.get("/sign-in").await.says("Register"));
    let fields = [("username", "person"), ("display_name", "A person"), ("password", PASSWORD)];
    for answer in [nobody.get("/register").await, nobody.post("/register", &fields).await] {
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.says("Registration is closed"));
    }
}

#[tokio::test]
async fn where_registration_is_open_people_make_accounts() {
    let world = World::with(|config| config.identity.allow_registration = true).await;
    let nobody = Visitor::new(&world);
    assert!(nobody.get("/sign-in").await.says("Register"));
    let request_id = nobody.get("/register").await.hidden("request_id");
    let register = async |username: &str, password: &str| {
        let fields = [
            ("username", username),
            ("display_name", "A person"),
            ("password", password),
            ("request_id", &request_id),
            ("is_admin", "on"),
        ];
        nobody.post("/register", &fields).await
    };
    let taken = register("admin", PASSWORD).await;
    assert_eq!(taken.status, StatusCode::CONFLICT);
    assert!(taken.says("Username already exists"));
    assert_eq!(register("person", PASSWORD).await.leads_to(), "/sign-in?done=registered");
    let user = Visitor::user(&world, "person").await;
    assert_eq!(user.get("/admin/users").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_page_keeps_others_scripts_and_frames_out() {
    let world = World::new().await;
    let admin = Visitor::admin(&world).await;
    for path in ["/sign-in?to=x", "/admin/users", "/admin/users/new", "/nowhere", "/register"] {
        let answer = Visitor::new(&world).get(path).await;
        let answer =
            if answer.status == StatusCode::SEE_OTHER { admin.get(path).await } else { answer };
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        let rules = ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"];
        assert!(rules.iter().all(|rule| policy.contains(rule)), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store", "{path}");
        for inline in [" style=", " onclick=", "<style", "javascript:"] {
            assert!(!answer.page.contains(inline), "{path}: {inline}");
        }
        assert_eq!(answer.page.matches("<script").count(), 1, "{path}");
    }
}

#[tokio::test]
async fn what_pages_load_is_kept_for_good() {
    let world = World::new().await;
    let nobody = Visitor::new(&world);
    let page = nobody.get("/sign-in").await.page;
    let assets: Vec<_> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 3);
    for path in assets {
        let asset = nobody.get(path).await;
        assert_eq!(asset.status, StatusCode::OK, "{path}");
        assert!(asset.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
        assert_eq!(asset.headers["x-content-type-options"], "nosniff");
    }
    assert_eq!(
        nobody.get("/assets/panel.0000000000000000.css").await.status,
        StatusCode::NOT_FOUND
    );
}
