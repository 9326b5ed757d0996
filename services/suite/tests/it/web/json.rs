//! Administration in JSON.

use http::Method;
use serde_json::{Value as Json, json};

use super::http::Http;
use crate::world::{PASSWORD, World};

const USERS: &str = "/api/admin/users";

fn someone(username: &str) -> Json {
    json!({ "username": username, "displayName": "Someone", "password": PASSWORD })
}

fn path_of(user: &Json) -> String {
    format!("{USERS}/{}", user["userId"].as_str().unwrap())
}

#[tokio::test]
async fn a_user_is_created_read_changed_listed_and_deleted() {
    let world = World::new().await;
    let admin = Http::of(&world).bearer(&world.admin);
    let created = admin.post(USERS, &someone("grace")).await;
    assert_eq!(created.status, 200, "{created:?}");
    let path = path_of(&created.json()["user"]);

    let read = admin.get(&path).await;
    let user = read.json()["user"].clone();
    assert_eq!(user["username"], "grace");
    assert_eq!(user["isAdmin"], false);
    assert_eq!(user["statistics"]["personaCount"], "0");
    assert_eq!(read.header("etag"), format!("\"{}\"", user["etag"].as_str().unwrap()));

    for verb in [Method::PATCH, Method::PUT] {
        let name = format!("Called by {verb}");
        let changed = admin.json(verb, &path, &json!({ "displayName": name })).await;
        assert_eq!(changed.json()["user"]["displayName"], name);
        assert_eq!(changed.json()["user"]["username"], "grace");
    }
    let found = admin.get(&format!("{USERS}?query=grac&pageSize=1&is_admin=false")).await;
    assert_eq!(found.json()["users"][0]["displayName"], "Called by PUT");
    let none = admin.get(&format!("{USERS}?query=nobody-like-that")).await;
    assert_eq!(none.json(), json!({ "users": [], "nextPageToken": "" }));

    let deleted = admin.delete(&path).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    world.settle().await;
    let gone = admin.get(&path).await;
    assert_eq!(gone.status, 404);
    assert_eq!(gone.json()["error"]["status"], "NOT_FOUND");
}

