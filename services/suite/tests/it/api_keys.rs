//! Keys for providers' APIs, from the user who adds one to the service that
//! asks for it.

use std::{fs, path::Path};

use prost::Message;
use roster_proto::identity::v1::{
    ApiKey, ApiKeySource, CreateApiKeyRequest, DeleteUserRequest, DeletionState, GetUserRequest,
    ResolveApiKeyRequest, ResolveApiKeyResponse, SystemApiKeyServiceCreateApiKeyRequest,
    UpdateApiKeyRequest, credential_service_client::CredentialServiceClient,
};
use tonic::{Response, Status, transport::Endpoint};

use crate::{
    client::{Client, reason},
    database, oversight,
    whole::Whole,
    world::World,
};

/// Asks for a key as a service does: of the same machine through the socket, and
/// where services run apart, with a certificate that this is listed for.
pub async fn resolve(
    world: &World,
    user_id: &str,
    provider: &str,
) -> Result<Response<ResolveApiKeyResponse>, Status> {
    let channel = match &world.suite {
        Whole::One(_) => {
            let path = world.internal_socket().display().to_string();
            Endpoint::from_shared(format!("unix:{path}")).unwrap().connect().await.unwrap()
        }
        Whole::Apart(cluster) => cluster.connect_to("identity", "notes").await,
    };
    let request =
        ResolveApiKeyRequest { user_id: user_id.to_owned(), provider: provider.to_owned() };
    CredentialServiceClient::new(channel).resolve_api_key(request).await
}

/// Adds a key of one's own.
pub async fn add(client: &Client, provider: &str, secret: &str) -> ApiKey {
    let request = CreateApiKeyRequest {
        provider: provider.to_owned(),
        name: "Mine".to_owned(),
        secret: secret.to_owned(),
        ..Default::default()
    };
    client.api_keys().create_api_key(request).await.unwrap().into_inner().api_key.unwrap()
}

