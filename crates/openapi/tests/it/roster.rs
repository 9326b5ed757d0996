//! Roster's own contract.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use roster_openapi::Api;
use serde_json::Value as Json;

use crate::shop::ABOUT;

fn pool() -> DescriptorPool {
    DescriptorPool::decode(roster_proto::FILE_DESCRIPTOR_SET).unwrap()
}

fn document() -> Json {
    Api::read(&pool(), ABOUT).unwrap().document()
}

/// An option of a method that is a message, if it has it.
fn option(method: &MethodDescriptor, name: &str) -> Option<DynamicMessage> {
    let option = method.parent_pool().get_extension_by_name(name).unwrap();
    let options = method.options();
    let has = options.has_extension(&option);
    has.then(|| options.get_extension(&option).as_message().unwrap().clone())
}

/// How many requests mean a method that outsiders may call, as its rule says.
fn bindings(method: &MethodDescriptor) -> usize {
    let level = option(method, "roster.access.v1.access").unwrap();
    let internal = 4;
    if level.get_field_by_name("level").unwrap().as_enum_number() == Some(internal) {
        return 0;
    }
    let Some(rule) = option(method, "google.api.http") else { return 0 };
    1 + rule.get_field_by_name("additional_bindings").unwrap().as_list().unwrap().len()
}

#[test]
fn every_rule_is_in_it_once_and_nothing_else() {
    let mut expected = BTreeMap::new();
    let services =
        pool().services().filter(|it| it.full_name().starts_with("roster.")).collect::<Vec<_>>();
    for method in services.iter().flat_map(|it| it.methods().collect::<Vec<_>>()) {
        let name = format!("{}_{}", method.parent_service().name(), method.name());
        for number in 1..=bindings(&method) {
            let id = if number == 1 { name.clone() } else { format!("{name}_{number}") };
            expected.insert(id, 1);
        }
    }
    assert!(expected.len() > 50, "{}", expected.len());
    let mut found = BTreeMap::new();
    for item in document()["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            *found.entry(operation["operationId"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn what_is_for_services_alone_is_not_in_it() {
    let text = document().to_string();
    for name in
        ["SubjectDataService", "VerifyPassword", "ResolveApiKey", "SubjectState", "\"Authenticate"]
    {
        assert!(!text.contains(name), "{name}");
    }
}

#[test]
fn everything_has_a_description() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        assert!(schema["description"].is_string(), "{name}");
        let fields = schema["properties"].as_object().into_iter().flatten();
        for (field, of) in fields.filter(|_| name != "Error") {
            assert!(of["description"].is_string(), "{name}.{field}");
        }
    }
    let operations = document["paths"].as_object().unwrap().values();
    for operation in operations.flat_map(|it| it.as_object().unwrap().values()) {
        let id = &operation["operationId"];
        assert!(operation["summary"].as_str().is_some_and(|it| !it.is_empty()), "{id}");
        let parameters = operation["parameters"].as_array().unwrap();
        assert!(parameters.iter().all(|it| it["description"].is_string()), "{id}");
    }
}

#[test]
fn what_it_refers_to_is_there() {
    fn check(document: &Json, value: &Json) {
        if let Some(reference) = value.get("$ref").and_then(Json::as_str) {
            let found = document.pointer(reference.strip_prefix('#').unwrap());
            assert!(found.is_some(), "{reference}");
        }
        match value {
            Json::Object(fields) => fields.values().for_each(|it| check(document, it)),
            Json::Array(items) => items.iter().for_each(|it| check(document, it)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }
    let document = document();
    check(&document, &document);
}
