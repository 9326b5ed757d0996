//! Words on the page.

use maud::{Markup, html};
use serde_json::Value as Json;

use crate::example::referred;

/// A comment: paragraphs, and what stands between backticks as code.
pub fn paragraphs(text: &str) -> Markup {
    let paragraphs = text.split("\n\n").filter(|it| !it.is_empty());
    html! {
        @for paragraph in paragraphs {
            p {
                @for (index, piece) in paragraph.split('`').enumerate() {
                    @if index % 2 == 1 { code { (piece) } } @else { (piece) }
                }
            }
        }
    }
}

/// What may be wider than the page, and is reached with the keyboard then.
pub fn scrolled(label: &str, content: &Markup) -> Markup {
    html! { div.scrolled role="group" aria-label=(label) tabindex="0" { (content) } }
}

/// Marks what has to be there.
pub fn needed() -> Markup {
    html! { span.needed { "needed" } }
}

/// What a value is.
pub fn kind(schema: &Json) -> Markup {
    if let Some(name) = referred(schema) {
        let (_package, title) = name.rsplit_once('.').unwrap_or(("", name));
        return html! { a href={ "#type-" (name) } { (title) } };
    }
    if let Some(any) = schema.get("anyOf").and_then(Json::as_array) {
        // That nothing may be said is said once for all.
        let any: Vec<_> = any.iter().filter(|it| it["type"] != "null").collect();
        return html! {
            @for (index, it) in any.into_iter().enumerate() {
                @if index > 0 { " or " }
                (kind(it))
            }
        };
    }
    if let (Some(items), true) = (schema.get("items"), has_type(schema, "array")) {
        return html! { "list of " (kind(items)) (bounds(items)) };
    }
    if let Some(values) = schema.get("additionalProperties").filter(|it| it.is_object()) {
        return html! { "map to " (kind(values)) };
    }
    if let Some(numbers) = schema.get("enum").filter(|_| schema.get("type").is_none()) {
        return html! { "one of " (numbers.to_string()) };
    }
    html! { (plain(schema)) }
}

fn plain(schema: &Json) -> String {
    let Some(types) = schema.get("type") else { return "anything".to_owned() };
    let types: Vec<_> = match types.as_array() {
        Some(types) => types.iter().filter_map(Json::as_str).collect(),
        None => types.as_str().into_iter().collect(),
    };
    let types: Vec<_> = types.into_iter().filter(|it| *it != "null").collect();
    let types = types.join(" or ");
    match schema.get("format").and_then(Json::as_str) {
        Some(format) => format!("{types} ({format})"),
        None => types,
    }
}

fn has_type(schema: &Json, name: &str) -> bool {
    let types = &schema["type"];
    types == name || types.as_array().is_some_and(|it| it.iter().any(|it| it == name))
}

/// Between what a value has to be.
pub fn bounds(schema: &Json) -> Markup {
    let bounds = [
        ("minLength", "maxLength", " characters"),
        ("x-min-bytes", "x-max-bytes", " bytes"),
        ("minItems", "maxItems", " items"),
        ("minimum", "maximum", ""),
    ];
    let bounds = bounds.into_iter().filter_map(|(least, most, unit)| {
        match (bound(schema, least), bound(schema, most)) {
            (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
            (Some(least), None) => Some(format!("at least {least}{unit}")),
            (None, Some(most)) => Some(format!("at most {most}{unit}")),
            (None, None) => None,
        }
    });
    // That of a number is about how it is written as a text.
    let is_text = |_: &&str| schema["type"] == "string" || schema["type"][0] == "string";
    html! {
        @for bound in bounds { ", " (bound) }
        @if let Some(pattern) = schema["pattern"].as_str().filter(is_text) {
            ", matching " code { (pattern) }
        }
    }
}

/// A bound, unless it is that of the type.
fn bound(schema: &Json, keyword: &str) -> Option<String> {
    let bound = schema.get(keyword)?;
    let of_the_type = |it: &f64| it.abs() >= f64::from(i32::MAX);
    let said = bound.as_f64().filter(|it| !of_the_type(it));
    said.map(|it| it.to_string())
}