/// Adds a key of the installation.
pub async fn add_system(world: &World, provider: &str, secret: &str) -> ApiKey {
    let request = SystemApiKeyServiceCreateApiKeyRequest {
        provider: provider.to_owned(),
        name: "Everybody's".to_owned(),
        secret: secret.to_owned(),
        ..Default::default()
    };
    let answer = world.admin.system_api_keys().create_api_key(request).await.unwrap();
    answer.into_inner().api_key.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn user_keys_override_system_keys() {
    let world = World::with_socket().await;
    let mara = world.create_signed_in("mara").await;
    add_system(&world, "acme", "sk-everybodys").await;
    let resolved = resolve(&world, &mara.user_id, "acme").await.unwrap().into_inner();
    assert_eq!((&*resolved.secret, resolved.source()), ("sk-everybodys", ApiKeySource::System));

    let own = add(&mara, "acme", "sk-maras-own").await;
    let resolved = resolve(&world, &mara.user_id, "acme").await.unwrap().into_inner();
    assert_eq!((&*resolved.secret, resolved.source()), ("sk-maras-own", ApiKeySource::User));
    assert_eq!(resolved.api_key_id, own.api_key_id);

    let api_key_id = own.api_key_id;
    let idle = UpdateApiKeyRequest { api_key_id, active: Some(false), ..Default::default() };
    mara.api_keys().update_api_key(idle).await.unwrap();
    let resolved = resolve(&world, &mara.user_id, "acme").await.unwrap().into_inner();
    assert_eq!((&*resolved.secret, resolved.source()), ("sk-everybodys", ApiKeySource::System));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_deleted_with_their_user_and_the_receipt_says_so() {
    let world = World::with_socket().await;
    let mara = world.create_signed_in("mara").await;
    add_system(&world, "acme", "sk-everybodys").await;
    add(&mara, "acme", "sk-maras-own").await;
    add(&mara, "beta", "sk-maras-other").await;
    let user_id = || mara.user_id.clone();
    let user = world.admin.users().get_user(GetUserRequest { user_id: user_id() }).await.unwrap();
    let statistics = user.into_inner().user.unwrap().statistics.unwrap();
    assert_eq!(statistics.api_key_count, Some(2));

    let request = DeleteUserRequest { user_id: user_id(), ..Default::default() };
    let answer = world.drive(world.admin.users().delete_user(request)).await.unwrap();
    let deletion = answer.into_inner().deletion.unwrap();
    assert_ne!(deletion.state(), DeletionState::Unspecified);
    let identity = deletion.receipts.iter().find(|it| it.participant == "identity").unwrap();
    let keys = identity.counts.iter().find(|count| count.kind == "api_keys").unwrap();
    assert_eq!(keys.count, 2);
    // Not the installation's either: she is nobody any more.
    let unknown = (tonic::Code::NotFound, "USER_NOT_FOUND".to_owned());
    assert_eq!(reason(resolve(&world, &mara.user_id, "acme").await), unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_kept_holds_a_secret() {
    let world = World::with_socket().await;
    let mara = world.create_signed_in("mara").await;
    let own = add(&mara, "acme", "sk-canary-4711-own").await;
    add_system(&world, "acme", "sk-canary-4711-everybodys").await;
    let replaced = UpdateApiKeyRequest {
        api_key_id: own.api_key_id,
        secret: "sk-canary-4711-replaced".to_owned(),
        request_id: world.env.uuid().to_string(),
        ..Default::default()
    };
    mara.api_keys().update_api_key(replaced).await.unwrap();
    resolve(&world, &mara.user_id, "acme").await.unwrap();

    // What has just been written is there, wherever that is.
    let kept = kept(&world).await;
    let with = |needle: &[u8]| {
        let holds = |it: &&(String, Vec<u8>)| it.1.windows(needle.len()).any(|it| it == needle);
        kept.iter().filter(holds).map(|(place, _)| place.as_str()).collect::<Vec<_>>()
    };
    let expected = match &world.suite {
        Whole::One(_) => "identity.db-wal",
        Whole::Apart(_) => "identity.api_key",
    };
    assert!(kept.len() > 4 && with(b"Everybody's").contains(&expected), "{:?}", with(b"Every"));
    assert_eq!(with(b"canary"), Vec::<&str>::new());
}

/// All that is kept, with its places: the files of the data directory, or the
/// tables of every service.
async fn kept(world: &World) -> Vec<(String, Vec<u8>)> {
    if let Whole::One(_) = &world.suite {
        let files = fs::read_dir(&world.config.data_dir).unwrap();
        let files = files.map(|entry| entry.unwrap().path());
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        return files.map(|path| (name(&path), fs::read(&path).unwrap())).collect();
    }
    let mut kept = Vec::new();
    for service in ["identity", "session", "persona"] {
        for (table, rows) in database::dump(&world.tables(service)).await {
            kept.push((format!("{service}.{table}"), rows));
        }
    }
    kept
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_shows_what_keys_there_are_and_nothing_that_opens_them() {
    let world = World::with_socket().await;
    let mara = world.create_signed_in("mara").await;
    let secrets = ["sk-canary-4711-acme", "sk-canary-4711-beta"];
    add(&mara, "acme", secrets[0]).await;
    add(&mara, "beta", secrets[1]).await;
    add_system(&world, "acme", "sk-canary-4711-everybodys").await;
    resolve(&world, &mara.user_id, "acme").await.unwrap();

    let (records, manifest) = oversight::export(&world, &mara.user_id).await;
    let keys: Vec<ApiKey> = oversight::decoded(&records, "identity", "api_keys");
    let shown: Vec<_> =
        keys.iter().map(|it| (&*it.provider, &*it.name, &*it.mask, it.use_count)).collect();
    assert_eq!(shown, [("acme", "Mine", "...acme", 1), ("beta", "Mine", "...beta", 0)]);
    let counted = manifest.kinds.iter().find(|it| it.kind == "api_keys").unwrap();
    assert_eq!((&*counted.participant, counted.count), ("identity", 2));

    // The whole stream, as bytes: a field that is not in the contract is there, too.
    let mut stream = manifest.encode_to_vec();
    stream.extend(records.iter().flat_map(Message::encode_to_vec));
    let holds = |needle: &[u8]| stream.windows(needle.len()).any(|part| part == needle);
    assert!(holds(b"...acme"));
    assert!(!holds(b"canary"));
    let identity = world.tables("identity");
    let ciphertexts = "select ciphertext from api_key";
    let stored: Vec<Vec<u8>> = database::column_of(&identity, ciphertexts).await;
    assert_eq!(stored.len(), 3);
    for ciphertext in stored {
        // A part of it would be too much already, and is not there by chance.
        assert!(ciphertext.len() > 16);
        assert!(!ciphertext.windows(8).any(holds));
    }
}
