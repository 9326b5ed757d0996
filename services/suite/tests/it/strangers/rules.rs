//! Every `buf.validate` rule of every implemented method, violated.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use tonic::Code;
use tonic_types::StatusExt;

use super::{
    cast::{Cast, Who},
    contract::{self, Level},
    fixture::Stage,
    open_world,
    wire::send,
};

const UUID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// What is near a UUID and is none in the form that the contracts have.
const NO_UUIDS: [&str; 6] = [
    "x",
    " ",
    "01890A5D-AC96-774B-BCCE-B302099A8057",
    "01890a5dac96774bbcceb302099a8057",
    "{01890a5d-ac96-774b-bcce-b302099a8057}",
    "01890a5d-ac96-774b-bcce-b302099a805g",
];

/// A step from a message to a part of it.
#[derive(Clone, Debug)]
struct Step {
    field: FieldDescriptor,
    /// Which item, if the field is repeated.
    item: Option<usize>,
}

/// A request in which one rule is violated.
struct Violation {
    /// The name that the refusal must give the field.
    field: String,
    rule: String,
    request: DynamicMessage,
}

fn path_name(path: &[Step], field: &FieldDescriptor) -> String {
    let step = |step: &Step| match step.item {
        Some(item) => format!("{}[{item}].", step.field.name()),
        None => format!("{}.", step.field.name()),
    };
    path.iter().map(step).collect::<String>() + field.name()
}

fn part_mut<'a>(request: &'a mut DynamicMessage, path: &[Step]) -> &'a mut DynamicMessage {
    path.iter().fold(request, |message, step| {
        let value = message.get_field_mut(&step.field);
        let value = match step.item {
            Some(item) => &mut value.as_list_mut().unwrap()[item],
            None => value,
        };
        value.as_message_mut().unwrap()
    })
}

/// All violations of the rules of the part at `path` of a valid request.
fn violations(request: &DynamicMessage, path: &[Step]) -> Vec<Violation> {
    let part = part_mut(&mut request.clone(), path).clone();
    let mut found = Vec::new();
    for field in prost_reflect::ReflectMessage::descriptor(&part).fields() {
        let name = path_name(path, &field);
        for (rule, bound) in contract::rules(&field) {
            for (value, suffix) in violating(&rule, &bound, &field) {
                let mut request = request.clone();
                match value {
                    Some(value) => part_mut(&mut request, path).set_field(&field, value),
                    None => part_mut(&mut request, path).clear_field(&field),
                }
                let field = format!("{name}{suffix}");
                found.push(Violation { field, rule: rule.clone(), request });
            }
        }
        if matches!(field.kind(), Kind::Message(it) if contract::is_ours(&it)) {
            assert!(!field.is_map(), "{name}: walking maps is to be written");
            assert!(part.has_field(&field), "{name} must be set, or its rules go untested");
            let items = part.get_field(&field).as_list().map(<[Value]>::len);
            for item in items.map_or_else(|| vec![None], |all| (0..all).map(Some).collect()) {
                let step = Step { field: field.clone(), item };
                found.extend(violations(request, &[path, &[step]].concat()));
            }
        }
    }
    found
}

