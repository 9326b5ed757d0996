//! What holds for browsers: their cookies, and pages that are not Roster's.

use http::Method;
use serde_json::json;

use super::http::{Answer, Http};
use crate::world::{ADMIN_PASSWORD, World};

const USERS: &str = "/api/admin/users";

fn credentials() -> serde_json::Value {
    json!({ "username": "admin", "password": ADMIN_PASSWORD })
}

#[tokio::test]
async fn a_cookie_is_set_by_signing_in_counts_as_its_token_and_goes_by_signing_out() {
    let world = World::new().await;
    let nobody = Http::of(&world);
    let signed_in = nobody.post("/api/auth/login", &credentials()).await;
    let cookie = signed_in.header("set-cookie");
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("roster_session=rst_"), "{cookie}");
    assert!(attributes.starts_with("HttpOnly; SameSite=Lax; Path=/; Max-Age=604"), "{cookie}");
    let browser = nobody.clone().with("cookie", &format!("theme=dark; {pair}"));
    assert_eq!(browser.get("/api/auth/me").await.json()["user"]["username"], "admin");
    let signed_out = browser.post("/api/auth/logout", &json!({})).await;
    assert_eq!(
        signed_out.header("set-cookie"),
        "roster_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"
    );
    assert_eq!(browser.get("/api/auth/me").await.status, 401);
    // Nobody is kept from signing in by what is left of a session.
    assert_eq!(browser.post("/api/auth/login", &credentials()).await.status, 200);
}

#[tokio::test]
async fn behind_a_proxy_that_ends_tls_a_cookie_is_for_encrypted_connections() {
    let world = World::with(|config| {
        config.server.trusted_proxies = roster_server::Networks::parse(&["127.0.0.1"]).unwrap();
    })
    .await;
    let browser = Http::of(&world).with("x-forwarded-proto", "https");
    let signed_in = browser.post("/api/auth/login", &credentials()).await;
    let cookie = signed_in.header("set-cookie");
    assert!(cookie.starts_with("__Host-roster_session=rst_"), "{cookie}");
    assert!(cookie.contains("; Secure;"), "{cookie}");
    assert_eq!(signed_in.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn who_calls_is_said_in_one_way_only() {
    let world = World::new().await;
    let both = Http::of(&world).cookie_of_admin().await.bearer(&world.admin);
    let refused = both.get(USERS).await;
    assert_eq!((refused.status.as_u16(), &*refused.reason()), (400, "AMBIGUOUS_CREDENTIALS"));
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let world = World::new().await;
    let browser = Http::of(&world).cookie_of_admin().await;
    let someone = json!({ "username": "grace", "displayName": "G", "password": "secret" });
    let own = browser.origin();
    for (headers, allowed) in [
        (&[("sec-fetch-site", "cross-site")][..], false),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "same-site"), ("origin", &own)], false),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "null")], false),
        (&[("origin", &own), ("sec-fetch-site", "same-origin")], true),
        (&[("origin", &own)], true),
    ] {
        let page = headers.iter().fold(browser.clone(), |it, (name, value)| it.with(name, value));
        let answer = page.post(USERS, &someone).await;
        if allowed {
            // The first of them creates her.
            assert!([200, 409].contains(&answer.status.as_u16()), "{headers:?}");
        } else {
            let refused = (answer.status.as_u16(), answer.reason());
            assert_eq!(refused, (403, "CROSS_ORIGIN".to_owned()), "{headers:?}");
        }
    }
    // A form can send text, and no JSON.
    let form = browser.clone().with("content-type", "text/plain");
    assert_eq!(form.send(Method::POST, USERS, &someone.to_string()).await.status, 415);
    // Nor does a call in gRPC take a cookie, wherever it comes from.
    let grpc = "/roster.identity.v1.UserAdminService/ListUsers";
    let native = browser.with("content-type", "application/grpc");
    assert_ne!(native.send(Method::POST, grpc, "").await.header("grpc-status"), "0");
}

fn allowed(answer: &Answer) -> &str {
    answer.header("access-control-allow-origin")
}

#[tokio::test]
async fn pages_of_other_origins_see_nothing_unless_they_are_configured() {
    let app = "https://app.example.com";
    let closed = World::new().await;
    let page = Http::of(&closed).bearer(&closed.admin).with("origin", app);
    assert_eq!(allowed(&page.get(USERS).await), "");
    let preflight = page.clone().with("access-control-request-method", "GET");
    assert_eq!(allowed(&preflight.send(Method::OPTIONS, USERS, "").await), "");

    let open = World::with(|config| config.gateway.cors_origins = vec![app.to_owned()]).await;
    let page = Http::of(&open).with("origin", app).with("sec-fetch-site", "cross-site");
    let preflight = page
        .clone()
        .with("access-control-request-method", "PATCH")
        .with("access-control-request-headers", "authorization,content-type,if-match");
    let asked = preflight.send(Method::OPTIONS, USERS, "").await;
    assert_eq!((asked.status.as_u16(), allowed(&asked)), (200, app));
    assert!(asked.header("access-control-allow-methods").contains("PATCH"));
    assert!(asked.header("access-control-allow-headers").contains("if-match"));
    assert_eq!(asked.header("access-control-allow-credentials"), "");
    let listed = page.clone().bearer(&open.admin).get(USERS).await;
    assert_eq!((listed.status.as_u16(), allowed(&listed)), (200, app));
    assert!(listed.header("access-control-expose-headers").contains("etag"));
    // The cookie is not theirs.
    let cookie = Http::of(&open).cookie_of_admin().await;
    let with_cookie = cookie.clone().with("origin", app).get(USERS).await;
    assert_eq!(with_cookie.status, 401);
    let other = page.bearer(&open.admin).with("origin", "https://evil.example");
    assert_eq!(allowed(&other.get(USERS).await), "");
    assert_eq!(other.post(USERS, &json!({})).await.reason(), "CROSS_ORIGIN");
}

#[tokio::test]
async fn every_answer_tells_browsers_what_not_to_do_with_it() {
    let world = World::new().await;
    let admin = Http::of(&world).bearer(&world.admin);
    let foreign = admin.clone().with("sec-fetch-site", "cross-site");
    for answer in [
        admin.get(USERS).await,
        admin.get("/api/nothing").await,
        admin.get("/nothing").await,
        admin.send(Method::TRACE, USERS, "").await,
        Http::of(&world).get(USERS).await,
        foreign.post(USERS, &json!({})).await,
    ] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{name} of {answer:?}");
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{answer:?}");
        assert!(policy.contains("default-src 'none'"), "{answer:?}");
        assert!(!policy.contains("unsafe"), "{answer:?}");
        assert_eq!(answer.header("strict-transport-security"), "");
        assert!(!answer.header("x-request-id").is_empty(), "{answer:?}");
    }
}

#[tokio::test]
async fn a_request_that_names_two_hosts_or_none_is_refused() {
    let world = World::new().await;
    for hosts in ["", "Host: a\r\nHost: b\r\n"] {
        let answer = crate::web::http::raw(
            &world,
            &format!("GET /api/config HTTP/1.1\r\n{hosts}connection: close\r\n\r\n"),
        )
        .await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
}
