//! The body of a request.

use prost_reflect::{
    DeserializeOptions, DynamicMessage, FieldDescriptor, MessageDescriptor, Value,
};
use serde::de::DeserializeSeed as _;
use serde_json::{Deserializer, de::SliceRead};

use crate::{
    binding::{Binding, Body},
    field::single_message,
    request::{Invalid, Violation},
    unique::Unique,
};

/// Reads the request as far as it is in the body.
pub fn read(binding: &Binding, body: &[u8]) -> Result<DynamicMessage, Invalid> {
    let request = binding.method.input();
    if body.is_empty() {
        // Nothing is said about any field.
        return Ok(DynamicMessage::new(request));
    }
    match &binding.body {
        Body::None => Err(Violation::new("", "this request has no body").into()),
        Body::Whole => Ok(message(request, body, "")?),
        Body::Field(field) => {
            let value = match single_message(field) {
                Some(inner) => Value::Message(message(inner, body, field.name())?),
                None => part(field, body)?,
            };
            let mut whole = DynamicMessage::new(request);
            whole.set_field(field, value);
            Ok(whole)
        }
    }
}

/// Reads what is no message, such as a list of them.
fn part(field: &FieldDescriptor, json: &[u8]) -> Result<Value, Violation> {
    parsed(json, field.name(), |reader| Unique::of(field).deserialize(reader))?;
    let refused = |description| Violation::new(field.name(), description);
    let json = serde_json::from_slice(json).map_err(|error| refused(error.to_string()))?;
    self::field(field, &json).map_err(refused)
}

/// Reads a message: text behind it is refused, fields that it has not or that come
/// twice, and nesting without end.
fn message(
    descriptor: MessageDescriptor,
    json: &[u8],
    at: &str,
) -> Result<DynamicMessage, Violation> {
    parsed(json, at, |reader| Unique::Message(descriptor.clone()).deserialize(reader))?;
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    parsed(json, at, |reader| {
        DynamicMessage::deserialize_with_options(descriptor, reader, &options)
    })
}

type Reader<'a, 'json> =
    serde_path_to_error::Deserializer<'a, 'a, &'a mut Deserializer<SliceRead<'json>>>;

/// What `parse` makes of all of `json`; where it fails, it says in which field, or
/// that it is `at` the beginning.
fn parsed<T>(
    json: &[u8],
    at: &str,
    parse: impl FnOnce(Reader<'_, '_>) -> Result<T, serde_json::Error>,
) -> Result<T, Violation> {
    let mut reader = Deserializer::new(SliceRead::new(json));
    let mut track = serde_path_to_error::Track::new();
    let parsed = parse(serde_path_to_error::Deserializer::new(&mut reader, &mut track));
    let refused = |error: &serde_json::Error, field: String| {
        let described = error.to_string();
        // Lines and columns are of no use to whoever wrote fields.
        let description = described.split(" at line ").next().unwrap_or_default();
        Violation::new(field, description)
    };
    let parsed = parsed.map_err(|error| {
        let path = track.path().to_string();
        let names = [at, &path].into_iter().filter(|name| !name.is_empty() && *name != ".");
        refused(&error, names.collect::<Vec<_>>().join("."))
    })?;
    reader.end().map_err(|error| refused(&error, String::new()))?;
    Ok(parsed)
}

/// Reads what a field holds out of its JSON.
pub fn field(field: &FieldDescriptor, json: &serde_json::Value) -> Result<Value, String> {
    let parent = field.parent_message().clone();
    let holder = serde_json::json!({ field.json_name(): json });
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let holder = DynamicMessage::deserialize_with_options(parent, holder, &options);
    // What is the default may count as nothing.
    let value = holder.map_err(|error| error.to_string())?.take_field(field);
    Ok(value.unwrap_or_else(|| Value::default_value_for_field(field)))
}
