//! What every contract must have, read from the descriptors.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{
    DescriptorPool, DynamicMessage, FileDescriptor, MethodDescriptor, ReflectMessage, Value,
};
use roster_proto::FILE_DESCRIPTOR_SET;

fn pool() -> DescriptorPool {
    DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap()
}

fn roster_files(pool: &DescriptorPool) -> Vec<FileDescriptor> {
    pool.files().filter(|file| file.package_name().starts_with("roster.")).collect()
}

fn methods(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    let services = pool.services().filter(|it| it.full_name().starts_with("roster."));
    let methods: Vec<_> = services.flat_map(|it| it.methods().collect::<Vec<_>>()).collect();
    assert!(methods.len() > 40, "the contracts have more than {} methods", methods.len());
    methods
}

fn option(method: &MethodDescriptor, name: &str) -> Option<DynamicMessage> {
    let pool = method.parent_pool();
    let extension = pool.get_extension_by_name(name).unwrap();
    let options = method.options();
    options.has_extension(&extension).then(|| {
        let Value::Message(message) = options.get_extension(&extension).into_owned() else {
            panic!("{name} is a message");
        };
        message
    })
}

fn level(method: &MethodDescriptor) -> i32 {
    let access = option(method, "roster.access.v1.access");
    let access = access.unwrap_or_else(|| panic!("{} has no access option", method.full_name()));
    access.get_field_by_name("level").unwrap().as_enum_number().unwrap()
}

const ADMIN: i32 = 3;
const INTERNAL: i32 = 4;

/// The value of `idempotency_level`.
const NO_SIDE_EFFECTS: i32 = 1;

#[test]
fn every_method_has_an_access_level() {
    for method in methods(&pool()) {
        let level = level(&method);
        assert!((1..=INTERNAL).contains(&level), "{}: level {level}", method.full_name());
    }
}

#[test]
fn every_method_but_internal_ones_has_a_binding_of_its_own() {
    let mut bindings = BTreeMap::new();
    for method in methods(&pool()) {
        let rule = option(&method, "google.api.http");
        if level(&method) == INTERNAL {
            assert!(rule.is_none(), "{} is internal and has a binding", method.full_name());
            continue;
        }
        let rule = rule.unwrap_or_else(|| panic!("{} has no binding", method.full_name()));
        for binding in std::iter::once(rule.clone()).chain(additional(&rule)) {
            let verb_and_path = verb_and_path(&binding);
            let path = verb_and_path.1.clone();
            assert!(path.starts_with("/api/"), "{}: {path}", method.full_name());
            let taken = bindings.insert(verb_and_path, method.full_name().to_owned());
            assert_eq!(taken, None, "{} shares {path}", method.full_name());
            for variable in variables(&path) {
                let input = method.input();
                assert!(input.get_field_by_name(&variable).is_some(), "{path}: {variable}");
            }
        }
    }
}

fn additional(rule: &DynamicMessage) -> Vec<DynamicMessage> {
    let list = rule.get_field_by_name("additional_bindings").unwrap();
    list.as_list().unwrap().iter().map(|it| it.as_message().unwrap().clone()).collect()
}

fn verb_and_path(rule: &DynamicMessage) -> (String, String) {
    ["get", "put", "post", "delete", "patch"]
        .into_iter()
        .find(|verb| rule.has_field_by_name(verb))
        .map(|verb| {
            let path = rule.get_field_by_name(verb).unwrap();
            (verb.to_owned(), path.as_str().unwrap().to_owned())
        })
        .unwrap()
}

fn variables(path: &str) -> Vec<String> {
    let parts = path.split('{').skip(1).filter_map(|part| part.split('}').next());
    parts.map(str::to_owned).collect()
}

/// Methods that change nothing say so: that is what read-only tokens may call.
#[test]
fn methods_without_side_effects_are_those_that_read() {
    let reading = ["Get", "List", "BatchGet", "Plan", "Watch", "Export", "Count", "Sum"];
    for method in methods(&pool()) {
        let options = method.options();
        let effects = options.get_field_by_name("idempotency_level").unwrap();
        let declared = effects.as_enum_number() == Some(NO_SIDE_EFFECTS);
        let reads = match option(&method, "google.api.http") {
            Some(rule) => {
                let rules = std::iter::once(rule.clone()).chain(additional(&rule));
                let verbs: BTreeSet<_> = rules.map(|rule| verb_and_path(&rule).0).collect();
                let gets = verbs.contains("get");
                assert!(!gets || verbs.len() == 1, "{}: {verbs:?}", method.full_name());
                gets
            }
            None => reading.iter().any(|verb| method.name().starts_with(verb)),
        };
        assert_eq!(declared, reads, "{}", method.full_name());
        let named = method.input().get_field_by_name("request_id").is_some();
        assert!(!(declared && named), "{} repeats nothing", method.full_name());
    }
}

/// What a program could keep its access with after it has been taken away.
#[test]
fn what_is_for_people_alone_is_what_makes_and_ends_the_access_of_programs() {
    let mut for_people = Vec::new();
    for method in methods(&pool()) {
        let access = option(&method, "roster.access.v1.access").unwrap();
        if access.get_field_by_name("user_required").unwrap().as_bool().unwrap() {
            assert_eq!(level(&method), ADMIN, "{}: of no use there", method.full_name());
            for_people.push(method.name().to_owned());
        }
    }
    assert_eq!(for_people, ["IssueMachineToken", "RevokeMachineToken"]);
}

