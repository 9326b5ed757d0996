//! API keys. Those of the installation are asked for with messages of the
//! same fields, which are read as if they were about one's own.

use roster_db::replay::Repetition;
use roster_kernel::{ApiKeyId, UserId};
use roster_proto::{identity::v1 as pb, time};
use roster_server::{Refusal, Violations};
use secrecy::ExposeSecret as _;

use super::{etag, page};
use crate::{
    domain::{ApiKey, ApiKeyChanges, ApiSecret, KeyName, Owner, PageRequest, Provider},
    op::{
        create_api_key::CreateApiKey, delete_api_key::DeleteApiKey, list_api_keys::ApiKeyPage,
        resolve_api_key::Resolved, update_api_key::UpdateApiKey,
    },
};

/// What a mask may name.
const MASKABLE: [&str; 2] = ["name", "active"];

/// The most characters of a provider that is looked for.
const MOST_PROVIDER_CHARACTERS: usize = 50;

/// A key as its owner sees it.
pub fn api_key(key: ApiKey) -> pb::ApiKey {
    pb::ApiKey {
        api_key_id: key.id.to_string(),
        provider: key.provider.as_str().to_owned(),
        name: key.name.as_str().to_owned(),
        mask: key.mask,
        active: key.active,
        use_count: key.use_count,
        last_use_time: key.last_used_at.map(time::to_proto),
        create_time: Some(time::to_proto(key.created_at)),
        update_time: Some(time::to_proto(key.updated_at)),
        etag: key.etag.to_string(),
    }
}

/// A page of keys.
pub fn api_keys(page: ApiKeyPage) -> (Vec<pb::ApiKey>, String) {
    (page.keys.into_iter().map(api_key).collect(), page.next_page_token)
}

/// Reads which page of keys is asked for.
pub fn list_api_keys(size: i32, token: &str) -> Result<PageRequest, Refusal> {
    let mut violations = Violations::new();
    let page = page(&mut violations, size, token);
    violations.finish()?;
    Ok(page)
}

/// Reads what key is to be added.
pub fn create_api_key(
    owner: Owner,
    request: pb::CreateApiKeyRequest,
    repetition: &Repetition<'_>,
) -> Result<CreateApiKey, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, &request);
    let provider = violations.field("provider", Provider::parse(&request.provider));
    let name = violations.field("name", KeyName::parse(&request.name));
    let secret = violations.field("secret", ApiSecret::accept(request.secret));
    let (Some(provider), Some(name), Some(secret)) = (provider, name, secret) else {
        return Err(violations.into_refusal());
    };
    violations.finish()?;
    Ok(CreateApiKey { owner, provider, name, secret, active: !request.inactive, replay })
}

/// Reads what is to change of a key.
pub fn update_api_key(
    owner: Owner,
    request: pb::UpdateApiKeyRequest,
    repetition: &Repetition<'_>,
) -> Result<UpdateApiKey, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, &request);
    let id = violations.field("api_key_id", ApiKeyId::parse(&request.api_key_id));
    let etag = etag(&mut violations, &request.etag);
    let name = request.name.as_deref();
    let given = ApiKeyChanges {
        name: name.and_then(|name| violations.field("name", KeyName::parse(name))),
        active: request.active,
        // Empty keeps it.
        secret: (!request.secret.is_empty())
            .then(|| violations.field("secret", ApiSecret::accept(request.secret)))
            .flatten(),
    };
    let paths = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
    let changes = masked(&mut violations, given, name.is_some(), &paths);
    let Some(id) = id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(UpdateApiKey { owner, id, changes, etag, replay })
}

/// What a mask selects of the values that are given; a field that it names
/// and that is not given is cleared. A mask that names nothing is one that was
/// not given. The secret is no field of a key.
fn masked(
    violations: &mut Violations,
    given: ApiKeyChanges,
    has_name: bool,
    paths: &[String],
) -> ApiKeyChanges {
    if paths.is_empty() {
        return given;
    }
    let names = |field: &str| paths.iter().any(|path| path == field);
    if !paths.iter().all(|path| MASKABLE.contains(&path.as_str())) {
        let what = format!("may name {}, and nothing else", MASKABLE.join(", "));
        violations.add("update_mask", what);
    }
    if names("name") && !has_name {
        violations.add("name", "must be set: it cannot be cleared");
    }
    ApiKeyChanges {
        name: given.name.filter(|_| names("name")),
        active: names("active").then(|| given.active.unwrap_or_default()),
        secret: given.secret,
    }
}

/// Reads which key is to be deleted.
pub fn delete_api_key(
    owner: Owner,
    request: &pb::DeleteApiKeyRequest,
    repetition: &Repetition<'_>,
) -> Result<DeleteApiKey, Refusal> {
    let mut violations = Violations::new();
    let replay = repetition.key(&mut violations, &request.request_id, request);
    let id = violations.field("api_key_id", ApiKeyId::parse(&request.api_key_id));
    let etag = etag(&mut violations, &request.etag);
    let Some(id) = id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok(DeleteApiKey { owner, id, etag, replay })
}

/// Reads whom a key is wanted for, and for which provider: none, where no key
/// can be for it.
pub fn resolve_api_key(
    request: &pb::ResolveApiKeyRequest,
) -> Result<(UserId, Option<Provider>), Refusal> {
    let mut violations = Violations::new();
    let user_id = violations.field("user_id", UserId::parse(&request.user_id));
    if !(1..=MOST_PROVIDER_CHARACTERS).contains(&request.provider.chars().count()) {
        violations.add("provider", "must have 1 to 50 characters");
    }
    let Some(user_id) = user_id else { return Err(violations.into_refusal()) };
    violations.finish()?;
    Ok((user_id, Provider::parse(&request.provider).ok()))
}

/// The key to use.
pub fn resolved(resolved: &Resolved) -> pb::ResolveApiKeyResponse {
    let source = match resolved.owner {
        Owner::User(_) => pb::ApiKeySource::User,
        Owner::System => pb::ApiKeySource::System,
    };
    pb::ResolveApiKeyResponse {
        api_key_id: resolved.id.to_string(),
        secret: resolved.secret.expose_secret().to_owned(),
        source: source.into(),
    }
}

/// A request about a key of the installation, as one about one's own.
pub fn create_system(
    request: pb::SystemApiKeyServiceCreateApiKeyRequest,
) -> pb::CreateApiKeyRequest {
    let pb::SystemApiKeyServiceCreateApiKeyRequest { provider, name, secret, inactive, request_id } =
        request;
    pb::CreateApiKeyRequest { provider, name, secret, inactive, request_id }
}

/// A request about a key of the installation, as one about one's own.
pub fn update_system(
    request: pb::SystemApiKeyServiceUpdateApiKeyRequest,
) -> pb::UpdateApiKeyRequest {
    let pb::SystemApiKeyServiceUpdateApiKeyRequest {
        api_key_id,
        name,
        active,
        secret,
        update_mask,
        etag,
        request_id,
    } = request;
    pb::UpdateApiKeyRequest { api_key_id, name, active, secret, update_mask, etag, request_id }
}

/// A request about a key of the installation, as one about one's own.
pub fn delete_system(
    request: pb::SystemApiKeyServiceDeleteApiKeyRequest,
) -> pb::DeleteApiKeyRequest {
    let pb::SystemApiKeyServiceDeleteApiKeyRequest { api_key_id, etag, request_id } = request;
    pb::DeleteApiKeyRequest { api_key_id, etag, request_id }
}
