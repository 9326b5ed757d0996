//! The contracts as the tests read them: from the descriptors, without the
//! code that enforces them.

use std::{collections::BTreeSet, sync::LazyLock};

use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, MessageDescriptor, MethodDescriptor, Value,
};

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(roster_proto::FILE_DESCRIPTOR_SET).unwrap());

/// Who a method is open to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Public,
    User,
    Admin,
    Internal,
}

pub fn pool() -> &'static DescriptorPool {
    &POOL
}

/// Every method of the contracts.
pub fn methods() -> Vec<MethodDescriptor> {
    let ours = pool().services().filter(|service| service.full_name().starts_with("roster."));
    ours.flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// Every method that there is for outsiders.
pub fn public_methods() -> Vec<MethodDescriptor> {
    methods().into_iter().filter(|method| level(method) != Level::Internal).collect()
}

/// Every method that outsiders can use today.
pub fn implemented_methods() -> Vec<MethodDescriptor> {
    let later = unimplemented();
    public_methods().into_iter().filter(|method| !later.contains(&name(method))).collect()
}

pub fn internal_methods() -> Vec<MethodDescriptor> {
    methods().into_iter().filter(|method| level(method) == Level::Internal).collect()
}

/// `roster.identity.v1.UserAdminService/GetUser`.
pub fn name(method: &MethodDescriptor) -> String {
    format!("{}/{}", method.parent_service().full_name(), method.name())
}

/// The name as the path of a call.
pub fn path(method: &MethodDescriptor) -> String {
    format!("/{}", name(method))
}

fn access(method: &MethodDescriptor) -> DynamicMessage {
    let option = pool().get_extension_by_name("roster.access.v1.access").unwrap();
    let options = method.options();
    assert!(options.has_extension(&option), "{} has no access option", name(method));
    let Value::Message(access) = options.get_extension(&option).into_owned() else {
        panic!("the access option is a message");
    };
    access
}

pub fn level(method: &MethodDescriptor) -> Level {
    let access = access(method);
    match access.get_field_by_name("level").unwrap().as_enum_number().unwrap() {
        1 => Level::Public,
        2 => Level::User,
        3 => Level::Admin,
        4 => Level::Internal,
        other => panic!("{}: level {other}", name(method)),
    }
}

/// Whether it can be called while the caller's password must be changed.
pub fn while_password_change_required(method: &MethodDescriptor) -> bool {
    let access = access(method);
    access.get_field_by_name("while_password_change_required").unwrap().as_bool().unwrap()
}

/// Whether an ADMIN method is for signed-in users alone.
pub fn user_required(method: &MethodDescriptor) -> bool {
    access(method).get_field_by_name("user_required").unwrap().as_bool().unwrap()
}

/// Whether it changes nothing.
pub fn has_no_side_effects(method: &MethodDescriptor) -> bool {
    let options = method.options();
    options.get_field_by_name("idempotency_level").unwrap().as_enum_number() == Some(1)
}

/// The methods that ARCHITECTURE.md says are still to come.
pub fn unimplemented() -> BTreeSet<String> {
    let text = include_str!("../../../../../ARCHITECTURE.md");
    let (_, rest) = text.split_once("<!-- unimplemented:begin -->").unwrap();
    let (list, _) = rest.split_once("<!-- unimplemented:end -->").unwrap();
    let lines = list.lines().filter(|line| !line.trim().is_empty());
    let named = |line: &str| {
        let name = line.strip_prefix("- `").and_then(|rest| rest.strip_suffix('`'));
        name.unwrap_or_else(|| panic!("not an entry of the list: {line:?}")).to_owned()
    };
    lines.map(named).collect()
}

/// The rules of a field, as `(kind.rule, bound)`; a rule about the presence
/// of the field is just `required`.
pub fn rules(field: &FieldDescriptor) -> Vec<(String, Value)> {
    let option = pool().get_extension_by_name("buf.validate.field").unwrap();
    let options = field.options();
    if !options.has_extension(&option) {
        return Vec::new();
    }
    let Value::Message(rules) = options.get_extension(&option).into_owned() else {
        panic!("rules are a message");
    };
    let of_kind = |(kind, value): (FieldDescriptor, &Value)| match value.as_message() {
        Some(of_kind) => of_kind
            .fields()
            .map(|(rule, bound)| (format!("{}.{}", kind.name(), rule.name()), bound.clone()))
            .collect(),
        None => vec![(kind.name().to_owned(), value.clone())],
    };
    rules.fields().flat_map(of_kind).collect()
}

/// Whether a message type is one of Roster's.
pub fn is_ours(message: &MessageDescriptor) -> bool {
    message.full_name().starts_with("roster.")
}

/// A message of a type from its JSON.
pub fn message(descriptor: MessageDescriptor, json: &serde_json::Value) -> DynamicMessage {
    let name = descriptor.full_name().to_owned();
    DynamicMessage::deserialize(descriptor, json)
        .unwrap_or_else(|error| panic!("{name}: {error}: {json}"))
}
