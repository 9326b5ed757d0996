use std::sync::Arc;

use roster_kernel::{Caller, UserId};
use roster_proto::identity::v1::{
    ApiKey, ApiKeySource, CreateApiKeyRequest, DeleteUserRequest, DisableUserRequest,
    EnableUserRequest, ResolveApiKeyRequest, ResolveApiKeyResponse,
    SystemApiKeyServiceCreateApiKeyRequest, SystemApiKeyServiceUpdateApiKeyRequest,
    UpdateApiKeyRequest,
};
use roster_testkit::eventually;
use sea_orm::ConnectionTrait as _;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::{
    api_keys::{self, of},
    system_api_keys as system,
    world::{World, peer, refusal, says},
};

async fn resolve(world: &World, user_id: &str) -> Result<ResolveApiKeyResponse, Status> {
    let (user_id, provider) = (user_id.to_owned(), "acme".to_owned());
    let request = ResolveApiKeyRequest { user_id, provider };
    Ok(world.credentials().resolve_api_key(says(&peer(), request)).await?.into_inner())
}

const OWN: &str = "sk-own-secret";
const SYSTEM: &str = "sk-everybodys-secret";

async fn own_key(world: &World, caller: &Caller) -> ApiKey {
    let request = CreateApiKeyRequest { secret: OWN.to_owned(), ..api_keys::new_key("acme") };
    api_keys::create(world, caller, request).await.unwrap()
}

async fn system_key(world: &World) -> ApiKey {
    let request = SystemApiKeyServiceCreateApiKeyRequest {
        secret: SYSTEM.to_owned(),
        ..system::new_key("acme")
    };
    system::create(world, &world.root, request).await.unwrap()
}

#[tokio::test]
async fn a_users_key_goes_before_the_installations() {
    let world = World::new().await;
    let (alice, bob) = (world.create("alice").await, world.create("bob").await);
    let as_alice = world.caller_of(&alice.user_id, false);
    let none = (Code::NotFound, "API_KEY_NOT_FOUND".to_owned());
    assert_eq!(refusal(resolve(&world, &alice.user_id).await), none);

    let everybodys = system_key(&world).await;
    let resolved = resolve(&world, &alice.user_id).await.unwrap();
    assert_eq!((resolved.secret.as_str(), resolved.source()), (SYSTEM, ApiKeySource::System));
    assert_eq!(resolved.api_key_id, everybodys.api_key_id);
    let own = own_key(&world, &as_alice).await;
    let resolved = resolve(&world, &alice.user_id).await.unwrap();
    assert_eq!((resolved.secret.as_str(), resolved.source()), (OWN, ApiKeySource::User));
    assert_eq!(resolved.api_key_id, own.api_key_id);
    // Hers is nobody else's.
    assert_eq!(resolve(&world, &bob.user_id).await.unwrap().secret, SYSTEM);

    // An idle key is as good as none.
    let idle = UpdateApiKeyRequest { active: Some(false), ..of(&own) };
    api_keys::update(&world, &as_alice, idle).await.unwrap();
    assert_eq!(resolve(&world, &alice.user_id).await.unwrap().secret, SYSTEM);
    let idle = SystemApiKeyServiceUpdateApiKeyRequest {
        api_key_id: everybodys.api_key_id,
        active: Some(false),
        ..Default::default()
    };
    system::update(&world, &world.root, idle).await.unwrap();
    assert_eq!(refusal(resolve(&world, &alice.user_id).await), none);
    // A replaced one is the new one at once.
    let secret = "sk-own-another".to_owned();
    let replaced = UpdateApiKeyRequest { active: Some(true), secret, ..of(&own) };
    api_keys::update(&world, &as_alice, replaced).await.unwrap();
    assert_eq!(resolve(&world, &alice.user_id).await.unwrap().secret, "sk-own-another");
}

#[tokio::test]
async fn who_is_not_there_or_may_do_nothing_gets_nobodys_key() {
    let world = World::new().await;
    let alice = world.create("alice").await;
    own_key(&world, &world.caller_of(&alice.user_id, false)).await;
    system_key(&world).await;
    let unknown = (Code::NotFound, "USER_NOT_FOUND".to_owned());
    let stranger = UserId::generate(&world.env).to_string();
    assert_eq!(refusal(resolve(&world, &stranger).await), unknown);

    let user_id = || alice.user_id.clone();
    let request = DisableUserRequest { user_id: user_id(), ..Default::default() };
    world.admin().disable_user(says(&world.root, request)).await.unwrap();
    let disabled = (Code::FailedPrecondition, "USER_DISABLED".to_owned());
    assert_eq!(refusal(resolve(&world, &alice.user_id).await), disabled);
    let request = EnableUserRequest { user_id: user_id(), ..Default::default() };
    world.admin().enable_user(says(&world.root, request)).await.unwrap();
    assert_eq!(resolve(&world, &alice.user_id).await.unwrap().secret, OWN);

    let request = DeleteUserRequest { user_id: user_id(), ..Default::default() };
    world.admin().delete_user(says(&world.root, request)).await.unwrap();
    assert_eq!(refusal(resolve(&world, &alice.user_id).await), unknown);
}

#[tokio::test]
async fn a_provider_that_cannot_be_has_no_key() {
    let world = World::new().await;
    let alice = world.create("alice").await;
    for provider in ["ACME", "ac me", "acme\0", "äcme"] {
        let (user_id, provider) = (alice.user_id.clone(), provider.to_owned());
        let request = ResolveApiKeyRequest { user_id, provider };
        let answer = world.credentials().resolve_api_key(says(&peer(), request)).await;
        assert_eq!(refusal(answer).1, "API_KEY_NOT_FOUND");
    }
}

