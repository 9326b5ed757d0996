use prost_types::FieldMask;
use roster_kernel::{Caller, UserId};
use roster_proto::identity::v1::{
    ApiKey, CreateApiKeyRequest, DeleteApiKeyRequest, DeleteUserRequest, GetUserRequest,
    ListApiKeysRequest, ListUsersRequest, UpdateApiKeyRequest,
};
use tonic::{Code, Status};

use crate::world::{World, fields, refusal, request_id, says};

pub const SECRET: &str = "sk-acme-canary-7391";

pub fn new_key(provider: &str) -> CreateApiKeyRequest {
    CreateApiKeyRequest {
        provider: provider.to_owned(),
        name: "Main".to_owned(),
        secret: SECRET.to_owned(),
        ..Default::default()
    }
}

pub async fn create(
    world: &World,
    caller: &Caller,
    request: CreateApiKeyRequest,
) -> Result<ApiKey, Status> {
    let answer = world.api_keys().create_api_key(says(caller, request)).await?;
    Ok(answer.into_inner().api_key.unwrap())
}

pub async fn update(
    world: &World,
    caller: &Caller,
    request: UpdateApiKeyRequest,
) -> Result<ApiKey, Status> {
    let answer = world.api_keys().update_api_key(says(caller, request)).await?;
    Ok(answer.into_inner().api_key.unwrap())
}

async fn delete(
    world: &World,
    caller: &Caller,
    request: DeleteApiKeyRequest,
) -> Result<ApiKey, Status> {
    let answer = world.api_keys().delete_api_key(says(caller, request)).await?;
    Ok(answer.into_inner().api_key.unwrap())
}

pub async fn list(world: &World, caller: &Caller) -> Vec<ApiKey> {
    let request = ListApiKeysRequest { page_size: 200, ..Default::default() };
    let answer = world.api_keys().list_api_keys(says(caller, request)).await;
    answer.unwrap().into_inner().api_keys
}

pub fn of(key: &ApiKey) -> UpdateApiKeyRequest {
    UpdateApiKeyRequest { api_key_id: key.api_key_id.clone(), ..Default::default() }
}

/// A user who keeps keys.
pub async fn user(world: &World, username: &str) -> Caller {
    let user = world.create(username).await;
    world.caller_of(&user.user_id, false)
}

#[tokio::test]
async fn a_key_is_shown_by_its_mask_only_and_stored_encrypted() {
    let world = World::new().await;
    let alice = user(&world, "alice").await;
    let named = CreateApiKeyRequest { request_id: request_id(1), ..new_key("acme") };
    let created = create(&world, &alice, named).await.unwrap();
    let shown = (created.provider.as_str(), created.name.as_str(), created.mask.as_str());
    assert_eq!(shown, ("acme", "Main", "...7391"));
    assert!(created.active);
    assert_eq!((created.use_count, created.last_use_time), (0, None));
    assert_eq!(created.create_time, created.update_time);
    assert_eq!(list(&world, &alice).await, [created]);
    // Names are stored as they are, secrets are not: neither in the table nor
    // among the answers to repeated requests nor in the audit trail.
    assert!(world.temp.holds(b"acme").await);
    assert!(!world.temp.holds(b"canary").await);
    assert_eq!(world.number("SELECT count(*) FROM replay").await, 1);
    assert_eq!(world.number("SELECT length(nonce) FROM api_key").await, 12);
}

#[tokio::test]
async fn fields_change_one_by_one() {
    let world = World::new().await;
    let alice = user(&world, "alice").await;
    let key = create(&world, &alice, new_key("acme")).await.unwrap();

    let request = UpdateApiKeyRequest { name: Some("Other".to_owned()), ..of(&key) };
    let renamed = update(&world, &alice, request.clone()).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.active), ("Other", true));
    assert_ne!(renamed.etag, key.etag);
    // The same again changes nothing.
    assert_eq!(update(&world, &alice, request).await.unwrap(), renamed);
    assert_eq!(update(&world, &alice, of(&key)).await.unwrap(), renamed);

    let mask = |paths: &[&str]| {
        Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() })
    };
    // Named and not set: cleared. Set and not named: left.
    let request = UpdateApiKeyRequest {
        name: Some("Ignored".to_owned()),
        update_mask: mask(&["active"]),
        ..of(&key)
    };
    let idle = update(&world, &alice, request).await.unwrap();
    assert_eq!((idle.name.as_str(), idle.active), ("Other", false));
    // The secret is set whatever the mask says.
    let request = UpdateApiKeyRequest {
        secret: "sk-acme-another-1234".to_owned(),
        active: Some(true),
        update_mask: mask(&["active"]),
        ..of(&key)
    };
    let replaced = update(&world, &alice, request).await.unwrap();
    assert_eq!((replaced.mask.as_str(), replaced.active), ("...1234", true));

    for path in ["*", "secret", "provider", "mask", "use_count", "api_key.name", ""] {
        let request = UpdateApiKeyRequest { update_mask: mask(&[path]), ..of(&key) };
        assert_eq!(fields(update(&world, &alice, request).await), ["update_mask"], "{path}");
    }
    let request = UpdateApiKeyRequest { update_mask: mask(&["name"]), ..of(&key) };
    assert_eq!(fields(update(&world, &alice, request).await), ["name"]);
    for short in ["1234567", "sk-12345\n"] {
        let request = UpdateApiKeyRequest { secret: short.to_owned(), ..of(&key) };
        assert_eq!(fields(update(&world, &alice, request).await), ["secret"], "{short:?}");
    }
    assert_eq!(list(&world, &alice).await, [replaced]);
    let changed = "SELECT fields FROM audit_event WHERE method LIKE '%/UpdateApiKey'";
    let changed = world.temp.texts(changed).await.into_iter();
    let mut changed: Vec<_> = changed.map(|fields| fields.replace(' ', "")).collect();
    changed.sort();
    let expected = [r#"["active","secret"]"#, r#"["active"]"#, r#"["name"]"#, "[]", "[]"];
    assert_eq!(changed, expected, "names of fields, never values");
}

