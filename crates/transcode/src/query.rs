//! Fields in the query, and in the path.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, Value};
use serde_json::Value as Json;

use crate::{
    binding::{Binding, Body},
    body,
    field::{FieldPath, single_message},
    mask,
    request::{Invalid, Violation},
};

/// Messages that are a text in JSON, or a number that may be one.
const TEXTS: [&str; 11] = [
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
    "google.protobuf.FieldMask",
    "google.protobuf.StringValue",
    "google.protobuf.BytesValue",
    "google.protobuf.Int32Value",
    "google.protobuf.Int64Value",
    "google.protobuf.UInt32Value",
    "google.protobuf.UInt64Value",
    "google.protobuf.FloatValue",
    "google.protobuf.DoubleValue",
];
const BOOL: &str = "google.protobuf.BoolValue";

/// The fields that a query names, each with its values, in the order in which they
/// are named. Those that path or body hold are none of it.
pub fn parameters(
    binding: &Binding,
    query: &str,
) -> Result<Vec<(FieldPath, Vec<String>)>, Invalid> {
    let request = binding.method.input();
    let mut found: Vec<(FieldPath, Vec<String>)> = Vec::new();
    let mut violations = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let field = FieldPath::find(&request, &name).filter(|field| is_open(binding, field));
        let Some(field) = field else {
            violations.push(Violation::new(name, "no field that the query can hold"));
            continue;
        };
        match found.iter_mut().find(|(known, _)| *known == field) {
            Some((_, values)) => values.push(value.into_owned()),
            None => found.push((field, vec![value.into_owned()])),
        }
    }
    if violations.is_empty() { Ok(found) } else { Err(Invalid(violations)) }
}

/// The fields that a query can name, those of messages in the request included.
pub fn fields(binding: &Binding) -> Vec<FieldPath> {
    let mut found = Vec::new();
    collect(binding, &binding.method.input(), None, &mut found);
    found
}

fn collect(
    binding: &Binding,
    message: &MessageDescriptor,
    within: Option<&FieldPath>,
    found: &mut Vec<FieldPath>,
) {
    for field in message.fields() {
        let field = within.map_or_else(|| field.clone().into(), |it| it.then(field.clone()));
        if !is_open(binding, &field) {
            continue;
        }
        if is_value(field.last()) {
            found.push(field);
        } else if let Some(inner) = single_message(field.last()) {
            // What holds itself has no end.
            let again = field.fields().iter().any(|it| it.parent_message() == &inner);
            if !again {
                collect(binding, &inner, Some(&field), found);
            }
        }
    }
}

/// Whether the field has values that are texts.
fn is_value(field: &FieldDescriptor) -> bool {
    mask::is_mask(field) || json(field, "").is_some()
}

/// Whether neither path nor body hold the field.
fn is_open(binding: &Binding, field: &FieldPath) -> bool {
    let in_body = match &binding.body {
        Body::None => false,
        Body::Whole => true,
        Body::Field(body) => field.first() == body,
    };
    !in_body && !binding.template.fields().any(|it| it == field)
}

/// The value of a field whose values are these texts.
pub fn value(field: &FieldPath, texts: &[impl AsRef<str>]) -> Result<Value, Violation> {
    let refused = |description: &str| Violation::new(field.name(), description);
    let descriptor = field.last();
    let mut all = texts.iter().map(AsRef::as_ref);
    if mask::is_mask(descriptor) {
        return Ok(mask::of(descriptor, &all.collect::<Vec<_>>().join(",")));
    }
    let value = if descriptor.is_list() {
        all.map(|text| json(descriptor, text)).collect::<Option<Vec<_>>>().map(Json::Array)
    } else {
        let first = all.next().and_then(|text| json(descriptor, text));
        if all.next().is_some() {
            return Err(refused("given more than once"));
        }
        first
    };
    let value = value.ok_or_else(|| refused("no field that the query can hold"))?;
    body::field(descriptor, &value).map_err(|error| refused(&error))
}

/// What a text is in JSON, where numbers may be texts. Nothing for what is several
/// things.
fn json(field: &FieldDescriptor, text: &str) -> Option<Json> {
    let kind = field.kind();
    let message = kind.as_message().map(MessageDescriptor::full_name);
    if field.is_map() || message.is_some_and(|it| it != BOOL && !TEXTS.contains(&it)) {
        return None;
    }
    let plain = || Json::String(text.to_owned());
    if kind == Kind::Bool || message == Some(BOOL) {
        return Some(text.parse().map_or_else(|_| plain(), Json::Bool));
    }
    if kind.as_enum().is_some() {
        return Some(text.parse::<i32>().map_or_else(|_| plain(), Json::from));
    }
    Some(plain())
}
