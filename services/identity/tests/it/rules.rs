//! Every `buf.validate` rule of an implemented method, violated.

use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage, Value};
use roster_kernel::Caller;
use roster_proto::identity::v1::{
    AuthenticateMachineTokenRequest, BatchGetUsersRequest, ChangePasswordRequest,
    DeleteApiKeyRequest, DeleteUserRequest, DisableUserRequest, EnableUserRequest,
    ExportUserDataRequest, GetDeletionRequest, GetProfileRequest, GetSettingsRequest,
    GetStatisticsRequest, GetUserRequest, ListApiKeysRequest, ListDeletionsRequest,
    ListMachineTokensRequest, ListSubjectStatesRequest, ListUsersRequest, MachineTokenScope,
    PlanUserDeletionRequest, RegisterRequest, ResolveApiKeyRequest, RetryDeletionRequest,
    RevokeMachineTokenRequest, SystemApiKeyServiceDeleteApiKeyRequest,
    SystemApiKeyServiceListApiKeysRequest, SystemApiKeyServiceUpdateApiKeyRequest,
    UpdateApiKeyRequest, UpdateProfileRequest, UpdateUserRequest, VerifyPasswordRequest,
    WatchDeletionRequest,
};

use crate::{
    api_keys, machine_tokens, system_api_keys,
    unimplemented::{full_name, methods},
    world::{PASSWORD, World, anonymous, dynamic, fields, new_user, peer, pool, says},
};

/// A rule, and a message that violates it and nothing else.
struct Violation {
    /// The name that the refusal must give the field.
    field: String,
    rule: String,
    request: DynamicMessage,
}

/// All violations of the rules of a valid request.
fn violations(request: &DynamicMessage) -> Vec<Violation> {
    let mut found = Vec::new();
    for field in request.descriptor().fields() {
        for (rule, value, index) in rules(&field) {
            let mut request = request.clone();
            request.set_field(&field, value);
            found.push(Violation { field: format!("{}{index}", field.name()), rule, request });
        }
    }
    found
}

/// For each rule of a field: its name, a value that violates it, and what the
/// refusal appends to the field's name.
fn rules(field: &FieldDescriptor) -> Vec<(String, Value, &'static str)> {
    let option = pool().get_extension_by_name("buf.validate.field").unwrap();
    let options = field.options();
    if !options.has_extension(&option) {
        return Vec::new();
    }
    let rules = options.get_extension(&option).as_message().unwrap().clone();
    let mut found = Vec::new();
    for (kind, rule) in rules.fields() {
        if kind.name() == "required" {
            found.push(("required".to_owned(), Value::default_value_for_field(field), ""));
            continue;
        }
        for (of_kind, bound) in rule.as_message().unwrap().fields() {
            let name = format!("{}.{}", kind.name(), of_kind.name());
            let values = violating(&name, bound, field);
            found.extend(values.into_iter().map(|(value, index)| (name.clone(), value, index)));
        }
    }
    found
}

fn violating(rule: &str, bound: &Value, field: &FieldDescriptor) -> Vec<(Value, &'static str)> {
    let text = |text: String| (Value::String(text), "");
    let id = || Value::String("01890a5d-ac96-774b-bcce-b302099a8057".to_owned());
    let size = || usize::try_from(bound.as_u64().unwrap()).unwrap();
    match rule {
        "string.min_len" => vec![text("ä".repeat(size() - 1))],
        "string.max_len" => vec![text("ä".repeat(size() + 1))],
        "string.max_bytes" if field.name() == "email" => {
            vec![text(format!("{}@b", "a".repeat(size() - 1)))]
        }
        "string.max_bytes" => vec![text("a".repeat(size() + 1)), text("ä".repeat(size() / 2 + 1))],
        "string.uuid" => {
            ["", "x", "01890A5D-AC96-774B-BCCE-B302099A8057", "01890a5dac96774bbcceb302099a8057"]
                .map(|id| text(id.to_owned()))
                .to_vec()
        }
        "string.pattern" => {
            let odd: &[&str] = match field.name() {
                "provider" => &["", "ACME", "a b", "a.b", "ä", "acme\n"],
                "request_id" | "user_id" => &["x", "01890A5D-AC96-774B-BCCE-B302099A8057", " "],
                "email" => &["x", "a b@c", "@b", "a@", "a@b@c"],
                "start_day" | "end_day" => &["x", "2026-1-31", "2026-02-30"],
                "order_by" => &["x", "username asc", "username desc,create_time", " "],
                other => panic!("a pattern that this test does not know: {other}"),
            };
            odd.iter().map(|odd| text((*odd).to_owned())).collect()
        }
        "int32.gte" => {
            vec![(Value::I32(bound.as_i32().unwrap() - 1), ""), (Value::I32(i32::MIN), "")]
        }
        "int32.lte" => {
            vec![(Value::I32(bound.as_i32().unwrap() + 1), ""), (Value::I32(i32::MAX), "")]
        }
        "int64.gte" => {
            vec![(Value::I64(bound.as_i64().unwrap() - 1), ""), (Value::I64(i64::MIN), "")]
        }
        "enum.defined_only" => vec![(Value::EnumNumber(4), ""), (Value::EnumNumber(-1), "")],
        "repeated.min_items" => vec![(Value::List(vec![id(); size() - 1]), "")],
        "repeated.max_items" => vec![(Value::List(vec![id(); size() + 1]), "")],
        "repeated.items" => {
            vec![(Value::List(vec![id(), Value::String("x".to_owned())]), "[1]")]
        }
        other => panic!("no value that violates {other}"),
    }
}