#[test]
fn files_with_internal_methods_hold_nothing_else() {
    for file in roster_files(&pool()) {
        let levels: BTreeSet<bool> = file
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .map(|method| level(&method) == INTERNAL)
            .collect();
        assert!(levels.len() < 2, "{} mixes internal and public methods", file.name());
    }
}

#[test]
fn everything_has_a_comment() {
    let mut bare = Vec::new();
    for file in roster_files(&pool()) {
        let proto = file.file_descriptor_proto();
        let info = proto.source_code_info.as_ref().unwrap();
        let commented: BTreeSet<Vec<i32>> = info
            .location
            .iter()
            .filter(|location| !location.leading_comments().trim().is_empty())
            .map(|location| location.path.clone())
            .collect();
        for (path, name) in elements(proto) {
            if !commented.contains(&path) {
                bare.push(format!("{}: {name}", file.name()));
            }
        }
    }
    assert!(bare.is_empty(), "without a comment:\n{}", bare.join("\n"));
}

/// The source paths and names of all that a file declares (descriptor.proto
/// gives the numbers: 4 messages, 5 enums, 6 services, and 2 their members).
fn elements(file: &prost_types::FileDescriptorProto) -> Vec<(Vec<i32>, String)> {
    let index = |index: usize| i32::try_from(index).unwrap();
    let mut all = Vec::new();
    for (m, message) in file.message_type.iter().enumerate() {
        all.push((vec![4, index(m)], message.name().to_owned()));
        for (f, field) in message.field.iter().enumerate() {
            let name = format!("{}.{}", message.name(), field.name());
            all.push((vec![4, index(m), 2, index(f)], name));
        }
    }
    for (e, each) in file.enum_type.iter().enumerate() {
        all.push((vec![5, index(e)], each.name().to_owned()));
        for (v, value) in each.value.iter().enumerate() {
            all.push((vec![5, index(e), 2, index(v)], value.name().to_owned()));
        }
    }
    for (s, service) in file.service.iter().enumerate() {
        all.push((vec![6, index(s)], service.name().to_owned()));
        for (m, method) in service.method.iter().enumerate() {
            let name = format!("{}.{}", service.name(), method.name());
            all.push((vec![6, index(s), 2, index(m)], name));
        }
    }
    all
}

/// A message with its secrets set to something that shows.
macro_rules! shown {
    ($($package:ident::$message:ident { $($secret:ident),+ }),+ $(,)?) => {
        vec![$({
            let mut message = $package::$message::default();
            $("canary".clone_into(&mut message.$secret);)+
            (<$package::$message as prost::Name>::full_name(), format!("{message:?} {message:#?}"))
        }),+]
    };
}

#[test]
fn no_message_shows_its_secrets() {
    use roster_proto::{identity::v1 as identity, session::v1 as session};
    let shown = shown![
        identity::ChangePasswordRequest { current_password, new_password },
        identity::CreateApiKeyRequest { secret },
        identity::SystemApiKeyServiceCreateApiKeyRequest { secret },
        identity::CreateUserRequest { password },
        identity::IssueMachineTokenResponse { token },
        identity::RegisterRequest { password },
        identity::ResolveApiKeyResponse { secret },
        identity::UpdateApiKeyRequest { secret },
        identity::SystemApiKeyServiceUpdateApiKeyRequest { secret },
        identity::UpdateUserRequest { password },
        identity::VerifyPasswordRequest { password },
        identity::AuthenticateMachineTokenRequest { token },
        session::AuthenticateRequest { token },
        session::LoginRequest { password },
        session::LoginResponse { token },
    ];
    for (name, text) in &shown {
        assert!(text.contains("[redacted]") && !text.contains("canary"), "{name}: {text}");
    }
    let is_secret = |field: prost_reflect::FieldDescriptor| {
        let last = field.name().rsplit('_').next().unwrap().to_owned();
        let is_text = field.kind() == prost_reflect::Kind::String;
        is_text && (["password", "secret"].contains(&last.as_str()) || field.name() == "token")
    };
    let pool = pool();
    let secretive = pool.all_messages().filter(|it| it.full_name().starts_with("roster."));
    let mut secretive: Vec<_> = secretive
        .filter(|message| message.fields().any(is_secret))
        .map(|message| message.full_name().to_owned())
        .collect();
    secretive.sort();
    let mut tried: Vec<_> = shown.into_iter().map(|(name, _)| name).collect();
    tried.sort();
    assert_eq!(tried, secretive);
}

#[test]
fn mutations_of_people_can_be_repeated_safely() {
    let reading = ["Get", "List", "BatchGet", "Plan", "Watch", "Export", "Count"];
    for method in methods(&pool()) {
        let reads = reading.iter().any(|verb| method.name().starts_with(verb));
        // A token is shown once and kept nowhere, so it cannot be given again;
        // signing out twice is signing out.
        let token = ["Login", "Logout", "IssueMachineToken"].contains(&method.name());
        if reads || token || level(&method) == INTERNAL {
            continue;
        }
        let named = method.input().get_field_by_name("request_id").is_some();
        assert!(named, "{} takes no request_id", method.full_name());
    }
}

#[test]
fn requests_and_responses_belong_to_one_method() {
    let mut users = BTreeMap::new();
    for method in methods(&pool()) {
        for message in [method.input(), method.output()] {
            let before =
                users.insert(message.full_name().to_owned(), method.full_name().to_owned());
            assert_eq!(before, None, "{} is shared", message.full_name());
        }
    }
    let message = DynamicMessage::new(methods(&pool())[0].input());
    assert!(users.contains_key(message.descriptor().full_name()));
}
