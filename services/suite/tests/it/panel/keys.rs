//! The system's API keys, and one's own.

use http::StatusCode;
use roster_proto::identity::v1::{
    ApiKey, ListApiKeysRequest, SystemApiKeyServiceListApiKeysRequest,
};

use super::visitor::{Answer, Visitor};
use crate::{api_keys::resolve, world::World};

const SYSTEM: &str = "/admin/system-keys";
const OWN: &str = "/account/keys";

async fn system_keys(world: &World) -> Vec<ApiKey> {
    let request = SystemApiKeyServiceListApiKeysRequest::default();
    world.admin.system_api_keys().list_api_keys(request).await.unwrap().into_inner().api_keys
}

async fn add(visitor: &Visitor<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    let form = visitor.get(&format!("{path}/new")).await;
    let request_id = form.hidden("request_id");
    let defaults = [("provider", "anthropic"), ("name", "Team"), ("active", "on")];
    let fields: Vec<_> =
        defaults.into_iter().chain([("request_id", &*request_id)]).chain(fields.to_vec()).collect();
    // What comes last counts, as in a form that was filled in.
    let mut sent: Vec<(&str, &str)> = Vec::new();
    for field in fields {
        sent.retain(|(name, _)| *name != field.0);
        sent.push(field);
    }
    visitor.post(&format!("{path}/new"), &sent).await
}

/// The secret that a service gets for a user, or nothing.
async fn resolved(world: &World) -> Option<String> {
    resolve(world, &world.admin.user_id, "anthropic").await.ok().map(|it| it.into_inner().secret)
}

#[tokio::test]
async fn where_there_are_no_keys_it_is_said_what_they_are_for() {
    let world = World::new().await;
    let admin = Visitor::admin(&world).await;
    assert!(admin.get(SYSTEM).await.says("user keys override system keys"));
    assert!(admin.get(OWN).await.says("user keys override system keys"));
}

#[tokio::test]
async fn a_key_is_added_once_and_shown_by_its_mask() {
    let world = World::new().await;
    let admin = Visitor::admin(&world).await;
    for path in [SYSTEM, OWN] {
        let answer = add(&admin, path, &[("secret", "sk-secret-9x2f")]).await;
        assert_eq!(answer.leads_to(), format!("{path}?done=key-created"));
        let page = admin.get(answer.leads_to()).await;
        assert!(page.says("API key added.") && page.says("anthropic") && page.says("...9x2f"));
        assert!(page.says("Active") && !page.page.contains("sk-secret"));

        let twice = add(&admin, path, &[("secret", "sk-other-0000")]).await;
        assert_eq!(twice.status, StatusCode::CONFLICT);
        assert!(twice.page.contains("id=\"e-provider\""), "{}", twice.page);
        assert!(twice.page.contains("value=\"Team\"") && !twice.page.contains("sk-other"));
    }
    assert_eq!(system_keys(&world).await.len(), 1);
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field() {
    let world = World::new().await;
    let admin = Visitor::admin(&world).await;
    let wrong = [("provider", "Not So"), ("name", ""), ("secret", "short")];
    let answer = add(&admin, SYSTEM, &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["provider", "name", "secret"] {
        assert!(answer.page.contains(&format!("id=\"e-{field}\"")), "{field}: {}", answer.page);
    }
    assert!(!answer.page.contains("value=\"short\""));
}

#[tokio::test]
async fn a_key_is_replaced_renamed_switched_off_and_deleted() {
    let world = World::with_socket().await;
    let admin = Visitor::admin(&world).await;
    add(&admin, SYSTEM, &[("secret", "sk-secret-9x2f")]).await.leads_to();
    assert_eq!(resolved(&world).await.unwrap(), "sk-secret-9x2f");
    let page = format!("{SYSTEM}/{}", system_keys(&world).await[0].api_key_id);

    let form = admin.get(&page).await;
    let (etag, request_id) = (form.hidden("etag"), form.hidden("request_id"));
    let fields = [
        ("name", "Another"),
        ("secret", "sk-secret-7777"),
        ("active", "on"),
        ("etag", &etag),
        ("request_id", &request_id),
    ];
    let saved = admin.post(&page, &fields).await;
    assert!(admin.get(saved.leads_to()).await.says("...7777"));
    assert_eq!(resolved(&world).await.unwrap(), "sk-secret-7777");
    // Whoever has an older form is told so, and changes nothing.
    let late = [("name", "Late"), ("secret", "sk-secret-late"), ("etag", &*etag)];
    let late = admin.post(&page, &late).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.says("Changed by somebody else"), "{}", late.page);
    assert_eq!(resolved(&world).await.unwrap(), "sk-secret-7777");

    // A blank secret keeps the current one, and no check is no use.
    let etag = admin.get(&page).await.hidden("etag");
    admin.post(&page, &[("name", "Kept"), ("secret", ""), ("etag", &etag)]).await.leads_to();
    let key = system_keys(&world).await.remove(0);
    assert_eq!((key.name.as_str(), key.mask.as_str(), key.active), ("Kept", "...7777", false));
    assert_eq!(resolved(&world).await, None);
    admin
        .post(&format!("{page}/active"), &[("active", "on"), ("etag", &key.etag)])
        .await
        .leads_to();
    assert_eq!(resolved(&world).await.unwrap(), "sk-secret-7777");

    let asked = admin.get(&format!("{page}/delete")).await;
    assert!(asked.says("Delete the key for anthropic?") && asked.says("...7777"));
    let etag = asked.hidden("etag");
    let deleted = admin.post(&format!("{page}/delete"), &[("etag", &etag)]).await;
    assert_eq!(deleted.leads_to(), format!("{SYSTEM}?done=key-deleted"));
    assert_eq!(admin.get(&page).await.status, StatusCode::NOT_FOUND);
    assert_eq!(resolved(&world).await, None);
}

#[tokio::test]
async fn keys_are_kept_apart() {
    let world = World::new().await;
    let client = world.create_signed_in("person").await;
    let user = Visitor::user(&world, "person").await;
    let admin = Visitor::admin(&world).await;
    add(&user, OWN, &[("secret", "sk-secret-own1")]).await.leads_to();
    assert!(admin.get(OWN).await.says("No keys of your own"));
    assert!(admin.get(SYSTEM).await.says("No system keys yet"));
    let keys = client.api_keys().list_api_keys(ListApiKeysRequest::default()).await.unwrap();
    let id = &keys.get_ref().api_keys[0].api_key_id;
    for path in [format!("{OWN}/{id}"), format!("{SYSTEM}/{id}"), format!("{OWN}/{id}/delete")] {
        assert_eq!(admin.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    // What is the system's is for administrators.
    for path in [SYSTEM, "/admin/system-keys/new"] {
        assert_eq!(user.get(path).await.status, StatusCode::FORBIDDEN);
    }
    let answer = user.post("/admin/system-keys/new", &[("provider", "anthropic")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}