/// Each implemented method with a caller and a valid request.
async fn fixtures(world: &World) -> Vec<(String, Caller, DynamicMessage)> {
    let user = world.create("alice").await;
    let doomed = world.create("mallory").await;
    let id = user.user_id.clone();
    let delete = DeleteUserRequest { user_id: doomed.user_id, ..Default::default() };
    let deletion = world.admin().delete_user(says(&world.root, delete.clone())).await.unwrap();
    let deletion_id = deletion.into_inner().deletion.unwrap().deletion_id;
    let own = world.caller_of(&id, false);
    let register = RegisterRequest {
        username: "carol".to_owned(),
        display_name: "Carol".to_owned(),
        password: PASSWORD.to_owned(),
        ..Default::default()
    };
    let change = ChangePasswordRequest {
        current_password: PASSWORD.to_owned(),
        new_password: PASSWORD.to_owned(),
        ..Default::default()
    };
    let verify =
        VerifyPasswordRequest { username: "root".to_owned(), password: PASSWORD.to_owned() };
    let admin = |method: &str, request| {
        let method = format!("roster.identity.v1.UserAdminService/{method}");
        (method, world.root.clone(), request)
    };
    let account = |method: &str, caller: &Caller, request| {
        (format!("roster.identity.v1.AccountService/{method}"), caller.clone(), request)
    };
    let internal =
        |method: &str, request| (format!("roster.identity.v1.{method}"), peer(), request);
    let user_id = || id.clone();
    let update = UpdateUserRequest { user_id: user_id(), ..Default::default() };
    let disable = DisableUserRequest { user_id: user_id(), ..Default::default() };
    let enable = EnableUserRequest { user_id: user_id(), ..Default::default() };
    let mut all = vec![
        admin("CreateUser", dynamic(&new_user("bob"))),
        admin("GetUser", dynamic(&GetUserRequest { user_id: user_id() })),
        admin("BatchGetUsers", dynamic(&BatchGetUsersRequest { user_ids: vec![user_id()] })),
        admin("ListUsers", dynamic(&ListUsersRequest::default())),
        admin("UpdateUser", dynamic(&update)),
        admin("DisableUser", dynamic(&disable)),
        admin("EnableUser", dynamic(&enable)),
        admin("DeleteUser", dynamic(&delete)),
        account("Register", &anonymous(), dynamic(&register)),
        account("GetProfile", &own, dynamic(&GetProfileRequest {})),
        account("UpdateProfile", &own, dynamic(&UpdateProfileRequest::default())),
        account("ChangePassword", &own, dynamic(&change)),
        account("GetSettings", &anonymous(), dynamic(&GetSettingsRequest {})),
        internal("CredentialService/VerifyPassword", dynamic(&verify)),
        internal(
            "SubjectLedgerService/ListSubjectStates",
            dynamic(&ListSubjectStatesRequest::default()),
        ),
    ];
    all.extend(oversight(&id, &deletion_id).map(|(method, request)| admin(method, request)));
    all
}

