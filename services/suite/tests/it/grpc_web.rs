//! gRPC-Web: pages of other origins, in a real browser, with a client that is
//! somebody else's.

use std::{iter, process::Command};

use axum::{Router, http::header, response::Html, routing::get};
use roster_proto::session::v1::ListSessionsRequest;
use roster_testkit::{
    browser::{Page, Site, Visitor, web},
    eventually,
};
use serde_json::{Value, json};
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::world::{ADMIN_PASSWORD, World};

/// The two ways to write a message.
const FORMATS: [&str; 2] = ["binary", "text"];

/// An id that nobody has.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// The script of `tests/web/grpc_web.ts`, with the client and the contracts in it.
fn bundle() -> String {
    let web = web();
    let modules = web.join("node_modules");
    let mut bundle = Command::new(modules.join(".bin/esbuild"));
    bundle.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/web/grpc_web.ts"));
    bundle.args(["--bundle", "--format=iife", "--global-name=roster", "--log-level=warning"]);
    bundle.arg(format!("--alias:@contracts={}", web.join("generated").display()));
    let made = bundle.env("NODE_PATH", modules).output().expect("esbuild, where npm puts it");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap()
}

/// A site of somebody else's, with one page that calls Roster.
async fn elsewhere() -> Site {
    const PAGE: &str = "<!doctype html><html lang=en><head><title>Elsewhere</title>
        <link rel=icon href='data:,'><script src=/page.js></script></head></html>";
    let script = bundle();
    let script = move || async move { ([(header::CONTENT_TYPE, "text/javascript")], script) };
    let pages = Router::new().route("/", get(Html(PAGE))).route("/page.js", get(script));
    Site::new(pages).await
}

/// A page of theirs, and how it calls.
struct Caller<'a> {
    world: &'a World,
    page: Page,
    format: &'static str,
    token: String,
    credentials: &'static str,
}

impl<'a> Caller<'a> {
    async fn at(site: &Site, world: &'a World, format: &'static str) -> Self {
        let page = Visitor::default().page().await;
        page.open(&site.origin()).await;
        Self { world, page, format, token: String::new(), credentials: "omit" }
    }

    /// Calls a function of the page's with these arguments.
    async fn call(&self, function: &str, arguments: &[&str]) -> Value {
        let edge = format!("http://{}", self.world.suite.address());
        let way = json!({
            "edge": edge, "format": self.format, "token": self.token,
            "credentials": self.credentials,
        });
        let arguments: Vec<_> =
            iter::once(way).chain(arguments.iter().map(|it| json!(it))).collect();
        self.page.evaluate(&format!("roster.{function}(...{})", json!(arguments))).await
    }

    /// The answer to such a call.
    async fn answer(&self, function: &str, arguments: &[&str]) -> Value {
        let mut outcome = self.call(function, arguments).await;
        assert!(outcome["failure"].is_null(), "{function} by {}: {outcome}", self.format);
        outcome["answer"].take()
    }

    /// The code, the message and the details of its refusal.
    async fn refusal(&self, function: &str, arguments: &[&str]) -> (String, String, ErrorDetails) {
        let outcome = self.call(function, arguments).await;
        let text = |part: &str| outcome["failure"][part].as_str().unwrap_or_default().to_owned();
        let (code, message, details) = (text("code"), text("message"), text("details"));
        assert!(!details.is_empty(), "{function} by {}: {outcome}", self.format);
        let headers = [("grpc-status", "2"), ("grpc-status-details-bin", &details)];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let status = Status::from_header_map(&headers.into_iter().collect()).unwrap();
        (code, message, status.get_error_details())
    }

    /// Sees that the browser does not let such a call through.
    async fn is_kept_out(&self, function: &str, arguments: &[&str]) {
        let outcome = self.call(function, arguments).await;
        assert!(outcome["answer"].is_null(), "{outcome}");
        // The browser says so in its own time.
        eventually(async || {
            let complaints = self.page.complaints().await;
            complaints.iter().any(|it| it.text.contains("blocked by CORS policy"))
        })
        .await;
    }

