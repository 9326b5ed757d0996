//! What a request may look like.

use std::fmt::Write as _;

use http::Method as Verb;
use serde_json::{Map, Value as Json, json};

use crate::{
    access::Level,
    api::Method,
    operation::{Operation, Parameter},
    schema::{Object, Schemas, Shape},
};

/// Ids and times look like these.
const ID: &str = "0199a2b4-0000-7000-8000-000000000001";
const TIME: &str = "2026-01-31T09:30:00Z";

/// Any text.
const TEXT: &str = "example";

/// A command line that calls the method. `$SERVER` is where, and `$TOKEN` by whom.
pub fn command(method: &Method, operation: &Operation, schemas: &Schemas) -> String {
    let mut command = "curl".to_owned();
    if method.is_stream {
        command.push_str(" --no-buffer");
    }
    if operation.verb != Verb::GET {
        let _ = write!(command, " --request {}", operation.verb);
    }
    let _ = write!(command, " \"$SERVER{}\"", target(operation, schemas));
    if method.level != Level::Public {
        command.push_str(" \\\n  --header \"Authorization: Bearer $TOKEN\"");
    }
    if let Some(body) = &operation.body {
        let _ = write!(command, " \\\n  --json '{}'", value(&body.schema, schemas));
    }
    command
}

/// The path with something for each parameter, and the query that has to be there.
fn target(operation: &Operation, schemas: &Schemas) -> String {
    let text = |it: &Parameter| match value(&it.schema, schemas) {
        Json::String(text) => text,
        Json::Array(items) => items.first().and_then(Json::as_str).unwrap_or_default().to_owned(),
        other @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_)) => {
            other.to_string()
        }
    };
    let of = |place| operation.parameters.iter().filter(move |it| it.place == place);
    let path = of("path").fold(operation.path.clone(), |path, it| {
        path.replace(&format!("{{{}}}", it.name), &text(it))
    });
    let query: Vec<_> = of("query")
        .filter(|it| it.is_required)
        .map(|it| format!("{}={}", it.name, text(it)))
        .collect();
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

/// A value of a schema.
pub fn value(schema: &Json, schemas: &Schemas) -> Json {
    if let Some(name) = referred(schema) {
        return match schemas.named().get(name).map(|it| &it.shape) {
            Some(Shape::Object(object)) => fields(object, schemas),
            // The first one says that nothing is said.
            Some(Shape::Names(names)) => {
                names.get(1).or(names.first()).map_or(Json::Null, |it| json!(it.name))
            }
            Some(Shape::Open) | None => json!({}),
        };
    }
    if let Some(any) = schema.get("anyOf").and_then(Json::as_array) {
        return any.first().map_or(Json::Null, |it| value(it, schemas));
    }
    let types = schema.get("type");
    let first = types.and_then(|it| it.as_str().or_else(|| it.get(0)?.as_str()));
    match first {
        Some("string") => json!(text(schema)),
        Some("integer") => {
            schema.get("minimum").filter(|it| it.as_i64() > Some(0)).map_or(json!(1), Clone::clone)
        }
        Some("number") => json!(0.5),
        Some("boolean") => json!(true),
        Some("array") => {
            let item = schema.get("items").map(|it| value(it, schemas));
            json!([item.unwrap_or_default()])
        }
        Some(_) | None => json!({}),
    }
}

/// A message that says what it has to, or else one thing.
fn fields(object: &Object, schemas: &Schemas) -> Json {
    let needed = object.properties.iter().filter(|it| it.is_required);
    let mut shown: Vec<_> = needed.collect();
    if shown.is_empty() {
        // What follows an expression cannot be made up.
        let free = object.properties.iter().find(|it| it.schema.get("pattern").is_none());
        shown.extend(free);
    }
    let shown = shown.into_iter().map(|it| (it.name.clone(), value(&it.schema, schemas)));
    Json::Object(shown.collect::<Map<_, _>>())
}

fn text(schema: &Json) -> String {
    match schema.get("format").and_then(Json::as_str) {
        Some("uuid") => return ID.to_owned(),
        Some("date-time") => return TIME.to_owned(),
        Some(_) | None => {}
    }
    let bound = |keyword| {
        let bound = schema.get(keyword).and_then(Json::as_u64);
        bound.and_then(|it| usize::try_from(it).ok())
    };
    let text: String =
        TEXT.chars().cycle().take(TEXT.len().max(bound("minLength").unwrap_or(0))).collect();
    text.chars().take(bound("maxLength").unwrap_or(usize::MAX)).collect()
}

/// The name that a schema refers to.
pub fn referred(schema: &Json) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/")
}