type Wrong = (Option<Value>, &'static str);

fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Vec<Wrong> {
    texts.into_iter().map(|text| (Some(Value::String(text.into())), "")).collect()
}

/// Values that violate a rule (`None` for no value), each with what the
/// refusal appends to the field's name.
fn violating(rule: &str, bound: &Value, field: &FieldDescriptor) -> Vec<Wrong> {
    let size = || usize::try_from(bound.as_u64().unwrap()).unwrap();
    let list = |items: Vec<&str>| {
        let items = items.into_iter().map(|item| Value::String(item.to_owned()));
        Some(Value::List(items.collect()))
    };
    let int = |numbers: [Option<i32>; 2]| {
        let valued = |number| (Some(Value::I32(number)), "");
        numbers.into_iter().flatten().map(valued).collect::<Vec<_>>()
    };
    match rule {
        "required" => vec![(None, "")],
        "string.min_len" => texts(["ä".repeat(size() - 1)]),
        "string.max_len" => texts(["ä".repeat(size() + 1), "a".repeat(size() + 1)]),
        // The emails keep their form: one rule is violated, not two.
        "string.max_bytes" if field.name() == "email" => texts([
            format!("{}@b", "a".repeat(size() - 1)),
            format!("{}@b", "ä".repeat(size() / 2)),
        ]),
        "string.max_bytes" => texts(["a".repeat(size() + 1), "ä".repeat(size() / 2 + 1)]),
        "string.uuid" => texts([""].into_iter().chain(NO_UUIDS)),
        "string.pattern" => texts(mismatches(bound.as_str().unwrap(), field)),
        "int32.gte" => int([bound.as_i32().unwrap().checked_sub(1), Some(i32::MIN)]),
        "int32.lte" => int([bound.as_i32().unwrap().checked_add(1), Some(i32::MAX)]),
        "enum.defined_only" => {
            [-1, 99, i32::MAX].map(|number| (Some(Value::EnumNumber(number)), "")).to_vec()
        }
        "int64.gte" => vec![
            (Some(Value::I64(bound.as_i64().unwrap() - 1)), ""),
            (Some(Value::I64(i64::MIN)), ""),
        ],
        "double.gte" => [-f64::MIN_POSITIVE, f64::NEG_INFINITY, f64::NAN]
            .map(|number| (Some(Value::F64(number)), ""))
            .to_vec(),
        "double.lte" => [bound.as_f64().unwrap() + 1e-9, f64::INFINITY]
            .map(|number| (Some(Value::F64(number)), ""))
            .to_vec(),
        "repeated.unique" => vec![(list(vec![UUID, UUID]), "")],
        // As many of what the field holds, if it is no list of texts.
        "repeated.max_items" if matches!(field.kind(), Kind::Message(_)) => {
            let Kind::Message(item) = field.kind() else { unreachable!() };
            let items = vec![Value::Message(DynamicMessage::new(item)); size() + 1];
            vec![(Some(Value::List(items)), "")]
        }
        "repeated.min_items" => vec![(list(vec![UUID; size() - 1]), "")],
        "repeated.max_items" => vec![(list(vec![UUID; size() + 1]), "")],
        "repeated.items" if field.name().ends_with("_type_ids") => {
            let long = "a".repeat(101);
            vec![(list(vec![UUID, ""]), "[1]"), (list(vec![&long, UUID]), "[0]")]
        }
        "repeated.items" => {
            vec![(list(vec![UUID, "x"]), "[1]"), (list(vec!["", UUID]), "[0]")]
        }
        other => panic!("{}: no value that violates {other}", field.full_name()),
    }
}

/// Texts that a pattern does not match.
fn mismatches(pattern: &str, field: &FieldDescriptor) -> Vec<&'static str> {
    match pattern {
        "^$|^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$" => NO_UUIDS.to_vec(),
        "^[a-z0-9_-]{1,50}$" => vec!["", "ACME", "a b", "a.b", "ä", "acme\n", "a/b"],
        "^$|^[^@\\s]+@[^@\\s]+$" => vec!["a", "@", "@b", "a@", "a@b@c", "a b@c", "a@b\n", " a@b"],
        "^$|^(create_time|username|last_login_time)( desc)?$" => vec![
            "password_hash",
            "username desc; DROP TABLE user",
            "username  desc",
            "USERNAME",
            "username,create_time",
            " username",
        ],
        "^$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$" => {
            vec!["yesterday", "2026-1-31", "2026-01-31T00:00:00Z", "20260131", " ", "+026-01-31"]
        }
        other => panic!("{}: a pattern that is new here: {other}", field.full_name()),
    }
}

/// The fields of a request that have rules, at any depth, by name without
/// indices.
fn ruled(message: &MessageDescriptor, prefix: &str) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for field in message.fields() {
        let name = format!("{prefix}{}", field.name());
        all.extend(contract::rules(&field).into_iter().map(|(rule, _)| (name.clone(), rule)));
        if let Kind::Message(inner) = field.kind()
            && contract::is_ours(&inner)
        {
            all.extend(ruled(&inner, &format!("{name}.")));
        }
    }
    all
}

/// `user_ids` of `user_ids[1]`.
fn without_indices(field: &str) -> String {
    let parts = field.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest));
    parts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_violated_rule_is_refused_and_names_its_field() {
    let world = open_world().await;
    let (mut wrong, mut violated, mut existing) = (Vec::new(), 0, 0);
    for (number, method) in contract::implemented_methods().iter().enumerate() {
        let name = contract::name(method);
        let cast = Cast::new(&world, &format!("r{number}")).await;
        let who = if contract::level(method) == Level::Admin { Who::Admin } else { Who::User };
        let stage = Stage { world: &world, cast: &cast, who };
        let valid = stage.fixture(method).await.request;
        let mut seen = BTreeSet::new();
        for Violation { field, rule, request } in violations(&valid, &[]) {
            let answer = send(cast.client(who), method, &request).await;
            let named: Option<Vec<_>> = answer.as_ref().err().map(|status| {
                let violations = status.get_error_details();
                let violations = violations.bad_request().map(|bad| &bad.field_violations[..]);
                violations.unwrap_or_default().iter().map(|it| it.field.clone()).collect()
            });
            let code = answer.as_ref().err().map_or(Code::Ok, tonic::Status::code);
            if code != Code::InvalidArgument || named != Some(vec![field.clone()]) {
                wrong.push(format!("{name}: {field} {rule}: {code:?} {named:?} for {request}"));
            }
            seen.insert((without_indices(&field), rule));
        }
        let all = ruled(&method.input(), "");
        assert_eq!(seen, all, "{name}");
        (violated, existing) = (violated + seen.len(), existing + all.len());
        // Nothing but the rule was wrong: the request itself is fine.
        if let Err(status) = send(cast.client(who), method, &valid).await {
            wrong.push(format!("{name}: the valid request: {status:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(violated, existing);
    assert!(violated > 60, "only {violated} rules");
}
