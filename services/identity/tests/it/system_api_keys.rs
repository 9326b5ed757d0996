use roster_kernel::Caller;
use roster_proto::identity::v1::{
    ApiKey, DeleteApiKeyRequest, ListApiKeysRequest,
    SystemApiKeyServiceCreateApiKeyRequest as Create,
    SystemApiKeyServiceDeleteApiKeyRequest as Delete,
    SystemApiKeyServiceListApiKeysRequest as List,
    SystemApiKeyServiceUpdateApiKeyRequest as Update, UpdateUserRequest,
};
use tonic::{Code, Status};

use crate::{
    api_keys::{self, SECRET},
    world::{World, fields, refusal, request_id, says},
};

pub fn new_key(provider: &str) -> Create {
    Create {
        provider: provider.to_owned(),
        name: "Everybody's".to_owned(),
        secret: SECRET.to_owned(),
        ..Default::default()
    }
}

pub async fn create(world: &World, caller: &Caller, request: Create) -> Result<ApiKey, Status> {
    let answer = world.system_api_keys().create_api_key(says(caller, request)).await?;
    Ok(answer.into_inner().api_key.unwrap())
}

pub async fn update(world: &World, caller: &Caller, request: Update) -> Result<ApiKey, Status> {
    let answer = world.system_api_keys().update_api_key(says(caller, request)).await?;
    Ok(answer.into_inner().api_key.unwrap())
}

async fn delete(world: &World, caller: &Caller, request: Delete) -> Result<ApiKey, Status> {
    let answer = world.system_api_keys().delete_api_key(says(caller, request)).await?;
    Ok(answer.into_inner().api_key.unwrap())
}

async fn list(world: &World, caller: &Caller) -> Vec<ApiKey> {
    let answer = world.system_api_keys().list_api_keys(says(caller, List::default())).await;
    answer.unwrap().into_inner().api_keys
}

#[tokio::test]
async fn administrators_keep_the_installations_keys_together() {
    let world = World::new().await;
    let (_, other) = world.create_admin("alice").await;
    let created = create(&world, &world.root, new_key("acme")).await.unwrap();
    assert_eq!((created.mask.as_str(), created.active), ("...7391", true));
    let exists = (Code::AlreadyExists, "API_KEY_EXISTS".to_owned());
    assert_eq!(refusal(create(&world, &other, new_key("acme")).await), exists);
    create(&world, &other, new_key("beta")).await.unwrap();

    let api_key_id = created.api_key_id.clone();
    let request = Update {
        api_key_id: api_key_id.clone(),
        active: Some(false),
        secret: "sk-acme-another-1234".to_owned(),
        etag: created.etag.clone(),
        ..Default::default()
    };
    let updated = update(&world, &other, request.clone()).await.unwrap();
    assert_eq!((updated.mask.as_str(), updated.active), ("...1234", false));
    assert_eq!(refusal(update(&world, &other, request).await).1, "ETAG_MISMATCH");
    let providers: Vec<_> =
        list(&world, &other).await.into_iter().map(|key| key.provider).collect();
    assert_eq!(providers, ["acme", "beta"]);

    let request = Delete { api_key_id, request_id: request_id(1), ..Default::default() };
    assert_eq!(delete(&world, &world.root, request.clone()).await.unwrap(), updated);
    assert_eq!(delete(&world, &world.root, request).await.unwrap(), updated);
    assert_eq!(list(&world, &world.root).await.len(), 1);
}

#[tokio::test]
async fn own_keys_and_the_installations_are_kept_apart() {
    let world = World::new().await;
    let own = api_keys::create(&world, &world.root, api_keys::new_key("acme")).await.unwrap();
    let system = create(&world, &world.root, new_key("acme")).await.unwrap();
    let gone = (Code::NotFound, "API_KEY_NOT_FOUND".to_owned());
    let request = Update { api_key_id: own.api_key_id.clone(), ..Default::default() };
    assert_eq!(refusal(update(&world, &world.root, request).await), gone);
    let request = Delete { api_key_id: own.api_key_id.clone(), ..Default::default() };
    assert_eq!(refusal(delete(&world, &world.root, request).await), gone);
    let answer = api_keys::update(&world, &world.root, api_keys::of(&system)).await;
    assert_eq!(refusal(answer), gone);
    let api_key_id = system.api_key_id.clone();
    let request = DeleteApiKeyRequest { api_key_id, ..Default::default() };
    let answer = world.api_keys().delete_api_key(says(&world.root, request)).await;
    assert_eq!(refusal(answer), gone);
    assert_eq!(api_keys::list(&world, &world.root).await, [own]);
    assert_eq!(list(&world, &world.root).await, [system]);

    // Nor does the token of one list continue the other.
    create(&world, &world.root, new_key("beta")).await.unwrap();
    let request = List { page_size: 1, ..Default::default() };
    let answer = world.system_api_keys().list_api_keys(says(&world.root, request)).await;
    let page_token = answer.unwrap().into_inner().next_page_token;
    let request = ListApiKeysRequest { page_token, ..Default::default() };
    let answer = world.api_keys().list_api_keys(says(&world.root, request)).await;
    assert_eq!(fields(answer), ["page_token"]);
}

/// What has happened since the edge authenticated the call.
#[tokio::test]
async fn who_is_no_administrator_any_more_changes_nothing() {
    let world = World::new().await;
    let key = create(&world, &world.root, new_key("acme")).await.unwrap();
    let (alice, as_alice) = world.create_admin("alice").await;
    let request =
        UpdateUserRequest { user_id: alice.user_id, is_admin: Some(false), ..Default::default() };
    world.admin().update_user(says(&world.root, request)).await.unwrap();

    let refused = (Code::PermissionDenied, "ADMIN_REQUIRED".to_owned());
    let api_key_id = || key.api_key_id.clone();
    assert_eq!(refusal(create(&world, &as_alice, new_key("beta")).await), refused);
    let request = Update { api_key_id: api_key_id(), active: Some(false), ..Default::default() };
    assert_eq!(refusal(update(&world, &as_alice, request).await), refused);
    let request = Delete { api_key_id: api_key_id(), ..Default::default() };
    assert_eq!(refusal(delete(&world, &as_alice, request).await), refused);
    assert_eq!(list(&world, &world.root).await, [key]);
}