#[tokio::test]
async fn a_condition_and_a_key_come_in_headers() {
    let world = World::new().await;
    let admin = Http::of(&world).bearer(&world.admin);
    let key = "01890a5d-ac96-774b-bcce-b302099a8057";
    let once = admin.clone().with("idempotency-key", &format!("\"{key}\""));
    let created = once.post(USERS, &someone("grace")).await.json();
    // A second one would be refused: the name is taken.
    assert_eq!(once.post(USERS, &someone("grace")).await.json(), created);
    let path = path_of(&created["user"]);
    let change = json!({ "displayName": "Grace" });

    let stale = admin.clone().with("if-match", "\"0123456789abcdef\"");
    let refused = stale.json(Method::PATCH, &path, &change).await;
    assert_eq!((refused.status.as_u16(), &*refused.reason()), (412, "ETAG_MISMATCH"));
    let weak = admin.clone().with("if-match", "W/\"0123\"");
    let refused = weak.json(Method::PATCH, &path, &change).await;
    assert_eq!((refused.status.as_u16(), refused.fields()), (400, vec!["if-match".to_owned()]));
    let seen = admin.get(&path).await;
    let fresh = admin.clone().with("if-match", seen.header("etag"));
    assert_eq!(fresh.json(Method::PATCH, &path, &change).await.status, 200);
    assert_eq!(fresh.json(Method::PATCH, &path, &json!({ "email": "g@x.org" })).await.status, 412);
    let any = admin.clone().with("if-match", "*");
    assert_eq!(any.json(Method::PATCH, &path, &change).await.status, 200);

    let unconditional = admin.with("if-match", "\"0123\"");
    let refused = unconditional.post(USERS, &someone("ada")).await;
    assert_eq!((refused.status.as_u16(), &*refused.reason()), (412, "PRECONDITION_FAILED"));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_named() {
    let world = World::new().await;
    let admin = Http::of(&world).bearer(&world.admin);
    let refused = admin.post(USERS, &json!({ "username": "a", "password": "123" })).await;
    assert_eq!((refused.status.as_u16(), &*refused.reason()), (400, "INVALID_ARGUMENT"));
    assert_eq!(refused.fields(), ["username", "display_name", "password"]);
    let refused = admin.post(USERS, &json!({ "username": "grace", "admin": true })).await;
    assert_eq!((refused.status.as_u16(), refused.fields()), (400, vec!["admin".to_owned()]));
    let refused = admin.get(&format!("{USERS}?page=2")).await;
    assert_eq!((refused.status.as_u16(), refused.fields()), (400, vec!["page".to_owned()]));
    let taken = admin.post(USERS, &someone("admin")).await;
    assert_eq!((taken.status.as_u16(), &*taken.reason()), (409, "USERNAME_TAKEN"));
    assert_eq!(taken.json()["error"]["message"], "Username already exists");

    let json = admin.clone().with("content-type", "application/json");
    for body in ["{", "[]", "{\"username\": \"a\", \"username\": \"b\"}", "{} {}", "\u{feff}{}"] {
        assert_eq!(json.send(Method::POST, USERS, body).await.status, 400, "{body:?}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=x"] {
        let other = admin.clone().with("content-type", kind).send(Method::POST, USERS, "{}").await;
        assert_eq!((other.status.as_u16(), &*other.reason()), (415, "MEDIA_TYPE_UNSUPPORTED"));
    }
    let large = "x".repeat(world.config.gateway.max_message_bytes + 1);
    let refused = json.send(Method::POST, USERS, &large).await;
    assert_eq!((refused.status.as_u16(), &*refused.reason()), (413, "MESSAGE_TOO_LARGE"));

    let elsewhere = admin.get("/api/nothing").await;
    assert_eq!((elsewhere.status.as_u16(), &*elsewhere.reason()), (404, "PATH_UNKNOWN"));
    let verb = admin.delete(USERS).await;
    assert_eq!((verb.status.as_u16(), verb.header("allow")), (405, "GET, POST"));
}

#[tokio::test]
async fn the_path_says_who_is_meant_whatever_the_rest_says() {
    let world = World::new().await;
    let admin = Http::of(&world).bearer(&world.admin);
    let grace = admin.post(USERS, &someone("grace")).await.json()["user"].clone();
    let ada = admin.post(USERS, &someone("ada")).await.json()["user"].clone();
    let change = json!({ "userId": ada["userId"], "displayName": "Changed" });
    let changed = admin.json(Method::PATCH, &path_of(&grace), &change).await;
    assert_eq!(changed.json()["user"]["userId"], grace["userId"]);
    assert_eq!(admin.get(&path_of(&ada)).await.json()["user"]["displayName"], "Someone");
    // Nor can a header make another verb of it.
    let overridden = admin.with("x-http-method-override", "DELETE").get(&path_of(&ada)).await;
    assert_eq!(overridden.json()["user"]["username"], "ada");
}

#[tokio::test]
async fn a_refusal_is_the_same_over_http_as_over_grpc() {
    let world = World::new().await;
    let user = Http::of(&world).bearer(&world.create_signed_in("grace").await);
    let refused = user.get(USERS).await;
    assert_eq!((refused.status.as_u16(), &*refused.reason()), (403, "ADMIN_REQUIRED"));
    assert_eq!(refused.json()["error"]["message"], "Admin access required");
    let nobody = Http::of(&world).get(USERS).await;
    assert_eq!((nobody.status.as_u16(), &*nobody.reason()), (401, "UNAUTHENTICATED"));
    assert_eq!(nobody.header("www-authenticate"), "Bearer");
    let admin = Http::of(&world).bearer(&world.admin);
    let own = format!("{USERS}/{}", world.admin.user_id);
    let refused = admin.delete(&own).await;
    assert_eq!((refused.status.as_u16(), &*refused.reason()), (403, "CANNOT_DELETE_SELF"));
}

#[tokio::test]
async fn who_guesses_is_told_when_to_come_again() {
    let world = World::new().await;
    let wrong = json!({ "username": "admin", "password": "not it" });
    let nobody = Http::of(&world);
    for _ in 0..100 {
        let refused = nobody.post("/api/auth/login", &wrong).await;
        if refused.status == 429 {
            assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
            return;
        }
        assert_eq!(refused.status, 401);
    }
    panic!("a hundred guesses without a pause");
}

#[tokio::test]
async fn the_head_of_an_answer_is_the_answers_own() {
    let world = World::new().await;
    let admin = Http::of(&world).bearer(&world.admin);
    let head = admin.send(Method::HEAD, USERS, "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    assert_eq!(head.header("content-type"), "application/json");
    let stream = format!("{USERS}/{}:export", world.admin.user_id);
    let refused = admin.send(Method::HEAD, &stream, "").await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET"));
}