/// What administrators look at, about a user and a deletion.
fn oversight(user_id: &str, deletion_id: &str) -> [(&'static str, DynamicMessage); 7] {
    let (user_id, deletion_id) = (|| user_id.to_owned(), || deletion_id.to_owned());
    let retry = RetryDeletionRequest { deletion_id: deletion_id(), ..Default::default() };
    [
        ("PlanUserDeletion", dynamic(&PlanUserDeletionRequest { user_id: user_id() })),
        ("GetDeletion", dynamic(&GetDeletionRequest { deletion_id: deletion_id() })),
        ("ListDeletions", dynamic(&ListDeletionsRequest::default())),
        ("RetryDeletion", dynamic(&retry)),
        ("WatchDeletion", dynamic(&WatchDeletionRequest { deletion_id: deletion_id() })),
        ("ExportUserData", dynamic(&ExportUserDataRequest { user_id: user_id() })),
        ("GetStatistics", dynamic(&GetStatisticsRequest::default())),
    ]
}

/// The same for the methods about API keys.
async fn key_fixtures(world: &World) -> Vec<(String, Caller, DynamicMessage)> {
    let user_id = world.create("keeper").await.user_id;
    let own = world.caller_of(&user_id, false);
    let key = api_keys::create(world, &own, api_keys::new_key("acme")).await.unwrap();
    let system = system_api_keys::create(world, &world.root, system_api_keys::new_key("acme"));
    let [key, system] = [key, system.await.unwrap()].map(|key| key.api_key_id);
    let keys = |method: &str, request| {
        (format!("roster.identity.v1.ApiKeyService/{method}"), own.clone(), request)
    };
    let system_keys = |method: &str, request| {
        let method = format!("roster.identity.v1.SystemApiKeyService/{method}");
        (method, world.root.clone(), request)
    };
    let resolve = ResolveApiKeyRequest { user_id, provider: "acme".to_owned() };
    let resolve = (
        "roster.identity.v1.CredentialService/ResolveApiKey".to_owned(),
        peer(),
        dynamic(&resolve),
    );
    let update = UpdateApiKeyRequest { api_key_id: key.clone(), ..Default::default() };
    let delete = DeleteApiKeyRequest { api_key_id: key, ..Default::default() };
    let update_system =
        SystemApiKeyServiceUpdateApiKeyRequest { api_key_id: system.clone(), ..Default::default() };
    let delete_system =
        SystemApiKeyServiceDeleteApiKeyRequest { api_key_id: system, ..Default::default() };
    vec![
        resolve,
        keys("ListApiKeys", dynamic(&ListApiKeysRequest::default())),
        keys("CreateApiKey", dynamic(&api_keys::new_key("beta"))),
        keys("UpdateApiKey", dynamic(&update)),
        keys("DeleteApiKey", dynamic(&delete)),
        system_keys("ListApiKeys", dynamic(&SystemApiKeyServiceListApiKeysRequest::default())),
        system_keys("CreateApiKey", dynamic(&system_api_keys::new_key("beta"))),
        system_keys("UpdateApiKey", dynamic(&update_system)),
        system_keys("DeleteApiKey", dynamic(&delete_system)),
    ]
}

/// The same for the methods about machine tokens.
async fn token_fixtures(world: &World) -> Vec<(String, Caller, DynamicMessage)> {
    let issued = machine_tokens::issue(world, &world.root, MachineTokenScope::Admin).await;
    let machine_token_id = issued.machine_token.unwrap().machine_token_id;
    let revoke = RevokeMachineTokenRequest { machine_token_id, ..Default::default() };
    let authenticate = AuthenticateMachineTokenRequest { token: issued.token };
    let tokens = |method: &str, request| {
        let method = format!("roster.identity.v1.MachineTokenService/{method}");
        (method, world.root.clone(), request)
    };
    let of_edge = "roster.identity.v1.MachineAuthenticationService/AuthenticateMachineToken";
    vec![
        (of_edge.to_owned(), peer(), dynamic(&authenticate)),
        tokens("IssueMachineToken", dynamic(&machine_tokens::wanted(MachineTokenScope::ReadOnly))),
        tokens("ListMachineTokens", dynamic(&ListMachineTokensRequest::default())),
        tokens("RevokeMachineToken", dynamic(&revoke)),
    ]
}

#[tokio::test]
async fn every_violated_rule_is_refused_and_names_its_field() {
    let world = World::new().await;
    let mut fixtures = fixtures(&world).await;
    fixtures.extend(key_fixtures(&world).await);
    fixtures.extend(token_fixtures(&world).await);
    let mut known: Vec<_> = fixtures.iter().map(|(method, ..)| method.clone()).collect();
    let mut all: Vec<_> = methods().iter().map(full_name).collect();
    known.sort_unstable();
    all.sort_unstable();
    assert_eq!(known, all, "a method without a fixture");

    let mut sent = 0;
    for (method, caller, request) in fixtures {
        let path = format!("/{method}");
        for Violation { field, rule, request } in violations(&request) {
            let answer = world.call(&caller, &path, request).await;
            assert!(answer.is_err(), "{method}: {field} {rule}");
            assert_eq!(fields(answer).join(" "), field, "{method}: {rule}");
            sent += 1;
        }
        // Nothing but the rule was wrong: the request itself is fine.
        world.call(&caller, &path, request).await.unwrap();
    }
    assert_eq!(sent, 273, "a new rule brings new violations");
}