#[tokio::test]
async fn an_etag_names_the_state_that_is_meant() {
    let world = World::new().await;
    let alice = user(&world, "alice").await;
    let key = create(&world, &alice, new_key("acme")).await.unwrap();
    let meant = UpdateApiKeyRequest { etag: key.etag.clone(), active: Some(false), ..of(&key) };
    let updated = update(&world, &alice, meant.clone()).await.unwrap();
    let aborted = (Code::Aborted, "ETAG_MISMATCH".to_owned());
    assert_eq!(refusal(update(&world, &alice, meant).await), aborted);
    let mut request = DeleteApiKeyRequest {
        api_key_id: key.api_key_id,
        etag: key.etag,
        request_id: String::new(),
    };
    assert_eq!(refusal(delete(&world, &alice, request.clone()).await), aborted);
    request.etag.clone_from(&updated.etag);
    assert_eq!(delete(&world, &alice, request.clone()).await.unwrap(), updated);
    let gone = (Code::NotFound, "API_KEY_NOT_FOUND".to_owned());
    assert_eq!(refusal(delete(&world, &alice, request).await), gone);
    assert!(list(&world, &alice).await.is_empty());
}

#[tokio::test]
async fn an_owner_has_one_key_for_each_provider() {
    let world = World::new().await;
    let (alice, bob) = (user(&world, "alice").await, user(&world, "bob").await);
    let key = create(&world, &alice, new_key("acme")).await.unwrap();
    let exists = (Code::AlreadyExists, "API_KEY_EXISTS".to_owned());
    assert_eq!(refusal(create(&world, &alice, new_key("acme")).await), exists);
    // In use or not.
    let idle = UpdateApiKeyRequest { active: Some(false), ..of(&key) };
    update(&world, &alice, idle).await.unwrap();
    assert_eq!(refusal(create(&world, &alice, new_key("acme")).await), exists);
    create(&world, &alice, new_key("acme2")).await.unwrap();
    let inactive = CreateApiKeyRequest { inactive: true, ..new_key("acme") };
    assert!(!create(&world, &bob, inactive).await.unwrap().active);
}

#[tokio::test]
async fn somebody_elses_key_is_not_found() {
    let world = World::new().await;
    let (alice, bob) = (user(&world, "alice").await, user(&world, "bob").await);
    let key = create(&world, &alice, new_key("acme")).await.unwrap();
    let gone = (Code::NotFound, "API_KEY_NOT_FOUND".to_owned());
    for stranger in [&bob, &world.root] {
        let request = UpdateApiKeyRequest { name: Some("Mine".to_owned()), ..of(&key) };
        assert_eq!(refusal(update(&world, stranger, request).await), gone);
        let api_key_id = key.api_key_id.clone();
        let request = DeleteApiKeyRequest { api_key_id, ..Default::default() };
        assert_eq!(refusal(delete(&world, stranger, request).await), gone);
        assert!(list(&world, stranger).await.is_empty());
    }
    assert_eq!(list(&world, &alice).await, [key]);
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let world = World::new().await;
    let alice = user(&world, "alice").await;
    let request = CreateApiKeyRequest { request_id: request_id(1), ..new_key("acme") };
    let created = create(&world, &alice, request.clone()).await.unwrap();
    assert_eq!(create(&world, &alice, request.clone()).await.unwrap(), created);
    let other = CreateApiKeyRequest { secret: "another secret".to_owned(), ..request };
    let reused = (Code::InvalidArgument, "REQUEST_ID_REUSED".to_owned());
    assert_eq!(refusal(create(&world, &alice, other).await), reused);

    let api_key_id = created.api_key_id.clone();
    let request =
        DeleteApiKeyRequest { api_key_id, request_id: request_id(2), ..Default::default() };
    assert_eq!(delete(&world, &alice, request.clone()).await.unwrap(), created);
    assert_eq!(delete(&world, &alice, request).await.unwrap(), created);
}

