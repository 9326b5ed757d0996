//! The messages of the library that JSON of their own is given.

use prost_reflect::MessageDescriptor;
use serde_json::{Value as Json, json};

const PACKAGE: &str = "google.protobuf";

/// The schema of such a message.
pub fn schema(message: &MessageDescriptor) -> Option<Json> {
    if message.package_name() != PACKAGE {
        return None;
    }
    Some(match message.name() {
        "Timestamp" => json!({ "type": "string", "format": "date-time" }),
        "Duration" => json!({ "type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$" }),
        // Fields by their names in JSON, with commas in between.
        "FieldMask" => json!({ "type": "string", "pattern": "^[A-Za-z0-9.,]*$" }),
        "Any" => json!({
            "type": "object",
            "properties": { "@type": { "type": "string" } },
            "required": ["@type"],
        }),
        "Struct" => json!({ "type": "object" }),
        "ListValue" => json!({ "type": "array", "items": {} }),
        "Value" => json!({}),
        "Empty" => json!({ "type": "object", "additionalProperties": false }),
        // The others are a value that may be left out.
        _ => return None,
    })
}

/// Whether the message is a value that may be left out, and nothing else.
pub fn is_wrapper(message: &MessageDescriptor) -> bool {
    message.package_name() == PACKAGE
        && message.name().ends_with("Value")
        && schema(message).is_none()
}
