//! The types on the page.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::Value as Json;

use super::{method::properties_table, text};
use crate::{
    api::Api,
    example::referred,
    schema::{Named, Shape},
};

impl Api<'_> {
    /// Everything that is a part of something.
    pub(crate) fn types(&self) -> Markup {
        let parts = self.parts();
        let parts = self.schemas.named().iter().filter(|(name, _)| parts.contains(&***name));
        html! {
            section aria-labelledby="types" {
                h2 id="types" { "Types" }
                @for (name, named) in parts { (described(name, named)) }
            }
        }
    }

    /// The names of what is a part of something. What is a body or an answer and
    /// nothing else stands where it is one.
    pub(crate) fn parts(&self) -> BTreeSet<&str> {
        let mut parts = BTreeSet::new();
        for named in self.schemas.named().values() {
            if let Shape::Object(object) = &named.shape {
                object.properties.iter().for_each(|it| collect(&it.schema, &mut parts));
            }
        }
        for (_, _, operation) in self.operations() {
            operation.parameters.iter().for_each(|it| collect(&it.schema, &mut parts));
        }
        parts
    }
}

/// The names that a schema refers to, at whatever depth.
fn collect<'a>(schema: &'a Json, names: &mut BTreeSet<&'a str>) {
    names.extend(referred(schema));
    match schema {
        Json::Object(fields) => fields.values().for_each(|it| collect(it, names)),
        Json::Array(items) => items.iter().for_each(|it| collect(it, names)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

fn described(name: &str, named: &Named) -> Markup {
    html! {
        article aria-labelledby={ "type-" (name) } {
            h3 id={ "type-" (name) } { (named.title) }
            p.note { code { (name) } }
            (text::paragraphs(&named.description))
            @match &named.shape {
                Shape::Object(object) if !object.properties.is_empty() => {
                    (properties_table(&format!("Fields of {}", named.title), object))
                    @for choice in &object.choices {
                        p { "One of " (choice.join(", ")) " at most." }
                    }
                }
                Shape::Object(_) | Shape::Open => p { "It has no fields." }
                Shape::Names(values) => {
                    dl {
                        @for it in values {
                            dt { code { (it.name) } }
                            dd { (text::paragraphs(&it.description)) }
                        }
                    }
                }
            }
        }
    }
}