#[tokio::test]
async fn lists_are_ordered_by_provider_and_continued() {
    let world = World::new().await;
    let (alice, bob) = (user(&world, "alice").await, user(&world, "bob").await);
    for provider in ["delta", "alpha", "echo", "charlie", "bravo"] {
        create(&world, &alice, new_key(provider)).await.unwrap();
        create(&world, &bob, new_key(provider)).await.unwrap();
    }
    let mut pages = Vec::new();
    let mut request = ListApiKeysRequest { page_size: 2, ..Default::default() };
    loop {
        let answer = world.api_keys().list_api_keys(says(&alice, request.clone())).await;
        let page = answer.unwrap().into_inner();
        let providers: Vec<_> = page.api_keys.into_iter().map(|key| key.provider).collect();
        pages.push(providers.join(" "));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        // A token is good for the list that it came with.
        let answer = world.api_keys().list_api_keys(says(&bob, request.clone())).await;
        assert_eq!(fields(answer), ["page_token"]);
    }
    assert_eq!(pages, ["alpha bravo", "charlie delta", "echo"]);
}

#[tokio::test]
async fn there_are_two_hundred_keys_at_the_most() {
    let world = World::new().await;
    let alice = user(&world, "alice").await;
    for number in 0..200 {
        create(&world, &alice, new_key(&format!("p{number}"))).await.unwrap();
    }
    let full = (Code::ResourceExhausted, "API_KEY_LIMIT".to_owned());
    assert_eq!(refusal(create(&world, &alice, new_key("one-more")).await), full);
    assert_eq!(refusal(create(&world, &alice, new_key("p1")).await).1, "API_KEY_EXISTS");
    let key = list(&world, &alice).await.remove(0);
    let request = DeleteApiKeyRequest { api_key_id: key.api_key_id, ..Default::default() };
    delete(&world, &alice, request).await.unwrap();
    create(&world, &alice, new_key("one-more")).await.unwrap();
}

async fn counted(world: &World, user_id: &str) -> Option<i64> {
    let request = GetUserRequest { user_id: user_id.to_owned() };
    let answer = world.admin().get_user(says(&world.root, request)).await.unwrap();
    answer.into_inner().user.unwrap().statistics.unwrap().api_key_count
}

#[tokio::test]
async fn keys_are_counted_beside_their_user_and_deleted_with_them() {
    let world = World::new().await;
    let (alice, bob) = (world.create("alice").await, world.create("bob").await);
    let as_alice = world.caller_of(&alice.user_id, false);
    let named = CreateApiKeyRequest { request_id: request_id(1), ..new_key("acme") };
    create(&world, &as_alice, named).await.unwrap();
    create(&world, &as_alice, new_key("beta")).await.unwrap();
    assert_eq!(counted(&world, &alice.user_id).await, Some(2));
    assert_eq!(counted(&world, &bob.user_id).await, Some(0));
    let answer = world.admin().list_users(says(&world.root, ListUsersRequest::default())).await;
    let users = answer.unwrap().into_inner().users;
    let counts = users.iter().map(|user| user.statistics.unwrap().api_key_count.unwrap());
    assert_eq!(counts.collect::<Vec<_>>(), [0, 2, 0]);

    let request = DeleteUserRequest { user_id: alice.user_id.clone(), ..Default::default() };
    let answer = world.admin().delete_user(says(&world.root, request)).await.unwrap();
    let receipt = answer.into_inner().deletion.unwrap().receipts.remove(0);
    let erased = receipt.counts.iter().find(|count| count.kind == "api_keys").unwrap();
    assert_eq!((receipt.participant.as_str(), erased.count), ("identity", 2));
    assert_eq!(world.number("SELECT count(*) FROM api_key").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM replay").await, 0);

    // And none comes behind the deletion's back.
    let ended = (Code::Unauthenticated, "TOKEN_INVALID".to_owned());
    assert_eq!(refusal(create(&world, &as_alice, new_key("acme")).await), ended);
    let stranger = world.caller_of(&UserId::generate(&world.env).to_string(), false);
    assert_eq!(refusal(create(&world, &stranger, new_key("acme")).await), ended);
    assert_eq!(world.number("SELECT count(*) FROM api_key").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_outlives_its_user_however_they_race() {
    let world = World::new().await;
    for round in 0..10 {
        let alice = world.create(&format!("alice{round}")).await;
        let as_alice = world.caller_of(&alice.user_id, false);
        let request = DeleteUserRequest { user_id: alice.user_id, ..Default::default() };
        let mut admin = world.admin();
        let (created, deleted) = tokio::join!(
            create(&world, &as_alice, new_key("acme")),
            admin.delete_user(says(&world.root, request)),
        );
        let receipt = deleted.unwrap().into_inner().deletion.unwrap().receipts.remove(0);
        let erased = receipt.counts.iter().find(|count| count.kind == "api_keys").unwrap();
        assert_eq!(erased.count, i64::from(created.is_ok()));
        if created.is_err() {
            assert_eq!(refusal(created).1, "TOKEN_INVALID");
        }
    }
    assert_eq!(world.number("SELECT count(*) FROM api_key").await, 0);
}
