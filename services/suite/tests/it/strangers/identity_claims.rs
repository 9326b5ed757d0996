//! Saying in a header who one is: nothing but one bearer token counts.

use prost::Message as _;
use roster_proto::{
    identity::v1::{GetProfileRequest, GetProfileResponse, GetSettingsRequest, ListUsersRequest},
    session::v1::ListSessionsRequest,
};
use tonic::{Code, transport::Channel};

use super::{
    contract, open_world,
    wire::{connect, exchange, framed, head, reason},
};
use crate::{client::Client, world::World};

const PROFILE: &str = "/roster.identity.v1.AccountService/GetProfile";
const USERS: &str = "/roster.identity.v1.UserAdminService/ListUsers";
const SETTINGS: &str = "/roster.identity.v1.AccountService/GetSettings";

/// Names under which programs have taken somebody's word for who they are.
const NAMES: [&str; 32] = [
    "x-user-id",
    "X-User-Id",
    "x_user_id",
    "x-user-id-bin",
    "user-id",
    "x-user",
    "x-username",
    "x-email",
    "x-role",
    "x-roles",
    "x-groups",
    "x-is-admin",
    "x-admin",
    "x-roster-actor",
    "X_Roster_Actor",
    "x-roster-actor-bin",
    "x-roster-user-id",
    "x-roster-caller",
    "x-roster-is-admin",
    "x-roster-assertion",
    "x-forwarded-user",
    "X-Forwarded-User",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-client-cert",
    "x-remote-user",
    "remote-user",
    "x-auth-request-user",
    "x-authenticated-userid",
    "x-session-id",
    "x-internal",
    "x-service-name",
];

/// Names that might be taken for `authorization`.
const TOKEN_NAMES: [&str; 10] = [
    "proxy-authorization",
    "x-authorization",
    "authorization-bin",
    "authorization_",
    "x-forwarded-authorization",
    "x-original-authorization",
    "x-auth-token",
    "x-access-token",
    "x-api-key",
    "grpc-authorization",
];

struct Line {
    channel: Channel,
    admin: Client,
    user: Client,
}

impl Line {
    async fn new(world: &World) -> Self {
        let user = world.create_signed_in("mallory").await;
        Self { channel: connect(world).await, admin: world.admin.clone(), user }
    }

    async fn list_users(&self, headers: &[(&str, &str)]) -> (Code, String) {
        let body = framed(&ListUsersRequest::default().encode_to_vec());
        let (status, _) = exchange(&self.channel, with(head(USERS), headers), body).await;
        (status.code(), reason(&status))
    }

    /// Whom a call is taken to come from.
    async fn profile(&self, headers: &[(&str, &str)]) -> Result<String, (Code, String)> {
        let body = framed(&GetProfileRequest {}.encode_to_vec());
        let (status, answer) = exchange(&self.channel, with(head(PROFILE), headers), body).await;
        if status.code() != Code::Ok {
            return Err((status.code(), reason(&status)));
        }
        let profile = GetProfileResponse::decode(&answer[5..]).unwrap();
        Ok(profile.user.unwrap().user_id)
    }
}

fn with(head: http::request::Builder, headers: &[(&str, &str)]) -> http::request::Builder {
    headers.iter().fold(head, |head, (name, value)| head.header(*name, *value))
}

fn bearer(client: &Client) -> String {
    format!("Bearer {}", client.token())
}

fn unauthenticated() -> (Code, String) {
    (Code::Unauthenticated, "UNAUTHENTICATED".to_owned())
}