    /// Signs in as the first administrator.
    async fn sign_in(&mut self) {
        let answer = self.answer("login", &["admin", ADMIN_PASSWORD]).await;
        answer["token"].as_str().expect("a token").clone_into(&mut self.token);
    }
}

async fn sessions_of_admin(world: &World) -> usize {
    let answer = world.admin.sessions().list_sessions(ListSessionsRequest::default()).await;
    answer.unwrap().into_inner().sessions.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_origin_that_is_configured_calls_methods() {
    let site = elsewhere().await;
    let world = World::with(|config| config.gateway.cors_origins = vec![site.origin()]).await;
    let mara = world.create_user("mara").await;
    for format in FORMATS {
        let mut caller = Caller::at(&site, &world, format).await;
        let (code, message, details) = caller.refusal("listUsers", &[]).await;
        assert_eq!((code.as_str(), message.as_str()), ("UNAUTHENTICATED", "Sign in first"));
        assert_eq!(details.error_info().unwrap().reason, "UNAUTHENTICATED");

        caller.sign_in().await;
        let users = caller.answer("listUsers", &[]).await;
        let usernames: Vec<_> =
            users.as_array().unwrap().iter().map(|it| &it["username"]).collect();
        assert_eq!(usernames, ["admin", "mara"]);
        let user = caller.answer("getUser", &[&mara.user_id]).await;
        assert_eq!((&user["username"], &user["email"]), (&json!("mara"), &Value::Null));

        let (code, _, details) = caller.refusal("getUser", &["no id"]).await;
        assert_eq!(code, "INVALID_ARGUMENT");
        assert_eq!(details.error_info().unwrap().reason, "INVALID_ARGUMENT");
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, "user_id");
        let (code, _, details) = caller.refusal("getUser", &[NOBODY]).await;
        assert_eq!(code, "NOT_FOUND");
        assert_eq!(details.error_info().unwrap().reason, "USER_NOT_FOUND");
        assert_eq!(caller.page.complaints().await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn such_a_page_reads_a_stream_message_by_message() {
    let site = elsewhere().await;
    let world = World::with(|config| config.gateway.cors_origins = vec![site.origin()]).await;
    let mara = world.create_user("mara").await;
    for format in FORMATS {
        let mut caller = Caller::at(&site, &world, format).await;
        caller.sign_in().await;
        let parts = caller.answer("exportUserData", &[&mara.user_id]).await;
        let parts: Vec<_> =
            parts.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert!(parts.len() > 2 && parts.contains(&"users"), "{parts:?}");
        assert_eq!(parts.last(), Some(&"manifest"));
        let (code, _, details) = caller.refusal("exportUserData", &[NOBODY]).await;
        assert_eq!(code, "NOT_FOUND");
        assert_eq!(details.error_info().unwrap().reason, "USER_NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_any_other_origin_is_kept_out_by_the_browser() {
    let site = elsewhere().await;
    let another = "https://app.example.com".to_owned();
    for origins in [vec![], vec![another]] {
        let world = World::with(|config| config.gateway.cors_origins = origins).await;
        let before = sessions_of_admin(&world).await;
        let mut caller = Caller::at(&site, &world, "binary").await;
        // With the right password, and with a token that is good.
        for (token, function, arguments) in
            [("", "login", &["admin", ADMIN_PASSWORD][..]), (world.admin.token(), "listUsers", &[])]
        {
            token.clone_into(&mut caller.token);
            caller.is_kept_out(function, arguments).await;
        }
        // It has not even been called.
        assert_eq!(sessions_of_admin(&world).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_elsewhere_calls_with_cookies_along() {
    let site = elsewhere().await;
    let world = World::with(|config| config.gateway.cors_origins = vec![site.origin()]).await;
    let mut caller = Caller::at(&site, &world, "binary").await;
    caller.sign_in().await;
    caller.credentials = "include";
    caller.is_kept_out("listUsers", &[]).await;
    caller.credentials = "omit";
    caller.answer("listUsers", &[]).await;
}