#[tokio::test]
async fn only_services_may_ask() {
    let world = World::new().await;
    let alice = world.create("alice").await;
    for caller in [&world.root, &world.caller_of(&alice.user_id, false)] {
        let (user_id, provider) = (alice.user_id.clone(), "acme".to_owned());
        let request = ResolveApiKeyRequest { user_id, provider };
        let answer = world.credentials().resolve_api_key(says(caller, request)).await;
        assert_eq!(refusal(answer), (Code::PermissionDenied, "INTERNAL_ONLY".to_owned()));
    }
}

#[tokio::test]
async fn a_use_is_counted_and_changes_nothing_else() {
    let world = World::new().await;
    let alice = world.create("alice").await;
    let as_alice = world.caller_of(&alice.user_id, false);
    let before = own_key(&world, &as_alice).await;
    world.clock.advance(std::time::Duration::from_mins(1));
    resolve(&world, &alice.user_id).await.unwrap();
    resolve(&world, &alice.user_id).await.unwrap();
    let after = api_keys::list(&world, &as_alice).await.remove(0);
    assert_eq!(after.use_count, 2);
    let now = roster_proto::time::to_proto(world.env.now());
    assert_eq!(after.last_use_time, Some(now));
    let uncounted = ApiKey { use_count: 0, last_use_time: None, ..after };
    assert_eq!(uncounted, before);
    // A change of the key leaves the count alone.
    let renamed = UpdateApiKeyRequest { name: Some("Other".to_owned()), ..of(&before) };
    assert_eq!(api_keys::update(&world, &as_alice, renamed).await.unwrap().use_count, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_use_of_many_at_once_is_lost() {
    let world = Arc::new(World::new().await);
    let alice = world.create("alice").await;
    let as_alice = world.caller_of(&alice.user_id, false);
    own_key(&world, &as_alice).await;
    let mut calls = JoinSet::new();
    for _ in 0..200 {
        let (world, user_id) = (Arc::clone(&world), alice.user_id.clone());
        calls.spawn(async move { resolve(&world, &user_id).await.unwrap().secret });
    }
    assert!(calls.join_all().await.iter().all(|secret| secret == OWN));
    assert_eq!(api_keys::list(&world, &as_alice).await[0].use_count, 200);
}

/// While somebody holds the key's row, as many as want to read; then all of
/// them are counted together.
#[tokio::test]
async fn calls_of_one_moment_are_counted_in_few_transactions() {
    let world = Arc::new(World::new().await);
    let alice = world.create("alice").await;
    let as_alice = world.caller_of(&alice.user_id, false);
    own_key(&world, &as_alice).await;
    world.execute("CREATE TABLE written (n BIGINT)").await;
    let note = "INSERT INTO written VALUES (NEW.use_count)";
    world.temp.on_update("api_key", "use_count", note).await;

    let writer = world.temp.db.begin().await.unwrap();
    writer.execute_unprepared("UPDATE api_key SET name = name").await.unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let (world, user_id) = (Arc::clone(&world), alice.user_id.clone());
        calls.spawn(async move { resolve(&world, &user_id).await.unwrap() });
    }
    eventually(async || world.service.uses_waiting() >= 40).await;
    drop(writer);
    assert_eq!(calls.join_all().await.len(), 50);
    assert_eq!(api_keys::list(&world, &as_alice).await[0].use_count, 50);
    // What came first, the others behind it, and whoever was late.
    assert!(world.number("SELECT count(*) FROM written").await <= 12);
}

#[tokio::test]
async fn a_key_is_handed_out_only_if_that_can_be_counted() {
    let world = World::new().await;
    let alice = world.create("alice").await;
    let as_alice = world.caller_of(&alice.user_id, false);
    own_key(&world, &as_alice).await;
    world.temp.on_update("api_key", "use_count", "INSERT INTO missing VALUES (1)").await;
    assert_eq!(refusal(resolve(&world, &alice.user_id).await).0, Code::Unavailable);
    assert_eq!(api_keys::list(&world, &as_alice).await[0].use_count, 0);
}

/// A database in which somebody has moved an encrypted secret to where it
/// would be theirs.
#[tokio::test]
async fn a_secret_that_was_moved_is_not_handed_out() {
    let world = World::new().await;
    let (alice, mallory) = (world.create("alice").await, world.create("mallory").await);
    let as_mallory = world.caller_of(&mallory.user_id, false);
    own_key(&world, &world.caller_of(&alice.user_id, false)).await;
    own_key(&world, &as_mallory).await;
    assert_eq!(resolve(&world, &mallory.user_id).await.unwrap().secret, OWN);
    let swap = "CREATE TABLE before AS SELECT id, ciphertext, nonce FROM api_key;
        UPDATE api_key SET (ciphertext, nonce) =
            (SELECT ciphertext, nonce FROM before WHERE before.id <> api_key.id)";
    world.execute(swap).await;
    for user in [&alice, &mallory] {
        let refused = (Code::Internal, "INTERNAL".to_owned());
        assert_eq!(refusal(resolve(&world, &user.user_id).await), refused);
    }
    assert_eq!(api_keys::list(&world, &as_mallory).await[0].use_count, 1);
    // A whole row that is said to be for another provider, or everybody's.
    for moved in ["provider = 'acme'", "provider = 'acme', user_id = NULL"] {
        world.execute("DELETE FROM api_key").await;
        api_keys::create(&world, &as_mallory, api_keys::new_key("elsewhere")).await.unwrap();
        world.execute(&format!("UPDATE api_key SET {moved}")).await;
        let answer = resolve(&world, &mallory.user_id).await;
        assert_eq!(refusal(answer).0, Code::Internal, "{moved}");
    }
}
