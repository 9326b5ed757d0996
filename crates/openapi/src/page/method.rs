//! A method on the page.

use maud::{Markup, html};
use serde_json::Value as Json;

use super::text::{self, bounds, kind};
use crate::{
    api::{Api, Method, Service},
    example, failure,
    operation::{Operation, Parameter, RequestBody},
    schema::{Object, Property, Shape},
};

impl Api<'_> {
    /// What a method does, takes and answers.
    pub(crate) fn method(&self, service: &Service, method: &Method) -> Markup {
        let id = format!("{}.{}", service.name, method.name);
        html! {
            article aria-labelledby=(id) {
                h3 id=(id) { (method.name) }
                @for (index, operation) in method.operations.iter().enumerate() {
                    p.path { b { (operation.verb) } " " code { (broken(&operation.path)) } }
                    // What is as before is not said again.
                    @if !method.operations[..index].iter().any(|it| is_same(it, operation)) && index > 0 {
                        (self.request(method, operation))
                    }
                }
                p { b { "For:" } " " (method.level.callers()) "." }
                (text::paragraphs(&method.description))
                @if let Some(operation) = method.operations.first() {
                    (self.request(method, operation))
                    (self.answer(method))
                    (failures(method, operation))
                    h4 { "Example" }
                    (text::scrolled("Example", &html! {
                        pre { code { (example::command(method, operation, &self.schemas)) } }
                    }))
                }
            }
        }
    }

    fn request(&self, method: &Method, operation: &Operation) -> Markup {
        html! {
            @if !operation.parameters.is_empty() {
                (text::scrolled("Parameters", &html! {
                    table {
                        caption { "Parameters of " (method.name) }
                        thead {
                            tr {
                                th scope="col" { "Name" }
                                th scope="col" { "In" }
                                th scope="col" { "Value" }
                                th scope="col" { "Meaning" }
                            }
                        }
                        tbody { @for it in &operation.parameters { (parameter(it)) } }
                    }
                }))
            }
            @if let Some(body) = &operation.body { (self.body(method, body)) }
        }
    }

    fn body(&self, method: &Method, body: &RequestBody) -> Markup {
        let caption = format!("Body of {}", method.name);
        let needed = if body.is_required { "needed" } else { "may be left out" };
        html! {
            @if let Some(object) = self.object(&body.schema) {
                @if object.properties.is_empty() {
                    p { b { "Body:" } " an empty object; " (needed) "." }
                } @else {
                    (properties_table(&format!("{caption}; {needed}"), object))
                }
            } @else {
                p { b { "Body:" } " " (kind(&body.schema)) (bounds(&body.schema)) "; " (needed) "." }
            }
        }
    }

    fn answer(&self, method: &Method) -> Markup {
        html! {
            p {
                b { "Answer:" } " "
                @if method.is_stream { "any number of " }
                (self.whole(&method.answer))
                @if method.is_stream {
                    ", each in a line (" code { "application/x-ndjson" } ") or, where "
                    code { "Accept" } " asks for it, in an event (" code { "text/event-stream" } ")"
                }
                @if method.has_etag && !method.is_stream { ", its version in " code { "ETag" } }
                "."
            }
            @if let Some(object) = self.object(&method.answer) && !object.properties.is_empty() {
                (properties_table(&format!("Answer of {}", method.name), object))
            }
        }
    }

    /// What an answer is, with a link to where it is described.
    fn whole(&self, schema: &Json) -> Markup {
        match example::referred(schema).filter(|name| !self.parts().contains(name)) {
            Some(name) => html! { (self.schemas.named().get(name).map_or("", |it| &it.title)) },
            None => kind(schema),
        }
    }

    /// The message that a schema refers to.
    fn object(&self, schema: &Json) -> Option<&Object> {
        match &self.schemas.named().get(example::referred(schema)?)?.shape {
            Shape::Object(object) => Some(object),
            Shape::Open | Shape::Names(_) => None,
        }
    }
}

/// Whether two operations take the same.
fn is_same(one: &Operation, other: &Operation) -> bool {
    let names = |of: &Operation| {
        of.parameters.iter().map(|it| (it.name.clone(), it.place)).collect::<Vec<_>>()
    };
    let body = |of: &Operation| of.body.as_ref().map(|it| it.schema.clone());
    names(one) == names(other) && body(one) == body(other)
}

/// A path that may break in front of each slash.
fn broken(path: &str) -> Markup {
    html! {
        @for piece in path.split('/').skip(1) { wbr; "/" (piece) }
    }
}

fn parameter(of: &Parameter) -> Markup {
    html! {
        tr {
            th scope="row" { code { (of.name) } @if of.is_required { " " (text::needed()) } }
            td { (of.place) }
            td { (kind(&of.schema)) (bounds(&of.schema)) }
            td { (text::paragraphs(&of.description)) }
        }
    }
}

pub fn properties_table(caption: &str, object: &Object) -> Markup {
    text::scrolled(
        caption,
        &html! {
            table {
                caption { (caption) }
                thead {
                    tr {
                        th scope="col" { "Field" }
                        th scope="col" { "Value" }
                        th scope="col" { "Meaning" }
                    }
                }
                tbody {
                    @for it in &object.properties {
                        tr {
                            th scope="row" {
                                code { (it.name) } (presence(object, it))
                            }
                            td { (kind(&it.schema)) (bounds(&it.schema)) }
                            td { (text::paragraphs(&it.description)) }
                        }
                    }
                }
            }
        },
    )
}

/// Says of a request what it has to hold, and of an answer what it may not.
fn presence(object: &Object, property: &Property) -> Markup {
    html! {
        @match (object.is_closed, property.is_required) {
            (true, true) => { " " (text::needed()) }
            (false, false) => { " " span.note { "unless unset" } }
            (true, false) | (false, true) => {}
        }
    }
}

fn failures(method: &Method, operation: &Operation) -> Markup {
    text::scrolled(
        "Errors",
        &html! {
            table {
                caption { "Errors of " (method.name) }
                thead { tr { th scope="col" { "Status" } th scope="col" { "When" } } }
                tbody {
                    @for it in &operation.failures {
                        tr {
                            th scope="row" { (it.status) " " (failure::name(it.status)) }
                            td { (text::paragraphs(&it.description)) }
                        }
                    }
                }
            }
        },
    )
}