fn admin_required() -> (Code, String) {
    (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_changes_who_one_is() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    let (own, admin_token) = (bearer(&line.user), line.admin.token());
    let json = format!(r#"{{"user_id":"{}","is_admin":true}}"#, line.admin.user_id);
    let encoded = "CiQwMTg5MGE1ZC1hYzk2LTc3NGItYmNjZS1iMzAyMDk5YTgwNTc";
    for name in NAMES {
        for claim in [line.admin.user_id.as_str(), "admin", "true", &json, encoded, admin_token] {
            let claimed = [(name, claim)];
            assert_eq!(line.profile(&claimed).await, Err(unauthenticated()), "{claimed:?}");
            assert_eq!(line.list_users(&claimed).await, unauthenticated(), "{claimed:?}");
            for both in [
                [("authorization", &*own), (name, claim)],
                [(name, claim), ("authorization", &own)],
            ] {
                assert_eq!(line.profile(&both).await, Ok(line.user.user_id.clone()), "{both:?}");
                assert_eq!(line.list_users(&both).await, admin_required(), "{both:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_header_opens_an_internal_method() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    let admins = bearer(&line.admin);
    for method in contract::internal_methods() {
        for name in NAMES.into_iter().chain(TOKEN_NAMES) {
            for claim in ["gateway", "session", r#"{"service":"identity"}"#] {
                let headers = [("authorization", admins.as_str()), (name, claim)];
                let head = with(head(&contract::path(&method)), &headers);
                let (status, _) = exchange(&line.channel, head, framed(&[])).await;
                let unknown = (Code::Unimplemented, "METHOD_UNKNOWN".to_owned());
                assert_eq!((status.code(), reason(&status)), unknown, "{headers:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_in_one_place_only() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    let (own, admins) = (bearer(&line.user), bearer(&line.admin));
    for name in TOKEN_NAMES {
        for value in [admins.as_str(), line.admin.token()] {
            let elsewhere = [(name, value)];
            assert_eq!(line.list_users(&elsewhere).await, unauthenticated(), "{name}");
            let both = [("authorization", own.as_str()), (name, value)];
            assert_eq!(line.profile(&both).await, Ok(line.user.user_id.clone()), "{name}");
            assert_eq!(line.list_users(&both).await, admin_required(), "{name}");
        }
    }
    let forwarded = format!("for=127.0.0.1;by=gateway;user={}", line.admin.user_id);
    for (name, value) in [
        ("forwarded", forwarded.as_str()),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("x-http-method-override", "GET"),
        ("x-original-url", USERS),
        ("x-rewrite-url", SETTINGS),
        ("x-request-id", "admin"),
        ("user-agent", "roster-gateway"),
        ("host", "identity"),
    ] {
        assert_eq!(line.list_users(&[(name, value)]).await, unauthenticated(), "{name}");
        let both = [("authorization", own.as_str()), (name, value)];
        assert_eq!(line.list_users(&both).await, admin_required(), "{name}");
    }
    // An upper-case name is the same header to a client library.
    let upper = [("AUTHORIZATION", admins.as_str())];
    assert_eq!(line.profile(&upper).await, Ok(line.admin.user_id.clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_never_count_and_are_never_mixed_with_tokens() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    let ambiguous = (Code::InvalidArgument, "AMBIGUOUS_CREDENTIALS".to_owned());
    let admins = bearer(&line.admin);
    for name in ["session", "token", "roster", "authorization", "__Host-session", "sid"] {
        let cookie = format!("{name}={}", line.admin.token());
        let alone = [("cookie", cookie.as_str())];
        assert_eq!(line.list_users(&alone).await, unauthenticated(), "{name}");
        for own in [bearer(&line.user), admins.clone()] {
            let both = [("authorization", own.as_str()), ("cookie", cookie.as_str())];
            assert_eq!(line.list_users(&both).await, ambiguous, "{name}");
        }
    }
    for (first, second) in [
        (bearer(&line.user), admins.clone()),
        (admins.clone(), bearer(&line.user)),
        (admins.clone(), admins.clone()),
        ("Basic YWRtaW46YWRtaW4=".to_owned(), admins.clone()),
        (String::new(), admins.clone()),
    ] {
        let two = [("authorization", first.as_str()), ("authorization", second.as_str())];
        assert_eq!(line.list_users(&two).await, ambiguous);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_bearer_token_as_it_was_given_is_accepted() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    let token = line.admin.token();
    let own = line.admin.sessions().list_sessions(ListSessionsRequest::default()).await.unwrap();
    let session_id = own.into_inner().sessions[0].session_id.clone();
    for value in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        token.to_owned(),
        format!("Basic {token}"),
        format!("Token {token}"),
        format!("Bearer:{token}"),
        format!("Bearer={token}"),
        format!("Bearer  {token}"),
        format!("Bearer Bearer {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {token}x"),
        format!("Bearer {}", &token[1..]),
        format!("Bearer {}", token.to_uppercase()),
        format!("Bearer {}", line.admin.user_id),
        format!("Bearer {session_id}"),
        "Bearer admin".to_owned(),
        "Bearer null".to_owned(),
        format!("Bearer {}", "x".repeat(257)),
        format!("Bearer {}", "x".repeat(8_000)),
    ] {
        let shown: String = value.chars().take(60).collect();
        let (code, _) = line.list_users(&[("authorization", &value)]).await;
        assert_eq!(code, Code::Unauthenticated, "{shown:?}");
    }
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let value = format!("{scheme} {token}");
        let answer = line.profile(&[("authorization", &value)]).await;
        assert_eq!(answer, Ok(line.admin.user_id.clone()), "{scheme}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_to_all_is_open_whatever_one_claims() {
    let world = open_world().await;
    let line = Line::new(&world).await;
    let body = framed(&GetSettingsRequest {}.encode_to_vec());
    for headers in [
        [("authorization", "Bearer ended"), ("cookie", "a=b")],
        [("authorization", "Basic x"), ("x-user-id", "y")],
    ] {
        let (status, _) =
            exchange(&line.channel, with(head(SETTINGS), &headers), body.clone()).await;
        assert_eq!(status.code(), Code::Ok, "{headers:?}");
    }
}
