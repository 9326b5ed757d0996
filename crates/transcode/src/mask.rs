//! Which fields a request changes (AIP-161).

use prost_reflect::{
    DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage as _, Value,
};
use serde_json::Value as Json;

use crate::field::single_message;

const MASK: &str = "google.protobuf.FieldMask";

/// The field that says which fields a request changes (AIP-134).
const UPDATE_MASK: &str = "update_mask";

/// Whether a field holds one mask.
pub fn is_mask(field: &FieldDescriptor) -> bool {
    single_message(field).is_some_and(|message| message.full_name() == MASK)
}

/// The mask that consists of the paths in `text`, separated by commas, in the
/// names of the contract or of JSON.
pub fn of(field: &FieldDescriptor, text: &str) -> Value {
    let paths = text.split(',').filter(|path| !path.is_empty()).map(snake_case);
    mask(field, paths)
}

fn mask(field: &FieldDescriptor, paths: impl Iterator<Item = String>) -> Value {
    let mut value = Value::default_value_for_field(field);
    if let Some(mask) = value.as_message_mut() {
        mask.set_field_by_name("paths", Value::List(paths.map(Value::String).collect()));
    }
    value
}

fn snake_case(path: &str) -> String {
    path.chars().fold(String::new(), |mut snake, letter| {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        snake
    })
}

/// Says that a request changes the fields that its body names, where it has a
/// field for that and does not say so itself. `resource` is the field that the
/// body is.
pub fn derive(request: &mut DynamicMessage, resource: &FieldDescriptor, body: &[u8]) {
    let field = request.descriptor().get_field_by_name(UPDATE_MASK).filter(is_mask);
    let Some(field) = field.filter(|field| !request.has_field(field)) else { return };
    // It has been read as a message already.
    let (Ok(body), Some(message)) = (serde_json::from_slice(body), single_message(resource)) else {
        return;
    };
    let mut paths = Vec::new();
    collect(&message, &body, "", &mut paths);
    request.set_field(&field, mask(&field, paths.into_iter()));
}

/// Collects the paths of the fields that `json` names: of messages in it, those
/// of their fields.
fn collect(message: &MessageDescriptor, json: &Json, within: &str, paths: &mut Vec<String>) {
    for (name, value) in json.as_object().into_iter().flatten() {
        let named = message.get_field_by_json_name(name);
        let Some(field) = named.or_else(|| message.get_field_by_name(name)) else { continue };
        let path = format!("{within}{}", field.name());
        let inner = single_message(&field)
            // The library's have JSON of their own.
            .filter(|inner| inner.parent_file().package_name() != "google.protobuf")
            .filter(|_| value.as_object().is_some_and(|fields| !fields.is_empty()));
        match inner {
            Some(inner) => collect(&inner, value, &format!("{path}."), paths),
            None => paths.push(path),
        }
    }
}
